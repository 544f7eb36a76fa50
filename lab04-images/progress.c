/* progress.c - long work says how far it is. Given. */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "image.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static bool on;              /* somebody looks at it */
static char what[128];       /* what is being done */
static int64_t done, total;  /* bytes; 0: not known */
static double began, shown;  /* seconds, of the clock below */

static double
now(void)
{
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec + t.tv_nsec / 1e9;
}

static const char *
megabytes(int64_t bytes, char text[32])
{
  snprintf(text, 32, "%.1f MiB", bytes / 1048576.0);
  return text;
}

/* One line, over the one before: \r, and the rest of the old one cleared. */
static void
show(double at)
{
  char a[32], b[32], c[32], left[32] = "";
  double seconds = at - began, rate = seconds > 0 ? done / seconds : 0;
  shown = at;
  if (total > done && rate > 0)
    snprintf(left, sizeof left, ", %.0f s left", (total - done) / rate);
  if (total)
    fprintf(stderr, "\r%s: %s of %s, %s/s%s\033[K", what, megabytes(done, a),
            megabytes(total, b), megabytes(rate, c), left);
  else
    fprintf(stderr, "\r%s: %s, %s/s\033[K", what, megabytes(done, a), megabytes(rate, c));
}

void
progress_on(void)
{
  on = true;
}

void
progress_begin(const char *name, int64_t bytes)
{
  pthread_mutex_lock(&lock);
  snprintf(what, sizeof what, "%s", name);
  done = 0;
  total = bytes;
  began = shown = now();
  pthread_mutex_unlock(&lock);
}

void
progress_add(int64_t bytes)
{
  if (!on)
    return;
  pthread_mutex_lock(&lock);
  done += bytes;
  double at = now();
  if (at - shown > 0.2)
    show(at);
  pthread_mutex_unlock(&lock);
}

void
progress_end(void)
{
  int error = errno; /* of what it is the end of */
  pthread_mutex_lock(&lock);
  if (on && shown > began)
    fputs("\r\033[K", stderr);
  done = total = 0;
  pthread_mutex_unlock(&lock);
  errno = error;
}
