/* wire.c - given: a wire for one container alone, and how wires go again.
 *
 * When a container ends, its network namespace goes, and its end of the wire
 * with it, and so the host's end. But the kernel does that when it finds the
 * time. So that all is gone when nsrun ends, nsrun takes the wire off itself.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "clean.h"
#include "container.h"
#include "fail.h"

int
net_lock(void)
{
  /* What is locked is the network namespace: the file that stands for it. So
   * there is no lock file that must lie somewhere, and that somebody must
   * remove. */
  autoclose int fd = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
  if (fd < 0)
    return fail("open /proc/self/ns/net");
  while (flock(fd, LOCK_EX) < 0)
    if (errno != EINTR)
      return fail("lock the network namespace");
  return take_fd(&fd);
}

/* The host's end is 10.89.72.N, the container's the next: both in a network of
 * four numbers, of which the first and the last are never given to anybody. */
int
wire_private(pid_t pid, struct wire *wire)
{
  char text[INET_ADDRSTRLEN];
  *wire = (struct wire){.prefix = 30};
  for (int n = 1; n < 254; n += 4) {
    snprintf(wire->name, sizeof wire->name, "nsrun-p%d", n);
    if (net_veth(wire->name, "eth0", pid) < 0) {
      if (errno == EEXIST)
        continue;
      return -1;
    }
    wire->number = if_nametoindex(wire->name);
    snprintf(text, sizeof text, "10.89.72.%d", n);
    inet_aton(text, &wire->gateway);
    snprintf(text, sizeof text, "10.89.72.%d", n + 1);
    inet_aton(text, &wire->address);
    if (wire->number && net_address(wire->name, wire->gateway, wire->prefix) == 0 &&
        net_up(wire->name) == 0)
      return 0;
    int error = errno;
    net_delete(wire->name, wire->number);
    errno = error;
    return -1;
  }
  return refuse(EADDRNOTAVAIL, "no address is free in 10.89.72.0/24");
}

/* Is a link on the bridge? They have names of ours. Returns 1 or 0, or -1 with
 * errno. */
static int
bridge_in_use(void)
{
  struct if_nameindex *links = if_nameindex();
  int used = links ? 0 : fail("list the links");
  for (struct if_nameindex *l = links; l && l->if_name && !used; l++) {
    size_t n = strlen(WIRE_PREFIX);
    used = strncmp(l->if_name, WIRE_PREFIX, n) == 0 && l->if_name[n] != 'p';
  }
  if (links)
    if_freenameindex(links);
  return used;
}

int
wire_remove(const struct wire *wire)
{
  if (wire->number && net_delete(wire->name, wire->number) < 0 && errno != ENODEV)
    return -1;
  if (wire->prefix != 24)
    return 0; /* a wire of its own: no bridge */
  autoclose int lock = net_lock(); /* or somebody joins while we look */
  if (lock < 0)
    return -1;
  int used = bridge_in_use();
  if (used)
    return used < 0 ? -1 : 0;
  return net_delete(WIRE_BRIDGE, 0) < 0 && errno != ENODEV ? -1 : 0;
}
