/* hostile.h - the parts of hostile; hostile.c tells what it is for. */
#ifndef HOSTILE_H
#define HOSTILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum {
  LAYERS = 8,       /* of an image of ours, at most */
  BLOCK = 512,      /* bytes: a tar archive is made of such */
  DIGEST = 72,      /* "sha256:", 64 digits, a NUL */
};

/* Bytes that grow. All zero is none of them. */
struct bytes {
  char *data;   /* free(3), or autobytes */
  size_t size;  /* bytes in use */
  size_t room;  /* bytes there */
};

/* ---- hostile_text.c: bytes, and text with little signs in it ---- */

/* Frees them at the end of the block. */
#define autobytes __attribute__((cleanup(bytes_free)))
void bytes_free(struct bytes *bytes);

/* Add so many bytes, or zeros for NULL. Ends the program if there is no memory. */
void add(struct bytes *bytes, const void *data, size_t size);
void add_text(struct bytes *bytes, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Add text in which "%" means the canary's absolute path ("%%": a "%"), "@" the same as
 * a path that climbs to it from anywhere ("../../.."), and "<TEXT*N>" N times TEXT. */
void add_expanded(struct bytes *bytes, const char *text);

/* The same as a string of its own, which stays. */
char *expanded(const char *text);

/* Where the canary is. main sets it. */
extern const char *canary;

/* End the program, with a reason. */
void give_up(const char *format, ...)
    __attribute__((format(printf, 1, 2), noreturn));

/* ---- hostile_tar.c: archives, by hand, since no library would write these ---- */

/* What stands in the header of an entry. Zeros are usual values. */
struct head {
  char type;          /* '0' file, '1' hard link, '2' symbolic link, '5' directory */
  const char *name;   /* 100 bytes at most */
  const char *link;   /* or NULL */
  unsigned mode;      /* 0: 0644, or 0755 for a directory */
  unsigned owner;     /* user and group */
  uint64_t size;      /* bytes of data behind it */
  unsigned major, minor; /* of a device */
};

/* Add a header. It may be changed where it lies, until more is added to the archive;
 * then it wants head_seal. */
char *head(struct bytes *tar, const struct head *head);

/* Make the checksum of a header right. */
void head_seal(char *block);

/* Add data, and zeros up to the end of its block. */
void body(struct bytes *tar, const void *data, size_t size);

/* Add a file with this text. */
void file(struct bytes *tar, const char *name, const char *text);

/* Add a PAX header for the entry behind it: one record, "%d KEY=VALUE\n". */
void pax(struct bytes *tar, const char *key, const void *value, size_t size);

/* Write entries as a script has them. hostile_tar.c says how that reads. */
void script(const char *text);

/* The two blocks of zeros at the end. */
void tar_end(struct bytes *tar);

/* ---- hostile_image.c: the image around it ---- */

enum packing { TAR, GZIP, ZSTD };

/* One file of the image. */
struct document {
  struct bytes bytes;   /* what is in it */
  const char *type;     /* its media type */
  char digest[DIGEST];  /* of the bytes */
};

/* The image that is being made. */
extern struct plan {
  struct bytes tar[LAYERS];       /* the layers, unpacked */
  char diff_id[LAYERS][DIGEST];   /* the digests of those */
  struct document layer[LAYERS];  /* packed */
  size_t count;                   /* of layers */
  enum packing packing;           /* of all of them */
  bool packed;                    /* `layer` is filled in already */
  struct document config, manifest, index;
  size_t nested;                  /* indexes between index.json and the manifest */
} plan;

/* The layer that is being made; the first begins by itself. */
struct bytes *layer(void);
void next_layer(void);

/* Pack bytes. */
void pack(struct bytes *packed, const void *data, size_t size, enum packing how);

/* The digest of some bytes. */
void digest(const void *data, size_t size, char out[DIGEST]);

/* ---- the cases ---- */

/* Which file of an image a case changes before its digest is taken, so that all
 * digests are right, and the file is not. */
enum place { NOWHERE, CONFIG, MANIFEST, INDEX };

/* What must become of an image. */
enum outcome { REFUSED, ACCEPTED, EITHER };

/* A hostile image. */
struct hostile {
  const char *name;      /* "symlink-absolute" */
  enum outcome outcome;
  const char *said;      /* refused: what the message matches, as regex(7) has it */
  const char *result;    /* accepted: what is in the target. hostile_judge.c */
  const char *script;    /* its layers, or NULL for an ordinary one */
  void (*make)(void);    /* or this makes them */
  enum place place;      /* where `from` is replaced by `to`, once */
  const char *from, *to;
  void (*spoil)(int blobs); /* called when all is written, with blobs/sha256 */
};

/* Cases that belong together: one test. */
struct group {
  const char *name;             /* "links" */
  const struct hostile *cases;
  size_t count;
};
extern const struct group tree_groups[], header_groups[], ending_groups[],
    document_groups[];
extern const size_t tree_group_count, header_group_count, ending_group_count,
    document_group_count;

#define GROUP(name, cases) {name, cases, sizeof cases / sizeof *cases}

/* Write the image of this case to the directory. */
void image_make(const struct hostile *hostile, const char *directory);

/* An archive cut off after so many blocks: "tar-3", "gzip-2", "cut-5"; and the list of
 * those of one kind: "tar". Is there such a kind? */
const struct hostile *truncated(const char *name);
bool truncated_list(const char *kind);

/* ---- hostile_judge.c: what came of it ---- */

/* Is in the directory what the case says? Prints what is not. */
bool judge(const struct hostile *hostile, const char *directory);

/* Print all that is in a directory: a line each with type, mode, owner, size, mtime (if
 * that is wanted), digest and path, so that two looks can be compared. */
void look(const char *directory, bool times);

#endif
