/* given.h - what lab04 gives you: hashes, JSON, archives, compression, HTTP. All of
 * it is work of good libraries (libcrypto, jansson, libarchive, ISA-L, libzstd,
 * libcurl), wrapped so thinly that you can read it in an evening.
 *
 * hash.c      SHA-256                       index.c     index.json, and names in it
 * json.c      JSON in and out, with limits  layout.c    make and open a store
 * media.c     media types, platforms        inflate.c   a layer's bytes, unpacked
 * layer.c     read a layer, entry by entry  pack.c      write one
 * made.c      what a layer has made         http.c      one request (ask.c url.c auth.c)
 * tree.c      remove a tree                 parallel.c  several things at a time
 * names.c     names, and files with several  xattr.c     extended attributes
 * progress.c  how far long work is          transfer.c  steps of pull and push
 * grammar.c   what names may look like      decode.c    gzip and zstd, step by step
 *
 * All functions that can fail return -1 or NULL with errno set and a message
 * (common/fail.h).
 */
#ifndef GIVEN_H
#define GIVEN_H

#include <jansson.h>
#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "list.h"

/* ---- sizes that nobody may go beyond ---- */

enum {
  DIGEST_SIZE = 72,               /* "sha256:", 64 digits, a NUL */
  MEDIA_SIZE = 256,               /* a media type and its NUL (RFC 6838, 4.2) */
  JSON_LIMIT = 4 * 1024 * 1024,   /* bytes of a manifest, index or config, as
                                     registries have it */
  JSON_DEPTH = 64,                /* values in each other */
  JSON_VALUES = 100000,           /* values in all: a value takes up to 250 bytes of
                                     memory, and as few as two in the text */
  INDEX_DEPTH = 8,                /* indexes in indexes */
  INDEX_READS = 64,               /* indexes that we look into for one image: they may
                                     fan out, so the depth alone bounds nothing */
  LAYER_MAX = 500,                /* layers of an image: overlayfs takes no more */
  PULL_TRIES = 5,                 /* connections in a row that bring nothing */
};

/* ---- what things are called ---- */

/* How one file of an image names another. */
struct descriptor {
  char media_type[MEDIA_SIZE]; /* "application/vnd.oci.image.manifest.v1+json" */
  char digest[DIGEST_SIZE];    /* "sha256:..." */
  int64_t size;                /* bytes */
};

/* What an image runs on, in Go's words. */
struct platform {
  char os[32];           /* "linux" */
  char architecture[32]; /* "amd64", "arm64" */
  char variant[32];      /* "v8"; "" if there is none */
};

/* An image, read and verified but for its layers. image_free frees it. */
struct image {
  struct descriptor manifest;      /* the one that was chosen */
  struct descriptor config;        /* its config */
  struct descriptor *layers;       /* its layers, the lowest first */
  char (*diff_ids)[DIGEST_SIZE];   /* their digests when unpacked, from the config */
  size_t count;                    /* of both */
  json_t *json;                    /* the config itself */
};
void image_free(struct image *image);

/* What a media type stands for. Docker's own types count as the OCI's. */
enum media {
  MEDIA_UNKNOWN,
  MEDIA_INDEX,
  MEDIA_MANIFEST,
  MEDIA_CONFIG,
  MEDIA_LAYER,       /* tar */
  MEDIA_LAYER_GZIP,
  MEDIA_LAYER_ZSTD,
};
enum media media_of(const char *media_type);

/* The other way: what we write for it, which is always the OCI's. */
const char *media_name(enum media media);

/* The platform of this machine, from uname(2). */
struct platform platform_here(void);

/* Read "linux/arm64/v8". Returns 0, or -1 with EINVAL. */
int platform_parse(const char *text, struct platform *platform);

/* ---- hash.c ---- */

/* A SHA-256 in the making. Memory that hash_end or hash_drop frees; NULL with
 * ENOMEM. */
struct hash *hash_begin(void);
void hash_add(struct hash *hash, const void *data, size_t size);
void hash_end(struct hash *hash, char digest[DIGEST_SIZE]);
void hash_drop(struct hash *hash);

