/* main_show.c - img list, inspect, history, diff: for people, and for programs. Given. */
#include "main.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Print JSON for people who have a program that reads it. */
static int
print_json(json_t *json)
{
  if (!json)
    return refuse(ENOMEM, "print JSON"), complain();
  int result = json_dumpf(json, stdout, JSON_INDENT(2));
  printf("\n");
  json_decref(json);
  return result < 0 || fflush(stdout) != 0 ? TOOL_FAILED : 0;
}

static const char *
created(const json_t *json)
{
  return json_string_value(json_object_get(json, "created")) ?: "-";
}

static int64_t
size_of(const struct image *image)
{
  return image->manifest.size + image_bytes(image);
}

/* ---- list ---- */

static json_t *
row_of(int store, const char *name)
{
  struct image image;
  if (image_resolve(store, name, &wish.platform, &image) < 0)
    return json_pack("{s:s, s:s}", "name", name, "error", failure());
  json_t *row = json_pack(
      "{s:s, s:s, s:I, s:s, s:O, s:O}", "name", name, "digest", image.manifest.digest, "size",
      (json_int_t)size_of(&image), "created", created(image.json), "os",
      json_object_get(image.json, "os"), "architecture",
      json_object_get(image.json, "architecture"));
  image_free(&image);
  return row;
}

static void
print_row(const json_t *row)
{
  char name[256], when[64];
  const char *error = json_string_value(json_object_get(row, "error"));
  printable(json_string_value(json_object_get(row, "name")), name, sizeof name);
  if (error) {
    printf("%-30s  (%s)\n", name, error);
    return;
  }
  printable(created(row), when, sizeof when);
  printf("%-30s  %.12s  %-10s  %s\n", name,
         json_string_value(json_object_get(row, "digest")) + strlen("sha256:"),
         human(json_integer_value(json_object_get(row, "size"))), when);
}

int
list(int count, char **words, int store)
{
  (void)count, (void)words;
  json_t *index = index_load(store), *rows = json_array(), *entry;
  size_t i;
  if (!index) {
    json_decref(rows);
    return complain();
  }
  json_array_foreach(json_object_get(index, "manifests"), i, entry) {
    const char *name = index_name(entry);
    if (name)
      json_array_append_new(rows, row_of(store, name));
  }
  json_decref(index);
  if (wish.json)
    return print_json(rows);
  if (json_array_size(rows))
    printf("%-30s  %-12s  %-10s  %s\n", "NAME", "DIGEST", "SIZE", "CREATED");
  json_array_foreach(rows, i, entry)
    print_row(entry);
  json_decref(rows);
  return 0;
}

/* ---- inspect and history ---- */

static json_t *
layers_of(const struct image *image)
{
  json_t *layers = json_array();
  char chain[DIGEST_SIZE] = "", next[DIGEST_SIZE];
  for (size_t i = 0; i < image->count; i++) {
    chain_id(i ? chain : NULL, image->diff_ids[i], next);
    memcpy(chain, next, sizeof chain);
    json_array_append_new(
        layers, json_pack("{s:s, s:s, s:I, s:s, s:s}", "mediaType",
                          image->layers[i].media_type, "digest", image->layers[i].digest,
                          "size", (json_int_t)image->layers[i].size, "diffID",
                          image->diff_ids[i], "chainID", chain));
  }
  return layers;
}

int
inspect(int count, char **words, int store)
{
  struct image image;
  char called[NAME_MAX + 1];
  (void)count;
  if (find_image(store, words[0], &image, called) < 0)
    return complain();
  json_t *about =
      json_pack("{s:s, s:s, s:s, s:I, s:o, s:O}", "name", called, "digest",
                image.manifest.digest, "id", image.config.digest, "size",
                (json_int_t)size_of(&image), "layers", layers_of(&image), "config", image.json);
  image_free(&image);
  return print_json(about);
}

int
history(int count, char **words, int store)
{
  struct image image;
  size_t i, layer = 0;
  json_t *line;
  (void)count;
  if (find_image(store, words[0], &image, NULL) < 0)
    return complain();
  json_t *lines = json_object_get(image.json, "history");
  if (wish.json) {
    json_incref(lines);
    image_free(&image);
    return print_json(lines ?: json_array());
  }
  printf("%-20s  %-10s  %s\n", "CREATED", "SIZE", "CREATED BY");
  json_array_foreach(lines, i, line) {
    char by[512], when[64], size[32] = "-";
    if (!json_is_true(json_object_get(line, "empty_layer")) && layer < image.count)
      snprintf(size, sizeof size, "%s", human(image.layers[layer++].size));
    printf("%-20s  %-10s  %s\n", printable(created(line), when, sizeof when), size,
           printable(json_string_value(json_object_get(line, "created_by")) ?: "-", by,
                     sizeof by));
  }
  image_free(&image);
  return 0;
}

/* ---- diff ---- */

/* One side of a comparison: a directory that is there, or an image, unpacked for this. */
struct side {
  int root;                /* its directory, or -1 */
  char temp[SCRATCH_SIZE]; /* "tmp/...", if it was unpacked for this; else "" */
};

static int
open_side(int store, const char *what, struct side *side)
{
  struct image image;
  *side = (struct side){.root = -1};
  if (is_directory(what)) {
    side->root = open(what, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return side->root < 0 ? fail("open %s", what) : 0;
  }
  if (find_image(store, what, &image, NULL) < 0)
    return -1;
  side->root = scratch_make(store, side->temp);
  int result = side->root < 0 ? -1 : unpack_image(store, &image, side->root);
  image_free(&image);
  return result;
}

static void
close_side(int store, struct side *side)
{
  if (side->temp[0] && tree_remove(store, side->temp) < 0)
    complain();
  if (side->root >= 0)
    close(side->root);
}

/* The differences so far. */
struct found {
  size_t count;   /* how many */
  json_t *json;   /* all of them, for --json; else NULL */
};

static int
on_change(enum change change, const char *path, void *arg)
{
  struct found *found = arg;
  const char kind[2] = {change, '\0'};
  char name[PATH_MAX * 2];
  found->count++;
  if (found->json)
    return json_array_append_new(
        found->json, json_pack("{s:s, s:s%}", "change", kind, "path", path, strlen(path)));
  printf("%s %s\n", kind, printable(path, name, sizeof name));
  return 0;
}

int
diff(int count, char **words, int store)
{
  struct side a = {.root = -1}, b = {.root = -1};
  struct found found = {0};
  (void)count;
  autoclose int lock = store < 0 ? -1 : store_lock(store, false);
  int result = store >= 0 && lock < 0 ? -1 : open_side(store, words[0], &a);
  if (result == 0)
    result = open_side(store, words[1], &b);
  if (wish.json)
    found.json = json_array();
  if (result == 0)
    result = tree_diff(a.root, b.root, on_change, &found);
  int status = result < 0 ? complain() : found.count ? 1 : 0;
  close_side(store, &a);
  close_side(store, &b);
  if (found.json && status != TOOL_FAILED)
    print_json(found.json);
  else
    json_decref(found.json);
  return status;
}
