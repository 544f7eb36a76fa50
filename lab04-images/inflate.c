/* inflate.c - the bytes of a layer, unpacked, and both digests of it: given.
 *
 *     blob --read--> SHA-256 --unpack--> | piece | piece | piece | --> entries
 *                  a thread of its own         `--> SHA-256         whoever calls
 *
 * One makes pieces, the other takes them, and who would have to wait for the other hashes
 * a piece meanwhile. So the work divides itself: where files are many and small, writing
 * them takes longer than unpacking, and where they are large it is the other way round.
 *
 * Nothing is believed before both digests have been compared, and that is possible only
 * at the end. Until then all of it may be made up: so there are limits, and whatever the
 * decoders have against it ends the matter.
 */
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "clean.h"
#include "decode.h"
#include "fail.h"
#include "inflate.h"

enum {
  PIECES = 8,              /* in the ring: room for one to be ahead of the other */
  PIECE_SIZE = 128 * 1024, /* bytes: small enough to stay in the processor's cache */
  RATIO_MAX = 1100,        /* deflate cannot have more than 1032 */
};

static const int64_t bytes_max = (int64_t)64 << 30;  /* unpacked */
static const int64_t ratio_from = (int64_t)64 << 20; /* unpacked; less does no harm */

struct inflate {
  int file;                     /* the blob */
  struct layer_limits limits;   /* none of them 0 */
  pthread_t thread;             /* that unpacks */
  bool running;                 /* it is there, and to be waited for */

  /* Of both; under the lock. Pieces are counted since the beginning. */
  pthread_mutex_t lock;
  pthread_cond_t moved;         /* one of the following has changed */
  size_t filled;                /* pieces that are unpacked */
  size_t hashed;                /* of those */
  size_t taken;                 /* of those, and given back: free again */
  bool hashing;                 /* one of both hashes number `hashed` */
  bool ended;                   /* there will be no more pieces */
  bool stop;                    /* nobody wants them any more */
  int error;                    /* why it ended; 0: at its end */
  char message[256];            /* the same in words */
  struct piece {
    unsigned char *data;        /* PIECE_SIZE bytes; malloc(3) */
    size_t size;                /* of them filled */
  } ring[PIECES];
  struct hash *unpacked_hash;   /* of the pieces; whoever has set `hashing` */

  /* Of the thread alone; and of the other when it has ended. */
  struct decoder *decoder;
  struct flow flow;             /* from the buffer into a piece; or `out` is NULL */
  struct hash *packed_hash;     /* of what was read */
  int64_t packed;               /* bytes read */
  int64_t unpacked;             /* bytes that came of them */
  bool at_end;                  /* all is read */
  unsigned char buffer[PIECE_SIZE];

  /* Of whoever asks. */
  bool holds;                   /* a piece, which he gives back when he takes the next */
  int64_t given;                /* bytes that he has got */
};

/* ---- of both ---- */

/* Hash the next piece, with the lock left meanwhile. Returns false if there is none, or
 * the other is at it. */
static bool
hash_one(struct inflate *i)
{
  if (i->hashing || i->hashed == i->filled)
    return false;
  const struct piece *piece = &i->ring[i->hashed % PIECES];
  i->hashing = true;
  pthread_mutex_unlock(&i->lock);
  hash_add(i->unpacked_hash, piece->data, piece->size);
  pthread_mutex_lock(&i->lock);
  i->hashing = false;
  i->hashed++;
  pthread_cond_signal(&i->moved);
  return true;
}

/* Do something useful, or wait for the other. */
static void
work_or_wait(struct inflate *i)
{
  if (!hash_one(i))
    pthread_cond_wait(&i->moved, &i->lock);
}

/* ---- the thread ---- */

static int
read_packed(struct inflate *i)
{
  ssize_t n;
  do
    n = read(i->file, i->buffer, sizeof i->buffer);
  while (n < 0 && errno == EINTR);
  if (n < 0)
    return fail("read the blob");
  hash_add(i->packed_hash, i->buffer, n);
  i->packed += n;
  progress_add(n);
  i->flow.in = i->buffer;
  i->flow.in_size = n;
  i->at_end = n == 0;
  return 0;
}

/* Wait until a piece of the ring is free. -1 if nobody wants it any more. */
static int
begin_piece(struct inflate *i)
{
  pthread_mutex_lock(&i->lock);
  while (i->filled - i->taken == PIECES && !i->stop)
    work_or_wait(i);
  bool stop = i->stop;
  i->flow.out = i->ring[i->filled % PIECES].data;
  i->flow.out_size = PIECE_SIZE;
  pthread_mutex_unlock(&i->lock);
  return stop ? refuse(ECANCELED, "nobody wants the layer any more") : 0;
}

static void
end_piece(struct inflate *i)
{
  pthread_mutex_lock(&i->lock);
  i->ring[i->filled % PIECES].size = PIECE_SIZE - i->flow.out_size;
  i->filled++;
  pthread_cond_signal(&i->moved);
  pthread_mutex_unlock(&i->lock);
  i->flow.out = NULL;
}

