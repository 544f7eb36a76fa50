/* wire.c - messages between the launcher and the guest's init. */
#include "wire.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "fail.h"
#include "file.h"

int
wire_send(int fd, enum wire_type type, const void *data, size_t size)
{
  struct {
    uint32_t type, size;
    char data[WIRE_MAX];
  } message;
  if (size > WIRE_MAX)
    return refuse(EMSGSIZE, "%zu bytes are too many for the VM's wire (%d)",
                  size, WIRE_MAX);
  message.type = type;
  message.size = size;
  if (size)
    memcpy(message.data, data, size);
  if (write_all(fd, &message, offsetof(typeof(message), data) + size) < 0)
    return fail("send to the other side of the VM");
  return 0;
}

/* Exactly `size` bytes. Returns 1, 0 at the end, or -1 with errno. */
static int
read_exactly(int fd, void *data, size_t size)
{
  for (size_t done = 0; done < size;) {
    ssize_t n = read(fd, (char *)data + done, size - done);
    if (n < 0 && errno == EINTR)
      continue;
    if (n <= 0)
      return n;
    done += n;
  }
  return 1;
}

int
wire_receive(int fd, struct wire_message *message)
{
  struct {
    uint32_t type, size;
  } head;
  int n = read_exactly(fd, &head, sizeof head);
  if (n > 0 && head.size > WIRE_MAX)
    return refuse(EBADMSG, "a message of %u bytes on the VM's wire", head.size);
  message->type = head.type;
  message->size = head.size;
  if (n > 0)
    n = read_exactly(fd, message->data, head.size);
  if (n < 0)
    return fail("receive from the other side of the VM");
  if (n > 0)
    message->data[head.size] = '\0';
  return n;
}
