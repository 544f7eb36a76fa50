/* main_options.c - what `nsrun run` is asked for. Given. */
#include "main.h"

#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fail.h"
#include "subid.h"

struct wish wish;

/* The caller as root, and behind him the numbers that are set aside for him. */
static int
map_auto(struct id_maps *maps)
{
  unsigned first[2], count[2];
  if (!subid_range("/etc/subuid", &first[0], &count[0]) ||
      !subid_range("/etc/subgid", &first[1], &count[1]))
    return refuse(ENOENT, "--user-map auto: no numbers are set aside for you in "
                  "/etc/subuid and /etc/subgid (see usermod(8), --add-subuids)");
  *maps = (struct id_maps){
      .uid = {{geteuid(), 0, 1}, {first[0], 1, count[0]}},
      .gid = {{getegid(), 0, 1}, {first[1], 1, count[1]}},
      .uids = 2,
      .gids = 2,
  };
  return 0;
}

static void
map_root(struct id_maps *maps)
{
  *maps = (struct id_maps){.uid = {{geteuid(), 0, 1}}, .gid = {{getegid(), 0, 1}},
                           .uids = 1, .gids = 1};
}

/* Read the number that *text starts with, up to `end`, and go behind that. */
static int
read_number(const char **text, char end, unsigned *number)
{
  char *stop;
  errno = 0;
  unsigned long value = strtoul(*text, &stop, 10);
  if (**text < '0' || **text > '9' || errno || value > UINT_MAX || *stop != end)
    return -1;
  *number = value;
  *text = stop + 1;
  return 0;
}

/* Add the map of --user-map. */
static int
add_map(const char *text, struct id_maps *maps)
{
  struct id_map map;
  if (strcmp(text, "root") == 0 || strcmp(text, "auto") == 0) {
    if (maps->uids > 0)
      return refuse(EINVAL, "--user-map %s goes with no other --user-map", text);
    if (*text == 'a')
      return map_auto(maps);
    map_root(maps);
    return 0;
  }
  const char *rest = text;
  if (read_number(&rest, ':', &map.outside) < 0 ||
      read_number(&rest, ':', &map.inside) < 0 ||
      read_number(&rest, '\0', &map.count) < 0 || map.count == 0 ||
      map.outside + map.count < map.outside || map.inside + map.count < map.inside)
    return refuse(EINVAL, "--user-map takes root, auto, or OUT:IN:N (N numbers from "
                  "OUT outside are those from IN inside), not \"%s\"", text);
  if (maps->uids == ID_MAPS)
    return refuse(E2BIG, "more than %d times --user-map", ID_MAPS);
  maps->uid[maps->uids++] = map;
  maps->gid[maps->gids++] = map;
  return 0;
}

/* Somebody must be root inside, to set the place up. */
static bool
maps_root(const struct id_maps *maps)
{
  for (size_t i = 0; i < maps->uids; i++)
    if (maps->uid[i].inside == 0)
      return true;
  return false;
}

static int
add_mount(char *text)
{
  char *colon = strchr(text, ':');
  if (!colon || colon == text || colon[1] != '/')
    return refuse(EINVAL, "--mount takes SRC:DST or SRC:DST:ro, with DST an absolute "
                  "path, not \"%s\"", text);
  char *end = strchr(colon + 1, ':');
  if (end && strcmp(end, ":ro") != 0)
    return refuse(EINVAL, "--mount %s: what is \"%s\"? There is only :ro", text,
                  end + 1);
  wish.mounts[wish.mount_count++] = text;
  return 0;
}

static int
add_path(const char *option, const char *path, const char **list, int *count)
{
  if (path[0] != '/')
    return refuse(EINVAL, "%s takes an absolute path inside, not \"%s\"", option,
                  path);
  list[(*count)++] = path;
  return 0;
}

static int
read_net(const char *text)
{
  static const char *const names[] = {"none", "host", "private", "bridge"};
  for (int i = 0; i < 4; i++)
    if (strcmp(text, names[i]) == 0) {
      wish.net = i;
      return 0;
    }
  return refuse(EINVAL, "--net takes none, host, private or bridge, not \"%s\"",
                text);
}

static int
read_seconds(const char *text)
{
  char *end;
  errno = 0;
  wish.seconds = strtoll(text, &end, 10);
  wish.time = true;
  return end == text || *end || errno
             ? refuse(EINVAL, "--time-offset takes a number of seconds, not \"%s\"",
                      text)
             : 0;
}

static int
read_option(int c, char *value)
{
  if (wish.mount_count == MANY || wish.tmpfs_count == MANY ||
      wish.mask_count == MANY || wish.readonly_count == MANY)
    return refuse(E2BIG, "%d options of one kind", MANY);
  switch (c) {
  case 'r': wish.root = value; return 0;
  case 'h': wish.hostname = value; return 0;
  case 'i': wish.init = true; return 0;
  case 'u': wish.user = true; return add_map(value, &wish.maps);
  case 'n': return read_net(value);
  case 'm': return add_mount(value);
  case 'o': return read_seconds(value);
  case 't': return add_path("--tmpfs", value, wish.tmpfs, &wish.tmpfs_count);
  case 'k': return add_path("--mask", value, wish.mask, &wish.mask_count);
  default: return add_path("--readonly", value, wish.readonly,
                           &wish.readonly_count);
  }
}

int
read_options(int argc, char **argv)
{
  static const struct option names[] = {
      {"root", required_argument, NULL, 'r'},
      {"hostname", required_argument, NULL, 'h'},
      {"user-map", required_argument, NULL, 'u'},
      {"net", required_argument, NULL, 'n'},
      {"mount", required_argument, NULL, 'm'},
      {"tmpfs", required_argument, NULL, 't'},
      {"mask", required_argument, NULL, 'k'},
      {"readonly", required_argument, NULL, 'w'},
      {"time-offset", required_argument, NULL, 'o'},
      {"init", no_argument, NULL, 'i'},
      {0},
  };
  for (int c; (c = getopt_long(argc, argv, "+", names, NULL)) != -1;) {
    if (c == '?')
      return misused("run: see above", "");
    if (read_option(c, optarg) < 0)
      return misused("", failure());
  }
  wish.argv = argv + optind;
  if (!wish.argv[0])
    return misused("run: PROGRAM is missing", "");
  if (!wish.user && geteuid() != 0) {
    wish.user = true;
    if (map_auto(&wish.maps) < 0)
      map_root(&wish.maps);
  }
  if (wish.user && !maps_root(&wish.maps))
    return misused("--user-map: nobody is 0 inside (add one like 1000:0:1)", "");
  return 0;
}