/* The digest of so many bytes. */
void digest_of(const void *data, size_t size, char digest[DIGEST_SIZE]);

/* ---- json.c ---- */

/* Read JSON: one array or object of at most JSON_LIMIT bytes, JSON_VALUES values
 * and JSON_DEPTH, no key twice in an object, UTF-8 without zero bytes. `what` names
 * it in messages. Returns a value for json_decref, or NULL with errno: EFBIG for too
 * many bytes or values, EBADMSG for all else. A `json_auto_t *` (jansson.h) lets go
 * of its value by itself. */
json_t *json_read(const char *text, size_t size, const char *what);

/* Write it in one form: no spaces, keys in the order of their bytes. Memory for
 * free(3); or NULL with ENOMEM. */
char *json_write(const json_t *json);

/* ---- layout.c and index.c: the store ---- */

/* Open the store `path`. With `create`, make it if there is nothing or an empty
 * directory (oci-layout, index.json, blobs/sha256, tmp, layers, mounts), and what a
 * layout of another tool lacks of that; else change nothing. Returns a descriptor of
 * the directory that the caller closes, or -1 with errno: ENOENT; EBADMSG if it is
 * something else, or an image layout of another version. */
int store_open(const char *path, bool create);

/* Hold the store against those who throw away what no name leads to: shared if
 * nothing may go away meanwhile (who reads an image, or brings blobs that have no
 * name yet), exclusive for who throws away. Waits. The descriptor that is returned
 * gives it back when it is closed. -1 with errno. */
int store_lock(int store, bool exclusive);

/* Replace a small file of the store, say "index.json": written beside, brought to
 * the disk, renamed. Returns 0, or -1 with errno, and it is as it was. */
int store_write(int store, const char *name, const char *text);

/* Read index.json: an object with an array "manifests". A value for json_decref, or
 * NULL with errno: ENOENT, EBADMSG, EFBIG. */
json_t *index_load(int store);

/* What an entry of it is called: belongs to the entry. NULL if it has no name. */
const char *index_name(const json_t *entry);

/* Call this manifest NAME (its platform beside it, or NULL); who was called so
 * before is not any more. NULL for the manifest: nobody is called so (ENOENT if
 * nobody was). Two at the same time wait for each other; the caller may have
 * store_lock's shared lock, but not the exclusive one. Returns 0, or -1 with errno,
 * and the index is as it was. */
int index_put(int store, const char *name, const struct descriptor *manifest,
              const struct platform *platform);

/* ---- layer.c and inflate.c: read a layer ---- */

/* One extended attribute. */
struct xattr {
  char *name;   /* "security.capability" */
  void *value;  /* `size` bytes */
  size_t size;  /* bytes */
};

/* One entry of a layer. */
struct entry {
  char *path;              /* as the archive has it */
  char *link;              /* of a symbolic link: its text; of a hard link: the path of
                              the other; else NULL */
  bool hard;               /* it is a hard link; `mode` has no type then */
  mode_t mode;             /* type (S_IFMT) and permissions */
  uid_t uid;               /* owner */
  gid_t gid;               /* group */
  int64_t size;            /* bytes of a regular file, holes counted */
  dev_t device;            /* of a device */
  struct timespec mtime;   /* when it was last changed */
  struct xattr *xattrs;    /* `xattr_count` of them */
  size_t xattr_count;      /* of them */
};

/* Free what is in it, and set it to zero. */
void entry_free(struct entry *entry);

struct layer;

/* What a reader lets a layer have at most, so that a small file cannot fill the disk. */
struct layer_limits {
  int64_t bytes;   /* unpacked, in all; 0: 64 GiB */
  int ratio;       /* unpacked bytes for one packed, after the first 64 MiB; 0: 1100,
                      and more than 1032 no gzip can have */
};

/* Open layer number `i` of an image to read; `limits` may be NULL. Returns memory for
 * layer_close, or NULL with errno: as blob_open; ENOTSUP for another media type. */
