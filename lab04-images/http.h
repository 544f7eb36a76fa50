/* http.h - what http.c and ask.c share. Given. */
#ifndef HTTP_H
#define HTTP_H

#include <curl/curl.h>
#include <pthread.h>

#include "image.h"

enum { IDLE = 8 /* connections that are kept open */ };

/* What registry_open makes. */
struct connections {
  pthread_mutex_t lock;  /* for all of it */
  CURL *idle[IDLE];      /* `count` of them that nobody uses now */
  size_t count;          /* of those */
  char *authorization;   /* the value of Authorization; or NULL */
};

/* One request to a URL, and its answer; a redirect is an answer, too. `authorization` as
 * in struct request, but NULL: none. Returns 0, or -1 with errno, as http_ask; the answer
 * is to be freed in any case. */
int http_exchange(struct connections *connections, const struct request *request,
                  const char *url, const char *authorization, struct answer_http *answer);

#endif
