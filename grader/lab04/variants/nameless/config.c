/* config.c - 4.6 with a first look at all that is asked for, and then the change. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "clean.h"
#include "fail.h"
#include "image.h"

static bool
is_assignment(const char *text)
{
  const char *equals = strchr(text, '=');
  return equals && equals > text;
}

int
env_set(json_t *env, const char *assignment)
{
  if (!is_assignment(assignment))
    return refuse(EINVAL, "no assignment: %s", assignment);
  size_t name = strcspn(assignment, "=");
  for (size_t i = 0; i < json_array_size(env); i++) {
    const char *old = json_string_value(json_array_get(env, i));
    if (old && strcspn(old, "=") == name && old[name] && memcmp(old, assignment, name) == 0)
      return json_array_set_new(env, i, json_string(assignment));
  }
  return json_array_append_new(env, json_string(assignment));
}

/* Writes the port as it should be. */
static bool
read_port(const char *text, char port[16])
{
  char protocol[8] = "tcp", rest;
  int digits = strspn(text, "0123456789"), number = 0;
  if (digits < 1 || digits > 5 || *text == '0')
    return false;
  number = atoi(text);
  if (text[digits] == '/' && sscanf(text + digits, "/%4[a-z]%c", protocol, &rest) != 1)
    return false;
  if ((text[digits] && text[digits] != '/') || number < 1 || number > 65535)
    return false;
  snprintf(port, 16, "%d/%s", number, protocol);
  return strcmp(protocol, "tcp") == 0 || strcmp(protocol, "udp") == 0 ||
         strcmp(protocol, "sctp") == 0;
}

/* Can something be added to what is there? */
static bool
good(const json_t *object, const char *key, bool asked, json_type type)
{
  const json_t *value = json_object_get(object, key);
  if (!asked || !value || json_is_null(value) || json_typeof(value) == type)
    return true;
  refuse(EBADMSG, "%s is of another type", key);
  return false;
}

static int
look(const json_t *config, const struct config_wish *wish)
{
  char port[16];
  const json_t *c = json_object_get(config, "config");
  if (!good(config, "config", true, JSON_OBJECT) || !good(c, "Env", wish->env, JSON_ARRAY) ||
      !good(c, "Labels", wish->labels, JSON_OBJECT) ||
      !good(c, "ExposedPorts", wish->ports, JSON_OBJECT) ||
      !good(c, "Volumes", wish->volumes, JSON_OBJECT))
    return -1;
  for (int i = 0; wish->env && wish->env[i]; i++)
    if (!is_assignment(wish->env[i]))
      return refuse(EINVAL, "no variable: %s", wish->env[i]);
  for (int i = 0; wish->labels && wish->labels[i]; i++)
    if (!is_assignment(wish->labels[i]))
      return refuse(EINVAL, "no label: %s", wish->labels[i]);
  for (int i = 0; wish->ports && wish->ports[i]; i++)
    if (!read_port(wish->ports[i], port))
      return refuse(EINVAL, "no port: %s", wish->ports[i]);
  if (wish->workdir && *wish->workdir != '/')
    return refuse(EINVAL, "not absolute: %s", wish->workdir);
  return 0;
}

static json_t *
get(json_t *object, const char *key, bool array)
{
  json_t *value = json_object_get(object, key);
  if (!value || json_is_null(value)) {
    value = array ? json_array() : json_object();
    json_object_set_new(object, key, value);
  }
  return value;
}

static void
words(json_t *object, const char *key, const char *const *from)
{
  json_t *array = json_array();
  for (int i = 0; from[i]; i++)
    json_array_append_new(array, json_string(from[i]));
  json_object_set_new(object, key, array);
  if (json_array_size(array) == 0)
    json_object_del(object, key);
}

static void
keys(json_t *object, const char *key, const char *const *from, bool ports)
{
  char port[16];
  for (int i = 0; from && from[i]; i++) {
    const char *text = from[i];
    if (ports && read_port(text, port))
      text = port;
    json_object_set_new(get(object, key, false), text, json_object());
  }
}

