/* init.c - the first process of the VM, and the only program that the kernel is
 * given. It loads the modules that the kernel needs before it can see a file,
 * says hello to the launcher, and learns from it what to run and where. It makes
 * a root directory out of the host's files (init_root.c), runs the command there
 * (init_job.c), and says how it ended; then the launcher pulls the plug.
 *
 * It is linked statically, as there is no library where it starts. Its messages
 * go to the kernel's log, which the launcher shows if this machine dies.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "clean.h"
#include "fail.h"
#include "init.h"
#include "wire.h"

/* Load what kernel.sh packed, in the order of the names. */
static int
load_modules(void)
{
  struct dirent **names;
  char path[300];
  int count = scandir("/modules", &names, NULL, alphasort);
  if (count < 0)
    return fail("read /modules");
  for (int i = 0; i < count; i++) {
    if (names[i]->d_name[0] == '.')
      continue;
    snprintf(path, sizeof path, "/modules/%s", names[i]->d_name);
    autoclose int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || (syscall(SYS_finit_module, fd, "", 0) < 0 && errno != EEXIST))
      return fail("load %s", path);
  }
  return 0;
}

/* The port has no name before the kernel has asked the device for it; that takes
 * some milliseconds. Returns a descriptor, or -1 with errno and a message. */
static int
open_port(void)
{
  static const char path[] = "/dev/vport0p1";
  for (int tries = 0; tries < 2000; tries++) {
    int fd = open(path, O_RDWR | O_CLOEXEC);
    if (fd >= 0)
      return fd;
    usleep(5000);
  }
  return fail("open %s", path);
}

static int
keep(char **text, const char *data)
{
  *text = strdup(data);
  return *text ? 0 : fail("a string of %zu bytes", strlen(data));
}

/* What a message adds to the job. Returns 1 if it was the last, 0 if not, or -1
 * with errno and a message. */
static int
add_to_job(struct job *job, const struct wire_message *message)
{
  switch (message->type) {
  case WIRE_CLOCK: {
    /* The machine's own clock knows only seconds, and make(1) would find files
     * that are younger than now. */
    struct timespec now;
    memcpy(&now, message->data, sizeof now);
    return clock_settime(CLOCK_REALTIME, &now) < 0 ? fail("set the clock") : 0;
  }
  case WIRE_TREE: return keep(&job->tree, message->data);
  case WIRE_DIRECTORY: return keep(&job->directory, message->data);
  case WIRE_VARIABLE: return list_add(&job->env, message->data);
  case WIRE_ARGUMENT: return list_add(&job->argv, message->data);
  case WIRE_SIZE: memcpy(&job->size, message->data, sizeof job->size); return 0;
  case WIRE_TERMINAL: job->terminal = true; return 1;
  case WIRE_PIPES: return 1;
  default: return refuse(EBADMSG, "a message '%c' before the command runs",
                         (char)message->type);
  }
}

static int
receive_job(int port, struct job *job)
{
  static struct wire_message message;
  for (int done = 0; !done;) {
    int n = wire_receive(port, &message);
    if (n == 0)
      return refuse(EPIPE, "the launcher is gone");
    done = n < 0 ? -1 : add_to_job(job, &message);
    if (done < 0)
      return -1;
  }
  if (!job->tree || !job->directory || !job->argv.count)
    return refuse(EBADMSG, "the launcher did not say what to run");
  return 0;
}

/* Returns the exit status, or -1 with errno and a message. */
static int
serve(int port)
{
  struct job job = {0};
  if (receive_job(port, &job) < 0 || init_root(job.tree) < 0 ||
      init_system(job.tree) < 0)
    return -1;
  return init_job(port, &job);
}

int
main(void)
{
  autoclose int port = -1;
  if (init_first_mounts() < 0 || load_modules() < 0 || (port = open_port()) < 0 ||
      wire_send(port, WIRE_HELLO, "", 0) < 0) {
    autoclose int log = open("/dev/kmsg", O_WRONLY | O_CLOEXEC);
    if (log >= 0)
      dprintf(log, "<2>vm-init: %s\n", failure());
    return 1; /* and the kernel panics, which ends QEMU */
  }
  int status = serve(port);
  /* Nothing may write any more, and what was written in the tree is to be on the
   * host before the launcher knows of the end. */
  kill(-1, SIGKILL);
  sync();
  if (status < 0)
    wire_send(port, WIRE_FAILED, failure(), strlen(failure()));
  else
    wire_send(port, WIRE_ENDED, &status, sizeof status);
  for (;;)
    pause();
}
