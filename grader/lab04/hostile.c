/* hostile.c - images by somebody who means no good.
 *
 *     hostile list [GROUP]          the groups; or a group's cases (those of tar, gzip,
 *                                   zstd and cut are archives cut off), a line each:
 *                                   NAME refused|accepted|either WHAT-THE-MESSAGE-MATCHES
 *     hostile make CASE DIR CANARY  write an image layout, and in it the image "hostile";
 *                                   then look at the canary and at it
 *     hostile judge CASE DIR CANARY is in DIR what must have become of it?
 *     hostile look DIR...           all that is there; two looks can be compared
 *     hostile shape DIR...          the same without times
 *     hostile peak FILE COMMAND...  run it, and write to FILE how much memory it and
 *                                   what it waited for had at most, in KiB
 *
 * CANARY is a directory outside of any target, with a file "secret" in it, which the
 * images try to read, to change and to remove.
 *
 * The cases: hostile_trees.c, hostile_headers.c, hostile_endings.c,
 * hostile_truncated.c, hostile_documents.c.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "hostile.h"

static const struct {
  const struct group *groups;
  const size_t *count;
} all[] = {
    {tree_groups, &tree_group_count},
    {header_groups, &header_group_count},
    {ending_groups, &ending_group_count},
    {document_groups, &document_group_count},
};

static void
list_group(const struct group *group)
{
  static const char *const outcomes[] = {"refused", "accepted", "either"};
  for (size_t i = 0; i < group->count; i++) {
    const struct hostile *hostile = &group->cases[i];
    printf("%s %s %s\n", hostile->name, outcomes[hostile->outcome],
           hostile->said ? hostile->said : "");
  }
}

/* All groups, or the cases of the one that is called so. */
static int
list(const char *name)
{
  bool found = !name;
  for (size_t i = 0; i < sizeof all / sizeof *all; i++)
    for (size_t j = 0; j < *all[i].count; j++) {
      const struct group *group = &all[i].groups[j];
      if (!name)
        printf("%s\n", group->name);
      else if (strcmp(group->name, name) == 0) {
        list_group(group);
        found = true;
      }
    }
  return found || truncated_list(name) ? 0 : 2;
}

static const struct hostile *
find(const char *name)
{
  for (size_t i = 0; i < sizeof all / sizeof *all; i++)
    for (size_t j = 0; j < *all[i].count; j++)
      for (size_t k = 0; k < all[i].groups[j].count; k++)
        if (strcmp(all[i].groups[j].cases[k].name, name) == 0)
          return &all[i].groups[j].cases[k];
  const struct hostile *hostile = truncated(name);
  if (!hostile)
    give_up("no such case: %s", name);
  return hostile;
}

static int
peak(const char *file, char **command)
{
  int status;
  struct rusage used;
  pid_t pid = vfork();
  if (pid == 0) {
    execvp(command[0], command);
    _exit(127);
  }
  if (pid < 0 || wait4(pid, &status, 0, &used) < 0)
    give_up("cannot run %s", command[0]);
  FILE *out = fopen(file, "we");
  if (!out)
    give_up("cannot write %s", file);
  fprintf(out, "%ld\n", used.ru_maxrss);
  fclose(out);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int
main(int argc, char **argv)
{
  const char *verb = argc > 1 ? argv[1] : "";
  umask(022);
  if (argc == 5)
    canary = argv[4];
  if (argc <= 3 && strcmp(verb, "list") == 0)
    return list(argv[2]);
  if (argc == 5 && strcmp(verb, "make") == 0)
    return image_make(find(argv[2]), argv[3]), look(argv[4], true), look(argv[3], true), 0;
  if (argc == 5 && strcmp(verb, "judge") == 0)
    return !judge(find(argv[2]), argv[3]);
  if (argc > 3 && strcmp(verb, "peak") == 0)
    return peak(argv[2], argv + 3);
  if (argc < 3 || (strcmp(verb, "look") != 0 && strcmp(verb, "shape") != 0))
    give_up("say list, make, judge, peak, look or shape");
  for (int i = 2; i < argc; i++)
    look(argv[i], strcmp(verb, "look") == 0);
  return 0;
}
