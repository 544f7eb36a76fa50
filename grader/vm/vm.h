/* vm.h - the parts of the launcher; vm.c tells what it is for. */
#ifndef VM_H
#define VM_H

#include <limits.h>
#include <stdbool.h>
#include <sys/types.h>

/* The launcher's exit status if the VM failed, and not the command in it. */
enum { VM_FAILED = 125 };

/* A machine. */
struct vm {
  char tree[PATH_MAX];  /* the top of this tree, an absolute path */
  bool read_only;       /* --read-only: the guest cannot write to it */
  pid_t qemu;           /* QEMU's process, a child of ours; 0 if there is none */
  int wire;             /* our end of the wire (wire.h), a descriptor */
  int log;              /* what QEMU and the guest's kernel said: a file in
                           memory, without a name */
};

/* ---- qemu.c ---- */

/* Can there be a VM? Returns 0, or -1 with errno and a message: ENOENT if QEMU is
 * not installed, ENOTSUP for a processor that we know no machine for. */
int vm_find_qemu(void);

/* Start QEMU, with KVM or in emulation. Returns 0, or -1 with errno and a message. */
int vm_start(struct vm *vm, bool kvm);

/* End QEMU, if it runs, and wait for it. */
void vm_kill(struct vm *vm);

/* Print the last lines of the log to standard error. */
void vm_show_log(const struct vm *vm);

/* ---- boot.c ---- */

/* Start QEMU, and wait until the guest's init says hello: with KVM if that boots
 * a guest here, else in emulation. Which of the two it was is remembered in
 * build/vm/accel until the host boots again. Returns 0, or -1 with errno and a
 * message; then QEMU has ended. */
int vm_boot(struct vm *vm);

/* ---- session.c ---- */

/* Have the guest run the command `argv`, or a shell if it is empty, in our current
 * directory, and pass on what it reads and writes, until it has ended. Returns its
 * exit status, or -1 with errno and a message. */
int vm_session(struct vm *vm, char **argv);

/* ---- terminal.c ---- */

/* Let SIGTERM, SIGHUP, SIGINT and SIGQUIT end QEMU with us. */
void terminal_catch_signals(struct vm *vm);

/* From now on every key comes to us as it is, ^C too. */
void terminal_raw(void);

/* Make the terminal what it was, if it is not. */
void terminal_restore(void);

/* End QEMU, restore the terminal, and die of a signal. */
void terminal_die(int signal_number);

#endif
