/* check_config.c - 4.6: what is in a config, and how it changes. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "check_fixtures.h"
#include "check_lab04.h"
#include "config.h"
#include "proc.h"

char *after;

/* ---- the bodies ---- */

/* The config after the call goes to the answer's text. */
static void
answer_config(struct answer *a, int value, json_t *config)
{
  student_answer(a, value);
  char *text = json_dumps(config, JSON_COMPACT | JSON_ENCODE_ANY);
  snprintf(after, AFTER_ROOM, "%s", text ? text : "");
}


/* What env_set is given. */
struct setting {
  const char *env, *assignment;
};

static void
call_env(struct answer *a, const void *arg)
{
  const struct setting *s = arg;
  json_t *env = json_of(s->env);
  answer_config(a, STUDENT(env_set)(env, s->assignment), env);
}

/* What config_change is given. */
struct alteration {
  const char *config;
  struct config_wish wish;
};

static void
call_change(struct answer *a, const void *arg)
{
  const struct alteration *c = arg;
  json_t *config = json_of(c->config);
  answer_config(a, STUDENT(config_change)(config, &c->wish), config);
}

/* What config_add_history is given. */
struct line {
  const char *config, *diff_id, *created_by, *comment;
  time_t created;
};

static void
call_history(struct answer *a, const void *arg)
{
  const struct line *l = arg;
  json_t *config = json_of(l->config);
  answer_config(a, STUDENT(config_add_history)(config, l->diff_id, l->created, l->created_by,
                                               l->comment), config);
}

/* ---- judging ---- */

void
config_begin(void)
{
  if (!after)
    after = shared(AFTER_ROOM);
}

/* In whatever order an object's keys stand. */
void
expect_equal(const json_t *want, const json_t *is, const char *what)
{
  char difference[4096] = "";
  bool same = json_equal(want, is);
  if (!same)
    json_difference(want, is, difference, sizeof difference);
  EXPECT(same, what, "%s", difference);
}

void
expect_json(const char *expected, const char *what)
{
  json_auto_t *want = json_of(expected), *is = json_loads(after, JSON_DECODE_ANY, NULL);
  expect_equal(want, is, what);
}

/* The text with this test's word in the place of each "@": so nobody can have a table of
 * the answers. */
static const char *
own(const char *text)
{
  static char word[9];
  if (!*word)
    snprintf(word, sizeof word, "%s", random_word());
  char *result = for_the_test(calloc(1, strlen(text) * sizeof word + 1)), *to = result;
  ck_assert_ptr_nonnull(result);
  for (; *text; text++)
    to = *text == '@' ? stpcpy(to, word) : (*to = *text, to + 1);
  return result;
}

/* The same of a list that ends with NULL; of no list, none. */
static const char *const *
own_list(const char *const *list)
{
  size_t count = 0;
  while (list && list[count])
    count++;
  const char **result = list ? for_the_test(calloc(count + 1, sizeof *result)) : NULL;
  for (size_t i = 0; result && i < count; i++)
    result[i] = own(list[i]);
  return result;
}

static void
expect_env(const char *env, const char *assignment, const char *expected)
{
  config_begin();
  env = own(env), assignment = own(assignment), expected = own(expected);
  struct setting s = {env, assignment};
  expect_success(student_call(call_env, &s), "env_set");
  char what[300];
  snprintf(what, sizeof what, "env_set of %s in %s", assignment, env);
  expect_json(expected, what);
}

START_TEST(test_env)
{
  expect_env("[]", "A=1@", "[\"A=1@\"]");
  expect_env("[\"A=1@\", \"B=2@\", \"C@=3\"]", "B=@", "[\"A=1@\", \"B=@\", \"C@=3\"]");
  expect_env("[\"A=1@\", \"B=2@\"]", "C@=3", "[\"A=1@\", \"B=2@\", \"C@=3\"]");
  expect_env("[\"PATHEXT=1\", \"XPATH=@\"]", "PATH=/@",
             "[\"PATHEXT=1\", \"XPATH=@\", \"PATH=/@\"]");
  expect_env("[\"PATHEXT=1\", \"PATH=2\"]", "PATH=", "[\"PATHEXT=1\", \"PATH=\"]");
  expect_env("[\"A=1@\"]", "A=b=@=d", "[\"A=b=@=d\"]");
  expect_env("[\"A=b=c\"]", "A=@=d", "[\"A=@=d\"]");
  expect_env("[\"a=1\"]", "A=@", "[\"a=1\", \"A=@\"]");
  expect_env("[\"A\"]", "A=@", "[\"A\", \"A=@\"]");
  expect_env("[7, null]", "A=\xc3\xa9", "[7, null, \"A=\xc3\xa9\"]");
}
END_TEST

