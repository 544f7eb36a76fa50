/* config.c - 4.6: config and history.
 *
 * A config is made from the one before, which somebody else has written: what we do
 * not know in it we carry on, and what fails half way leaves it alone. So all changes
 * are made to a copy, which takes the place of the old one when all is well.
 *
 * Its names are Go's ("WorkingDir"), because the specification wrote down what
 * Docker's programs did. So are its sets: {"80/tcp": {}} is how Go wrote a set.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "clean.h"
#include "fail.h"
#include "image.h"

//>
/* Where the "=" of "K=V" stands, or NULL if there is none, or nothing before it. */
static const char *
find_equals(const char *assignment)
{
  const char *equals = strchr(assignment, '=');
  if (equals && equals != assignment)
    return equals;
  refuse(EINVAL, "\"%s\" is not NAME=VALUE", assignment);
  return NULL;
}

/* What json functions say when a text is no UTF-8. */
static int
check(int result, const char *text)
{
  return result < 0 ? refuse(EINVAL, "\"%s\" is not UTF-8", text) : 0;
}
//<

int
env_set(json_t *env, const char *assignment)
{
  //> /* TODO 4.6: the same name is the same up to and with the "=": PATH is not
  //>  * PATHEXT. */
  //> return todo("4.6", env, assignment);
  const char *equals = find_equals(assignment);
  if (!equals)
    return -1;
  size_t i, name = equals - assignment + 1;
  const json_t *old;
  json_array_foreach(env, i, old)
    if (json_is_string(old) && strncmp(json_string_value(old), assignment, name) == 0)
      return check(json_array_set_new(env, i, json_string(assignment)), assignment);
  return check(json_array_append_new(env, json_string(assignment)), assignment);
  //<
}

//>
/* The value of a key, made if it is missing (or null, as Go writes an empty one).
 * NULL if it is of another type than `fresh`, which is used up. */
static json_t *
member(json_t *object, const char *key, json_t *fresh)
{
  json_t *old = json_object_get(object, key);
  if (!old || json_is_null(old)) {
    json_object_set_new(object, key, fresh);
    return json_object_get(object, key);
  }
  if (json_typeof(old) != json_typeof(fresh)) {
    refuse(EBADMSG, "config: \"%s\" is not what it should be", key);
    old = NULL;
  }
  json_decref(fresh);
  return old;
}

/* Entrypoint or Cmd: an array of words, or nothing at all. */
static int
set_words(json_t *object, const char *key, const char *const *words)
{
  json_auto_t *array = json_array();
  for (size_t i = 0; words[i]; i++)
    if (check(json_array_append_new(array, json_string(words[i])), words[i]) < 0)
      return -1;
  if (words[0])
    return json_object_set(object, key, array);
  json_object_del(object, key);
  return 0;
}

/* A port as the config wants it: "80" becomes "80/tcp". */
static int
read_port(const char *text, char port[32])
{
  char *end;
  unsigned long number = strtoul(text, &end, 10);
  const char *protocol = *end ? end : "/tcp";
  if (*text < '1' || *text > '9' || number > 65535 ||
      (strcmp(protocol, "/tcp") != 0 && strcmp(protocol, "/udp") != 0 &&
       strcmp(protocol, "/sctp") != 0))
    return refuse(EINVAL, "\"%s\" is not a port: say 80, 80/tcp, 53/udp or 36412/sctp", text);
  snprintf(port, 32, "%lu%s", number, protocol);
  return 0;
}

/* One of a kind: a variable, a label, a port, a volume. */
typedef int set_fn(json_t *all, const char *text);

static int
set_label(json_t *labels, const char *text)
{
  const char *equals = find_equals(text);
  if (!equals)
    return -1;
  autofree char *key = strndup(text, equals - text);
  return key ? check(json_object_set_new(labels, key, json_string(equals + 1)), text)
             : fail("set the label %s", text);
}

static int
set_port(json_t *ports, const char *text)
{
  char port[32];
  return read_port(text, port) < 0 ? -1
                                   : check(json_object_set_new(ports, port, json_object()), text);
}

static int
set_volume(json_t *volumes, const char *text)
{
  return check(json_object_set_new(volumes, text, json_object()), text);
}

/* All of a kind, if any was asked for. */
static int
set_all(json_t *object, const char *key, json_t *fresh, set_fn *set, const char *const *texts)
{
  json_t *all = texts ? member(object, key, json_incref(fresh)) : NULL;
  json_decref(fresh);
  for (size_t i = 0; all && texts[i]; i++)
    if (set(all, texts[i]) < 0)
      return -1;
  return texts && !all ? -1 : 0;
}

/* WorkingDir and User. */
static int
set_texts(json_t *object, const struct config_wish *wish)
{
  if (wish->workdir && wish->workdir[0] != '/')
    return refuse(EINVAL, "\"%s\" is not an absolute path", wish->workdir);
  if (wish->workdir &&
      check(json_object_set_new(object, "WorkingDir", json_string(wish->workdir)),
            wish->workdir) < 0)
    return -1;
  if (wish->user && !*wish->user)
    json_object_del(object, "User");
  else if (wish->user)
    return check(json_object_set_new(object, "User", json_string(wish->user)), wish->user);
  return 0;
}

/* All that was asked for. */
static int
change(json_t *object, const struct config_wish *wish)
{
  if (wish->entrypoint && !wish->cmd)
    json_object_del(object, "Cmd");
  if (wish->entrypoint && set_words(object, "Entrypoint", wish->entrypoint) < 0)
    return -1;
  if (wish->cmd && set_words(object, "Cmd", wish->cmd) < 0)
    return -1;
  if (set_all(object, "Env", json_array(), env_set, wish->env) < 0 ||
      set_all(object, "Labels", json_object(), set_label, wish->labels) < 0 ||
      set_all(object, "ExposedPorts", json_object(), set_port, wish->ports) < 0 ||
      set_all(object, "Volumes", json_object(), set_volume, wish->volumes) < 0)
    return -1;
  return set_texts(object, wish);
}

