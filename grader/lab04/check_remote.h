/* check_remote.h - what the tests of 4.7 share: a registry that lies when it is told to
 * (registry.c), and calls of the student's functions with it. */
#ifndef CHECK_REMOTE_H
#define CHECK_REMOTE_H

#include "check_fixtures.h"
#include "check_lab04.h"

#define DOCKER "application/vnd.docker."

/* ---- the registry ---- */

/* A rule for it, before it is started: "METHOD PART TIMES ACTION [ARG]" (registry.h). */
void remote_rule(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* What it has: blobs and manifests that lie in a store, so far. */
void remote_blob(const char *store, const char *repository, const char *digest);
void remote_manifest(const char *store, const char *repository, const char *called,
                     const struct descriptor *manifest);

/* The same for a manifest, and all that it names. */
void remote_image(const char *store, const char *repository, const char *called,
                  const struct descriptor *manifest);

/* Start it; its address, "127.0.0.1:PORT". Stop it. */
const char *remote_start(void);
void remote_stop(void);

/* A file of its: "a/b/manifests/1". Its path; and what it holds, "(why not)" if it is not
 * there, valid as contents() of scratch.h. */
const char *remote_path(const char *name);
const char *remote_holds(const char *name);

/* Has it this blob, byte for byte as in the store? */
bool remote_has(const char *store, const char *repository, const char *digest);

/* What was asked so far: how many requests of METHOD ("*": any) whose line in the log has
 * PART ("*": any) in it; and the number-th of those (from 0; NULL if there is none),
 * valid until the next call. See note() in registry_answer.c for what a line says. */
int asked(const char *method, const char *part);
const char *asked_line(const char *method, const char *part, int number);

/* KEY=VALUE of a line: the value, "" if it is not there. Valid until 4 more. */
const char *line_value(const char *line, const char *key);

/* Has the target of a line the parameter NAME=VALUE in its query? */
bool line_query(const char *line, const char *name, const char *value);

/* The registry that was told to send bytes without end has not got rid of them: `what` says
 * what is not read. */
void expect_no_flood(const char *what);

/* ---- calls ---- */

/* What to call, and with what. All strings. */
struct call {
  enum {
    REGISTRY_LOGIN, REGISTRY_ASK, BLOB_PULL, BLOB_PUSH, MANIFEST_PULL, IMAGE_PULL, IMAGE_PUSH
  } function;
  const char *host;                     /* NULL: the registry of the test */
  const char *base;                     /* of the registry; NULL: what registry_open makes of it */
  const char *repository;               /* NULL: "a/b" */
  const char *user;                     /* NAME:PASSWORD, or NULL */
  const char *token;                    /* that we have already: for registry_authorize */
  const char *store;                    /* its path */
  const struct descriptor *descriptor;  /* of the blob or manifest */
  const char *which;                    /* tag or digest; of registry_ask: what to ask */
  const char *digest;                   /* of the reference, besides the tag; or NULL */
  const char *from;                     /* for blob_push; or NULL */
  const char *called;                   /* for image_pull */
  const struct challenge *challenge;    /* for registry_login */
  const char *then;                     /* ask for this afterwards, with http_ask */
};

/* What else came of it, in memory that the test sees. */
struct came {
  struct descriptor got;  /* of manifest_pull */
  long status;            /* of registry_ask */
};
extern struct came *came;

/* Call it in a child. Returns the answer. */
const struct answer *call(const struct call *call);

/* Nothing is left in the store but what was there: nothing in tmp, and no blob whose name
 * is not its digest. `blobs`: how many there must be; -1: it does not matter. */
void expect_store(const char *store, int blobs, const char *when);

#endif
