/* main_registry.c - img, the tool: pull, push. Given. */
#include "main.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Read NAME:PASSWORD, the first line of the file that --auth names. It is not asked for
 * on the command line, which everybody on this machine can read (proc(5), cmdline). */
static int
read_user(char *user, size_t size)
{
  autoclose int file = open(wish.auth, O_RDONLY | O_CLOEXEC | O_NOCTTY);
  ssize_t n = 1;
  size_t length = 0;
  if (file < 0)
    return fail("open %s for user and password", wish.auth);
  while (n > 0 && length < size - 1) {
    n = read(file, user + length, size - 1 - length);
    length += n > 0 ? n : 0;
  }
  if (n < 0)
    return fail("read %s for user and password", wish.auth);
  user[length] = '\0';
  user[strcspn(user, "\r\n")] = '\0';
  return strchr(user, ':') && length < size - 1
             ? 0 : refuse(EINVAL, "%s: its first line is not NAME:PASSWORD", wish.auth);
}

/* Make ready to talk to the registry of this reference. */
static int
open_registry(const struct reference *reference, struct registry *registry)
{
  char user[16384] = "";
  if (wish.auth && read_user(user, sizeof user) < 0)
    return -1;
  int result = registry_open(registry, reference, wish.auth ? user : NULL);
  explicit_bzero(user, sizeof user);
  return result;
}

/* Say what failed, and what to do about it. */
static int
complain_of_registry(void)
{
  if (unfinished() || errno != EACCES)
    return complain();
  return complain_with(wish.auth ? " (are user and password right, which --auth names?)"
                                 : " (a user and a password: --auth FILE)");
}

int
pull(int count, char **words, int store)
{
  struct reference reference;
  struct registry registry;
  const char *name = wish.as ?: words[0];
  (void)count;
  if (reference_parse(words[0], &reference) < 0)
    return complain();
  /* Before gigabytes travel: can it be called so? */
  if (!image_name_valid(name)) {
    refuse(EINVAL, "\"%.300s\" cannot be the name of an image in the store", name);
    return complain_with(wish.as ? "" : " (give it one: --name NAME)");
  }
  autoclose int lock = store_lock(store, false);
  if (lock < 0 || open_registry(&reference, &registry) < 0)
    return complain();
  int result = image_pull(&registry, store, &reference, name, &wish.platform);
  int status = result < 0 ? complain_of_registry() : 0;
  registry_close(&registry);
  return status;
}

int
push(int count, char **words, int store)
{
  struct reference reference;
  struct registry registry;
  struct image image;
  autoclose int lock = store_lock(store, false);
  if (reference_parse(words[0], &reference) < 0 || lock < 0 ||
      find_image(store, words[count - 1], &image, NULL) < 0)
    return complain();
  int status = TOOL_FAILED;
  if (open_registry(&reference, &registry) < 0)
    complain();
  else {
    status = image_push(&registry, store, &image, &reference) < 0 ? complain_of_registry() : 0;
    registry_close(&registry);
  }
  image_free(&image);
  return status;
}
