/* hostile_text.c - bytes that grow, and the little signs in the tables of cases. */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "hostile.h"

const char *canary = "/canary";

void
give_up(const char *format, ...)
{
  va_list args;
  va_start(args, format);
  fputs("hostile: ", stderr);
  vfprintf(stderr, format, args);
  fputs("\n", stderr);
  va_end(args);
  exit(2);
}

void
add(struct bytes *bytes, const void *data, size_t size)
{
  if (size == 0)
    return;
  if (bytes->size + size + 1 > bytes->room) {
    bytes->room = 2 * (bytes->size + size + 1);
    bytes->data = realloc(bytes->data, bytes->room);
    if (!bytes->data)
      give_up("no memory");
  }
  if (data)
    memcpy(bytes->data + bytes->size, data, size);
  else
    memset(bytes->data + bytes->size, 0, size);
  bytes->size += size;
  bytes->data[bytes->size] = '\0';
}

void
add_text(struct bytes *bytes, const char *format, ...)
{
  char *text;
  va_list args;
  va_start(args, format);
  int size = vasprintf(&text, format, args);
  va_end(args);
  if (size < 0)
    give_up("no memory");
  add(bytes, text, size);
  free(text);
}

void
add_expanded(struct bytes *bytes, const char *text)
{
  for (size_t plain; *text; text += plain) {
    plain = strcspn(text, "%@<");
    add(bytes, text, plain);
    if (plain > 0)
      continue;
    plain = 1;
    if (text[0] == '%' && text[1] == '%') {
      add(bytes, "%", 1);
      plain = 2;
    } else if (*text == '%')
      add(bytes, canary, strlen(canary));
    else if (*text == '@')
      add_text(bytes, "../../../../../../../../../../../..%s", canary);
    else {
      size_t size = strcspn(text + 1, "*"), end = strcspn(text, ">");
      for (long n = atol(text + 1 + size + 1); n > 0; n--)
        add(bytes, text + 1, size);
      plain = end + 1;
    }
  }
}

void
bytes_free(struct bytes *bytes)
{
  free(bytes->data);
}

char *
expanded(const char *text)
{
  struct bytes bytes = {0};
  add_expanded(&bytes, text);
  if (!bytes.data)
    add(&bytes, "", 1);
  return bytes.data;
}
