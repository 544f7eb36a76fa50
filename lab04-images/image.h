/* image.h - the contract of every function of lab04.
 *
 * What you write:   store.c resolve.c apply.c stack.c diff.c config.c registry.c
 * What is given:    given.h and what it declares; main*.c (the tool)
 *
 * Every function that can fail returns -1 (or NULL) with errno set, and leaves a
 * message with fail() or refuse() of common/fail.h. None of them prints. EBADMSG
 * is the errno of everything that is not what it says it is: wrong digest, wrong
 * size, broken JSON, a broken archive. EPERM is that of what we will not do.
 *
 * An image is a handful of files, and each of them is called by what is in it:
 * its digest. One file says which others belong to it, by their digests:
 *
 *     index.json      names -> manifests          (the only one with a name)
 *       manifest      -> one config, and layers
 *         config      what to run, and how; the digests of the layers unpacked
 *         layer       a tar archive: files that are new or changed, and marks
 *                     ("whiteouts") for those that are gone
 *
 * So whoever trusts a digest can take the bytes from anybody. A directory with an
 * index.json and blobs/sha256/DIGEST is an "image layout": our store is one. In
 * this contract `store` is a descriptor of that directory, opened to read.
 *
 * Source of all of it: the OCI image specification 1.1 ("the specification" below):
 * descriptor.md, image-layout.md, image-index.md, manifest.md, config.md, layer.md;
 * and for 4.7 the OCI distribution specification 1.1 (spec.md).
 */
#ifndef IMAGE_H
#define IMAGE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "given.h"

/* ---- 4.1 the blob store: store.c ---- */

/* Is this a digest of ours: "sha256:" and 64 digits of 0-9a-f, and nothing else?
 * Whatever becomes part of a file's name has passed this. */
bool digest_valid(const char *digest);

/* A blob that is being written. All zero, and -1 for the descriptor, is none. */
struct blob {
  int store;             /* where it will be; not ours to close */
  int file;              /* what is written so far, or -1 */
  char temp[NAME_MAX + 1]; /* its name in STORE/tmp; "" if it has none */
  struct hash *hash;     /* of what is written so far */
  int64_t size;          /* bytes written so far */
  bool failed;           /* a blob_write has failed: whatever it has left, the file is no
                            blob any more */
};

/* Begin a blob: an empty file in STORE/tmp, with a name that no other process
 * uses, and a lock on it (flock(2), LOCK_EX) as long as it is open, by which
 * store_sweep knows that somebody still writes it. That somebody sweeps between the
 * two is no failure. Returns 0, or -1 with errno of open(2); then there is nothing
 * to drop. */
int blob_begin(int store, struct blob *blob);

/* Write `size` bytes to it. Returns 0, or -1 with errno of write(2): ENOSPC. After
 * that nobody knows what is in the file (part of the data, or nothing of it, so that its
 * size tells nothing): blob->failed, and the blob can only be dropped. */
int blob_write(struct blob *blob, const void *data, size_t size);

/* The blob is complete. If `want` is not NULL, digest and size must be those.
 * Put it in its place, blobs/sha256/DIGITS, so that at every moment, whatever is
 * killed or loses its power, there is either nothing or the whole of it there: the
 * file's bytes reach the disk (fsync(2)), then it gets its name (rename(2)), then
 * the name reaches the disk. Mode 0444. That a blob is there already is success. A
 * blob of which a blob_write failed is refused (EIO), whatever is wanted.
 * What it is goes to digest and size of `got` (or NULL); its media_type stays. Ends
 * the blob in any case: the file is closed, and nothing is left in tmp. Returns 0, or -1 with
 * errno: EBADMSG if it is not what was wanted, and the message says which of the
 * two, what was wanted and what came; else of fsync(2) or rename(2). */
int blob_finish(struct blob *blob, const struct descriptor *want,
                struct descriptor *got);

/* Give it up. Nothing of it is left. errno stays. */
void blob_drop(struct blob *blob);

