/* list.h - a list of strings that grows. */
#ifndef LIST_H
#define LIST_H

#include <stdbool.h>
#include <stddef.h>

#define autolist __attribute__((cleanup(list_free)))

/* All zero is an empty list. The list owns its strings. */
struct list {
  char **items;  /* `count` strings and then a NULL, as execv(3) wants them;
                    NULL while the list is empty */
  size_t count;  /* strings in it */
  size_t room;   /* strings it could hold before it must grow */
};

/* Append a copy of `text`. Returns 0, or -1 with ENOMEM and a message. */
int list_add(struct list *list, const char *text);

/* Is a string equal to `text` in the list? */
bool list_has(const struct list *list, const char *text);

/* Free the strings and make the list empty. errno stays. */
void list_free(struct list *list);

#endif
