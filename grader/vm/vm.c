/* vm.c - run a command in a throw-away machine.
 *
 *     make vm                            a shell
 *     make vm CMD="make lab03 grade"     a command
 *
 * Some hosts lack what a lab needs: their cgroups are of version 1, or their user
 * may not use them. A machine of one's own lacks nothing. This one boots the
 * distribution's kernel in QEMU, sees the host's files (init_root.c), is root's,
 * and is forgotten at the end; only what is written in this tree stays.
 *
 *     vm (waits, and passes on)         the host
 *      |  \
 *      |   the wire (wire.h)
 *      |     \
 *     QEMU    \                         the host
 *     --------------------------------------------
 *     kernel    vm-init, PID 1          the guest
 *                 |
 *               COMMAND, root
 */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fail.h"
#include "start.h"
#include "vm.h"

static const char usage[] =
    "usage: vm [--tree DIR] [--read-only] [--] [COMMAND [ARG...]]\n"
    "\n"
    "Runs COMMAND, or a shell, as root in a throw-away machine that sees this\n"
    "host's files and keeps only what is written in the tree DIR (the one that\n"
    "vm was built in), or nothing, with --read-only. Exit status: COMMAND's; 125\n"
    "the machine failed.\n";

static struct vm vm = {.wire = -1, .log = -1};
static char program[PATH_MAX]; /* the file that we are */

/* ---- before it boots ---- */

/* The tree that this program was built in: above build/grader/vm, or above
 * build/san/grader/vm. Returns 0, or -1 with errno and a message. */
static int
find_tree(char *tree, size_t size)
{
  char path[PATH_MAX + 32];
  snprintf(tree, size, "%s", program);
  for (char *slash; (slash = strrchr(tree, '/')) && slash > tree;) {
    *slash = '\0';
    snprintf(path, sizeof path, "%s/grader/vm/kernel.sh", tree);
    if (access(path, F_OK) == 0)
      return 0;
  }
  return refuse(ENOENT, "cannot find the tree that this program was built in (say "
                "--tree DIR)");
}

/* Have kernel.sh make what is missing of kernel and initramfs. Returns 0, or -1; it
 * has said why. */
static int
make_kernel(const char *tree)
{
  char script[PATH_MAX + 32], cache[PATH_MAX + 32], init[PATH_MAX + 32];
  int status;
  snprintf(script, sizeof script, "%s/grader/vm/kernel.sh", tree);
  snprintf(cache, sizeof cache, "%s/build/vm", tree);
  snprintf(init, sizeof init, "%s-init", program);
  pid_t pid = fork();
  if (pid < 0) {
    perror("vm: fork");
    return -1;
  }
  if (pid == 0) {
    prctl(PR_SET_PDEATHSIG, (long)SIGTERM);
    signal(SIGPIPE, SIG_DFL);
    dup2(2, 1);
    execlp("sh", "sh", script, cache, init, NULL);
    perror("vm: sh");
    _exit(VM_FAILED);
  }
  while (waitpid(pid, &status, 0) < 0)
    if (errno != EINTR)
      return -1;
  return status == 0 ? 0 : -1;
}

/* ---- */

static char **
read_options(int argc, char **argv)
{
  static const struct option names[] = {
      {"tree", required_argument, NULL, 't'},
      {"read-only", no_argument, NULL, 'r'},
      {"help", no_argument, NULL, 'h'},
      {0},
  };
  for (int c; (c = getopt_long(argc, argv, "+", names, NULL)) != -1;)
    switch (c) {
    case 't':
      if (!realpath(optarg, vm.tree)) {
        fprintf(stderr, "vm: --tree %s: %s\n", optarg, strerror(errno));
        exit(VM_FAILED);
      }
      break;
    case 'r': vm.read_only = true; break;
    case 'h': fputs(usage, stdout); exit(0);
    default: fputs(usage, stderr); exit(VM_FAILED);
    }
  return argv + optind;
}

int
main(int argc, char **argv)
{
  if (start_clean() < 0 ||
      (readlink("/proc/self/exe", program, sizeof program - 1) < 0 &&
       fail("read the link /proc/self/exe"))) {
    fprintf(stderr, "vm: %s\n", failure());
    return VM_FAILED;
  }
  char **command = read_options(argc, argv);
  terminal_catch_signals(&vm);
  if ((!*vm.tree && find_tree(vm.tree, sizeof vm.tree) < 0) || vm_find_qemu() < 0) {
    fprintf(stderr, "vm: %s\n", failure());
    return VM_FAILED;
  }
  if (make_kernel(vm.tree) < 0)
    return VM_FAILED; /* it has said why */
  int status = vm_boot(&vm) < 0 ? -1 : vm_session(&vm, command);
  terminal_restore();
  vm_kill(&vm);
  if (status >= 0)
    return status;
  fprintf(stderr, "vm: %s\n", failure());
  vm_show_log(&vm);
  return VM_FAILED;
}