/* Open a blob to read. The digest is looked at by digest_valid first (EINVAL);
 * what is there must be a regular file, not a link, and of this size (EBADMSG).
 * Does not read it. Returns a descriptor that the caller closes, or -1 with errno:
 * ENOENT if it is not in the store. */
int blob_open(int store, const struct descriptor *want);

/* Read the whole of a small blob into memory, and believe it only if digest and
 * size are right. Returns `want->size` bytes, with a NUL behind them, that the
 * caller frees; or NULL with errno: EBADMSG, EFBIG if it is larger than `limit`
 * bytes (nothing is read then); else as blob_open. */
char *blob_load(int store, const struct descriptor *want, int64_t limit);

/* Remove what writers that are dead have left in STORE/tmp: files that nobody has
 * locked (flock(2)), and directories, with what is in them (tree_remove, given).
 * Others are not touched. What is neither (a FIFO, a link, a socket), and what cannot be
 * opened, may go or stay; it is no failure, nothing waits for it, and no link is followed.
 * Returns how many names it has removed, or -1 with errno. */
int store_sweep(int store);

/* ---- 4.2 from a name to an image: resolve.c ---- */

/* Is this a name of an image: what the specification's grammar allows for
 * org.opencontainers.image.ref.name, at most 255 bytes? Components of letters and
 * digits, with one of - . _ : @ + or -- between them, separated by "/". Source:
 * annotations.md, "Pre-Defined Annotation Keys". */
bool image_name_valid(const char *name);

/* Read a descriptor {"mediaType":, "digest":, "size":, ...}. All three must be
 * there and be what they should: a string of 1 to 255 bytes, a digest
 * (digest_valid), a whole number that is not negative. What else stands there may.
 * Returns 0, or -1 with EBADMSG and a message that names what is wrong. Source:
 * descriptor.md, "Properties". */
int descriptor_read(const json_t *json, struct descriptor *descriptor);

/* Does the image of this descriptor ({"platform": {...}}) run on `want`? os and
 * architecture must be the same; and the variant, if both have one. One without a
 * platform runs on all. Source: image-index.md, "manifests", "platform". */
bool platform_fits(const json_t *descriptor, const struct platform *want);

/* Find the entry that is called `name` in an index: the annotation
 * org.opencontainers.image.ref.name. If several are, the first whose platform
 * fits. Returns it (it belongs to `index`), or NULL with errno: ENOENT if none has
 * the name, and the message names those there are (the first few); ENOTSUP if none
 * of that name fits, and the message names the platforms that there are. */
const json_t *index_find(const json_t *index, const char *name,
                         const struct platform *want);

/* Choose from an index the first manifest, or index (they may lie in each other),
 * that fits; of the entries from number *at on. *at becomes the number of the one
 * behind it, so that a caller can ask for the next. Entries of other media types are
 * passed over. Returns the entry (it belongs to `index`), or NULL with errno: ENOTSUP
 * if none fits, and the message names the platforms that there are; EBADMSG if it
 * has no array "manifests". */
const json_t *index_choose(const json_t *index, const struct platform *want, size_t *at);

/* From the descriptor of an index or manifest in the store to the image. Of an
 * index, what index_choose gives; and if that is an index in which nothing fits, the
 * next. Looks into indexes at most INDEX_DEPTH deep, and INDEX_READS in all (ELOOP);
 * the first one, if `descriptor` is an index's, counts in both.
 *
 * What it reads is at most JSON_LIMIT bytes long, verified by its digest, and what
 * its descriptor says: "mediaType", if there, is of the same kind; only an index has
 * "manifests", only a manifest "config" or "layers" (EBADMSG: else a file could be
 * one image to us, and another to somebody else). Media types that are not an
 * index's, manifest's, config's or layer's (media_of), each in its place, are refused
 * by their name, with ENOTSUP. schemaVersion must be 2 in both (EBADMSG). At most LAYER_MAX
 * layers (E2BIG). The config is read, too: it must have os and architecture, the
 * rootfs.type "layers", and as many rootfs.diff_ids, each a digest, as there are
 * layers (EBADMSG). What is null counts as not there.
 *
 * Returns 0 and what image_free frees, whatever was in *image before; or -1 with errno,
 * and *image is all zero: there is nothing to free. Source: manifest.md, config.md. */
