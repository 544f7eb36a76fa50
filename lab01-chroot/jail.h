/* jail.h - the contract of every function of lab01.
 *
 * What you write:   enter.c needs.c copy.c furnish.c escape.c drop.c seal.c
 * What is given:    main.c (the tool), library.c (where libraries lie)
 *
 * Every function that can fail returns -1 (or NULL) with errno set, and leaves
 * a message with fail() or refuse() of common/fail.h. None of them prints.
 */
#ifndef JAIL_H
#define JAIL_H

#include <link.h>
#include <stdbool.h>
#include <sys/capability.h>
#include <sys/types.h>

#include "list.h"

/* ---- 1.1 enter a root: enter.c ---- */

/* Make the directory `root` the root directory of this process, and `cwd`, a
 * path inside it, its current directory; a relative `cwd` starts at the new root.
 * Returns 0, or -1 with errno of chdir(2) or chroot(2).
 * Source: chroot(2), all of DESCRIPTION; path_resolution(7), "Step 1". */
int root_enter(const char *root, const char *cwd);

/* Become the program argv[0], looked up in PATH if its name has no slash, with
 * the arguments argv (ended by a NULL) and the environment `environ`. Returns
 * only if that fails, and then the exit status to end with: 127 if there is no
 * such program, 126 if there is one that cannot be executed.
 * Source: exec(3); bash(1), "EXIT STATUS". */
int program_exec(char *const argv[]);

/* Wait until the child `pid` has ended. Returns its exit status, or 128+N if
 * signal N ended it; -1 with errno of waitpid(2). A signal that this process
 * handles meanwhile does not end the waiting.
 * Source: waitpid(2), the macros for its status; bash(1), "EXIT STATUS". */
int program_wait(pid_t pid);

/* ---- 1.2 what a program needs: needs.c ---- */

/* What one ELF file says about what it needs. All zero is "nothing". */
struct elf {
  char *interp;        /* PT_INTERP: the dynamic loader's path; NULL if static */
  struct list needed;  /* DT_NEEDED: names of shared libraries, in order */
  char *rpath;         /* DT_RPATH: where to look, "DIR:DIR"; NULL if none */
  char *runpath;       /* DT_RUNPATH: the same, and it replaces DT_RPATH */
};

/* One ELF file on the way from the program to the libraries of libraries. */
struct object {
  const char *path;             /* where it lies */
  struct elf elf;               /* what it needs */
  const struct object *loader;  /* who needed it; NULL for the program */
};

/* Read what the ELF file `path` needs into *elf, without executing anything.
 * The caller frees it with elf_free, also after a failure. Returns 0, or -1:
 * ENOEXEC if the file is no ELF file, is cut off, is for another kind of
 * processor or of the other word size (elf_check says which), or has an offset
 * or a size in it that points outside; else errno of open(2).
 * Source: elf(5), "ELF header", "Program header", "Dynamic tags". */
int elf_read(const char *path, struct elf *elf);

/* Append to `paths` every file that `program` needs to run, without executing
 * anything: its dynamic loader, every shared library, the libraries of those
 * libraries, and so on, each file once and by the path under which the loader
 * opens it; for a "#!" script its interpreter and all that needs. `program`
 * itself is not in it. A static program needs nothing. Returns 0, or -1: ENOENT
 * if something needed is nowhere, ENOEXEC as elf_read has it or if `program`
 * is neither ELF nor "#!", or its interpreter is neither; ELOOP if scripts name
 * each other without end. The loader asks for libraries breadth first, and for
 * each name once: a name that was found for somebody is found for everybody.
 * Source: ld.so(8); execve(2), "Interpreter scripts". */
int needs(const char *program, struct list *paths);

/* Given, in library.c. */

/* Refuse a header that is not an ELF executable or shared library for this
 * machine. Returns 0, or -1 with ENOEXEC and a message that says which it is. */
int elf_check(const ElfW(Ehdr) *header, const char *path);

/* Where in the file lies what will be at address `address` in memory? Returns
 * the offset, or -1 with ENOEXEC if no PT_LOAD segment holds it. */
off_t elf_offset(const ElfW(Phdr) *headers, size_t count, ElfW(Addr) address);