/* The copy takes the place of what it is a copy of. */
static int
replace(json_t *config, json_t *copy)
{
  json_object_clear(config);
  return json_object_update(config, copy);
}
//<

int
config_change(json_t *config, const struct config_wish *wish)
{
  //> /* TODO 4.6: on a copy (json_deep_copy) that takes the place of the old one at the
  //>  * end. */
  //> return todo("4.6", config, wish);
  json_auto_t *copy = json_deep_copy(config);
  json_t *object = member(copy, "config", json_object());
  if (!object || change(object, wish) < 0)
    return -1;
  return replace(config, copy);
  //<
}

//>
/* One more layer. */
static int
add_diff_id(json_t *config, const char *diff_id)
{
  json_t *rootfs = member(config, "rootfs", json_object());
  if (rootfs && !json_object_get(rootfs, "type"))
    json_object_set_new(rootfs, "type", json_string("layers"));
  json_t *ids = rootfs ? member(rootfs, "diff_ids", json_array()) : NULL;
  return ids ? json_array_append_new(ids, json_string(diff_id)) : -1;
}
//<

int
config_add_history(json_t *config, const char *diff_id, time_t created,
                   const char *created_by, const char *comment)
{
  //> /* TODO 4.6: gmtime_r and strftime; one line, and perhaps one diffID. */
  //> return todo("4.6", config, diff_id, created, created_by, comment);
  char when[64];
  struct tm tm;
  if (!gmtime_r(&created, &tm) || !strftime(when, sizeof when, "%Y-%m-%dT%H:%M:%SZ", &tm))
    return fail("write the time %lld", (long long)created);
  json_auto_t *copy = json_deep_copy(config);
  json_t *history = member(copy, "history", json_array());
  /* "s*" leaves out what is NULL, "o*" too: jansson's documentation of json_pack. */
  json_t *line = json_pack("{ss, ss, ss*, so*}", "created", when, "created_by", created_by,
                           "comment", comment, "empty_layer", diff_id ? NULL : json_true());
  if (!line)
    return refuse(EINVAL, "the history's \"%s\" is not UTF-8", created_by);
  if (!history || json_array_append_new(history, line) < 0)
    return -1;
  json_object_set_new(copy, "created", json_string(when));
  if (diff_id && add_diff_id(copy, diff_id) < 0)
    return -1;
  return replace(config, copy);
  //<
}

//>
/* Put JSON into the store. */
static int
write_blob(int store, const json_t *json, enum media media, struct descriptor *got)
{
  struct blob blob;
  autofree char *text = json_write(json);
  if (!text || blob_begin(store, &blob) < 0)
    return -1;
  if (blob_write(&blob, text, strlen(text)) < 0) {
    blob_drop(&blob);
    return -1;
  }
  snprintf(got->media_type, sizeof got->media_type, "%s", media_name(media));
  return blob_finish(&blob, NULL, got);
}

/* A descriptor as JSON. In an OCI manifest stand OCI types only: for Docker's, others
 * have reason to refuse it. */
static json_t *
descriptor_json(const struct descriptor *descriptor)
{
  enum media media = media_of(descriptor->media_type);
  return json_pack("{ss, ss, sI}", "mediaType",
                   media == MEDIA_UNKNOWN ? descriptor->media_type : media_name(media),
                   "digest", descriptor->digest, "size", (json_int_t)descriptor->size);
}

/* The platform of a config. */
static struct platform
platform_of(const json_t *config)
{
  struct platform platform = {0};
  const char *os = json_string_value(json_object_get(config, "os"));
  const char *architecture = json_string_value(json_object_get(config, "architecture"));
  const char *variant = json_string_value(json_object_get(config, "variant"));
  snprintf(platform.os, sizeof platform.os, "%s", os ? os : "");
  snprintf(platform.architecture, sizeof platform.architecture, "%s",
           architecture ? architecture : "");
  snprintf(platform.variant, sizeof platform.variant, "%s", variant ? variant : "");
  return platform;
}
//<

int
image_write(int store, const char *name, json_t *config, const struct descriptor *layers,
            size_t count, struct descriptor *manifest)
{
  //> /* TODO 4.6: the config's blob, the manifest's blob, the name: in this order, so that
  //>  * nothing ever names what is not there. */
  //> return todo("4.6", store, name, config, layers, count, manifest);
  struct descriptor config_is;
  struct platform platform = platform_of(config);
  size_t ids = json_array_size(
      json_object_get(json_object_get(config, "rootfs"), "diff_ids"));
  if (ids != count)
    return refuse(EINVAL, "a config with %zu diffIDs does not go with %zu layers", ids, count);
  if (write_blob(store, config, MEDIA_CONFIG, &config_is) < 0)
    return -1;
  json_auto_t *json = json_pack("{si, ss, so, s[]}", "schemaVersion", 2, "mediaType",
                                media_name(MEDIA_MANIFEST), "config",
                                descriptor_json(&config_is), "layers");
  for (size_t i = 0; i < count; i++)
    json_array_append_new(json_object_get(json, "layers"), descriptor_json(&layers[i]));
  if (write_blob(store, json, MEDIA_MANIFEST, manifest) < 0)
    return -1;
  return index_put(store, name, manifest, &platform);
  //<
}
