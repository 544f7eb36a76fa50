/* obstacle.c - why not: a user namespace, a virtual machine. */
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "clean.h"
#include "obstacle.h"

/* The number in a file of /proc/sys, or -1 where there is no such setting. */
static long
setting(const char *path)
{
  long value = -1;
  FILE *file = fopen(path, "re");
  if (file && fscanf(file, "%ld", &value) != 1)
    value = -1;
  if (file)
    fclose(file);
  return value;
}

/* "Seccomp: 2" in /proc/self/status: a filter is on (proc(5)). */
static bool
seccomp_filtered(void)
{
  char line[256];
  int mode = 0;
  FILE *file = fopen("/proc/self/status", "re");
  while (file && fgets(line, sizeof line, file))
    sscanf(line, "Seccomp: %d", &mode);
  if (file)
    fclose(file);
  return mode == 2;
}

/* The kernel gives nobody a user namespace whose root directory is not that of
 * the mount namespace (user_namespaces(7)). The first line of mountinfo that
 * says "/" is missing then. */
static bool
in_chroot(void)
{
  char line[4096], point[4096];
  bool found = false;
  FILE *file = fopen("/proc/self/mountinfo", "re");
  while (file && fgets(line, sizeof line, file))
    if (sscanf(line, "%*s %*s %*s %*s %4095s", point) == 1 &&
        strcmp(point, "/") == 0)
      found = true;
  if (file)
    fclose(file);
  return file && !found;
}

const char *
userns_obstacle(int error)
{
  if (setting("/proc/sys/user/max_user_namespaces") == 0)
    return "the sysctl user.max_user_namespaces is 0 (mend it: sudo sysctl "
           "user.max_user_namespaces=15000)";
  if (setting("/proc/sys/kernel/unprivileged_userns_clone") == 0)
    return "the sysctl kernel.unprivileged_userns_clone is 0 (mend it: sudo "
           "sysctl kernel.unprivileged_userns_clone=1)";
  if (setting("/proc/sys/kernel/apparmor_restrict_unprivileged_userns") == 1)
    return "AppArmor restricts user namespaces (mend it: sudo sysctl "
           "kernel.apparmor_restrict_unprivileged_userns=0)";
  if (in_chroot())
    return "this is a chroot, and in one the kernel makes none (mend it: enter "
           "the directory with systemd-nspawn -D, or grade as root)";
  if (seccomp_filtered())
    return "a seccomp filter, most likely a container's, forbids it (mend it: "
           "start the container with --security-opt seccomp=unconfined)";
  return strerror(error);
}

const char *
vm_obstacle(void)
{
  static char why[256];
  struct utsname name;
  autofree char *path = strdup(getenv("PATH") ?: "/usr/bin:/bin");
  char *save = NULL;
  uname(&name);
  for (char *dir = path ? strtok_r(path, ":", &save) : NULL; dir;
       dir = strtok_r(NULL, ":", &save)) {
    char file[PATH_MAX];
    snprintf(file, sizeof file, "%s/qemu-system-%s", dir, name.machine);
    if (access(file, X_OK) == 0)
      return NULL;
  }
  snprintf(why, sizeof why, "there is no qemu-system-%s (mend it: sh common/setup.sh vm)",
           name.machine);
  return why;
}
