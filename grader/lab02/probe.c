/* probe.c - a program for the inside of a container. It is linked statically,
 * so that it runs in a root directory where nothing else is. The tests ask it
 * to report, to wait while they look at it from outside, and to attack. */
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <mqueue.h>
#include <net/if.h>
#include <netinet/ip.h>
#include <netinet/ip_icmp.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/ipc.h>
#include <sys/mount.h>
#include <sys/msg.h>
#include <sys/prctl.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "links.h"
#include "mount.h"

/* Say that we are there, and wait to be looked at, 20 seconds at most. */
static int
wait_for_eyes(char **arg)
{
  (void)arg;
  puts("ready");
  fflush(stdout);
  alarm(20);
  pause();
  return 0;
}

static int
exit_with(char **arg)
{
  return atoi(arg[0]);
}

/* End ourselves by a signal, whatever we were told about it. */
static int
end_by_signal(char **arg)
{
  signal(atoi(arg[0]), SIG_DFL);
  return raise(atoi(arg[0]));
}

static int
print_host_name(char **arg)
{
  char name[256] = "";
  (void)arg;
  gethostname(name, sizeof name);
  return puts(name) < 0;
}

/* Who we are: numbers of user and group, real and effective, and how many
 * groups more. */
static int
print_user(char **arg)
{
  (void)arg;
  return printf("%d %d %d %d %d\n", getuid(), geteuid(), getgid(), getegid(),
                getgroups(0, NULL)) < 0;
}

/* Make a file, and give it to a user and group, if there are numbers. */
static int
make_file(char **arg)
{
  int fd = open(arg[0], O_WRONLY | O_CREAT | O_EXCL, 0644);
  if (fd < 0 || (arg[1] && fchown(fd, atoi(arg[1]), atoi(arg[1])) < 0)) {
    perror(arg[0]);
    return 1;
  }
  return 0;
}

/* The names that the kernel keeps besides files: System V's messages, memory
 * and semaphores, all by the number KEY, and the POSIX queue /NAME. `make`,
 * `find` (print the kinds that are there) or `remove` them. */
static int
queues(char **arg)
{
  int key = atoi(arg[1]), flags = 0;
  char name[256];
  snprintf(name, sizeof name, "/%s", arg[2]);
  if (strcmp(arg[0], "make") == 0)
    flags = IPC_CREAT | IPC_EXCL | 0600;
  int messages = msgget(key, flags);
  int memory = shmget(key, flags ? 4096 : 0, flags);
  int semaphores = semget(key, flags ? 1 : 0, flags);
  mqd_t queue = mq_open(name, O_RDONLY | (flags ? O_CREAT | O_EXCL : 0), 0600, NULL);
  if (strcmp(arg[0], "remove") == 0) {
    msgctl(messages, IPC_RMID, NULL);
    shmctl(memory, IPC_RMID, NULL);
    semctl(semaphores, 0, IPC_RMID);
    mq_unlink(name);
  }
  printf("%s%s%s%s\n", messages < 0 ? "" : "messages ", memory < 0 ? "" : "memory ",
         semaphores < 0 ? "" : "semaphores ", queue == (mqd_t)-1 ? "" : "posix");
  return 0;
}

/* Block all signals, and print the number of each that comes. */
static int
print_signals(char **arg)
{
  sigset_t all;
  int number;
  (void)arg;
  sigfillset(&all);
  sigprocmask(SIG_SETMASK, &all, NULL);
  setvbuf(stdout, NULL, _IOLBF, 0);
  alarm(20);
  puts("ready");
  while (sigwait(&all, &number) == 0 && number != SIGALRM)
    printf("%d\n", number);
  return 0;
}

/* For each SIGUSR1 start N grandchildren that end as orphans, and print
 * "done". */
static int
make_orphans(char **arg)
{
  sigset_t signals;
  int number;
  sigemptyset(&signals);
  sigaddset(&signals, SIGUSR1);
  sigprocmask(SIG_SETMASK, &signals, NULL);
  setvbuf(stdout, NULL, _IONBF, 0);
  alarm(20);
  puts("ready");
  while (sigwait(&signals, &number) == 0) {
    for (int i = 0; i < atoi(arg[0]); i++) {
      pid_t pid = fork();
      if (pid == 0)
        _exit(fork() < 0);
      int status = 1;
      if (pid < 0 || waitpid(pid, &status, 0) < 0 || status != 0)
        puts("no more processes");
    }
    puts("done");
  }
  return 0;
}

