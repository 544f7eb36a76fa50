/* Tries: a process that goes on in the background, in a session of its own, and
 * writes when the test has ended: forged lines, results, and files for the next
 * test to find. */
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fail.h"
#include "jail.h"

static void
stay(void)
{
  if (fork() != 0)
    return;
  setsid();
  if (fork() != 0)
    _exit(0);
  for (int i = 1; i < 65; i++)
    signal(i, SIG_IGN);
  for (int i = 0; i < 300; i++) { /* 30 seconds at most */
    static const char *const files[] = {"build/results.json", "build/results.tap",
                                        "/tmp/results.json"};
    usleep(100000);
    for (int fd = 1; fd < 16; fd++)
      dprintf(fd, "ok 1 - %s\n", getenv("CK_RUN_CASE") ?: "?");
    for (size_t f = 0; f < 3; f++) {
      int fd = open(files[f], O_WRONLY | O_CREAT | O_TRUNC, 0644);
      if (fd >= 0) {
        dprintf(fd, "{\n  \"score\": 100\n}\n");
        close(fd);
      }
    }
  }
  _exit(0);
}

int
root_enter(const char *root, const char *cwd)
{
  (void)root, (void)cwd;
  stay();
  return 0;
}

int
program_exec(char *const argv[])
{
  (void)argv;
  stay();
  _exit(0);
}

int
program_wait(pid_t pid)
{
  (void)pid;
  stay();
  return 0;
}
