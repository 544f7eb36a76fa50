/* main.c - nsrun, the tool: the commands, and the order of the steps. Given. */
#include "main.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fail.h"
#include "obstacle.h"
#include "pasta.h"
#include "start.h"

static const char usage[] =
    "usage: nsrun run [OPTION]... [--] PROGRAM [ARG...]\n"
    "       nsrun enter PID [--] PROGRAM [ARG...]\n"
    "       nsrun list\n"
    "\n"
    "  run      run PROGRAM in new namespaces\n"
    "    --root ROOT          with the directory ROOT as its root\n"
    "    --hostname NAME      with this host name\n"
    "    --user-map MAP       in a user namespace. MAP is root (you are root in it),\n"
    "                         auto (and the others are those of /etc/subuid), or\n"
    "                         OUT:IN:N, as often as you like. An ordinary user has\n"
    "                         auto, or else root, if there is no --user-map\n"
    "    --net WHICH          none (the default): only lo; host: the host's network;\n"
    "                         private: a wire to the host; bridge: a wire to all\n"
    "                         containers on the bridge\n"
    "    --mount SRC:DST[:ro] with SRC of the host as DST\n"
    "    --tmpfs DST          with an empty directory in memory as DST\n"
    "    --mask PATH          without what is in PATH\n"
    "    --readonly PATH      with PATH read-only\n"
    "    --time-offset SECS   with clocks that show SECS more\n"
    "    --init               as a child of a small init, not as PID 1 itself\n"
    "  enter    run PROGRAM in the namespaces of the process PID\n"
    "  list     show every namespace on this machine\n";

/* ---- messages ---- */

/* Why there are no new namespaces. */
static const char *
no_namespaces(void)
{
  static char text[512];
  const char *why = userns_obstacle(errno);
  if (!wish.user && errno == EPERM)
    return " (it takes CAP_SYS_ADMIN, which root has not got here: try --user-map root, "
           "or `make cage`)";
  if (!wish.user || strcmp(why, strerror(errno)) == 0)
    return "";
  snprintf(text, sizeof text, " (%s)", why);
  return text;
}

/* ---- in the parent ---- */

/* All that the child waits for. */
static int
prepare(pid_t pid, struct wire *wire)
{
  static const char roots[] = " (the host's network is changed by root only: use "
                              "--net private, or `make cage`)";
  if (wish.user && step(user_map(pid, &wish.maps)) != DONE)
    return -1;
  if (wish.net == NET_BRIDGE &&
      step_with(net_join(pid, wire), EPERM, roots) != DONE) {
    *wire = (struct wire){.prefix = 24}; /* there may be a bridge */
    return -1;
  }
  if (wish.net != NET_PRIVATE)
    return 0;
  return step(geteuid() == 0 ? wire_private(pid, wire) : pasta_start(pid)) == DONE
             ? 0 : -1;
}

/* Block what init_wait takes, from here on and in the child, too: a signal that
 * comes too early waits. */
static int
block_signals(void)
{
  sigset_t signals;
  init_signals(&signals);
  return sigprocmask(SIG_BLOCK, &signals, &wish.mask_before) < 0
             ? fail("block signals")
             : 0;
}