/* Run a program on a terminal of its own. When it has printed "ready", press
 * ^C; when it has said that SIGINT came, send it SIGUSR1; and when that has
 * come as well, print all that it said. What comes twice is seen by then. */
static int
press_keys(char **arg)
{
  char text[4096];
  size_t n = 0;
  int step = 0;
  struct termios settings;
  static const char *const seen[] = {"ready\r\n", "\n2\r\n", "\n10\r\n"};
  int terminal = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
  if (terminal < 0 || grantpt(terminal) < 0 || unlockpt(terminal) < 0 ||
      tcgetattr(terminal, &settings) < 0) {
    perror("probe: a terminal");
    return 99;
  }
  settings.c_lflag &= ~ECHO; /* or what we press would stand in what it says */
  tcsetattr(terminal, TCSANOW, &settings);
  alarm(20);
  pid_t pid = fork();
  if (pid == 0) {
    prctl(PR_SET_PDEATHSIG, (long)SIGKILL);
    setsid();
    int own = open(ptsname(terminal), O_RDWR); /* and so it is our session's */
    dup2(own, 0);
    dup2(own, 1);
    dup2(own, 2);
    close(own);
    execvp(arg[0], arg);
    _exit(99);
  }
  for (ssize_t m; n + 1 < sizeof text && step < 3; n += m) {
    m = read(terminal, text + n, sizeof text - 1 - n);
    if (m <= 0)
      break;
    text[n + m] = '\0';
    if (!strstr(text, seen[step]))
      continue;
    step++;
    if (step == 1 && write(terminal, "\003", 1) != 1)
      break;
    if (step == 2)
      kill(pid, SIGUSR1);
  }
  kill(pid, SIGKILL);
  waitpid(pid, NULL, 0);
  fwrite(text, 1, n, stdout);
  return step < 3;
}

/* Run a program to which a signal has been sent already, and that blocks it. */
static int
run_with_pending(char **arg)
{
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, atoi(arg[0]));
  sigprocmask(SIG_BLOCK, &signals, NULL);
  raise(atoi(arg[0]));
  execvp(arg[1], arg + 1);
  perror(arg[1]);
  return 99;
}

/* What the clock shows that counts from the start, in seconds. */
static int
print_clock(char **arg)
{
  struct timespec t;
  (void)arg;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return printf("%lld\n", (long long)t.tv_sec) < 0;
}

/* ---- looks ---- */

/* Print a file. */
static int
read_file(char **arg)
{
  char text[4096];
  int fd = open(arg[0], O_RDONLY);
  ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text);
  if (n < 0) {
    perror(arg[0]);
    return 1;
  }
  fwrite(text, 1, n, stdout);
  return 0;
}

/* Open files for writing, and write nothing: some files of /proc must not be
 * written, not even by a test. Prints those that could be opened. */
static int
open_to_write(char **arg)
{
  for (; *arg; arg++) {
    int fd = open(*arg, O_WRONLY | O_NONBLOCK);
    if (fd >= 0)
      puts(*arg);
    close(fd);
  }
  return 0;
}

/* Join a namespace of the process `pid`; `kind` is a name in /proc/PID/ns. */
static int
join(const char *pid, const char *kind)
{
  char path[64];
  snprintf(path, sizeof path, "/proc/%s/ns/%s", pid, kind);
  int fd = open(path, O_RDONLY);
  if (fd < 0 || setns(fd, 0) < 0) {
    perror(path);
    exit(99);
  }
  return close(fd);
}

/* For use outside: print all mounts of the mount namespace of a process, not
 * only those that it can reach from its root directory: "POINT TYPE FLAGS". */
static int
list_mounts(char **arg)
{
  char line[4096], point[1024], flags[256], type[64];
  int proc = open("/proc", O_RDONLY | O_DIRECTORY);
  join(arg[0], "mnt");
  int fd = openat(proc, "self/mountinfo", O_RDONLY);
  FILE *file = fd < 0 ? NULL : fdopen(fd, "r");
  while (file && fgets(line, sizeof line, file)) {
    const char *dash = strstr(line, " - ");
    if (dash && sscanf(line, "%*s %*s %*s %*s %1023s %255s", point, flags) == 2 &&
        sscanf(dash, " - %63s", type) == 1)
      printf("%s %s %s\n", point, type, flags);
  }
  return file ? 0 : 99;
}

/* ---- attacks on the root directory: is a file of the host to be had? ---- */

/* Print what is in `path` and say how we got there, if we can open it. */
static bool
got_out(const char *how, const char *path)
{
  char text[256];
  int fd = open(path, O_RDONLY);
  ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
  close(fd);
  if (n > 0)
    printf("by %s: %.*s\n", how, (int)n, text);
  return n > 0;
}

