/* starters - make a starter out of a solution: starters SOLUTION > STARTER
 *
 * A solution holds its own starter. Inside a function,
 *
 *     //> TODO and a stub,
 *     //> as the student gets them
 *     the answer
 *     //<
 *
 * becomes the lines behind "//> ", with the answer gone. A single "//>" with
 * nothing behind it starts an answer that leaves nothing in its place: helpers
 * of the solution.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int
main(int argc, char **argv)
{
  FILE *file = argc == 2 ? fopen(argv[1], "re") : NULL;
  if (!file) {
    fprintf(stderr, "usage: starters SOLUTION > STARTER\n");
    return 2;
  }
  char *line = NULL;
  size_t room = 0;
  bool answer = false, blank = false;
  int number = 0;
  while (getline(&line, &room, file) > 0) {
    size_t indent = strspn(line, " ");
    const char *text = line + indent;
    number++;
    if (strncmp(text, "//>", 3) == 0) {
      answer = true;
      text += 3 + (text[3] == ' ');
      if (*text != '\n')
        printf("%.*s%s", (int)indent, line, text);
    } else if (strncmp(text, "//<", 3) == 0) {
      if (!answer) {
        fprintf(stderr, "%s:%d: //< without //>\n", argv[1], number);
        return 1;
      }
      answer = false;
    } else if (!answer) {
      if (*text != '\n' || !blank) /* no two blank lines where an answer was */
        fputs(line, stdout);
      blank = *text == '\n';
    }
  }
  if (answer) {
    fprintf(stderr, "%s: //> without //<\n", argv[1]);
    return 1;
  }
  free(line);
  fclose(file);
  return 0;
}