int image_read(int store, const struct descriptor *descriptor,
               const struct platform *want, struct image *image);

/* From a name to the image: index.json, index_find, image_read. */
int image_resolve(int store, const char *name, const struct platform *want,
                  struct image *image);

/* ---- 4.3 apply a layer: apply.c ----
 *
 * An archive says "write this there" a thousand times, and we do not know who
 * wrote it. So no path of it is ever put together with one of ours: open_in_root
 * (common/file.h) finds the directory it means as somebody inside the target would
 * find it, and from there on we work on that descriptor and one name. */

/* Where layers are applied, and how. */
struct target {
  int root;             /* the directory, opened to read */
  bool devices;         /* make device nodes; else one is refused (EPERM) */
  bool no_owners;       /* all files are ours: do not chown (for callers who have
                           but one user number) */
  unsigned left_out;    /* extended attributes that the file system did not take */
  struct made *made;    /* what this layer has made so far (given.h), for whiteouts;
                           NULL but in layer_apply, which makes and frees it */
  int parent;           /* the directory that the latest entry is in, or -1: often it is
                           that of the next one, too */
  struct timespec parent_time; /* the mtime to give it back when we leave it: what it had
                           when we came, or what its own entry says, if that comes while
                           we are in it ("./") */
};

/* Split the path of an entry into directory and name. Slashes and "." parts at the
 * front ("/", "./"), between and behind do not count: "./a//b/" is directory "a",
 * name "b". The root itself ("./", "/") has the name ".". Returns 0; or -1 with
 * EPERM, and a message with the path, if a part is "..", or one of the directory's parts
 * begins with ".wh." (no file of an image can be called so); ENAMETOOLONG if a part has
 * more than NAME_MAX bytes, or the whole PATH_MAX or more; EBADMSG if it is
 * empty. */
int path_split(const char *path, char directory[PATH_MAX], char name[NAME_MAX + 1]);

/* Open the directory (as path_split gives it; "" is the root itself) in the target,
 * and make what is missing on the way: mode 0755, owned by 0:0 (unless no_owners),
 * mtime 0. Links on the way are followed as somebody inside would (RESOLVE_IN_ROOT).
 * Returns a descriptor of the directory that belongs to the target until the next
 * call (target->parent), or -1 with errno: ENOTDIR if there is something else on
 * the way, ELOOP, ENOENT for a link that leads to nothing. If it is another than
 * target->parent was, that one gets its mtime again, and is closed. */
int target_enter(struct target *target, const char *directory);

/* Make what the entry says in the directory `parent`, under `name`, and nothing
 * else there: what was there goes first, with all that is below it, unless both are
 * directories: then it stays, and so does what is in it. The data of a file is read
 * from the layer; its holes stay holes. A hard link: `entry->link` is found as
 * paths are (path_split, target root), its last part is not followed; it must be
 * there, and be no directory (EPERM); to itself it is a hard link already. A device
 * with the numbers 0, 0 is refused (EPERM): overlayfs takes it for a whiteout. That the
 * root (the name ".") is anything but a directory is refused (EPERM), and nothing is
 * removed then. `layer` may be NULL where there are no data to read: for all but a regular
 * file with a size above 0. Returns 0, or -1 with errno. */
int entry_make(struct target *target, int parent, const char *name,
               const struct entry *entry, struct layer *layer);

/* Give it its owner, mode (with setuid, setgid, sticky), extended attributes and
 * mtime, in an order in which none undoes the other; not to what a symbolic link
 * leads to. A hard link has them already. Extended attributes: the names
 * trusted.overlay.* and user.overlay.* are refused (EPERM); ENOTSUP, and EPERM
 * where we are not root of the first user namespace (in_first_userns), count in left_out,
 * and it goes on. What a directory had that stays and the entry does not name, goes.
 * Returns 0, or -1 with errno. */
