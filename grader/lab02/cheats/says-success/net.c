/* See spawn.c. */
#include <arpa/inet.h>
#include <stdio.h>

#include "container.h"

int
net_up(const char *name)
{
  (void)name;
  return 0;
}

int
net_veth(const char *name, const char *peer, pid_t pid)
{
  (void)name, (void)peer, (void)pid;
  return 0;
}

int
net_address(const char *name, struct in_addr address, int prefix)
{
  (void)name, (void)address, (void)prefix;
  return 0;
}

int
net_route(struct in_addr gateway)
{
  (void)gateway;
  return 0;
}

int
net_join(pid_t pid, struct wire *wire)
{
  (void)pid;
  *wire = (struct wire){.name = WIRE_PREFIX "2", .number = 2, .prefix = 24};
  inet_aton(WIRE_NETWORK ".2", &wire->address);
  inet_aton(WIRE_NETWORK ".1", &wire->gateway);
  return 0;
}

int
net_inside(const struct wire *wire)
{
  (void)wire;
  return 0;
}
