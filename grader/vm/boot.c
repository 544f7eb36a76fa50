/* boot.c - a guest that runs: with KVM if that works here, else in emulation. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "clean.h"
#include "fail.h"
#include "vm.h"
#include "wire.h"

/* Wait for the guest's hello, for some seconds. Returns 0, or -1 with errno and a
 * message. */
static int
wait_for_hello(const struct vm *vm, int seconds)
{
  static struct wire_message message;
  struct pollfd polled = {.fd = vm->wire, .events = POLLIN};
  int n = poll(&polled, 1, seconds * 1000);
  if (n == 0)
    return refuse(ETIMEDOUT, "the guest did not start within %d seconds", seconds);
  n = n < 0 ? fail("wait for the guest") : wire_receive(vm->wire, &message);
  if (n < 0)
    return -1;
  if (n == 0)
    return refuse(EPIPE, "the guest died before it had started");
  return message.type == WIRE_HELLO
             ? 0
             : refuse(EBADMSG, "the guest did not say hello");
}

/* ---- KVM or emulation ---- */

/* "kvm ID" or "tcg ID", where ID is that of the host's boot (random(4)): another
 * kernel may do better. */
static void
accel_text(char *text, size_t size, const char *name)
{
  char id[64] = "";
  autoclose int fd =
      open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
  if (fd >= 0 && read(fd, id, sizeof id - 1) > 0)
    id[strcspn(id, "\n")] = '\0';
  snprintf(text, size, "%s %s\n", name, id);
}

/* Is that what an earlier start has found out? */
static bool
remembered(const struct vm *vm, const char *name)
{
  char path[PATH_MAX + 32], want[128], have[128] = "";
  accel_text(want, sizeof want, name);
  snprintf(path, sizeof path, "%s/build/vm/accel", vm->tree);
  autoclose int fd = open(path, O_RDONLY | O_CLOEXEC);
  return fd >= 0 && read(fd, have, sizeof have - 1) > 0 && strcmp(want, have) == 0;
}

/* Nothing is wrong if it cannot be written, but for three seconds every time. */
static void
remember(const struct vm *vm, const char *name)
{
  char path[PATH_MAX + 32], text[128];
  accel_text(text, sizeof text, name);
  snprintf(path, sizeof path, "%s/build/vm/accel", vm->tree);
  autoclose int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (fd >= 0)
    dprintf(fd, "%s", text);
}

static int
try_to_boot(struct vm *vm, bool kvm, int seconds)
{
  if (vm_start(vm, kvm) < 0)
    return -1;
  if (wait_for_hello(vm, seconds) == 0)
    return 0;
  int error = errno;
  vm_kill(vm);
  errno = error;
  return -1;
}

int
vm_boot(struct vm *vm)
{
  /* Once it has worked here, it is worth waiting for on a busy host. */
  int patience = remembered(vm, "kvm") ? 20 : 3;
  autoclose int kvm =
      remembered(vm, "tcg") ? -1 : open("/dev/kvm", O_RDWR | O_CLOEXEC);
  if (kvm >= 0) {
    /* That it can be opened does not mean that a guest runs: in a VM that is
     * itself on a cloud's machine it may hang at its first instruction. */
    if (try_to_boot(vm, true, patience) == 0) {
      remember(vm, "kvm");
      return 0;
    }
    close(vm->log);
    fprintf(stderr, "vm: /dev/kvm is there, but does not boot a guest; from now on "
                    "in emulation\n");
  }
  if (try_to_boot(vm, false, 120) < 0)
    return -1;
  if (kvm >= 0)
    remember(vm, "tcg");
  return 0;
}