/* Go up as far as it goes, then look for the file from there. */
static bool
climb(const char *how, const char *secret)
{
  for (int i = 0; i < 64; i++)
    if (chdir("..") < 0)
      break;
  return got_out(how, secret + 1); /* relative: our root may be elsewhere */
}

static bool
leave_by_paths(const char *secret)
{
  static const char *const starts[] = {
      "", "/../../../../../..", "/proc/1/root", "/proc/self/root", "/proc/1/cwd",
      "/proc/1/root/../../../..", "/proc/self/cwd/../../../../../../../..",
  };
  char path[4096];
  for (size_t i = 0; i < sizeof starts / sizeof *starts; i++) {
    snprintf(path, sizeof path, "%s%s", starts[i], secret);
    if (got_out(path, path))
      return true;
  }
  for (int fd = 0; fd < 1 << 16; fd++) {
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    if (fd > 1024 && fcntl(fd, F_GETFD) < 0)
      continue;
    if (chdir(path) == 0 && climb("a descriptor in /proc/self/fd", secret))
      return true;
    if (fchdir(fd) == 0 && climb("a descriptor", secret))
      return true;
  }
  return chdir("/") == 0 && climb("..", secret);
}

/* The attack of lab01: a root that the current directory is not in. */
static bool
leave_by_chroot(const char *secret)
{
  if (chdir("/") < 0 || (mkdir("/cell", 0700) < 0 && errno != EEXIST) ||
      chroot("/cell") < 0)
    return false;
  rmdir("cell");
  bool out = climb("a second chroot", secret);
  if (chroot(".") < 0)
    perror("probe: chroot .");
  return out;
}

/* Take off what is mounted on "/", again and again: perhaps the old root is
 * below. */
static bool
leave_by_umount(const char *secret)
{
  for (int i = 0; i < 4; i++) {
    if (umount2("/", MNT_DETACH) < 0)
      break;
    if (chdir("/") == 0 && climb("umount of /", secret))
      return true;
  }
  return syscall(SYS_pivot_root, ".", ".") == 0 && climb("pivot_root", secret);
}

/* In a child with a user namespace of its own, and so all capabilities over a
 * copy of the mounts: attack(arg). Is it successful? */
