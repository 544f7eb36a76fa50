/* diff.c - 4.5: what has changed, and a layer of it.
 *
 * Whoever writes on an overlay writes into its upper directory, so what is in there is
 * what has changed. Only two things are said in other words there than in a layer:
 *
 *                           the upper directory             the layer
 *     X is gone             a character device 0, 0, X      an empty file .wh.X
 *     all in D is hidden    D has overlay.opaque=y          an empty file D/.wh..wh..opq
 *
 * A layer is called by its digest: one other byte, and it is another layer. So two
 * who pack the same tree must write the same bytes, and nothing makes them so:
 * readdir(3) gives names in any order, inodes and times of reading are another
 * machine's, and a file may have several names. Therefore we sort, leave out what is
 * not the tree's, and let the order decide which name is the file, and which are
 * links to it.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "clean.h"
#include "fail.h"
#include "file.h"
#include "image.h"
#include "list.h"

//>
static bool
starts_with(const char *text, const char *start)
{
  return strncmp(text, start, strlen(start)) == 0;
}

/* The overlay's attributes are about this machine's overlay, and SELinux's label is
 * about this machine's policy. */
static bool
stays_here(const struct xattr *x)
{
  return starts_with(x->name, "trusted.overlay.") || starts_with(x->name, "user.overlay.") ||
         strcmp(x->name, "security.selinux") == 0;
}

static int
by_name(const void *a, const void *b)
{
  return strcmp(((const struct xattr *)a)->name, ((const struct xattr *)b)->name);
}

static int
read_attributes(int parent, const char *name, struct entry *entry)
{
  size_t kept = 0;
  if (xattrs_read(parent, name, entry) < 0)
    return -1;
  for (size_t i = 0; i < entry->xattr_count; i++)
    if (stays_here(&entry->xattrs[i])) {
      free(entry->xattrs[i].name);
      free(entry->xattrs[i].value);
    } else
      entry->xattrs[kept++] = entry->xattrs[i];
  entry->xattr_count = kept;
  if (kept)
    qsort(entry->xattrs, kept, sizeof *entry->xattrs, by_name);
  return 0;
}

static int
read_link(int parent, const char *name, struct entry *entry)
{
  char text[PATH_MAX];
  ssize_t n = readlinkat(parent, name, text, sizeof text);
  entry->link = n < 0 ? NULL : strndup(text, n);
  return entry->link ? 0 : -1;
}
//<

