/* start.c - 3.3: start inside.
 *
 * There is an old way: fork(2), and then somebody writes the child's number to
 * cgroup.procs. What the child did before that was done outside: memory it has
 * touched is charged to the group it was in then, and stays so; a child that it has made
 * stays where it was made. clone3(2) can do better: CLONE_INTO_CGROUP makes
 * the child in the group. It has never been anywhere else.
 *
 * It is faster, too: to move a process the kernel must stop all that fork or
 * end anywhere on the machine for a moment; to be born in a group costs nothing.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cgroup.h"
#include "clean.h"
#include "fail.h"

//>
/* In the child: wait for the word that we have been moved. A parent that ends
 * closes the pipe, and then there is no word. */
static void
wait_for_word(int word)
{
  char byte;
  ssize_t n;
  do
    n = read(word, &byte, 1);
  while (n < 0 && errno == EINTR);
  if (n != 1)
    _exit(125);
  close(word);
}

/* In the parent: move the child, and give the word. Returns 0, or -1 with errno. */
static int
move(int group, pid_t pid, int word, int *pidfd)
{
  char number[16];
  snprintf(number, sizeof number, "%d", pid);
  autoclose int fd = pidfd ? (int)syscall(SYS_pidfd_open, pid, 0U) : -1;
  if (pidfd && fd < 0)
    return fail("open a pidfd of process %d", pid);
  if (knob_write(group, "cgroup.procs", number) < 0)
    return -1;
  if (write(word, "w", 1) != 1)
    return fail("wake process %d", pid);
  if (pidfd)
    *pidfd = take_fd(&fd);
  return 0;
}

/* The old way, but nobody does anything until he has been moved. */
static pid_t
spawn_and_move(int group, int *pidfd)
{
  int word[2];
  if (pipe2(word, O_CLOEXEC) < 0)
    return fail("make a pipe");
  pid_t pid = fork();
  if (pid == 0) {
    close(word[1]);
    wait_for_word(word[0]);
    return 0;
  }
  int bad = pid < 0 ? fail("fork") : move(group, pid, word[1], pidfd);
  int error = errno;
  /* Not before: if somebody has killed the child, there must be a reader still, or
   * the word would be our own end, by SIGPIPE (pipe(7)). */
  close(word[0]);
  close(word[1]);
  if (bad && pid > 0) {
    kill(pid, SIGKILL);
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
      ;
  }
  errno = error;
  return bad ? -1 : pid;
}
//<

pid_t
cgroup_spawn(int group, int *pidfd)
{
  //> /* TODO 3.3: as fork(2), but in the group. And what if the kernel cannot? */
  //> return todo("3.3", group, pidfd);
  struct clone_args args = {
      .flags = CLONE_INTO_CGROUP | (pidfd ? CLONE_PIDFD : 0),
      .pidfd = (uintptr_t)pidfd,
      .exit_signal = SIGCHLD,
      .cgroup = group,
  };
  pid_t pid = syscall(SYS_clone3, &args, sizeof args);
  if (pid >= 0)
    return pid;
  /* E2BIG: the structure is longer than the one that an older kernel knows, and not
   * zero behind that. EINVAL: it does not know the flag. ENOSYS: it, or a
   * container's filter, does not know the call. Anything else is an answer. */
  if (errno != E2BIG && errno != EINVAL && errno != ENOSYS)
    return fail("make a process in the group");
  return spawn_and_move(group, pidfd);
  //<
}