START_TEST(test_env_bad)
{
  static const char *const bad[] = {"", "A", "=", "=x", "=A=1"};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    char call[100];
    config_begin();
    struct setting s = {own("[\"A=1@\", \"=y\"]"), bad[i]};
    snprintf(call, sizeof call, "env_set of \"%s\"", bad[i]);
    expect_errno(student_call(call_env, &s), call, EINVAL);
    expect_json(s.env, "the array is as it was");
  }
}
END_TEST

/* ---- config_change ---- */

#define LIST(...) ((const char *const[]){__VA_ARGS__, NULL})
#define NOTHING ((const char *const[]){NULL})

static void
expect_change(const char *config, struct config_wish w, const char *expected, const char *what)
{
  config_begin();
  struct alteration c = {own(config), {
      .env = own_list(w.env), .entrypoint = own_list(w.entrypoint), .cmd = own_list(w.cmd),
      .labels = own_list(w.labels), .ports = own_list(w.ports), .volumes = own_list(w.volumes),
      .workdir = w.workdir ? own(w.workdir) : NULL, .user = w.user ? own(w.user) : NULL}};
  expect_success(student_call(call_change, &c), "config_change");
  expect_json(own(expected), what);
}

START_TEST(test_change)
{
  expect_change("{\"os\": \"linux\"}", (struct config_wish){
                    .env = LIST("A=1@", "B=2"), .entrypoint = LIST("/bin/@", "-c"),
                    .cmd = LIST("echo @ \"hi\""), .labels = LIST("k@=v", "empty=", "e=a=b"),
                    .ports = LIST("80", "53/udp", "36412/sctp", "443/tcp", "65535", "1/udp"),
                    .volumes = LIST("/data@", "/var/lib/x y"), .workdir = "/srv/@", .user = "7:8"},
                "{\"os\": \"linux\", \"config\": {\"Env\": [\"A=1@\", \"B=2\"], \"Entrypoint\": "
                "[\"/bin/@\", \"-c\"], \"Cmd\": [\"echo @ \\\"hi\\\"\"], \"Labels\": {\"k@\": "
                "\"v\", \"empty\": \"\", \"e\": \"a=b\"}, \"ExposedPorts\": {\"80/tcp\": {}, \"53/udp\": "
                "{}, \"36412/sctp\": {}, \"443/tcp\": {}, \"65535/tcp\": {}, \"1/udp\": {}}, "
                "\"Volumes\": {\"/data@\": {}, \"/var/lib/x y\": {}}, \"WorkingDir\": \"/srv/@\", "
                "\"User\": \"7:8\"}}", "all that was asked for is in \"config\", and nothing else");
}
END_TEST

/* The config that the next ones change. */
static const char full[] =
    "{\"os\": \"linux\", \"architecture\": \"amd64\", \"x-ours\": {\"a\": [1, 2.5, null]}, "
    "\"history\": [], \"config\": {\"Env\": [\"PATH=/@\", \"TERM=xterm\"], \"Entrypoint\": "
    "[\"/e@\"], \"Cmd\": [\"c\", \"d\"], \"Labels\": {\"a\": \"1\", \"b\": \"2\"}, "
    "\"ExposedPorts\": {\"22/tcp\": {}}, \"Volumes\": {\"/v\": {}}, \"WorkingDir\": \"/w@\", "
    "\"User\": \"u@\", \"StopSignal\": \"SIGINT\", \"Memory\": 5}}";