int entry_attributes(struct target *target, int parent, const char *name,
                     const struct entry *entry);

/* A whiteout: `name` begins with ".wh.". ".wh.X" removes X from `parent`, with all
 * that is below it; that there is no X is no failure. ".wh..wh..opq" removes all in
 * `parent`. Neither removes what this layer has made (made_has), whatever comes
 * first in it. ".wh.", ".wh..", ".wh..." and other names that begin with ".wh..wh."
 * are refused (EPERM). Returns 0, or -1 with errno. Source: layer.md,
 * "Whiteouts". */
int whiteout_apply(struct target *target, int parent, const char *name);

/* Apply all entries of a layer to target->root, which may have earlier layers in
 * it. A directory's mtime is what its entry says, or what it was, although things
 * are made in it. After the last entry the layer's digest and diffID are compared
 * (layer_verify, given). Returns 0; or -1 with errno, and the message begins with
 * the entry's path; the target then has an unfinished tree in it, and nothing
 * outside of it has changed. */
int layer_apply(struct target *target, struct layer *layer);

/* ---- 4.4 stack: stack.c ---- */

/* The chainID of a layer: `diff_id` itself if there is nothing below it (below is
 * NULL), else the digest of "BELOW DIFF_ID". Source: config.md, "Layer ChainID". */
void chain_id(const char *below, const char *diff_id, char chain[DIGEST_SIZE]);

/* Mount an overlay on the directory `target`. `lower`: descriptors of `count`
 * directories, the lowest first. `upper` and `work`: descriptors of empty
 * directories of one file system, or -1 and -1 for one that is read-only; the kernel
 * wants two lower ones then (EINVAL). `source` is what /proc/self/mountinfo shows as
 * its source. It is nodev, with the options that a user namespace wants if we are in
 * one (userxattr), and without those that leave things in the upper directory which
 * are no files (redirect_dir, metacopy, index; say redirect_dir=nofollow, for with
 * userxattr the kernel refuses "off": EINVAL). However long or odd the directories'
 * paths are, they cannot break the options: each is named by its descriptor, as
 * /proc/self/fd has it. mount(2) takes one page of options, so these names must be
 * short. None lower is EINVAL, more than LAYER_MAX are E2BIG. Our working directory
 * is what it was. Returns 0, or -1 with errno of mount(2). Source: the kernel's
 * Documentation/filesystems/overlayfs.rst. */
int overlay_mount(const int *lower, size_t count, int upper, int work,
                  const char *source, int target);

/* Unpack layer number `i` of the image for stacking, into STORE/layers/CHAIN (the
 * hexadecimal digits of its chainID), if it is not there yet; the layers below it
 * are there (else ENOENT). A layer is applied on top of those below it, by an overlay
 * whose upper directory is the new one: so the kernel writes whiteouts as it wants to
 * read them. If the layer does not say what the root is like (owner, mode, extended
 * attributes, mtime), it is as the layer below has it. While it is unpacked it has
 * another name: a directory in STORE/tmp, locked as a blob is (store_sweep); so what is
 * in STORE/layers is whole. Nothing stays mounted, also if we are killed. Two that do
 * this at the same time both succeed. `how` says devices and no_owners; it is not
 * changed. Returns a descriptor of the directory, or -1 with errno, and nothing is
 * left in tmp. */
int layer_unpack(int store, const struct image *image, size_t i,
                 const struct target *how);

/* Unpack what is not unpacked yet, and mount the image on `target` (a path):
 * read-only, or with an upper directory of its own, STORE/mounts/ID/upper, ID being
 * new. The root directory is as the image has it, in any case. The file
 * STORE/mounts/ID/image.json {"image": manifest's digest, "name": name, "rw": bool,
 * "target": absolute path} is written before the mount is made. The caller holds the
 * store's lock (store_lock, shared). Returns 0, or -1 with errno, and nothing is left
 * in STORE/mounts: EBUSY if an image of ours is mounted there already. */
