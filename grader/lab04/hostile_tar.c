/* hostile_tar.c - tar archives, by hand: a library would refuse to write most of
 * what is needed here. Source of the format: tar(5), pax(1) "ustar" and "pax".
 *
 * A script is a list of entries with "|" between them:
 *
 *     d PATH         a directory       f PATH TEXT     a file
 *     l PATH TO      a symbolic link   h PATH TO       a hard link
 *     p PATH         a FIFO            b PATH 8,0      a block device; c a character's
 *     ? PATH TEXT    a type that nobody knows
 *
 * and of what belongs to the entry behind it:
 *
 *     m 4755         its mode          o 1000          its owner and group
 *     x KEY=VALUE    a PAX record      g KEY=VALUE     one for all that follows
 *     L PATH         its path as GNU tar writes a long one; K its link
 *
 * "+" begins the next layer. Words are expanded (add_expanded).
 */
#include <stdlib.h>
#include <string.h>

#include "hostile.h"

enum { WORDS = 3, SHORT = 100 };

void
head_seal(char *block)
{
  unsigned sum = 0;
  memset(block + 148, ' ', 8);
  for (int i = 0; i < BLOCK; i++)
    sum += (unsigned char)block[i];
  snprintf(block + 148, 8, "%06o", sum);
}

char *
head(struct bytes *tar, const struct head *h)
{
  char block[BLOCK] = "";
  unsigned mode = h->mode ? h->mode : h->type == '5' ? 0755 : 0644;
  memcpy(block, h->name, strnlen(h->name, SHORT));
  snprintf(block + 100, 8, "%07o", mode & 07777);
  snprintf(block + 108, 8, "%07o", h->owner & 07777777);
  snprintf(block + 116, 8, "%07o", h->owner & 07777777);
  snprintf(block + 124, 12, "%011llo", (unsigned long long)h->size & 077777777777);
  snprintf(block + 136, 12, "%011o", 1000000000);
  block[156] = h->type;
  if (h->link)
    memcpy(block + 157, h->link, strnlen(h->link, SHORT));
  memcpy(block + 257, "ustar\00000", 8);
  snprintf(block + 329, 8, "%07o", h->major & 07777777);
  snprintf(block + 337, 8, "%07o", h->minor & 07777777);
  head_seal(block);
  add(tar, block, BLOCK);
  return tar->data + tar->size - BLOCK;
}

void
body(struct bytes *tar, const void *data, size_t size)
{
  add(tar, data, size);
  add(tar, NULL, (BLOCK - size % BLOCK) % BLOCK);
}

void
file(struct bytes *tar, const char *name, const char *text)
{
  head(tar, &(struct head){.type = '0', .name = name, .size = strlen(text)});
  body(tar, text, strlen(text));
}

/* "27 path=some/where/else\n": the number is the length of all of it. */
static void
pax_as(struct bytes *tar, char type, const char *key, const void *value, size_t size)
{
  size_t length = strlen(key) + size + 3, digits = 1;
  autobytes struct bytes record = {0};
  for (size_t n = 10; length + digits >= n; n *= 10)
    digits++;
  add_text(&record, "%zu %s=", length + digits, key);
  add(&record, value, size);
  add(&record, "\n", 1);
  head(tar, &(struct head){.type = type, .name = "PaxHeaders/x", .size = record.size});
  body(tar, record.data, record.size);
}

void
pax(struct bytes *tar, const char *key, const void *value, size_t size)
{
  pax_as(tar, 'x', key, value, size);
}

void
tar_end(struct bytes *tar)
{
  add(tar, NULL, 2 * BLOCK);
}

/* ---- scripts ---- */

/* A name as GNU tar writes a long one: an entry before the entry. */
static void
gnu_long(struct bytes *tar, char type, const char *text)
{
  size_t size = strlen(text) + 1;
  head(tar, &(struct head){.type = type, .name = "././@LongLink", .size = size});
  body(tar, text, size);
}

static char
type_of(char letter)
{
  static const char letters[] = "fhlcbdp";
  const char *at = strchr(letters, letter);
  return at ? '0' + (at - letters) : 'Z';
}

static void
entry(char letter, const char *path, const char *what, struct head *next)
{
  struct bytes *tar = layer();
  bool has_data = letter == 'f' || letter == '?';
  next->type = type_of(letter);
  next->name = path;
  next->size = has_data ? strlen(what) : 0;
  if (letter == 'l' || letter == 'h')
    next->link = what;
  if (letter == 'b' || letter == 'c')
    sscanf(what, "%u,%u", &next->major, &next->minor);
  if (strlen(path) > SHORT)
    pax(tar, "path", path, strlen(path));
  if (next->link && strlen(next->link) > SHORT)
    pax(tar, "linkpath", next->link, strlen(next->link));
  head(tar, next);
  if (has_data)
    body(tar, what, next->size);
  *next = (struct head){0};
}

/* One step of a script. `next` is what is known of the entry to come. */
static void
step(char *words[WORDS], struct head *next)
{
  char *equals = strchr(words[1], '=');
  switch (words[0][0]) {
  case '+': next_layer(); break;
  case 'm': next->mode = strtoul(words[1], NULL, 8); break;
  case 'o': next->owner = strtoul(words[1], NULL, 10); break;
  case 'L': case 'K': gnu_long(layer(), words[0][0], words[1]); break;
  case 'x': case 'g':
    *equals = '\0';
    pax_as(layer(), words[0][0], words[1], equals + 1, strlen(equals + 1));
    break;
  default: entry(words[0][0], words[1], words[2], next);
  }
}

void
script(const char *text)
{
  char *copy = strdup(text), *rest = copy;
  struct head next = {0};
  for (char *part; (part = strsep(&rest, "|"));) {
    char *words[WORDS] = {"", "", ""}, *word;
    size_t count = 0;
    while (count < WORDS && (word = strsep(&part, " ")))
      if (*word)
        words[count++] = expanded(word);
    step(words, &next);
    for (size_t i = 0; i < count; i++)
      free(words[i]);
  }
  free(copy);
}