/* As `full`, with keys of "config" set anew (JSON), or gone if they are null. */
static const char *
full_with(const char *changes)
{
  static char text[4096];
  json_auto_t *config = json_of(full), *new = json_of(changes);
  json_t *object = json_object_get(config, "config"), *value;
  const char *key;
  json_object_foreach(new, key, value)
    if (json_is_null(value))
      json_object_del(object, key);
    else
      json_object_set(object, key, value);
  char *dumped = json_dumps(config, JSON_COMPACT);
  snprintf(text, sizeof text, "%s", dumped);
  free(dumped);
  return text;
}

static void
expect_full(struct config_wish wish, const char *changes, const char *what)
{
  expect_change(full, wish, full_with(changes), what);
}

START_TEST(test_stays)
{
  expect_full((struct config_wish){0}, "{}", "where nothing is asked for, nothing changes");
  expect_full((struct config_wish){.env = NOTHING, .labels = NOTHING, .ports = NOTHING,
                                   .volumes = NOTHING}, "{}", "of empty lists, nothing changes");
  expect_full((struct config_wish){.env = LIST("TERM=@", "PATH=/x:/y", "NEW@=1")},
              "{\"Env\": [\"PATH=/x:/y\", \"TERM=@\", \"NEW@=1\"]}",
              "variables keep their places, new ones come to the end");
  expect_full((struct config_wish){.labels = LIST("b=@", "c=4")},
              "{\"Labels\": {\"a\": \"1\", \"b\": \"@\", \"c\": \"4\"}}",
              "labels come to those that are there, or replace them");
  expect_full((struct config_wish){.ports = LIST("22", "80/udp"), .volumes = LIST("/v", "/u@")},
              "{\"ExposedPorts\": {\"22/tcp\": {}, \"80/udp\": {}}, \"Volumes\": {\"/v\": {}, "
              "\"/u@\": {}}}", "ports and volumes come to those that are there");
  expect_full((struct config_wish){.workdir = "/", .user = "0"},
              "{\"WorkingDir\": \"/\", \"User\": \"0\"}", "WorkingDir and User are replaced");
  expect_full((struct config_wish){.user = ""}, "{\"User\": null}",
              "an empty user takes User away");
}
END_TEST

START_TEST(test_entrypoint)
{
  expect_full((struct config_wish){.cmd = LIST("new@")}, "{\"Cmd\": [\"new@\"]}",
              "a new cmd leaves the entrypoint alone");
  expect_full((struct config_wish){.entrypoint = LIST("/n@", "x")},
              "{\"Entrypoint\": [\"/n@\", \"x\"], \"Cmd\": null}",
              "a new entrypoint without a new cmd takes the old cmd away");
  expect_full((struct config_wish){.entrypoint = LIST("/n@"), .cmd = LIST("c2@")},
              "{\"Entrypoint\": [\"/n@\"], \"Cmd\": [\"c2@\"]}", "a new entrypoint with a new cmd");
  expect_full((struct config_wish){.cmd = NOTHING}, "{\"Cmd\": null}",
              "an empty cmd takes it away");
  expect_full((struct config_wish){.entrypoint = NOTHING, .cmd = LIST("c2@")},
              "{\"Entrypoint\": null, \"Cmd\": [\"c2@\"]}", "an empty entrypoint takes it away");
  expect_full((struct config_wish){.entrypoint = NOTHING}, "{\"Entrypoint\": null, \"Cmd\": null}",
              "an empty entrypoint without a new cmd takes the old cmd away, too");
}
END_TEST

START_TEST(test_null)
{
  expect_change("{\"config\": null}", (struct config_wish){.env = LIST("A=1")},
                "{\"config\": {\"Env\": [\"A=1\"]}}", "where \"config\" is null, it is made");
  expect_change("{\"config\": {\"Env\": null, \"Cmd\": null, \"Labels\": null, \"Volumes\": null, "
                "\"ExposedPorts\": null}}",
                (struct config_wish){.env = LIST("A=1"), .cmd = LIST("c@"), .labels = LIST("l=1"),
                                     .volumes = LIST("/v"), .ports = LIST("1")},
                "{\"config\": {\"Env\": [\"A=1\"], \"Cmd\": [\"c@\"], \"Labels\": {\"l\": \"1\"}, "
                "\"Volumes\": {\"/v\": {}}, \"ExposedPorts\": {\"1/tcp\": {}}}}",
                "what is null is made, as Go writes null for what is empty");
}
END_TEST