int stack_mount(int store, const struct image *image, const char *name,
                const char *target, bool rw, const struct target *how);

/* What of ours is mounted at `target`, by us or by mount --bind? Returns a descriptor of
 * STORE/mounts/ID, and ID in `id`; or -1 with errno: ENOENT if nothing is, or if it lies
 * under another mount, or only around `target`. */
int stack_find(int store, const char *target, char id[NAME_MAX + 1]);

/* Unmount it, and remove STORE/mounts/ID with what was written: the next one starts
 * clean. If it is still mounted at another place (mount --bind makes such), STORE/mounts/ID
 * stays until the last of them is unmounted. Returns 0, or -1 with errno: ENOENT as
 * stack_find; EBUSY while somebody is in there, and then all is as it was. (Who has a copy
 * of the mount in a mount namespace of his own is not seen: umount(2) does not know of
 * him.) */
int stack_umount(int store, const char *target);

/* ---- 4.5 diff and pack: diff.c ---- */

/* Read what is `name` in the directory `parent` into an entry: all but path, and link
 * to an earlier name. Users' numbers are those that we see. mtime: whole seconds
 * (rounded down), `newest` if it is later. Extended attributes in the order of their
 * names (strcmp), but for those of the overlay (trusted.overlay.*, user.overlay.*) and
 * security.selinux. A socket is no entry (ENOTSUP). Returns 0 and what entry_free
 * frees, or -1 with errno, and there is nothing to free. */
int entry_read(int parent, const char *name, time_t newest, struct entry *entry);

/* What an overlay's upper directory has to say of the layers below, apart from the
 * files themselves. */
enum mark { MARK_NONE, MARK_WHITEOUT, MARK_OPAQUE };

/* Is `name` in `parent` a whiteout of overlayfs (a character device 0, 0; or an empty
 * file with the attribute overlay.whiteout in a directory whose overlay.opaque is
 * "x"), or a directory that hides what is below it (overlay.opaque is "y")? The
 * attributes are trusted.overlay.*; in a user namespace, where there are none, they
 * are user.overlay.* (in_first_userns); the others never count, for they are anybody's
 * to set. `name` may be ".". Source: overlayfs.rst, "whiteouts and opaque
 * directories". */
enum mark overlay_mark(int parent, const char *name);

/* Write the tree `root` as a layer. First the entry "./", the root itself; then what
 * is in it, sorted by the bytes of the names (strcmp), and after each directory at
 * once what is in that: "./", "a", "a/x", "a.b". Paths have no "./" or "/" in front.
 * With `upper`, marks become whiteouts: an empty file ".wh.NAME" in the place that
 * NAME would have, and ".wh..wh..opq" right behind its directory; both have mode 0644,
 * owner 0:0, mtime 0. Without it, there are no marks, and a device 0, 0 is a device.
 * A second name of a file is a hard link to the one that came first. Sockets are left
 * out. Whoever writes the same tree gets the same bytes. A name that begins with
 * ".wh." is refused (EPERM), and so is a path of PATH_MAX bytes or more
 * (ENAMETOOLONG), and a whiteout whose ".wh.NAME" has more than NAME_MAX bytes
 * (ENAMETOOLONG). However deep the tree is, a few descriptors and the usual stack (8 MiB)
 * are enough: a path has up to 2,048 names, a process often no more than 1,024
 * descriptors. Returns 0, or -1 with errno, and the message names the path. */
int layer_pack(int root, bool upper, time_t newest, struct packer *packer);

/* One difference between two trees. */
enum change { CHANGE_ADDED = 'A', CHANGE_MODIFIED = 'M', CHANGE_DELETED = 'D' };

/* Called for each, with the path ("/etc/motd", "/" for the root itself) and tree_diff's
 * `arg`. What it returns but 0 ends the comparison, and is returned. */