static int
check_limits(const struct inflate *i)
{
  if (i->unpacked > i->limits.bytes)
    return refuse(EFBIG, "it unpacks to more than %" PRId64 " bytes: that is the limit",
                  i->limits.bytes);
  if (i->unpacked > ratio_from && i->unpacked / i->limits.ratio > i->packed)
    return refuse(EFBIG, "it unpacks to more than %d times its size: that is the limit",
                  i->limits.ratio);
  return 0;
}

/* Unpack all of it. Returns 0 at its end, or -1. */
static int
unpack(struct inflate *i)
{
  struct flow *flow = &i->flow;
  for (;;) {
    if (!flow->in_size && !i->at_end && read_packed(i) < 0)
      return -1;
    if (!flow->in_size && i->at_end && !decoder_inside(i->decoder))
      return 0;
    if (!flow->out && begin_piece(i) < 0)
      return -1;
    size_t room = flow->out_size;
    const char *wrong = decoder_step(i->decoder, flow);
    if (wrong)
      return refuse(EBADMSG, "%s, before byte %" PRId64, wrong, i->packed);
    if (i->at_end && room == flow->out_size && decoder_inside(i->decoder))
      return refuse(EBADMSG, "it ends too early, after %" PRId64 " bytes", i->packed);
    i->unpacked += room - flow->out_size;
    if (check_limits(i) < 0)
      return -1;
    if (!flow->out_size)
      end_piece(i);
  }
}

static void *
run(void *arg)
{
  struct inflate *i = arg;
  int bad = unpack(i), error = errno;
  if (i->flow.out && i->flow.out_size < PIECE_SIZE)
    end_piece(i);
  pthread_mutex_lock(&i->lock);
  i->error = bad ? error : 0;
  snprintf(i->message, sizeof i->message, "%s", bad ? failure() : "");
  i->ended = true;
  pthread_cond_signal(&i->moved);
  pthread_mutex_unlock(&i->lock);
  return NULL;
}

/* ---- whoever asks ---- */

/* What both need. */
static int
prepare(struct inflate *i, enum media media, const struct layer_limits *limits)
{
  pthread_mutex_init(&i->lock, NULL);
  pthread_cond_init(&i->moved, NULL);
  if (limits)
    i->limits = *limits;
  if (!i->limits.bytes)
    i->limits.bytes = bytes_max;
  if (!i->limits.ratio)
    i->limits.ratio = RATIO_MAX;
  i->packed_hash = hash_begin();
  i->unpacked_hash = hash_begin();
  i->decoder = decoder_new(media);
  if (!i->packed_hash || !i->unpacked_hash || !i->decoder)
    return -1;
  for (int n = 0; n < PIECES; n++)
    if (!(i->ring[n].data = malloc(PIECE_SIZE)))
      return fail("unpack a layer");
  return 0;
}

/* Signals are for the caller's threads. */
static int
start(struct inflate *i)
{
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  int error = pthread_create(&i->thread, NULL, run, i);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  i->running = error == 0;
  errno = error ? error : errno;
  return error ? fail("start a thread that unpacks") : 0;
}

struct inflate *
inflate_open(int file, enum media media, const struct layer_limits *limits)
{
  autoclose int taken = file;
  struct inflate *i = calloc(1, sizeof *i);
  if (!i) {
    fail("unpack a layer");
    return NULL;
  }
  i->file = take_fd(&taken);
  if (prepare(i, media, limits) < 0 || start(i) < 0) {
    inflate_close(i);
    return NULL;
  }
  return i;
}

int
inflate_next(struct inflate *i, const void **data, size_t *size)
{
  pthread_mutex_lock(&i->lock);
  while (i->holds && i->hashed == i->taken)
    work_or_wait(i);
  if (i->holds) {
    i->taken++;
    pthread_cond_signal(&i->moved);
  }
  while (i->filled == i->taken && !i->ended)
    pthread_cond_wait(&i->moved, &i->lock);
  i->holds = i->filled != i->taken;
  const struct piece *piece = &i->ring[i->taken % PIECES];
  pthread_mutex_unlock(&i->lock);
  if (!i->holds)
    return i->error ? refuse(i->error, "%s", i->message) : 0;
  *data = piece->data;
  *size = piece->size;
  i->given += piece->size;
  return 1;
}

int64_t
inflate_given(const struct inflate *i)
{
  return i->given;
}

int64_t
inflate_limit(const struct inflate *i)
{
  return i->limits.bytes;
}

void
inflate_digests(struct inflate *i, struct descriptor *packed, char unpacked[DIGEST_SIZE])
{
  packed->size = i->packed;
  hash_end(i->packed_hash, packed->digest);
  hash_end(i->unpacked_hash, unpacked);
  i->packed_hash = i->unpacked_hash = NULL;
}

void
inflate_close(struct inflate *i)
{
  int error = errno;
  if (!i)
    return;
  if (i->running) {
    pthread_mutex_lock(&i->lock);
    i->stop = true;
    pthread_cond_signal(&i->moved);
    pthread_mutex_unlock(&i->lock);
    pthread_join(i->thread, NULL);
  }
  close(i->file);
  hash_drop(i->packed_hash);
  hash_drop(i->unpacked_hash);
  decoder_free(i->decoder);
  for (int n = 0; n < PIECES; n++)
    free(i->ring[n].data);
  pthread_cond_destroy(&i->moved);
  pthread_mutex_destroy(&i->lock);
  free(i);
  errno = error;
}