static void
expect_no_change(struct config_wish wish, const char *what)
{
  char call[200];
  const char *const env[] = {"PATH=/changed", "NEW=1", NULL};
  const char *const entrypoint[] = {"/changed", NULL};
  config_begin();
  struct alteration c = {own(full), wish};
  /* Much that is right comes before. */
  if (!wish.env)
    c.wish.env = env;
  c.wish.entrypoint = entrypoint;
  c.wish.user = "changed";
  snprintf(call, sizeof call, "config_change with %s", what);
  expect_errno(student_call(call_change, &c), call, EINVAL);
  expect_json(c.config, "a config_change that fails leaves the config as it was");
}

START_TEST(test_change_bad)
{
  static const char *const ports[] = {"", "0", "65536", "99999999999999999999", "-1", "+80", " 80",
                                      "80 ", "80x", "x", "80/", "/tcp", "80/icmp", "80/TCP",
                                      "80/UDP", "80/Sctp", "80/tcp/udp", "80-90", "80:80", "0x50",
                                      "0080", "080/udp", "00", "80/tcp\n"};
  static const char *const paths[] = {"", "srv", "./srv", "~"};
  for (size_t i = 0; i < sizeof ports / sizeof *ports; i++) {
    char what[100];
    snprintf(what, sizeof what, "the port \"%s\"", ports[i]);
    expect_no_change((struct config_wish){.ports = LIST("1", ports[i])}, what);
  }
  for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
    char what[100];
    snprintf(what, sizeof what, "the working directory \"%s\"", paths[i]);
    expect_no_change((struct config_wish){.workdir = paths[i]}, what);
  }
  expect_no_change((struct config_wish){.env = LIST("A=1", "B")}, "the variable \"B\"");
  expect_no_change((struct config_wish){.labels = LIST("a=1", "=2")}, "the label \"=2\"");
  expect_no_change((struct config_wish){.labels = LIST("a")}, "the label \"a\"");
}
END_TEST

/* Somebody else has written the config. */
START_TEST(test_change_type)
{
  const struct { const char *config; struct config_wish wish; } cases[] = {
      {"{\"config\": []}", {.user = "u"}},
      {"{\"config\": {\"Env\": \"A=1\"}}", {.env = LIST("B=2")}},
      {"{\"config\": {\"Env\": {\"A\": \"1\"}}}", {.env = LIST("B=2")}},
      {"{\"config\": {\"Labels\": [\"a=1\"]}}", {.labels = LIST("b=2")}},
      {"{\"config\": {\"ExposedPorts\": [\"80/tcp\"]}}", {.ports = LIST("81")}},
      {"{\"config\": {\"Volumes\": \"/v\"}}", {.volumes = LIST("/w")}},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    char call[200];
    config_begin();
    struct alteration c = {cases[i].config, cases[i].wish};
    snprintf(call, sizeof call, "config_change of %s, with more to go into that,", c.config);
    expect_errno(student_call(call_change, &c), call, EBADMSG);
    expect_json(c.config, "a config_change that fails leaves the config as it was");
  }
}
END_TEST

/* ---- config_add_history ---- */