typedef int change_fn(enum change change, const char *path, void *arg);

/* Compare two directories: type, mode, owner, device numbers, link, extended
 * attributes (those that entry_read reads), and what is in files; not times, nor which
 * names are one file. In layer_pack's order. What is only on one side is named, and so
 * is everything below it; also if there is a directory on one side and something else
 * on the other (that is CHANGE_MODIFIED). Sockets are not there. As layer_pack, it takes
 * few descriptors. Returns 0, or -1 with errno. */
int tree_diff(int before, int after, change_fn *on_change, void *arg);

/* ---- 4.6 config and history: config.c ---- */

/* Set VARIABLE=VALUE in an env array: in its place if VARIABLE is there, else at
 * the end. Returns 0, or -1 with EINVAL if there is no "=", or no name before it,
 * and the array is as it was. */
int env_set(json_t *env, const char *assignment);

/* Change the config's object "config" as asked (it is made if it is not there, or
 * null): Env, Entrypoint, Cmd, WorkingDir (absolute, else EINVAL), User, Labels
 * ({"K": "V"}; EINVAL as in env_set), ExposedPorts ({"80/tcp": {}}; 1 to 65535
 * without a 0 in front, /tcp, /udp or /sctp in small letters; "80" means "80/tcp"; else
 * EINVAL), Volumes ({"/data": {}}). Env, labels, ports and volumes come to those that
 * are there. A new entrypoint without a new cmd takes the old cmd away, which was meant
 * for the old one (as Docker does); an empty entrypoint, too. What is not asked for
 * stays, also fields that we do not know. Returns 0, or -1 with errno, and the config is
 * as it was: EBADMSG if what something is to be added to is of another type ("Env": a
 * text, "config": an array). Source: config.md, "Properties". */
int config_change(json_t *config, const struct config_wish *wish);

/* Add one line to the history: "created" (RFC 3339, UTC: "2024-05-06T07:08:09Z"),
 * "created_by", "comment" if not NULL, and "empty_layer": true if diff_id is NULL;
 * else diff_id is added to rootfs.diff_ids, too. "created" of the config itself
 * becomes the same. What is missing (or null) is made: history; and, with a diff_id,
 * rootfs with the type "layers". Without one, rootfs is left alone. Returns 0, or -1 with
 * errno, and the config is as it was: EBADMSG if one of these is of another type. */
int config_add_history(json_t *config, const char *diff_id, time_t created,
                       const char *created_by, const char *comment);

/* Write config and manifest as blobs, and put NAME into index.json (given:
 * index_put), with the config's platform. `layers` are those of the manifest, the
 * lowest first; Docker's media types become the OCI's (media_of, media_name, given).
 * JSON in the one form that json_write (given) gives, so that the same image has the
 * same digest. The name comes last. Returns 0 and the manifest's descriptor, or -1
 * with errno: EINVAL if the config has not as many diffIDs as there are layers. */
int image_write(int store, const char *name, json_t *config,
                const struct descriptor *layers, size_t count,
                struct descriptor *manifest);

/* ---- 4.7 pull and push: registry.c ----
 *
 * How far it is, img shows by progress_begin, _add and _end (given.h): what is sent is
 * counted by http_ask, what comes is yours to count. No test asks for it. */

/* Read a reference as people type it: [HOST[:PORT]/]PATH[:TAG][@DIGEST]. If there is a
 * "/", what is before the first one is a host if it has a "." or ":" in it or is
 * "localhost"; else the host is docker.io. That one's registry is registry-1.docker.io,
 * and a PATH without "/" there is library/PATH. Without tag and digest, the tag is
 * latest; with a digest alone it is "". A host is a name (RFC 1123), an IPv4 address, or
 * an IPv6 address in []; a port is 1 to 65535. HOST:PORT has at most 255 bytes, and so has
 * the repository (host_valid, repository_valid, tag_valid are given). Returns 0, or -1
 * with EINVAL and a message that says what is wrong. Source: distribution specification,
 * "Pulling manifests" (the grammars of <name> and of a tag). */