static bool
as_root_of_a_copy(bool (*attack)(const char *), const char *arg)
{
  int status;
  fflush(stdout);
  pid_t pid = fork();
  if (pid == 0) {
    char map[32];
    int user = geteuid();
    int own = unshare(CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET);
    int fd = own < 0 ? -1 : open("/proc/self/uid_map", O_WRONLY);
    snprintf(map, sizeof map, "0 %d 1", user);
    if (fd < 0 || write(fd, map, strlen(map)) < 0)
      _exit(1); /* forbidden here */
    pid = fork(); /* the first in the new PID namespace */
    if (pid == 0) {
      bool success = attack(arg);
      fflush(stdout);
      _exit(success ? 0 : 1);
    }
    waitpid(pid, &status, 0);
    _exit(WIFEXITED(status) ? WEXITSTATUS(status) : 1);
  }
  waitpid(pid, &status, 0);
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/* All attacks, for a file of the host. */
static int
escape(char **arg)
{
  if (leave_by_paths(arg[0]) || leave_by_chroot(arg[0]) || leave_by_umount(arg[0]) ||
      as_root_of_a_copy(leave_by_umount, arg[0]) ||
      as_root_of_a_copy(leave_by_chroot, arg[0]))
    return 0;
  puts("no way out");
  return 1;
}

/* ---- attacks on what is covered, or read-only ---- */

/* Is something to be read in `path`: bytes of a file, or names in a
 * directory? */
static bool
can_read(const char *path)
{
  char byte;
  DIR *dir = opendir(path);
  if (dir) {
    int count = 0;
    while (readdir(dir))
      count++;
    closedir(dir);
    return count > 2;
  }
  int fd = open(path, O_RDONLY | O_NONBLOCK);
  bool some = fd >= 0 && read(fd, &byte, 1) == 1;
  close(fd);
  return some;
}

/* Could one write to the file, or into the directory? */
static bool
can_write(const char *path)
{
  return faccessat(AT_FDCWD, path, W_OK, AT_EACCESS) == 0;
}

static bool (*goal)(const char *path); /* what the attacker wants */

static bool
reached(const char *how, const char *path)
{
  if (goal(path))
    printf("by %s: %s\n", how, path);
  return goal(path);
}

/* Everything that takes a mount off `path`, or leads around it. */
static bool
uncover(const char *path)
{
  char around[4096], parent[4096];
  const char *name = strrchr(path, '/') + 1;
  struct mount_attr writable = {.attr_clr = MOUNT_ATTR_RDONLY};
  snprintf(parent, sizeof parent, "%.*s", (int)(name - path), path);
  if (umount2(path, 0) == 0 && reached("umount", path))
    return true;
  if (umount2(path, MNT_DETACH) == 0 && reached("umount with MNT_DETACH", path))
    return true;
  if (mount(NULL, path, NULL, MS_REMOUNT | MS_BIND, NULL) == 0 &&
      reached("a second mount of it, to be written", path))
    return true;
  if (mount_setattr(AT_FDCWD, path, 0, &writable, sizeof writable) == 0 &&
      reached("mount_setattr", path))
    return true;
  /* The directory that it lies in once more, without what is mounted in it. */
  mkdir("/around", 0755);
  snprintf(around, sizeof around, "/around/%s", name);
  if (mount(parent, "/around", NULL, MS_BIND, NULL) == 0 &&
      reached("a bind mount of its directory", around))
    return true;
  int tree = open_tree(AT_FDCWD, parent, OPEN_TREE_CLONE);
  snprintf(around, sizeof around, "/proc/self/fd/%d/%s", tree, name);
  if (tree >= 0 && reached("a copy of its mount", around))
    return true;
  /* A second proc or sysfs, in which nothing is covered. */
  bool proc = strncmp(path, "/proc/", 6) == 0;
  unsigned long flags = proc ? 0 : MS_RDONLY;
  if ((proc || strncmp(path, "/sys/", 5) == 0) &&
      mount("new", "/around", proc ? "proc" : "sysfs", flags, NULL) == 0) {
    snprintf(around, sizeof around, "/around/%s", strchr(path + 1, '/') + 1);
    if (reached("a new file system of the kernel", around))
      return true;
  }
  return mount(path, "/around", NULL, MS_MOVE, NULL) == 0 &&
         reached("moving the cover away", path);
}

static int
attack_cover(const char *path)
{
  bool success = reached("opening it", path) || uncover(path) ||
                 as_root_of_a_copy(uncover, path);
  rmdir("/around");
  puts(success ? "" : "it stays covered");
  return success ? 0 : 1;
}

/* Read what is covered. */
static int
unmask(char **arg)
{
  goal = can_read;
  return attack_cover(arg[0]);
}

/* Write what is read-only. */
static int
unlock(char **arg)
{
  goal = can_write;
  return attack_cover(arg[0]);
}

/* ---- networks ---- */

/* An address of the kind "10.1.2.3", and a port. */
static struct sockaddr_in
address_of(const char *text, const char *port)
{
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(atoi(port))};
  inet_aton(text, &address.sin_addr);
  return address;
}

/* What an ioctl of netdevice(7) says about a link, as an IPv4 address; or
 * 0.0.0.0. */
static struct in_addr
ask(int fd, const char *name, unsigned long what)
{
  struct ifreq request = {0};
  struct sockaddr_in address = {0};
  snprintf(request.ifr_name, sizeof request.ifr_name, "%s", name);
  if (ioctl(fd, what, &request) == 0)
    memcpy(&address, &request.ifr_addr, sizeof address);
  return address.sin_addr;
}

/* For use outside: print the links in the network namespace of a process, or in
 * ours: "NAME up ADDRESS/PREFIX". */
static int
list_links(char **arg)
{
  if (arg[0])
    join(arg[0], "net");
  int fd = socket(AF_INET, SOCK_DGRAM, 0);
  struct if_nameindex *links = if_nameindex();
  for (struct if_nameindex *l = links; l && l->if_name; l++) {
    struct ifreq request = {0};
    snprintf(request.ifr_name, sizeof request.ifr_name, "%s", l->if_name);
    ioctl(fd, SIOCGIFFLAGS, &request);
    struct in_addr mask = ask(fd, l->if_name, SIOCGIFNETMASK);
    printf("%s %s %s/%d\n", l->if_name, request.ifr_flags & IFF_UP ? "up" : "down",
           inet_ntoa(ask(fd, l->if_name, SIOCGIFADDR)),
           __builtin_popcount(mask.s_addr));
  }
  return 0;
}

/* For use outside: the address of eth0 in the network namespace of each
 * process. */