START_TEST(test_history)
{
  config_begin();
  struct line l = {own("{\"os\": \"@\", \"x\": 1}"), NULL, own("img config --env A=@"), NULL,
                   1714979289};
  expect_success(student_call(call_history, &l), "config_add_history");
  expect_json(own("{\"os\": \"@\", \"x\": 1, \"created\": \"2024-05-06T07:08:09Z\", \"history\": "
                  "[{\"created\": \"2024-05-06T07:08:09Z\", \"created_by\": \"img config --env "
                  "A=@\", \"empty_layer\": true}]}"),
              "a line without a layer: empty_layer, \"created\", and no rootfs");
  char config[1000], expected[1000], old[DIGEST_SIZE], new[DIGEST_SIZE];
  snprintf(old, sizeof old, "%s", random_digest());
  snprintf(new, sizeof new, "%s", random_digest());
  snprintf(config, sizeof config, "{\"created\": \"2000-01-01T00:00:00Z\", \"history\": [{\"by\": "
           "1}], \"rootfs\": {\"type\": \"layers\", \"diff_ids\": [\"%s\"], \"y\": 2}}", old);
  snprintf(expected, sizeof expected, "{\"created\": \"1970-01-01T00:00:00Z\", \"history\": "
           "[{\"by\": 1}, {\"created\": \"1970-01-01T00:00:00Z\", \"created_by\": \"b\", "
           "\"comment\": \"c\"}], \"rootfs\": {\"type\": \"layers\", \"diff_ids\": [\"%s\", "
           "\"%s\"], \"y\": 2}}", old, new);
  l = (struct line){config, new, "b", "c", 0};
  expect_success(student_call(call_history, &l), "config_add_history");
  expect_json(expected, "a line with a layer: its diffID comes to the end of rootfs.diff_ids");
  snprintf(expected, sizeof expected, "{\"created\": \"2038-01-19T03:14:08Z\", \"history\": "
           "[{\"created\": \"2038-01-19T03:14:08Z\", \"created_by\": \"\", \"comment\": \"\"}], "
           "\"rootfs\": {\"type\": \"layers\", \"diff_ids\": [\"%s\"]}}", new);
  l = (struct line){"{\"history\": null}", new, "", "", 2147483648};
  expect_success(student_call(call_history, &l), "config_add_history");
  expect_json(expected, "history and rootfs are made where they are missing");
}
END_TEST

START_TEST(test_history_type)
{
  static const char *const configs[] = {
      "{\"history\": {}}", "{\"rootfs\": []}", "{\"rootfs\": {\"diff_ids\": \"\"}}"};
  for (size_t i = 0; i < sizeof configs / sizeof *configs; i++) {
    char call[200];
    config_begin();
    struct line l = {configs[i], random_digest(), "b", NULL, 0};
    snprintf(call, sizeof call, "config_add_history, with a diffID, to %s,", configs[i]);
    expect_errno(student_call(call_history, &l), call, EBADMSG);
    expect_json(configs[i], "a config_add_history that fails leaves the config as it was");
  }
}
END_TEST

/* Whatever the clock on the wall says. */
START_TEST(test_history_zone)
{
  config_begin();
  setenv("TZ", "XYZ-9:30", 1);
  tzset(); /* localtime_r(3) need not look for itself */
  struct line l = {"{}", NULL, "b", NULL, 86399};
  expect_success(student_call(call_history, &l), "config_add_history");
  unsetenv("TZ");
  expect_json("{\"created\": \"1970-01-01T23:59:59Z\", \"history\": [{\"created\": "
              "\"1970-01-01T23:59:59Z\", \"created_by\": \"b\", \"empty_layer\": true}]}",
              "times are in UTC, in whatever time zone we are");
}
END_TEST

void
config_tests(void)
{
  student_test("4.6 env_set replaces a variable in its place, or appends it", test_env);
  student_test("4.6 env_set refuses what is not NAME=VALUE", test_env_bad);
  student_test("4.6 config_change sets all that it is asked for", test_change);
  student_test("4.6 config_change leaves alone what it is not asked for", test_stays);
  student_test("4.6 config_change: a new entrypoint takes the old cmd away", test_entrypoint);
  student_test("4.6 config_change makes what is null", test_null);
  student_test("4.6 config_change changes nothing when it fails", test_change_bad);
  student_test("4.6 config_change refuses what is of another type than it should be",
               test_change_type);
  student_test("4.6 config_add_history adds a line, and perhaps a diffID", test_history);
  student_test("4.6 config_add_history refuses what is of another type than it should be",
               test_history_type);
  student_test("4.6 config_add_history writes times in UTC", test_history_zone);
  write_tests();
}