int reference_parse(const char *text, struct reference *reference);

/* Answer a challenge, and see to it that what the registry wants goes with each request
 * from here on (registry_authorize). Basic: user and password (EACCES if we have none).
 * Bearer: GET REALM?service=..&scope=.., each word of the scope a scope= of its own, with
 * user and password (Basic) if we have them; the token of the answer {"token":} or
 * {"access_token":} is it (an empty one is none). A password must not travel in the
 * clear: the realm is https, or, for a registry on http, may be http on the same host,
 * whatever the port; else EPERM, and nobody is asked. Returns 0; or -1 with errno: EACCES
 * if the token is refused (401, 403), EBADMSG if the answer has none. */
int registry_login(struct registry *registry, const struct challenge *challenge);

/* http_ask; and if the answer is 401, with a challenge, answer that and ask again. When a
 * login does not help, the 401 is the answer. Returns 0 when there was an answer, which
 * http_free frees; or -1 with errno, of http_ask, challenge_parse or registry_login. */
int registry_ask(struct registry *registry, const struct request *request,
                 struct answer_http *answer);

/* Fetch a blob into the store, if it is not there. When the connection is cut
 * (ECONNRESET), ask for the rest (Range) and go on; until PULL_TRIES connections in a row
 * have brought no new byte (ECONNRESET then). A new byte is one more than there ever were:
 * a registry may begin at the beginning again (200, not 206), and what comes a second time
 * is not new. If all bytes have come before the cut, there is no rest to ask for. After any
 * other failure nobody is asked again. More bytes than it should have are not read. Returns
 * 0, or -1 with errno, and the store is as it was: EINVAL for what is no digest (nobody is
 * asked then); EBADMSG if it is not what it should be, or has fewer bytes (416, too); of
 * http_refused for other answers; of registry_ask. */
int blob_pull(struct registry *registry, int store, const struct descriptor *want);

/* Bring a blob to the registry, if it is not there (HEAD). `from`: another repository of
 * the same registry that may have it, or NULL: the registry may take it from there
 * (mount), or want it all the same. That it has the blob, a registry says by 201 (Created)
 * after a PUT, or after that POST; 200 does not say so. Returns 0, or -1 with errno: of
 * http_refused for other answers; EBADMSG if there is no Location to upload to. Source:
 * distribution specification, "Pushing blobs", "Mounting a blob from another repository". */
int blob_push(struct registry *registry, int store, const struct descriptor *blob,
              const char *from);

/* Fetch a manifest (or index) into the store, by tag or digest: at most JSON_LIMIT bytes
 * (EFBIG). What comes must have the digest that was asked for, and that of the answer's
 * Docker-Content-Digest, if there is one (EBADMSG); its media type is the answer's
 * Content-Type, and one of a manifest or an index (ENOTSUP). Returns 0 and what it is; or
 * -1 with errno, and the store is as it was. */
int manifest_pull(struct registry *registry, int store, const char *which,
                  struct descriptor *got);

/* Fetch an image: by its digest if the reference has one, else by the tag; of an index,
 * what image_read would choose; and of a manifest, what it names, the layers several at a
 * time (parallel_run). Then, and only then, call it `name` (index_put). A layer of a type
 * that image_read refuses is not fetched. Returns 0; or -1 with errno: `name` is what it
 * was, and all that is new in the store is whole blobs. */
int image_pull(struct registry *registry, int store, const struct reference *reference,
               const char *name, const struct platform *want);

/* Bring an image to the registry, called by the reference's tag, or its digest if it has
 * no tag: config and layers first, from another repository where mount_source (given)
 * knows one, and the manifest last. If the reference has a digest, it must be the
 * manifest's (EINVAL, and nothing is sent). The answer to that is 201, too. Returns 0, or
 * -1 with errno. */
int image_push(struct registry *registry, int store, const struct image *image,
               const struct reference *reference);

#endif
