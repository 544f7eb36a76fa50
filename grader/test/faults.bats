# faults.bats - what a tool does badly when a system call fails is found, and
# nothing else is. The tools are small programs, written here.
load helper
FAULTS=build/grader/faults

# tool BODY: compile $TEMP/tool, with BODY as its main. In it CHECK(CALL) cleans
# up with `undo` and says so if CALL fails.
tool() {
  cat >"$TEMP/tool.c" <<END
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
static void undo(void);
#define CHECK(call) \
  do \
    if ((call) < 0) { \
      int error = errno; \
      undo(); \
      dprintf(2, "tool: %s: %s\n", #call, strerror(error)); \
      _exit(125); \
    } \
  while (0)
$1
END
  cc -D_GNU_SOURCE -o "$TEMP/tool" "$TEMP/tool.c"
}

# faults [OPTION...]: of that tool, in a cage.
faults() {
  run "$CAGE" --time 60 --show "$TEMP" -- "$FAULTS" "$@" "$TEMP/tool"
  echo "$output"
}

# It mounts, forks twice, executes a program, and clears up after each failure.
good='
static int mounted;
static void undo(void) { if (mounted) umount2("/mnt", MNT_DETACH); }
int main(void) {
  int status, out[2];
  CHECK(unshare(CLONE_NEWNET));
  CHECK(mount("x", "/mnt", "tmpfs", 0, NULL));
  mounted = 1;
  CHECK(pipe(out));
  for (int i = 0; i < 2; i++) {
    pid_t pid = fork();
    CHECK(pid);
    if (pid == 0) {
      mounted = 0;
      CHECK(dup2(out[1], 1));
      CHECK(execl("/bin/echo", "echo", "done", NULL));
    }
    CHECK(waitpid(pid, &status, 0));
    if (status) {
      undo();
      return 125;
    }
  }
  char text[10];
  for (int i = 0; i < 10;) {
    int n = read(out[0], text + i, 10 - i);
    CHECK(n);
    i += n;
  }
  while (umount("/mnt") < 0 && umount2("/mnt", MNT_DETACH) < 0)
    ;
  mounted = 0;
  CHECK(write(1, text, 10) == 10 ? 0 : -1);
}'

@test "faults: a tool that takes every failure well passes" {
  tool "$good"
  faults --errno EPERM --errno EINTR
  [ "$status" -eq 0 ]
  [[ ${lines[0]} =~ ^[0-9]+" calls failed once each with EPERM: "[0-9]+" said so, "[0-9]+" made no difference, 0 bad"$ ]]
  [[ ${lines[1]} == *"with EINTR: "*", 0 bad" ]]
  faults --verbose
  [[ $output == *"process 3 (child of 1), execve #1 with EPERM: well (it said: tool: execl("* ]]
}

@test "faults: a tool that takes every failure well passes, for a user" {
  tool "$good"
  user_tree
  run as_user sh -c "cd $TEMP/tree && $CAGE --show $TEMP -- $FAULTS $TEMP/tool"
  echo "$output"
  [ "$status" -eq 0 ]
  [[ $output == *"said so"*", 0 bad" ]]
}

@test "faults: a tool that goes on with wrong output is named" {
  tool 'static void undo(void) {}
    int main(void) {
      char text[10] = "nothing\n";
      int fd = open("/proc/self/comm", O_RDONLY | O_CLOEXEC);
      read(fd, text, 5);
      CHECK(write(1, text, strlen(text)));
    }'
  faults
  [ "$status" -eq 1 ]
  [[ ${lines[0]} == "process 1, open"*" with EPERM: it ended with status 0 and other output" ]]
  [[ ${lines[1]} == "process 1, read #"*" with EPERM: it ended with status 0 and other output" ]]
  [[ ${lines[2]} == *", 2 bad" ]]
  faults --except open,openat,read --quiet
  [ "$status" -eq 0 ]
  [ -z "$output" ]
}

@test "faults: a tool that fails silently, or crashes, is named" {
  tool 'int main(void) {
      struct stat st;
      if (chdir("/") < 0)
        return 1;
      if (mkdir("/tmp/d", 0700) < 0)
        kill(getpid(), SIGSEGV);
      rmdir("/tmp/d");
      rmdir("/tmp/d");
    }'
  faults
  [ "$status" -eq 1 ]
  [ "${lines[0]}" = "process 1, chdir #1 with EPERM: it ended with status 1 and no message" ]
  [[ ${lines[1]} == "process 1, mkdir"*"it crashed with signal 11"* ]]
  [[ ${lines[2]} == *", 2 bad" ]]
}

@test "faults: a tool that hangs is named, and all of it ends" {
  tool 'int main(void) {
      int fds[2];
      pipe(fds);
      if (unshare(CLONE_NEWPID) < 0)
        return 0;
      pid_t pid = fork();
      if (pid == 0) {
        setsid();
        signal(SIGTERM, SIG_IGN);
        read(fds[0], fds, 1);
        _exit(0);
      }
      write(fds[1], fds, 1);
      waitpid(pid, NULL, 0);
    }'
  faults --time 0.5
  [ "$status" -eq 1 ]
  [[ $output == *"process 1, write #1 with EPERM: it hangs: not at its end after 0.5 seconds"* ]]
  [[ $output != *"it left"* ]]
}