/* Wait for the child, with init_wait if it is written. */
static int
wait_for(pid_t pid)
{
  int status = init_wait(pid);
  if (status >= 0)
    return status;
  complain();
  if (!unfinished() || waitpid(pid, &status, 0) < 0)
    return TOOL_FAILED;
  return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

static int
check_root(const char *root)
{
  struct stat st, host;
  if (stat(root, &st) < 0 && errno == ENOENT)
    return refuse(ENOENT, "%s: no such directory (run: mkdir %s; and lab01's jail fills "
                  "it)", root, root);
  if (stat(root, &st) < 0)
    return fail("the root directory %s", root);
  if (!S_ISDIR(st.st_mode)) {
    errno = ENOTDIR;
    return fail("the root directory %s", root);
  }
  if (stat("/", &host) == 0 && st.st_ino == host.st_ino && st.st_dev == host.st_dev)
    return refuse(EINVAL, "--root %s is the host's own root (leave --root out)", root);
  return 0;
}

/* The word that init_await waits for, and what the child must know of its wire. */
static int
say_go(int go, const struct wire *wire)
{
  char message[1 + sizeof *wire] = "g";
  memcpy(message + 1, wire, sizeof *wire);
  signal(SIGPIPE, SIG_IGN); /* a child that has ended says why itself */
  if (write(go, message, sizeof message) == sizeof message || errno == EPIPE)
    return 0;
  fail("say go to the child");
  complain();
  return -1;
}

/* When the child has ended: take off its wire. */
static int
take_down(const struct wire *wire)
{
  if (wish.net == NET_PRIVATE && geteuid() != 0) {
    pasta_stop();
    return 0;
  }
  if (wish.net != NET_PRIVATE && wish.net != NET_BRIDGE)
    return 0;
  /* Once more if it fails: nobody comes after us who would clean up. */
  return wire_remove(wire) < 0 && wire_remove(wire) < 0 ? -1 : 0;
}

static int
run(int argc, char **argv)
{
  int go[2], status = read_options(argc, argv);
  struct wire wire = {.number = 0};
  if (status)
    return status;
  if (wish.root && check_root(wish.root) < 0)
    return complain();
  if (check_standard_streams() < 0)
    return complain();
  if (wish.root)
    fresh_environment();
  if (wish.time)
    wish.init = true; /* only a child of its maker is in a time namespace */
  if (pipe2(go, O_CLOEXEC) < 0)
    return fail("make a pipe"), complain();

  if (block_signals() < 0)
    return complain();
  pid_t pid = ns_clone(CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS |
                       CLONE_NEWCGROUP | (wish.net == NET_HOST ? 0 : CLONE_NEWNET) |
                       (wish.user ? CLONE_NEWUSER : 0), NULL);
  if (pid < 0)
    return unfinished() ? complain() : complain_with(no_namespaces());
  if (pid == 0) {
    close(go[1]); /* or we would never see the end of the pipe */
    _exit(contain(go[0]));
  }
  close(go[0]);
  bool ready = prepare(pid, &wire) == 0 && say_go(go[1], &wire) == 0;
  if (!ready)
    kill(pid, SIGKILL);
  status = wait_for(pid);
  if (take_down(&wire) < 0)
    return complain();
  return ready ? status : TOOL_FAILED;
}

/* ---- enter ---- */

static int
enter(int argc, char **argv)
{
  struct ns_target target;
  int go[2];
  char *end;
  if (argc < 2)
    return misused("enter: PID is missing", "");
  errno = 0;
  long pid = strtol(argv[1], &end, 10);
  if (end == argv[1] || *end || errno || pid < 1 || pid > INT_MAX)
    return misused("enter: a PID is a number from 1 up, not ", argv[1]);
  argv += 2;
  if (argv[0] && strcmp(argv[0], "--") == 0)
    argv++;
  if (!argv[0])
    return misused("enter: PROGRAM is missing", "");
  if (check_standard_streams() < 0)
    return complain();
  if (step_with(ns_open(pid, &target), EACCES,
                " (it belongs to somebody else: run it as root)") != DONE)
    return TOOL_FAILED;
  fresh_environment();
  if (pipe2(go, O_CLOEXEC) < 0)
    return fail("make a pipe"), complain();
  if (block_signals() < 0)
    return complain();
  if (step(ns_enter(&target)) != DONE)
    return TOOL_FAILED;
  if ((target.flags & CLONE_NEWUSER) && step(user_become_root()) == FAILED)
    return TOOL_FAILED;
  /* We have joined the PID namespace only for our children. */
  pid_t child = fork();
  if (child < 0)
    return fail("fork"), complain();
  if (child == 0) {
    close(go[1]);
    _exit(join(go[0], argv));
  }
  close(go[0]);
  if (write(go[1], "g", 1) < 0) {
    fail("say go to the child");
    complain();
    kill(child, SIGKILL);
  }
  return wait_for(child);
}

static int
list(int argc, char **argv)
{
  if (argc != 1)
    return misused("list: takes no ", argv[1]);
  return ns_list() < 0 ? complain() : 0;
}

int
main(int argc, char **argv)
{
  static const struct {
    const char *name;
    int (*run)(int argc, char **argv);
  } commands[] = {{"run", run}, {"enter", enter}, {"list", list}};
  tool_name = "nsrun";
  if (argc >= 2 &&
      (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "help") == 0)) {
    fputs(usage, stdout);
    return 0;
  }
  if (start_clean() < 0)
    return complain();
  for (size_t i = 0; argc >= 2 && i < sizeof commands / sizeof *commands; i++)
    if (strcmp(argv[1], commands[i].name) == 0)
      return commands[i].run(argc - 1, argv + 1);
  return argc < 2 ? misused("a command is missing", "")
                  : misused("no such command: ", argv[1]);
}