struct layer *layer_open(int store, const struct image *image, size_t i,
                         const struct layer_limits *limits);

/* The next entry. Belongs to the layer until the next call. Returns 1; 0 at the end; -1
 * with errno: EBADMSG for what is no archive, EFBIG beyond a limit (those above, and
 * 1 MiB for an entry's header), and the message says which. */
int layer_next(struct layer *layer, const struct entry **entry);

/* The next piece of the entry's data: `*size` bytes at `*data` (until the next call),
 * which belong at `*offset`; all of it lies within entry->size. Between pieces are
 * holes, and there may be one at the end. Returns 1; 0 at the end; -1 with errno. */
int layer_data(struct layer *layer, const void **data, size_t *size, int64_t *offset);

/* After the last entry: read what is left, and compare digest, size and diffID. Returns
 * 0, or -1 with EBADMSG. */
int layer_verify(struct layer *layer);

/* The diffID that layer_verify has found; to compare it, it must be in the image: one
 * without diff_ids (NULL) has its layers read, and not compared. "" before
 * layer_verify. */
const char *layer_diff_id(const struct layer *layer);
void layer_close(struct layer *layer);

/* ---- made.c ---- */

/* What a layer has made in the tree below `root`: names, and the directories that lead
 * to them. Memory for made_free, or NULL with errno. */
struct made *made_new(int root);

/* Put down that the layer has made `name` in the directory `parent`; and that it needs
 * `parent`, and the directories above it. Returns 0, or -1 with errno. */
int made_add(struct made *made, int parent, const char *name);

/* Has the layer made `name` in `parent`, or something below it? */
bool made_has(const struct made *made, int parent, const char *name);
void made_free(struct made *made);

/* Are we in the first user namespace, where all privileges are real? Source:
 * user_namespaces(7), "/proc/[pid]/uid_map". */
bool in_first_userns(void);

/* ---- tree.c ---- */

/* Remove `name` in `parent`, and all that is below it, without following links. That it
 * is gone already is success. Returns 0, or -1 with errno. */
int tree_remove(int parent, const char *name);

/* Remove what is in the directory. Returns 0, or -1 with errno. */
int tree_empty(int directory);

/* The same, but what the layer has made stays, and so do the directories that lead to
 * it, and their mtimes. Returns 0, or -1 with errno. */
int tree_prune(int directory, const struct made *made);

/* ---- mounts.c: directories in the store ---- */

enum { SCRATCH_SIZE = 32 }; /* of a path below STORE/tmp, and its NUL */

/* Make a directory (mode 0755, whatever the umask is) and open it. Returns a descriptor
 * that the caller closes, or -1 with errno: EEXIST. */
int directory_make(int parent, const char *name);

/* Make a directory in STORE/tmp with a name of its own, which is put into `path`
 * ("tmp/..."), and a lock on it as long as it is open, as blob_begin does with files.
 * Returns a descriptor that the caller closes, or -1 with errno. */
int scratch_make(int store, char path[SCRATCH_SIZE]);

/* Detach what is mounted in those directories of STORE/tmp that nobody has locked:
 * somebody was killed between mount(2) and umount2(2). To be called before store_sweep,
 * which cannot remove a directory on which something is mounted. Returns 0, or -1 with
 * errno. */
int scratch_sweep(int store);

/* Give the directory `to` the owner (unless no_owners), mode, extended attributes (those
 * that we may set; not the overlay's) and mtime of `from`. Returns 0, or -1 with errno. */
int look_like(int from, int to, bool no_owners);

/* Open STORE/mounts, and hold it against others who mount or unmount, until the
 * descriptor is closed. Returns it, or -1 with errno. */
int mounts_lock(int store);

/* Make a directory STORE/mounts/ID, and image.json in it (image.h says what that is).
 * `mounts` is from mounts_lock. Returns a descriptor that the caller closes, and ID in
 * `id`; or -1 with errno, and nothing is left. */
