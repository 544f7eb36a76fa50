/* See spawn.c. */
#include <stdlib.h>

#include "container.h"

int
net_up(const char *name)
{
  (void)name;
  exit(0);
}

int
net_veth(const char *name, const char *peer, pid_t pid)
{
  (void)name, (void)peer, (void)pid;
  exit(0);
}

int
net_address(const char *name, struct in_addr address, int prefix)
{
  (void)name, (void)address, (void)prefix;
  exit(0);
}

int
net_route(struct in_addr gateway)
{
  (void)gateway;
  exit(0);
}

int
net_join(pid_t pid, struct wire *wire)
{
  (void)pid, (void)wire;
  exit(0);
}

int
net_inside(const struct wire *wire)
{
  (void)wire;
  exit(0);
}