int
entry_read(int parent, const char *name, time_t newest, struct entry *entry)
{
  //> /* TODO 4.5: fstatat(2), readlinkat(2), and xattrs_read (given), sorted. What belongs
  //>  * to this machine, and not to the file? */
  //> return todo("4.5", parent, name, newest, entry);
  struct stat st;
  *entry = (struct entry){0};
  if (fstatat(parent, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
    return fail("look at %s", name);
  if (S_ISSOCK(st.st_mode))
    return refuse(ENOTSUP, "%s is a socket, which no layer can have", name);
  entry->mode = st.st_mode;
  entry->uid = st.st_uid;
  entry->gid = st.st_gid;
  /* st_size of a directory is the file system's, st_rdev of a file is nobody's. */
  entry->size = S_ISREG(st.st_mode) ? st.st_size : 0;
  entry->device = S_ISCHR(st.st_mode) || S_ISBLK(st.st_mode) ? st.st_rdev : 0;
  entry->mtime.tv_sec = st.st_mtim.tv_sec < newest ? st.st_mtim.tv_sec : newest;
  if ((S_ISLNK(st.st_mode) && read_link(parent, name, entry) < 0) ||
      read_attributes(parent, name, entry) < 0) {
    fail("read the attributes of %s", name);
    entry_free(entry);
    *entry = (struct entry){0};
    return -1;
  }
  return 0;
  //<
}

//>
/* Does the overlay's attribute `name` of this file say `value` (NULL: anything)? */
static bool
overlay_says(int parent, const char *file, const char *name, const char *value)
{
  char path[NAME_PATH_SIZE], attribute[64], is[2];
  snprintf(attribute, sizeof attribute, "%s.overlay.%s",
           in_first_userns() ? "trusted" : "user", name);
  ssize_t n = lgetxattr(name_path(parent, file, path), attribute, is, sizeof is);
  return n >= 0 && (!value || (n == 1 && is[0] == value[0]));
}
//<

enum mark
overlay_mark(int parent, const char *name)
{
  //> /* TODO 4.5: what do fstatat(2) and lgetxattr(2) say? name_path (given) makes a path
  //>  * for the second. */
  //> todo("4.5", parent, name);
  //> return MARK_NONE;
  struct stat st;
  if (fstatat(parent, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
    return MARK_NONE;
  if (S_ISCHR(st.st_mode) && st.st_rdev == makedev(0, 0))
    return MARK_WHITEOUT;
  if (S_ISDIR(st.st_mode) && overlay_says(parent, name, "opaque", "y"))
    return MARK_OPAQUE;
  /* The other kind, for overlays in overlays: no overlay can show a device 0, 0. */
  if (S_ISREG(st.st_mode) && st.st_size == 0 && overlay_says(parent, name, "whiteout", NULL) &&
      overlay_says(parent, ".", "opaque", "x"))
    return MARK_WHITEOUT;
  return MARK_NONE;
  //<
}

//>
/* strcmp(3), not strcoll(3): the order must not be the locale's. */
static int
by_bytes(const void *a, const void *b)
{
  return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The names in a directory, sorted. */
static int
sorted_names(int directory, struct list *names)
{
  if (names_read(directory, names) < 0)
    return -1;
  if (names->count)
    qsort(names->items, names->count, sizeof *names->items, by_bytes);
  return 0;
}

static int
open_below(int parent, const char *name, int flags)
{
  return openat(parent, name, flags | O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
}

/* Put a name behind a path; "." is where we are. Returns how long the path was before,
 * to cut it off there again; or -1. */
static int
path_push(char path[PATH_MAX], const char *name)
{
  size_t end = strlen(path);
  if (strcmp(name, ".") == 0)
    return end;
  if (snprintf(path + end, PATH_MAX - end, "%s%s", end ? "/" : "", name) < (int)(PATH_MAX - end))
    return end;
  path[end] = '\0';
  return refuse(ENAMETOOLONG, "%s in /%s: a path of %d bytes or more", name, path, PATH_MAX);
}

/* Trees are walked with one descriptor on each side, however deep they are: down into a
 * directory by its name, up by "..". A descriptor for each level would not do: of those a
 * process has 1024 (ulimit -n), and a path of PATH_MAX bytes has twice as many names. */
struct place {
  dev_t device;  /* st_dev and st_ino say which directory that is */
  ino_t inode;
};

/* Go from *here to the directory `down`, which is closed, or becomes *here. Where we were
 * goes to `above`. */
static int
go_down(int *here, int *down, struct place *above)
{
  struct stat st;
  if (fstat(*here, &st) < 0)
    return fail("look at a directory");
  *above = (struct place){st.st_dev, st.st_ino};
  clean_close(here);
  *here = take_fd(down);
  return 0;
}

/* And back. "." was no step down. */
static int
go_up(int *here, const char *name, const struct place *above)
{
  struct stat st;
  if (strcmp(name, ".") == 0)
    return 0;
  autoclose int up = openat(*here, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (up < 0 || fstat(up, &st) < 0)
    return fail("go back from the directory %s to the one above", name);
  if (st.st_dev != above->device || st.st_ino != above->inode)
    return refuse(EAGAIN, "somebody has moved the directory %s while it was read", name);
  clean_close(here);
  *here = take_fd(&up);
  return 0;
}

/* A tree that is being packed. */
struct packing {
  struct packer *packer; /* where it goes */
  int here;              /* the directory that we are in */
  bool upper;            /* it has marks */
  time_t newest;         /* no time may be later */
  struct links *links;   /* files with several names, so far */
  char path[PATH_MAX];   /* of what we are at; "" is the root */
};

/* Write a mark: an empty file of ours. */
static int
pack_mark(struct packing *p, const char *name)
{
  int end = path_push(p->path, name);
  if (end < 0)
    return -1;
  struct entry entry = {.path = p->path, .mode = S_IFREG | 0644};
  int bad = packer_entry(p->packer, &entry);
  p->path[end] = '\0';
  return bad;
}

static int
pack_whiteout(struct packing *p, const char *name)
{
  char mark[NAME_MAX + 1];
  if (snprintf(mark, sizeof mark, ".wh.%s", name) > NAME_MAX)
    return refuse(ENAMETOOLONG, "%s%s/%s: a layer cannot say that this is gone: with \".wh.\" in "
                  "front the name is longer than %d bytes", *p->path ? "/" : "", p->path, name,
                  NAME_MAX);
  return pack_mark(p, mark);
}

/* Write a regular file, and what is in it. */
static int
pack_regular(struct packing *p, const char *name, const struct entry *entry)
{
  /* Before its entry is written: an entry without its data is a broken layer. And
   * should it have become a FIFO in between, we do not wait for its other end. */
  autoclose int file = open_below(p->here, name, O_NONBLOCK);
  if (file < 0)
    return fail("open /%s", p->path);
  if (packer_entry(p->packer, entry) < 0)
    return -1;
  return packer_data(p->packer, file, entry->size);
}

/* Write what is no directory. */
static int
pack_file(struct packing *p, const char *name, const struct entry *entry)
{
  struct stat st;
  const char *first = NULL;
  if (fstatat(p->here, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
    return fail("look at /%s", p->path);
  if (st.st_nlink > 1 && !(first = links_first(p->links, &st, p->path)))
    return -1;
  if (first && strcmp(first, p->path) != 0) {
    struct entry link = *entry;
    link.hard = true;
    link.link = (char *)first;
    link.mode &= ~S_IFMT;
    return packer_entry(p->packer, &link);
  }
  return S_ISREG(entry->mode) ? pack_regular(p, name, entry)
                              : packer_entry(p->packer, entry);
}

static int pack_one(struct packing *p, const char *name);

/* Write a directory, and what is in it. */
static int
pack_directory(struct packing *p, const char *name, const struct entry *entry, bool opaque)
{
  struct place above;
  autolist struct list names = {0};
  autoclose int directory = open_below(p->here, name, O_DIRECTORY);
  if (directory < 0)
    return fail("open the directory /%s", p->path);
  if (packer_entry(p->packer, entry) < 0 || (opaque && pack_mark(p, ".wh..wh..opq") < 0) ||
      sorted_names(directory, &names) < 0)
    return -1;
  if (names.count == 0)
    return 0;
  if (go_down(&p->here, &directory, &above) < 0)
    return -1;
  for (size_t i = 0; i < names.count; i++)
    if (pack_one(p, names.items[i]) < 0)
      return -1;
  return go_up(&p->here, name, &above);
}

/* Write what is called `name` where we are; the path has it already. */
static int
pack_entry(struct packing *p, const char *name, bool opaque)
{
  struct entry entry;
  if (entry_read(p->here, name, p->newest, &entry) < 0)
    /* A socket is left out: whoever listens makes it anew. */
    return errno == ENOTSUP ? 0 : refuse(errno, "/%s: %s", p->path, failure());
  entry.path = *p->path ? p->path : (char *)"./";
  int bad = S_ISDIR(entry.mode) ? pack_directory(p, name, &entry, opaque)
                                : pack_file(p, name, &entry);
  entry.path = NULL; /* it is not the entry's */
  entry_free(&entry);
  return bad;
}

static int
pack_one(struct packing *p, const char *name)
{
  /* Whoever unpacks it would take it for a whiteout. */
  if (starts_with(name, ".wh."))
    return refuse(EPERM, "%s%s/%s: a layer cannot have a file of this name, for \".wh.\" in front "
                  "means that another is gone (rename it)", *p->path ? "/" : "", p->path, name);
  enum mark mark = p->upper ? overlay_mark(p->here, name) : MARK_NONE;
  if (mark == MARK_WHITEOUT)
    return pack_whiteout(p, name);
  int end = path_push(p->path, name);
  if (end < 0)
    return -1;
  int bad = pack_entry(p, name, mark == MARK_OPAQUE);
  p->path[end] = '\0';
  return bad;
}
//<

int
layer_pack(int root, bool upper, time_t newest, struct packer *packer)
{
  //> /* TODO 4.5: the root's own entry, "./"; then what is in it, sorted, and so on down.
  //>  * links_first (given) knows which names are one file. */
  //> return todo("4.5", root, upper, newest, packer);
  struct packing p = {.packer = packer, .upper = upper, .newest = newest, .links = links_new()};
  if (!p.links)
    return -1;
  p.here = open_below(root, ".", O_DIRECTORY);
  int bad = p.here < 0 ? fail("open the directory to pack") : pack_one(&p, ".");
  clean_close(&p.here);
  links_free(p.links);
  return bad;
  //<
}

//>
/* Two trees that are being compared. */
struct comparison {
  int before, after;     /* the directories that we are in; on a side that has nothing here,
                            wherever the way down has ended */
  change_fn *on_change;  /* whom to tell */
  void *arg;             /* for him */
  char path[PATH_MAX];   /* of what we are at; "" is the root */
};

/* One name, on both sides. */
struct pair {
  const char *name;       /* the name */
  struct entry old, new;  /* what it is there; all zero is nothing */
};

static bool
same_xattrs(const struct entry *a, const struct entry *b)
{
  bool same = a->xattr_count == b->xattr_count;
  for (size_t i = 0; same && i < a->xattr_count; i++) {
    const struct xattr *x = &a->xattrs[i], *y = &b->xattrs[i];
    same = strcmp(x->name, y->name) == 0 && x->size == y->size &&
           memcmp(x->value, y->value, x->size) == 0;
  }
  return same;
}

static bool
same_entry(const struct entry *a, const struct entry *b)
{
  return a->mode == b->mode && a->uid == b->uid && a->gid == b->gid && a->size == b->size &&
         a->device == b->device && strcmp(a->link ? a->link : "", b->link ? b->link : "") == 0 &&
         same_xattrs(a, b);
}

/* Is the same in both? 1 or 0; or -1. */
static int
is_same(const struct comparison *c, const struct pair *pair)
{
  struct stat old, new;
  if (!same_entry(&pair->old, &pair->new))
    return 0;
  if (!S_ISREG(pair->old.mode))
    return 1;
  autoclose int a = open_below(c->before, pair->name, O_NONBLOCK);
  autoclose int b = open_below(c->after, pair->name, O_NONBLOCK);
  if (a < 0 || b < 0 || fstat(a, &old) < 0 || fstat(b, &new) < 0)
    return fail("open /%s", c->path);
  /* Two overlays of one image show the very same file of a layer. */
  return (old.st_dev == new.st_dev && old.st_ino == new.st_ino) || same_data(a, b);
}

static int
tell(const struct comparison *c, enum change change)
{
  char path[PATH_MAX + 1];
  snprintf(path, sizeof path, "/%s", c->path);
  return c->on_change(change, path, c->arg);
}

static int compare_names(struct comparison *c, const struct list *old, const struct list *new);

/* The names below, sorted, if it is a directory on this side; `down` is that, then. */
static int
read_below(const struct comparison *c, int here, const char *name, int *down, struct list *names)
{
  *down = open_below(here, name, O_DIRECTORY);
  return *down < 0 ? fail("open the directory /%s", c->path) : sorted_names(*down, names);
}

/* What is below it, in those of the two where it is a directory. */
static int
compare_below(struct comparison *c, const struct pair *pair)
{
  struct place was = {0}, is = {0};
  autolist struct list old = {0}, new = {0};
  autoclose int before = -1, after = -1;
  if ((S_ISDIR(pair->old.mode) &&
       read_below(c, c->before, pair->name, &before, &old) < 0) ||
      (S_ISDIR(pair->new.mode) && read_below(c, c->after, pair->name, &after, &new) < 0) ||
      (old.count && go_down(&c->before, &before, &was) < 0) ||
      (new.count && go_down(&c->after, &after, &is) < 0))
    return -1;
  int bad = compare_names(c, &old, &new);
  if (!bad && ((old.count && go_up(&c->before, pair->name, &was) < 0) ||
               (new.count && go_up(&c->after, pair->name, &is) < 0)))
    bad = -1;
  return bad;
}

/* Compare what it is, and what is below. */
static int
compare_pair(struct comparison *c, const struct pair *pair)
{
  int bad = 0, same;
  if (!pair->old.mode || !pair->new.mode) {
    if (pair->old.mode || pair->new.mode) /* neither: a socket */
      bad = tell(c, pair->old.mode ? CHANGE_DELETED : CHANGE_ADDED);
  } else if ((same = is_same(c, pair)) <= 0)
    bad = same < 0 ? -1 : tell(c, CHANGE_MODIFIED);
  return bad ? bad : compare_below(c, pair);
}

/* Look at a name on one side. */
static int
look(const struct comparison *c, int here, const char *name, struct entry *entry)
{
  if (entry_read(here, name, 0, entry) == 0)
    return 0;
  /* A socket is not there. */
  return errno == ENOTSUP ? 0 : refuse(errno, "/%s: %s", c->path, failure());
}

/* Compare what `name` is on those sides that have it. */
static int
compare_one(struct comparison *c, const char *name, bool was, bool is)
{
  struct pair pair = {.name = name};
  int end = path_push(c->path, name);
  if (end < 0)
    return -1;
  int bad = (was && look(c, c->before, name, &pair.old) < 0) ||
                    (is && look(c, c->after, name, &pair.new) < 0) ? -1 : compare_pair(c, &pair);
  entry_free(&pair.old);
  entry_free(&pair.new);
  c->path[end] = '\0';
  return bad;
}

/* Both lists are sorted: go along both at once, as one merges them. */
static int
compare_names(struct comparison *c, const struct list *old, const struct list *new)
{
  int bad = 0;
  for (size_t i = 0, j = 0; !bad && (i < old->count || j < new->count);) {
    int order = i == old->count ? 1 : j == new->count ? -1 : strcmp(old->items[i], new->items[j]);
    const char *name = order <= 0 ? old->items[i++] : new->items[j];
    j += order >= 0;
    bad = compare_one(c, name, order <= 0, order >= 0);
  }
  return bad;
}
//<

int
tree_diff(int before, int after, change_fn *on_change, void *arg)
{
  //> /* TODO 4.5: the two roots, then both directories' names at once, and so on down. */
  //> return todo("4.5", before, after, on_change, arg);
  struct comparison c = {.before = open_below(before, ".", O_DIRECTORY),
                         .after = open_below(after, ".", O_DIRECTORY),
                         .on_change = on_change, .arg = arg};
  int bad = c.before < 0 || c.after < 0 ? fail("open the directories to compare")
                                        : compare_one(&c, ".", true, true);
  clean_close(&c.before);
  clean_close(&c.after);
  return bad;
  //<
}
