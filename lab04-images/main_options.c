/* main_options.c - what img was asked for. Given. */
#include "main.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "list.h"

struct wish wish;

const struct option options[] = {
    {"store", required_argument, NULL, STORE},
    {"quiet", no_argument, NULL, QUIET},
    {"json", no_argument, NULL, JSON},
    {"devices", no_argument, NULL, DEVICES},
    {"rw", no_argument, NULL, RW},
    {"gzip", no_argument, NULL, GZIP},
    {"zstd", no_argument, NULL, ZSTD},
    {"platform", required_argument, NULL, PLATFORM},
    {"name", required_argument, NULL, NAME},
    {"auth", required_argument, NULL, AUTH},
    {"env", required_argument, NULL, ENV},
    {"label", required_argument, NULL, LABEL},
    {"port", required_argument, NULL, PORT},
    {"volume", required_argument, NULL, VOLUME},
    {"entrypoint", required_argument, NULL, ENTRYPOINT},
    {"cmd", required_argument, NULL, CMD},
    {"workdir", required_argument, NULL, WORKDIR},
    {"user", required_argument, NULL, USER},
    {"help", no_argument, NULL, HELP},
    {0},
};

/* What may be said more than once, as it came. */
static struct list env, labels, ports, volumes, entrypoint, cmd;

/* Words: a JSON array of strings, or what stands between spaces. */
static int
split_words(struct list *list, const char *text)
{
  list_free(list);
  if (text[0] == '[') {
    json_t *array = json_read(text, strlen(text), "the words"), *word;
    size_t i;
    int result = json_is_array(array) ? 0 : -1;
    json_array_foreach(array, i, word)
      if (result == 0)
        result = json_is_string(word) ? list_add(list, json_string_value(word)) : -1;
    json_decref(array);
    return result;
  }
  autofree char *copy = strdup(text);
  char *rest = copy;
  for (char *word; rest && (word = strsep(&rest, " "));)
    if (*word && list_add(list, word) < 0)
      return -1;
  return copy ? 0 : -1;
}

/* An array that config_change takes; an empty one is one, too. */
static const char *const *
as_array(const struct list *list)
{
  static const char *const none[] = {NULL};
  return list->count ? (const char *const *)list->items : none;
}

static int
read_config_option(int option, const char *value)
{
  struct config_wish *w = &wish.config;
  switch (option) {
  case ENV: return list_add(&env, value);
  case LABEL: return list_add(&labels, value);
  case PORT: return list_add(&ports, value);
  case VOLUME: return list_add(&volumes, value);
  case ENTRYPOINT: return split_words(&entrypoint, value) < 0
                              ? -1 : (w->entrypoint = as_array(&entrypoint), 0);
  case CMD: return split_words(&cmd, value) < 0 ? -1 : (w->cmd = as_array(&cmd), 0);
  case WORKDIR: return w->workdir = value, 0;
  case USER: return w->user = value, 0;
  default: return -1;
  }
}

static int
read_option(int option, char *value)
{
  switch (option) {
  case JSON: return wish.json = true, 0;
  case DEVICES: return wish.devices = true, 0;
  case RW: return wish.rw = true, 0;
  case GZIP: return wish.compress = COMPRESS_GZIP, 0;
  case ZSTD: return wish.compress = COMPRESS_ZSTD, 0;
  case PLATFORM: return platform_parse(value, &wish.platform);
  case NAME: return wish.as = value, 0;
  case AUTH: return wish.auth = value, 0;
  default: return read_config_option(option, value);
  }
}

static bool
takes(const enum img_option *these, int option)
{
  for (size_t i = 0; these[i]; i++)
    if ((int)these[i] == option)
      return true;
  return false;
}

static const char *
option_name(int value)
{
  for (size_t i = 0; options[i].name; i++)
    if (options[i].val == value)
      return options[i].name;
  return "?";
}

int
read_options(const char *command, const enum img_option *takes_these, int argc, char **argv)
{
  int option;
  while ((option = getopt_long(argc, argv, ":", options, NULL)) != -1) {
    char text[64];
    if (option == ':')
      return misused("a value is missing behind ", argv[optind - 1]);
    if (option == '?')
      return misused("no such option: ", argv[optind - 1]);
    snprintf(text, sizeof text, "%s: takes no --", command);
    if (!takes(takes_these, option))
      return misused(text, option_name(option));
    if (read_option(option, optarg) < 0)
      return complain();
  }
  /* getopt_long(3) has put all options in front of the other words. */
  for (int i = 1, n = 0; i < optind && n < (int)sizeof wish.said; i++)
    n += snprintf(wish.said + n, sizeof wish.said - n, "%s%s", i > 1 ? " " : "", argv[i]);
  wish.config.env = env.count ? as_array(&env) : NULL;
  wish.config.labels = labels.count ? as_array(&labels) : NULL;
  wish.config.ports = ports.count ? as_array(&ports) : NULL;
  wish.config.volumes = volumes.count ? as_array(&volumes) : NULL;
  return 0;
}