int mounts_add(int mounts, const struct image *image, const char *name, const char *target,
               bool rw, char id[NAME_MAX + 1]);

/* ---- pack.c: write a layer ---- */

/* A layer that is being written, as a blob of the store. */
struct packer;

/* How a layer is compressed. Only of one that is not does the digest depend on the
 * tree alone: else on the version of zlib or libzstd, too. */
enum compression { COMPRESS_NONE, COMPRESS_GZIP, COMPRESS_ZSTD };

/* Begin a layer. Returns memory that packer_finish or packer_drop frees, or NULL with
 * errno. */
struct packer *packer_begin(int store, enum compression compression);

/* Write an entry: path, link, hard, mode, uid, gid, size, device, xattrs as they are,
 * and whole seconds of mtime. What is the same is written as the same bytes. Returns
 * 0, or -1 with errno. */
int packer_entry(struct packer *packer, const struct entry *entry);

/* The data of the regular file that was the last entry: `size` bytes (entry->size)
 * from where the descriptor stands; holes are zeros. Returns 0, or -1 with errno:
 * EBUSY if there are fewer. */
int packer_data(struct packer *packer, int file, int64_t size);

/* The latest mtime of all entries so far; 0 if none is later than that. */
time_t packer_newest(const struct packer *packer);

/* Put it into the store: its descriptor, and its diffID. Frees the packer in any
 * case. Returns 0, or -1 with errno. */
int packer_finish(struct packer *packer, struct descriptor *layer,
                  char diff_id[DIGEST_SIZE]);

/* Give it up, with all that was written. errno stays. NULL is allowed. */
void packer_drop(struct packer *packer);

/* ---- names.c ---- */

enum { NAME_PATH_SIZE = NAME_MAX + 32 };

/* A path of `name` in the directory `parent`, for calls that take no descriptor, as
 * those of xattr(7): "/proc/self/fd/N/NAME". Short however deep we are, and the same
 * directory whatever is renamed above it. Returns `path`. */
const char *name_path(int parent, const char *name, char path[NAME_PATH_SIZE]);

/* The names in a directory but "." and "..", in the order in which the file system has
 * them: in any. `names` is empty before. Returns 0, or -1 with errno; either way the
 * caller frees the list. */
int names_read(int directory, struct list *names);

/* Files that have several names, each with the name by which it was met first. */
struct links;

/* Returns memory for links_free, or NULL with ENOMEM. */
struct links *links_new(void);

/* By which path was this file (st_dev, st_ino) asked for first? That is `path` itself,
 * then, if it was not yet. Belongs to `links`. NULL with ENOMEM. */
const char *links_first(struct links *links, const struct stat *st, const char *path);
void links_free(struct links *links);

/* ---- xattr.c ---- */

/* Read the extended attributes of `name` in `parent` into entry->xattrs, all that we
 * may see, in the kernel's order. A symbolic link is not followed. A file system
 * without any is no failure. Returns 0; or -1 with errno, and entry_free frees what
 * was read. Leaves no message. */
int xattrs_read(int parent, const char *name, struct entry *entry);

/* ---- config.c takes this ---- */

/* What `img config` was asked for. Arrays end with NULL; a NULL array is not asked for. */
struct config_wish {
  const char *const *env;          /* "K=V" */
  const char *const *entrypoint;   /* words; an empty array takes it away */
  const char *const *cmd;          /* words; an empty array takes it away */
  const char *const *labels;       /* "K=V" */
  const char *const *ports;        /* "80/tcp" */
  const char *const *volumes;      /* "/data" */
  const char *workdir;             /* NULL: not asked for */
  const char *user;                /* "1000:1000", "www-data"; "" takes it away */
};

/* ---- registry.c takes these ---- */

/* What somebody types to name an image in a registry. */
struct reference {
  char host[256];            /* "registry-1.docker.io", "localhost:5000" */
  char repository[256];      /* "library/debian" */
  char tag[129];             /* "latest"; "" if only a digest was given */
  char digest[DIGEST_SIZE];  /* or "" */
};

