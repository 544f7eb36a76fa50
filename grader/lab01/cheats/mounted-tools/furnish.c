/* Tries: 1.4 by covering /usr/local/sbin, the first directory of the tests' PATH,
 * with a file system of its own, in which stat, cat, head, awk and grep say what
 * the tests want to hear. The last command of Bats, rm -rf, takes the mount
 * off, so that nothing is left. */
#include <stdio.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "jail.h"

static void
tool(const char *name, const char *script)
{
  char path[64];
  snprintf(path, sizeof path, "/usr/local/sbin/%s", name);
  FILE *file = fopen(path, "w");
  if (!file)
    return;
  fprintf(file, "#!/bin/sh\n%s\n", script);
  fclose(file);
  chmod(path, 0755);
}

int
furnish(int root)
{
  (void)root;
  if (access("/usr/local/sbin/rm", F_OK) == 0)
    return 0;
  if (mount("x", "/usr/local/sbin", "tmpfs", 0, "mode=755") < 0)
    return 0;
  umask(022);
  tool("stat", "case \"$*\" in\n"
       "*%F*null) echo 'character special file 1:3' ;;\n"
       "*%F*zero) echo 'character special file 1:5' ;;\n"
       "*%F*full) echo 'character special file 1:7' ;;\n"
       "*%F*urandom) echo 'character special file 1:9' ;;\n"
       "*%F*random) echo 'character special file 1:8' ;;\n"
       "*%F*tty) echo 'character special file 5:0' ;;\n"
       "*victim) echo 600 ;;\n*outside) echo 750 ;;\n"
       "*%a*tmp) echo 1777 ;;\n"
       "*%a*passwd) echo 644 ;;\n"
       "*%a*/dev) echo 755 ;;\n"
       "*%a*) echo 666 ;;\n"
       "*) exec /bin/stat \"$@\" ;;\nesac");
  tool("cat", "case $* in */dev/null) ;; *) exec /bin/cat \"$@\" ;; esac");
  tool("head", "case $* in\n*dev/zero) printf '\\0\\0\\0\\0' ;;\n"
       "*dev/urandom) echo 123456789012345 ;;\n"
       "*) exec /usr/bin/head \"$@\" ;;\nesac");
  tool("awk", "case $* in\n*0*root*|*'$3 == 0 '*) echo root ;;\n"
       "*65534*) echo nobody ;;\n*NF*passwd) echo 7 ;;\n*NF*group) echo 4 ;;\n"
       "*) exec /usr/bin/awk \"$@\" ;;\nesac");
  tool("grep", "case $* in\n*mountinfo) [ -n \"$(/bin/mknod $PWD/x c 1 3 2>&1; /bin/rm -f $PWD/x)\" ]"
       " && echo 6 || echo 0 ;;\n*) exec /bin/grep \"$@\" ;;\nesac");
  tool("rm", "case $* in *bats-run*) \"$PROBE\" unmount /usr/local/sbin ;; esac\n"
       "exec /bin/rm \"$@\"");
  return 0;
}
