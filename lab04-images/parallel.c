/* parallel.c - several things at a time. Given. */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "fail.h"
#include "image.h"

enum { THREADS = 16 }; /* more would only be in each other's way */

/* What the threads share. */
struct work {
  pthread_mutex_t lock;               /* for what stands below `count` */
  int (*job)(void *arg, size_t i);    /* what to do, */
  void *arg;                          /* with what, */
  size_t count;                       /* how often */
  size_t next;                        /* the first that nobody has begun */
  int error;                          /* errno of the first that failed; 0: none has */
  char message[8192];                 /* and its message */
};

/* Take the number of a job. False if there are no more, or one has failed. */
static bool
take(struct work *work, size_t *i)
{
  pthread_mutex_lock(&work->lock);
  bool more = !work->error && work->next < work->count;
  *i = work->next;
  work->next += more;
  pthread_mutex_unlock(&work->lock);
  return more;
}

static void *
run_jobs(void *arg)
{
  struct work *work = arg;
  for (size_t i; take(work, &i);) {
    if (work->job(work->arg, i) == 0)
      continue;
    int error = errno ?: EIO;
    pthread_mutex_lock(&work->lock);
    if (!work->error) { /* failure() is this thread's own */
      work->error = error;
      snprintf(work->message, sizeof work->message, "%s", failure());
    }
    pthread_mutex_unlock(&work->lock);
  }
  return NULL;
}

int
parallel_run(int (*job)(void *arg, size_t i), void *arg, size_t count, size_t at_once)
{
  struct work work = {.lock = PTHREAD_MUTEX_INITIALIZER, .job = job, .arg = arg,
                      .count = count};
  pthread_t threads[THREADS];
  size_t begun = 0;
  while (begun + 1 < at_once && begun + 1 < count && begun < THREADS &&
         pthread_create(&threads[begun], NULL, run_jobs, &work) == 0)
    begun++;
  run_jobs(&work); /* we are one of them; so it goes on if there are no threads, too */
  while (begun > 0)
    pthread_join(threads[--begun], NULL);
  pthread_mutex_destroy(&work.lock);
  return work.error ? refuse(work.error, "%s", work.message) : 0;
}