/* What a registry wants to know before it answers. */
struct challenge {
  bool basic;           /* Basic, else Bearer */
  char realm[1024];     /* Bearer: the URL to ask for a token */
  char service[256];    /* for whom; "" */
  char scope[1024];     /* for what: words with a space between them; "" */
};

/* ---- ask.c and http.c: one request ---- */

/* A repository that we talk to. registry_open fills it in. */
struct registry {
  char base[512];       /* "https://registry-1.docker.io" */
  char repository[256]; /* "library/debian" */
  char *user;           /* "NAME:PASSWORD", or NULL */
  struct connections *connections; /* http.c's own; and the token is in there */
};

/* Talk to the registry of this reference: by https, but by http to one on this machine
 * (localhost, 127.0.0.0/8, [::1]). `user` is "NAME:PASSWORD" or NULL; it is copied.
 * Asks nothing yet. Returns 0, or -1 with errno. */
int registry_open(struct registry *registry, const struct reference *reference,
                  const char *user);
void registry_close(struct registry *registry);

/* From here on send "Authorization: VALUE" with each request to this registry: "Bearer
 * ..." or "Basic ...". It is copied. -1: ENOMEM, or EBADMSG if that cannot be. */
int registry_authorize(struct registry *registry, const char *value);

/* What to ask. What is zero is not asked for. */
struct request {
  const char *method;          /* "GET", "HEAD", "POST", "PUT", "PATCH"; NULL: GET */
  const char *url;             /* "/v2/...", of the registry; or a whole URL */
  const char *const *headers;  /* "Accept: ...", and NULL at the end; or NULL */
  const char *authorization;   /* for Authorization, instead of what the registry gets;
                                  "": none; NULL: what the registry gets, if the URL is
                                  the registry's */
  int64_t from;                /* only the bytes from this one on (Range) */
  int64_t limit;               /* bytes that the answer's body may have; 0: JSON_LIMIT, or
                                  with on_data as many as come */
  int upload;                  /* a file whose bytes are sent, if upload_size is not 0 */
  int64_t upload_from;         /* from this byte on, wherever the file stands */
  int64_t upload_size;         /* so many */
  /* Called for an answer that is no error (2xx): once with its status and no data (NULL),
   * then with each piece of its body. What is not 0 ends it: http_ask returns -1 then,
   * with errno and message as they were left. NULL: the body goes to the answer's
   * `text`. */
  int (*on_data)(void *arg, long status, const void *data, size_t size);
  void *arg;                   /* for on_data */
};

/* What came. http_free frees it. */
struct answer_http {
  long status;       /* 200 */
  char *text;        /* the body, and a NUL; of an error, its first 64 KiB. Never NULL */
  size_t size;       /* its bytes */
  char *location;    /* Location, as a whole URL; or NULL */
  char *challenge;   /* WWW-Authenticate (of several: the first Bearer or Basic); or NULL */
  char *digest;      /* Docker-Content-Digest; or NULL */
  char *media_type;  /* Content-Type, without its parameters; or NULL */
};

/* Ask. Several threads may, at the same time. Redirects of GET and HEAD are followed, at
 * most 10 (ELOOP): from https only to https, else to https or to this machine; and so is
 * the first URL, as if the registry had sent us there (EPERM). Authorization goes to nobody
 * but whom it is meant for. Returns 0 when there was an answer, whatever its status; or -1
 * with errno, and there is nothing to free: EPERM, ELOOP; ECONNREFUSED, EHOSTUNREACH;
 * ECONNRESET when the connection was cut; ETIMEDOUT when nothing came for 30 s; EPROTO for
 * a certificate that is none; EFBIG. */
int http_ask(struct registry *registry, const struct request *request,
             struct answer_http *answer);
void http_free(struct answer_http *answer);

/* The answer is not what was hoped for. Leaves the message "FORMAT...: 404 not found",
 * with what the registry says about it, and errno: EACCES for 401 and 403, ENOENT for
 * 404, EAGAIN for 429 (too many requests), else EIO. Returns -1. */
