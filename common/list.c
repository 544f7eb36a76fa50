#include "list.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fail.h"

int
list_add(struct list *list, const char *text)
{
  if (list->count + 1 >= list->room) {
    size_t room = list->room ? 2 * list->room : 8;
    char **items = reallocarray(list->items, room, sizeof *items);
    if (!items)
      return fail("a list of %zu strings", room);
    list->items = items;
    list->room = room;
  }
  char *copy = strdup(text);
  if (!copy)
    return fail("a string of %zu bytes", strlen(text));
  list->items[list->count++] = copy;
  list->items[list->count] = NULL;
  return 0;
}

bool
list_has(const struct list *list, const char *text)
{
  for (size_t i = 0; i < list->count; i++)
    if (strcmp(list->items[i], text) == 0)
      return true;
  return false;
}

void
list_free(struct list *list)
{
  int error = errno;
  for (size_t i = 0; i < list->count; i++)
    free(list->items[i]);
  free(list->items);
  *list = (struct list){0};
  errno = error;
}
