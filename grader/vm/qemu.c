/* qemu.c - start QEMU, end it, and tell what it said. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clean.h"
#include "fail.h"
#include "list.h"
#include "obstacle.h"
#include "vm.h"

/* What differs from one kind of processor to the other. */
struct machine {
  const char *name;     /* as uname(2) has it */
  const char *program;  /* QEMU's */
  const char *type;     /* for -machine */
  const char *console;  /* the kernel's name of the first serial line */
};

static const struct machine machines[] = {
    {"x86_64", "qemu-system-x86_64", "pc", "ttyS0"},
    /* gic-version: with KVM, the interrupt controller must be one that the host
     * has. */
    {"aarch64", "qemu-system-aarch64", "virt,gic-version=max", "ttyAMA0"},
};

static const struct machine *
this_machine(void)
{
  struct utsname name;
  uname(&name);
  for (size_t i = 0; i < sizeof machines / sizeof *machines; i++)
    if (strcmp(machines[i].name, name.machine) == 0)
      return &machines[i];
  refuse(ENOTSUP, "no VM on a processor like this one, %s (there is one on x86_64 "
         "and aarch64)", name.machine);
  return NULL;
}

int
vm_find_qemu(void)
{
  if (!this_machine())
    return -1;
  const char *why = vm_obstacle();
  return why ? refuse(ENOENT, "%s", why) : 0;
}

/* ---- its command line ---- */

static void
add(struct list *argv, const char *format, ...)
{
  char text[2 * PATH_MAX + 128];
  va_list args;
  va_start(args, format);
  vsnprintf(text, sizeof text, format, args);
  va_end(args);
  if (list_add(argv, text) < 0)
    _exit(VM_FAILED);
}

/* A share of the host's files. In QEMU's options a comma in a path is two. */
static void
add_share(struct list *argv, const char *tag, const char *path, const char *mode)
{
  char quoted[2 * PATH_MAX], *out = quoted;
  for (; *path; path++) {
    *out++ = *path;
    if (*path == ',')
      *out++ = ',';
  }
  *out = '\0';
  add(argv, "-fsdev");
  add(argv, "local,id=%s,security_model=none,multidevs=remap%s,path=%s", tag, mode,
      quoted);
  add(argv, "-device");
  add(argv, "virtio-9p-pci,fsdev=%s,mount_tag=%s", tag, tag);
}

/* As many processors as the host has, up to four; as much memory as 2 GiB or half
 * of the host's. */
static void
add_size(struct list *argv)
{
  long cpus = sysconf(_SC_NPROCESSORS_ONLN);
  long half = sysconf(_SC_PHYS_PAGES) / 2 * (sysconf(_SC_PAGESIZE) / 1024) / 1024;
  add(argv, "-smp");
  add(argv, "%ld", cpus < 4 ? cpus : 4);
  add(argv, "-m");
  add(argv, "%ld", half < 2048 ? half : 2048);
}

static void
command_line(struct list *argv, const struct vm *vm, bool kvm, int wire)
{
  static const char *const fixed[] = {
      "-nodefaults", "-no-user-config", "-no-reboot", "-display", "none",
      "-nic", "none", "-cpu", "max",
      "-device", "virtio-serial-pci", "-device", "virtserialport,chardev=wire",
      "-serial", "chardev:log",
  };
  const struct machine *machine = this_machine();
  add(argv, "%s", machine->program);
  for (size_t i = 0; i < sizeof fixed / sizeof *fixed; i++)
    add(argv, "%s", fixed[i]);
  add(argv, "-machine");
  add(argv, "%s", machine->type);
  add(argv, "-accel");
  add(argv, "%s", kvm ? "kvm" : "tcg,thread=multi");
  add_size(argv);
  add(argv, "-chardev");
  add(argv, "socket,id=wire,fd=%d", wire);
  add(argv, "-chardev");
  add(argv, "file,id=log,append=on,path=/proc/self/fd/%d", vm->log);
  add_share(argv, "root", "/", ",readonly=on");
  add_share(argv, "tree", vm->tree, vm->read_only ? ",readonly=on" : "");
  add(argv, "-kernel");
  add(argv, "%s/build/vm/vmlinuz", vm->tree);
  add(argv, "-initrd");
  add(argv, "%s/build/vm/initramfs", vm->tree);
  add(argv, "-append");
  /* Guarding the kernel from its user (mitigations) makes every system call change
   * the page tables, which takes twice the time in emulation. */
  add(argv, "console=%s quiet panic=-1 psi=1 mitigations=off", machine->console);
}

/* ---- its process ---- */

/* In the child. It leaves our process group, where the keyboard's signals go, and
 * dies with us, however we die. */
static void
become_qemu(const struct vm *vm, bool kvm, int wire, pid_t parent)
{
  autolist struct list argv = {0};
  command_line(&argv, vm, kvm, wire);
  setsid();
  prctl(PR_SET_PDEATHSIG, (long)SIGKILL);
  if (getppid() != parent)
    _exit(VM_FAILED);
  signal(SIGPIPE, SIG_DFL);
  int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
  dup2(null, 0);
  dup2(vm->log, 1);
  dup2(vm->log, 2);
  fcntl(wire, F_SETFD, 0);
  fcntl(vm->log, F_SETFD, 0);
  execvp(argv.items[0], argv.items);
  dprintf(2, "%s: %s\n", argv.items[0], strerror(errno));
  _exit(VM_FAILED);
}

int
vm_start(struct vm *vm, bool kvm)
{
  int wire[2];
  vm->log = memfd_create("vm-log", MFD_CLOEXEC);
  if (vm->log < 0 || fcntl(vm->log, F_SETFL, O_APPEND) < 0)
    return fail("make a log in memory");
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, wire) < 0)
    return fail("make a pair of sockets");
  pid_t parent = getpid();
  vm->wire = wire[0];
  vm->qemu = fork();
  if (vm->qemu == 0)
    become_qemu(vm, kvm, wire[1], parent);
  close(wire[1]);
  if (vm->qemu < 0) {
    vm->qemu = 0;
    return fail("fork");
  }
  return 0;
}

void
vm_kill(struct vm *vm)
{
  if (vm->qemu <= 0)
    return;
  kill(vm->qemu, SIGKILL);
  while (waitpid(vm->qemu, NULL, 0) < 0 && errno == EINTR)
    ;
  vm->qemu = 0;
  close(vm->wire);
}

void
vm_show_log(const struct vm *vm)
{
  char text[16384];
  int lines = 10;
  off_t size = lseek(vm->log, 0, SEEK_END);
  off_t from = size < (off_t)sizeof text ? 0 : size - (off_t)sizeof text + 1;
  ssize_t n = size <= 0 ? 0 : pread(vm->log, text, sizeof text - 1, from);
  if (n <= 0)
    return;
  text[n] = '\0';
  /* The last ten lines, or those from where the kernel gave up. */
  char *start = strstr(text, "Kernel panic");
  for (char *end = text + n - 1; !start && lines > 0 && end > text; end--)
    if (end[-1] == '\n' && --lines == 0)
      start = end;
  fprintf(stderr, "vm: it said last:\n");
  lines = 10;
  for (char *line = strtok(start ?: text, "\r\n"); line && lines--;
       line = strtok(NULL, "\r\n"))
    fprintf(stderr, "vm:   %s\n", line);
}
