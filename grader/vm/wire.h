/* wire.h - what the launcher and the guest's init say to each other.
 *
 * Between them is one virtio-serial port: to the launcher a socket whose other
 * end QEMU has, to init the device /dev/vport0p1. It carries messages:
 *
 *     type (4 bytes)   size (4 bytes)   `size` bytes
 *
 * Everything goes through it, also what the command prints; so an exit status
 * cannot arrive before the last line does.
 *
 *     launcher                            init
 *                <----------- HELLO       it runs
 *     CLOCK TREE DIRECTORY
 *     VARIABLE... ARGUMENT...
 *     SIZE, TERMINAL or PIPES ---------->
 *                <----------- STARTED     the command runs, or FAILED
 *     INPUT SIZE SIGNAL ---------------->
 *                <----------- OUTPUT ERROR
 *                <----------- ENDED       and its last file is written
 */
#ifndef VM_WIRE_H
#define VM_WIRE_H

#include <stddef.h>
#include <stdint.h>

/* Of a message: the first letter of its name in a dump. Text has no NUL. */
enum wire_type {
  WIRE_HELLO = 'H',     /* nothing */
  WIRE_CLOCK = 'C',     /* a struct timespec, the time of day */
  WIRE_TREE = 'T',      /* the absolute path of this tree */
  WIRE_DIRECTORY = 'D', /* where the command runs, an absolute path */
  WIRE_VARIABLE = 'V',  /* of its environment, "NAME=VALUE" */
  WIRE_ARGUMENT = 'A',  /* one of its arguments; the first is the program */
  WIRE_SIZE = 'W',      /* a struct winsize, of the terminal (ioctl_tty(2)) */
  WIRE_TERMINAL = 't',  /* start it, on a terminal of its own */
  WIRE_PIPES = 'p',     /* start it, with no input and two pipes */
  WIRE_STARTED = 's',   /* nothing */
  WIRE_INPUT = 'I',     /* bytes for its terminal */
  WIRE_SIGNAL = 'S',    /* an int: send it to the command's process group */
  WIRE_OUTPUT = 'O',    /* bytes that it wrote to its terminal or output */
  WIRE_ERROR = 'E',     /* bytes that it wrote to its standard error */
  WIRE_ENDED = 'X',     /* an int, its exit status; 128+N for signal N */
  WIRE_FAILED = 'F',    /* text: what init could not do */
};

enum { WIRE_MAX = 65536 }; /* most bytes of a message, and of a path here */

/* One message, as it arrived. */
struct wire_message {
  uint32_t type;           /* an enum wire_type */
  uint32_t size;           /* bytes in `data` */
  char data[WIRE_MAX + 1]; /* and a NUL behind them */
};

/* Send a message of at most WIRE_MAX bytes. Returns 0, or -1 with errno and a
 * message: EPIPE if the other side is gone, EMSGSIZE. */
int wire_send(int fd, enum wire_type type, const void *data, size_t size);

/* Wait for the next message. Returns 1; 0 if the other side is gone; or -1 with
 * errno and a message: EBADMSG for what is no message, else read(2)'s. */
int wire_receive(int fd, struct wire_message *message);

#endif
