/* registry.h - a registry for tests, in parts: registry.c (who asks), registry_rules.c
 * (where it lies), registry_answer.c (what it has). */
#ifndef REGISTRY_H
#define REGISTRY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What was asked. */
struct asked {
  char method[16];        /* "GET" */
  char target[4096];      /* "/v2/a/b/blobs/sha256:...?x=y" */
  char path[4096];        /* the same without the query */
  const char *query;      /* behind the "?" in `target`; or "" */
  char host[256];         /* Host */
  char authorization[4096]; /* Authorization, or "" */
  char type[512];         /* Content-Type, or "" */
  char accept[2048];      /* Accept, or "" */
  int64_t from;           /* Range: bytes=FROM-; or -1 */
  int64_t length;         /* Content-Length: bytes of `body` */
  char *body;             /* what was sent */
};

/* In what way this answer is not as it should be. */
struct lies {
  int status;             /* this, instead of what is right; 0: no lie */
  int64_t cut;            /* the connection ends after so many bytes of the body; -1 */
  int64_t add;            /* bytes more than there are; negative: fewer */
  int delay;              /* ms before the answer */
  bool whole;             /* Range is not known */
  bool wrong;             /* one bit of the body */
  bool drop;              /* the connection ends without an answer */
  bool huge;              /* Content-Length: 10 GB, and it means it */
  bool flood;             /* no Content-Length, and bytes without end */
  bool no_mount;          /* nothing is mounted from elsewhere */
  char text[4096];        /* the body, instead of what is right; "" */
  char location[4096];    /* Location; "" is right, "-" is none */
  char digest[512];       /* Docker-Content-Digest; "" is right, "-" is none */
  char type[512];         /* Content-Type; "" is right */
  char header[4096];      /* one more line; "" */
};

/* Read the rules, lines "METHOD PART TIMES ACTION [ARG]", of this file. An ACTION is the
 * name of a lie (`status 0` takes it back); or `auth VALUE|CHALLENGE`: whoever does not come
 * with VALUE in Authorization gets 401 and CHALLENGE; or `redirect URL`. It counts for
 * requests of METHOD (* is any) whose target has PART in it (* is any); the first TIMES
 * times, 0 for ever. What stands later wins. %P in ARG is our port. */
void read_rules(const char *path, int port);

/* How to lie this time. */
void choose_lies(const struct asked *asked, struct lies *lies);

/* Answer, on this connection. Returns false if that has ended. */
bool answer(int connection, const struct asked *asked, const struct lies *lies);

/* Write a line to the log. */
void note(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* How many requests are being answered now, in all processes. */
extern int *busy;

#endif