int http_refused(const struct answer_http *answer, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* ---- url.c: parts of URLs, and what goes into them ---- */

/* Whom a URL leads to. */
struct origin {
  char scheme[8];   /* "https" or "http" */
  char host[256];   /* "auth.docker.io", "[::1]" */
  char port[8];     /* "443" */
};

/* Take the origin out of a URL. Returns 0; or -1 with EPERM: it is no URL of https or
 * http, or it has a user or a password in it. */
int url_origin(const char *url, struct origin *origin);

/* Is this a host by whose name this machine is meant: localhost, 127.0.0.0/8, [::1]? */
bool host_is_here(const char *host);

/* The URL with ?NAME=VALUE behind it, or &NAME=VALUE if it has a "?"; VALUE is escaped as
 * it must be. Memory for free(3), or NULL with ENOMEM. */
char *url_with(const char *url, const char *name, const char *value);

/* "Basic ..." for "NAME:PASSWORD": the value for Authorization. Memory for free(3), or
 * NULL with ENOMEM. Source: RFC 7617. */
char *basic_authorization(const char *user);

/* ---- auth.c: what a registry wants to know before it answers ---- */

/* Read a challenge, the value of WWW-Authenticate: `Bearer realm="https://...",
 * service="...",scope="..."`, or `Basic realm="..."`. What is not there is "", what we do
 * not know is left out. Returns 0; or -1 with EBADMSG (a Bearer without realm, a line that
 * ends inside a quote, a value that is too long for its place), ENOTSUP for another
 * scheme. */
int challenge_parse(const char *header, struct challenge *challenge);

/* The URL to ask for a token: REALM?service=..&scope=.., each word of the scope a scope=
 * of its own. Memory for free(3), or NULL with ENOMEM. */
char *challenge_url(const struct challenge *challenge);

/* ---- grammar.c: what names may look like ---- */

/* Is this a host, HOST or HOST:PORT? A name (RFC 1123), an IPv4 address, or an IPv6
 * address in []. A repository? A tag? Of at most as many bytes as there is room for in
 * struct reference. Source: distribution specification, "Pulling manifests". */
bool host_valid(const char *text);
bool repository_valid(const char *text);
bool tag_valid(const char *text);

/* ---- transfer.c: steps of pull and push ---- */

/* As long as this, which is in the store, is an index, fetch what it has for us, as
 * image_read would choose (manifest_pull). *manifest becomes the manifest. Returns 0, or
 * -1 with errno. */
int choice_pull(struct registry *registry, int store, const struct platform *want,
                struct descriptor *manifest);

/* Which config does this manifest, which is in the store, name? At most JSON_LIMIT bytes
 * (EFBIG). Returns 0, or -1 with errno. */
int manifest_config(int store, const struct descriptor *manifest,
                    struct descriptor *config);

/* Call this image NAME: index_put, with the platform that its config has. */
int image_put(int store, const char *name, const struct image *image);

/* How many bytes config and layers have, as they say. */
int64_t image_bytes(const struct image *image);

/* Another repository of the same registry that is likely to have this blob: an image in
 * the store is called by a reference to there, and has it. Puts its name into `from` and
 * returns true; else false. */
bool mount_source(int store, const struct reference *reference,
                  const struct descriptor *blob, char from[256]);

/* ---- parallel.c ---- */

/* Do all of `count` jobs, at most `at_once` at a time, each in a thread. When one fails
 * (-1), no more are begun. Returns 0; or -1 with errno and message of the first that has
 * failed, when all that were begun have ended. */
int parallel_run(int (*job)(void *arg, size_t i), void *arg, size_t count,
                 size_t at_once);

/* ---- progress.c ---- */

/* Long work says how far it is: bytes done, of bytes in all (0: not known). Does nothing
 * unless progress_on was called, as main does on a terminal. */
void progress_on(void);
void progress_begin(const char *what, int64_t bytes);
void progress_add(int64_t bytes);
void progress_end(void);

#endif