/* Free what *elf holds and make it all zero. */
void elf_free(struct elf *elf);

/* Find the shared library `name` that `object` needs, where ld.so(8) would
 * find it: DT_RPATH, DT_RUNPATH, the cache, the system's directories. Returns a
 * path that the caller frees, or NULL with ENOENT. */
char *library_find(const char *name, const struct object *object);

/* ---- 1.3 copy it in: copy.c ---- */

/* Copy the regular file at `source` on the host to the path `path` inside the
 * directory `root` (a descriptor). The directory it goes into is there already.
 * Nine permission bits are kept; set-user-ID, set-group-ID and sticky are not.
 * A file with the same bytes and bits that is there already is left as it is;
 * anything else there but a directory is replaced, a symbolic link too.
 * The file is whole or not there at all: on failure nothing is left behind.
 * Returns 0, or -1 with errno. Source: rename(2); mkstemp(3) for the idea. */
int copy_file(const char *source, int root, const char *path);

/* Copy the host's absolute path `path` into `root`: every directory and every
 * symbolic link that one meets on the way, directories with the host's nine
 * permission bits, and the file at the end by copy_file (a directory at the end is made, but not
 * filled). A directory, and a link with the same target, that are there already
 * are left as they are; something else in the place of a link is EEXIST. Whatever
 * links lie in `root`, nothing outside `root` is changed. Returns 0, or -1: ELOOP
 * for the 41st link, EINVAL for a path that is not absolute or ends in neither a
 * file nor a directory, ENAMETOOLONG for one of PATH_MAX bytes or more, ENOTDIR
 * for a file on the way, else errno.
 * Source: path_resolution(7); symlink(7); openat2(2), RESOLVE_IN_ROOT. */
int copy_in(int root, const char *path);

/* ---- 1.4 furnish: furnish.c ---- */

/* Give the directory `root` (a descriptor) what most programs expect:
 *   /dev      null zero full random urandom tty, each 0666: by mknod(2), or,
 *             if that is not permitted, the host's own device bound onto a file
 *   /tmp      mode 1777
 *   /etc      passwd with the users root (0) and nobody (65534), group with the
 *             group root (0) and one for nobody (65534); ones that are there
 *             already stay
 * Doing it twice changes nothing. Whatever links lie in `root`, nothing outside
 * `root` is changed. Returns 0, or -1 with errno.
 * Source: null(4), full(4), random(4), tty(4); mknod(2); mount(2), MS_BIND;
 * passwd(5); group(5). */
int furnish(int root);

/* ---- 1.5 break out: escape.c ---- */

/* From inside a chroot, with CAP_SYS_CHROOT: make the real root directory this
 * process's root and current directory. Nothing is left behind in the jail.
 * Returns 0, or -1 with errno.
 * Source: chroot(2), "This call does not change the current working
 * directory". */
int escape_chroot(void);

/* From inside a chroot, with a descriptor 3 or above that is open on a
 * directory outside: make the real root directory the current directory (no
 * capability is needed for that), and the root directory too if that is
 * permitted. Returns 0, or -1 with errno; EBADF if no descriptor leads out.
 * Source: fchdir(2); path_resolution(7). */
int escape_fd(void);

/* ---- 1.6 drop privileges: drop.c ---- */

/* Become user `uid` and group `gid`, with no supplementary groups, and keep
 * exactly the `count` capabilities in `keep`: in the inheritable, permitted,
 * effective, bounding and ambient sets, and across execve(2). Set no_new_privs.
 * Returns 0, or -1 with errno: EPERM if the caller may not.
 * Source: capabilities(7), "Thread capability sets", "Effect of user ID changes
 * on capabilities"; setgroups(2); cap_iab(3); prctl(2), PR_SET_NO_NEW_PRIVS. */
int drop_privileges(uid_t uid, gid_t gid, const cap_value_t *keep, int count);

/* ---- 1.7 seal: seal.c ---- */

/* Let no descriptor but 0, 1 and 2 cross the next execve(2), whatever its
 * number, and without /proc. Returns 0, or -1 with errno.
 * Source: close_range(2); open(2), O_CLOEXEC; getrlimit(2), RLIMIT_NOFILE. */
int seal(void);

#endif
