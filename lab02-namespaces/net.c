/* net.c - 2.6: wires.
 *
 * A new network namespace is a computer without a cable: one link, lo, and even
 * that is down. We lay a cable. A veth pair is two links that are the two ends
 * of one wire; one end goes into the container, and the other one onto a
 * bridge, which is a switch:
 *
 *      host                 nsrun0  10.89.71.1 (the bridge)
 *                          /      \
 *                   nsrun-2        nsrun-3
 *     --------------- | ------------- | --------------------
 *      containers   eth0            eth0
 *                   10.89.71.2      10.89.71.3
 *
 * All of it is asked for over a socket, in messages: rtnetlink(7). Each has a
 * header, the bytes that its type wants, and then attributes (netlink.c).
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "clean.h"
#include "container.h"
#include "fail.h"

int
net_up(const char *name)
{
  /* TODO 2.6: RTM_NEWLINK for a link that is there changes it. */
  return todo("2.6", name);
}

int
net_veth(const char *name, const char *peer, pid_t pid)
{
  /* TODO 2.6: net_bridge in netlink.c makes another kind of link. A pair has one
   * thing more: in IFLA_INFO_DATA, who the other end is, and where. */
  return todo("2.6", name, peer, pid);
}

int
net_address(const char *name, struct in_addr address, int prefix)
{
  /* TODO 2.6: RTM_NEWADDR, with a struct ifaddrmsg. */
  return todo("2.6", name, address, prefix);
}

int
net_route(struct in_addr gateway)
{
  /* TODO 2.6: RTM_NEWROUTE, with a struct rtmsg, to everywhere. */
  return todo("2.6", gateway);
}

int
net_join(pid_t pid, struct wire *wire)
{
  /* TODO 2.6: the bridge, then a wire with the first free number, then the wire's
   * end onto the bridge. */
  return todo("2.6", pid, wire);
}

int
net_inside(const struct wire *wire)
{
  /* TODO 2.6: lo, and eth0. What must be there before the route can be? */
  return todo("2.6", wire);
}
