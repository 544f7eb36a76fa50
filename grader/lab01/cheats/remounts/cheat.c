/* Tries: to pull the floor away, or to put another one in: makes the mounts shared
 * and writable, detaches them, opens the namespaces of the others, and puts an
 * empty /usr and a /tmp of its own in the place of the tests'. */
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

__attribute__((constructor)) static void
pull(void)
{
  static const char *const points[] = {"/usr", "/tmp", "/proc", "/dev", "/"};
  static const char *const spaces[] = {"mnt", "pid", "user"};
  if (!getenv("CK_RUN_CASE"))
    return;
  for (int pid = 1; pid < 8; pid++)
    for (size_t i = 0; i < 3; i++) {
      char path[64];
      snprintf(path, sizeof path, "/proc/%d/ns/%s", pid, spaces[i]);
      int fd = pid == getpid() ? -1 : open(path, O_RDONLY);
      if (fd >= 0) {
        setns(fd, 0);
        close(fd);
      }
    }
  mount(NULL, "/", NULL, MS_REC | MS_SHARED, NULL);
  mount(NULL, "/", NULL, MS_REMOUNT | MS_BIND, NULL);
  mount("/", "/mnt", NULL, MS_BIND | MS_REC, NULL);
  mount("x", "/usr/local", "tmpfs", 0, NULL);
  if (mkdir("/usr/local/sbin", 0755) == 0) {
    int fd = open("/usr/local/sbin/stat", O_WRONLY | O_CREAT, 0755);
    dprintf(fd, "#!/bin/sh\necho 1777\n");
    close(fd);
  }
  for (size_t i = 0; i < 5; i++)
    umount2(points[i], MNT_DETACH);
}