static int
list_addresses(char **arg)
{
  for (; *arg; arg++) {
    join(*arg, "net");
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    puts(inet_ntoa(ask(fd, "eth0", SIOCGIFADDR)));
    close(fd);
  }
  return 0;
}

/* Make links whose names are PREFIX and a number from FIRST to LAST. */
static int
occupy(char **arg)
{
  for (int n = atoi(arg[1]); n <= atoi(arg[2]); n++) {
    char name[IFNAMSIZ], peer[IFNAMSIZ];
    snprintf(name, sizeof name, "%.10s%d", arg[0], n);
    snprintf(peer, sizeof peer, "peer%d", n);
    errno = make_wire(name, peer);
    if (errno) {
      perror(name);
      return 99;
    }
  }
  return 0;
}

/* Answer everyone who calls PORT with TEXT, for 20 seconds at most. */
static int
serve(char **arg)
{
  struct sockaddr_in address = address_of("0.0.0.0", arg[0]);
  int one = 1, fd = socket(AF_INET, SOCK_STREAM, 0);
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  if (bind(fd, (struct sockaddr *)&address, sizeof address) < 0 ||
      listen(fd, 8) < 0) {
    perror("probe: serve");
    return 99;
  }
  puts("ready");
  fflush(stdout);
  alarm(20);
  for (;;) {
    int caller = accept(fd, NULL, NULL);
    if (caller >= 0)
      dprintf(caller, "%s\n", arg[1]);
    close(caller);
  }
}

/* Print what ADDRESS says on PORT. Gives up after 5 seconds. */
static int
fetch(char **arg)
{
  char text[256];
  struct sockaddr_in address = address_of(arg[0], arg[1]);
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  alarm(5);
  if (connect(fd, (struct sockaddr *)&address, sizeof address) < 0) {
    perror(arg[0]);
    return 1;
  }
  for (ssize_t n; (n = read(fd, text, sizeof text)) > 0;)
    fwrite(text, 1, n, stdout);
  return 0;
}

/* Send an ICMP echo request, and wait for the reply, 5 seconds at most. */
static int
ping(char **arg)
{
  struct sockaddr_in address = address_of(arg[0], "0");
  struct icmphdr request = {.type = ICMP_ECHO, .un.echo = {htons(getpid()), 1}};
  uint16_t *words = (uint16_t *)&request;
  uint32_t sum = 0;
  for (size_t i = 0; i < sizeof request / 2; i++)
    sum += words[i];
  request.checksum = ~(sum + (sum >> 16));
  int fd = socket(AF_INET, SOCK_RAW, IPPROTO_ICMP);
  alarm(5);
  if (fd < 0 || sendto(fd, &request, sizeof request, 0, (struct sockaddr *)&address,
                       sizeof address) < 0) {
    perror(arg[0]);
    return 1;
  }
  for (;;) {
    char packet[256];
    struct icmphdr *reply = (struct icmphdr *)(packet + sizeof(struct iphdr));
    if (recv(fd, packet, sizeof packet, 0) > 0 && reply->type == ICMP_ECHOREPLY &&
        reply->un.echo.id == request.un.echo.id) {
      puts("pong");
      return 0;
    }
  }
}

int
main(int argc, char **argv)
{
  static const struct {
    const char *name;
    int (*run)(char **arg);  /* arguments behind the name, ended by NULL */
    int arguments;           /* how many at least */
  } commands[] = {
      {"exit", exit_with, 1},
      {"wait", wait_for_eyes, 0},
      {"read", read_file, 1},
      {"open-to-write", open_to_write, 1},
      {"mounts", list_mounts, 1},
      {"escape", escape, 1},
      {"unmask", unmask, 1},
      {"unlock", unlock, 1},
      {"links", list_links, 0},
      {"addresses", list_addresses, 1},
      {"occupy", occupy, 3},
      {"serve", serve, 2},
      {"fetch", fetch, 2},
      {"ping", ping, 1},
      {"signal", end_by_signal, 1},
      {"hostname", print_host_name, 0},
      {"user", print_user, 0},
      {"make", make_file, 1},
      {"queues", queues, 3},
      {"signals", print_signals, 0},
      {"orphans", make_orphans, 1},
      {"keys", press_keys, 1},
      {"pending", run_with_pending, 2},
      {"clock", print_clock, 0},
  };
  for (size_t i = 0; argc >= 2 && i < sizeof commands / sizeof *commands; i++)
    if (strcmp(argv[1], commands[i].name) == 0 && argc - 2 >= commands[i].arguments)
      return commands[i].run(argv + 2);
  fprintf(stderr, "probe: what?\n");
  return 99;
}