@test "faults: what a tool leaves behind is named" {
  tool 'static void undo(void) {}
    int main(void) {
      CHECK(unlink("/tmp/not-there") < 0 && errno == ENOENT ? 0 : -1);
      CHECK(mount("x", "/mnt", "tmpfs", 0, NULL));
      CHECK(chdir("/"));
      CHECK(umount2("/mnt", MNT_DETACH));
    }'
  faults --except umount2
  [ "$status" -eq 1 ]
  [[ ${lines[0]} == "process 1, chdir #1 with EPERM: it left mount /mnt (mount "*"(it said: tool: chdir"* ]]
  [[ ${lines[1]} == *", 1 bad" ]]

  tool 'static void undo(void) {}
    int main(void) {
      char name[] = "/tmp/left-XXXXXX";
      int fd = mkstemp(name);
      CHECK(fd);
      CHECK(fchmod(fd, 0644));
      CHECK(unlink(name));
    }'
  faults --except unlink
  [ "$status" -eq 1 ]
  [[ ${lines[0]} == "process 1, fchmod #1 with EPERM: it left file /tmp/left-"* ]]

  tool 'static void undo(void) {}
    int main(void) {
      pid_t pid = fork();
      CHECK(pid);
      for (; pid == 0;)
        sleep(1000);
      CHECK(chdir("/"));
      CHECK(kill(pid, SIGKILL));
      CHECK(waitpid(pid, NULL, 0));
    }'
  faults --except kill
  [ "$status" -eq 1 ]
  [[ $output == *"process 1, chdir #1 with EPERM: it left process "*" tool (it said: tool: chdir"* ]]
}

@test "faults: a tool that is killed must not leave anything, nor look well" {
  tool 'static void undo(void) {}
    int main(void) {
      int end[2];
      CHECK(pipe(end));
      pid_t pid = fork();
      CHECK(pid);
      if (pid == 0) {
        close(end[1]);
        read(end[0], end, 1);
        CHECK(chdir("/"));
        _exit(0);
      }
      close(end[1]);
      CHECK(waitpid(pid, NULL, 0));
    }'
  faults --kill
  [ "$status" -eq 1 ]
  [[ $output == *"process 2 (child of 1), chdir #1 with SIGKILL: it ended with status 0"* ]]
  [[ $output != *"process 1,"* ]]
  [[ $output != *"it left"* ]]
}

@test "faults: what a tool is to leave behind is made before and judged after" {
  tool 'static void undo(void) {}
    int main(void) {
      int fd = open("/tmp/d/new", O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
      CHECK(fd);
      CHECK(fchmod(fd, 0600));
      CHECK(rename("/tmp/d/new", "/tmp/d/file"));
    }'
  # shellcheck disable=SC2016
  local before='rm -rf /tmp/d; mkdir /tmp/d; echo old >/tmp/d/file' \
    after='left=$(cd /tmp/d; echo *); rm -rf /tmp/d; [ "$STATUS:$left" = "0:file" ] || { echo "$left, $SAID"; false; }'
  faults --only openat,fchmod --before "$before" --after "$after"
  [ "$status" -eq 1 ]
  [[ ${lines[0]} == "process 1, openat #"*" with EPERM: after it with status 125: file, tool: fd: Operation"* ]]
  [[ ${lines[1]} == "process 1, fchmod #1 with EPERM: after it with status 125: file new, tool: fchmod"* ]]
  [[ ${lines[2]} == "2 calls failed"*", 2 bad" ]]
  faults --kill --only rename --before "$before" --after '[ "$STATUS" -eq 0 ] || [ "$STATUS" -eq 137 ]; a=$?; rm -rf /tmp/d; exit $a'
  [ "$status" -eq 0 ]
  [ "${lines[0]}" = "1 calls at which the process was killed: 1 ended well, 0 bad" ]
  faults --before 'echo no; false'
  [ "$status" -eq 125 ]
  [[ $output == *"--before fails: no" ]]
}

@test "faults: a command that cannot be tried is not passed" {
  tool 'int main(void) { return write(2, "no\n", 3) == 3 ? 125 : 1; }'
  faults
  [ "$status" -eq 125 ]
  [[ $output == "faults: it fails even undisturbed, with status 125: no" ]]
  tool 'int main(void) { printf("%d\n", getpid()); }'
  faults
  [ "$status" -eq 1 ]
  [[ $output == "undisturbed: it does not do the same twice"* ]]
  rm "$TEMP/tool"
  faults
  [ "$status" -eq 125 ]
  [[ $output == "faults: "*"/tool: No such file or directory" ]]
  faults --errno EWHAT
  [ "$status" -eq 125 ]
}