int
config_change(json_t *config, const struct config_wish *wish)
{
  if (look(config, wish) < 0)
    return -1;
  json_t *c = get(config, "config", false);
  for (int i = 0; wish->env && wish->env[i]; i++)
    env_set(get(c, "Env", true), wish->env[i]);
  for (int i = 0; wish->labels && wish->labels[i]; i++) {
    autofree char *key = strdup(wish->labels[i]);
    key[strcspn(key, "=")] = '\0';
    json_object_set_new(get(c, "Labels", false), key,
                        json_string(strchr(wish->labels[i], '=') + 1));
  }
  keys(c, "ExposedPorts", wish->ports, true);
  keys(c, "Volumes", wish->volumes, false);
  if (wish->entrypoint) {
    json_object_del(c, "Cmd");
    words(c, "Entrypoint", wish->entrypoint);
  }
  if (wish->cmd)
    words(c, "Cmd", wish->cmd);
  if (wish->workdir)
    json_object_set_new(c, "WorkingDir", json_string(wish->workdir));
  if (wish->user && *wish->user)
    json_object_set_new(c, "User", json_string(wish->user));
  else if (wish->user)
    json_object_del(c, "User");
  return 0;
}

int
config_add_history(json_t *config, const char *diff_id, time_t created, const char *created_by,
                   const char *comment)
{
  struct tm *tm = gmtime(&created);
  if (!good(config, "history", true, JSON_ARRAY) ||
      !good(config, "rootfs", diff_id, JSON_OBJECT) ||
      !good(json_object_get(config, "rootfs"), "diff_ids", diff_id, JSON_ARRAY))
    return -1;
  autofree char *when = NULL;
  if (asprintf(&when, "%04d-%02d-%02dT%02d:%02d:%02dZ", tm->tm_year + 1900, tm->tm_mon + 1,
               tm->tm_mday, tm->tm_hour, tm->tm_min, tm->tm_sec) < 0)
    return -1;
  json_t *line = json_object();
  json_object_set_new(line, "created_by", json_string(created_by));
  json_object_set_new(line, "created", json_string(when));
  if (comment)
    json_object_set_new(line, "comment", json_string(comment));
  if (!diff_id)
    json_object_set_new(line, "empty_layer", json_true());
  json_array_append_new(get(config, "history", true), line);
  json_object_set_new(config, "created", json_string(when));
  if (diff_id) {
    json_t *rootfs = get(config, "rootfs", false);
    json_object_set_new(rootfs, "type", json_string("layers"));
    json_array_append_new(get(rootfs, "diff_ids", true), json_string(diff_id));
  }
  return 0;
}

static int
put(int store, const char *text, struct descriptor *got)
{
  struct blob blob;
  if (!text || blob_begin(store, &blob) < 0)
    return -1;
  if (blob_write(&blob, text, strlen(text)) == 0)
    return blob_finish(&blob, NULL, got);
  blob_drop(&blob);
  return -1;
}

int
image_write(int store, const char *name, json_t *config, const struct descriptor *layers,
            size_t count, struct descriptor *manifest)
{
  struct descriptor is = {.media_type = "application/vnd.oci.image.config.v1+json"};
  const char *os = "", *architecture = "", *variant = "";
  json_t *ids = NULL;
  json_unpack(config, "{s?:s, s?:s, s?:s, s?:{s?:o}}", "os", &os, "architecture", &architecture,
              "variant", &variant, "rootfs", "diff_ids", &ids);
  if (json_array_size(ids) != count)
    return refuse(EINVAL, "%zu diffIDs, %zu layers", json_array_size(ids), count);
  autofree char *text = json_write(config);
  if (put(store, text, &is) < 0)
    return -1;
  json_auto_t *json = json_object();
  json_object_set_new(json, "layers", json_array());
  for (size_t i = 0; i < count; i++)
    json_array_append_new(json_object_get(json, "layers"),
                          json_pack("{s:s, s:s, s:I}", "digest", layers[i].digest, "mediaType",
                                    media_name(media_of(layers[i].media_type)), "size",
                                    (json_int_t)layers[i].size));
  json_object_set_new(json, "config", json_pack("{s:s, s:s, s:I}", "digest", is.digest, "mediaType",
                                                is.media_type, "size", (json_int_t)is.size));
  json_object_set_new(json, "mediaType", json_string("application/vnd.oci.image.manifest.v1+json"));
  json_object_set_new(json, "schemaVersion", json_integer(2));
  autofree char *written = json_write(json);
  strcpy(manifest->media_type, "application/vnd.oci.image.manifest.v1+json");
  if (put(store, written, manifest) < 0)
    return -1;
  struct platform platform;
  snprintf(platform.os, sizeof platform.os, "%s", os);
  snprintf(platform.architecture, sizeof platform.architecture, "%s", architecture);
  snprintf(platform.variant, sizeof platform.variant, "%s", variant);
  return index_put(store, name, manifest, &platform);
}
