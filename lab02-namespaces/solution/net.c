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
  //> /* TODO 2.6: RTM_NEWLINK for a link that is there changes it. */
  //> return todo("2.6", name);
  struct nl message;
  struct ifinfomsg *info = nl_start(&message, RTM_NEWLINK, 0, sizeof *info);
  info->ifi_flags = IFF_UP;
  info->ifi_change = IFF_UP; /* a mask: only this flag, not the others to 0 */
  nl_add_text(&message, IFLA_IFNAME, name);
  return nl_send(&message) < 0 ? fail("set the link %s up", name) : 0;
  //<
}

int
net_veth(const char *name, const char *peer, pid_t pid)
{
  //> /* TODO 2.6: net_bridge in netlink.c makes another kind of link. A pair has one
  //>  * thing more: in IFLA_INFO_DATA, who the other end is, and where. */
  //> return todo("2.6", name, peer, pid);

  /*  ifinfomsg
   *  IFLA_IFNAME           "nsrun-2"
   *  IFLA_LINKINFO
   *    IFLA_INFO_KIND      "veth"
   *    IFLA_INFO_DATA
   *      VETH_INFO_PEER    ifinfomsg, and the other end's attributes:
   *        IFLA_IFNAME     "eth0"
   *        IFLA_NET_NS_PID 4711
   *
   * Made at once in both places. Made here and moved later, "eth0" could be in
   * the way of the host's own. */
  struct nl message;
  nl_start(&message, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL,
           sizeof(struct ifinfomsg));
  nl_add_text(&message, IFLA_IFNAME, name);
  struct nlattr *info = nl_begin(&message, IFLA_LINKINFO);
  nl_add_text(&message, IFLA_INFO_KIND, "veth");
  struct nlattr *data = nl_begin(&message, IFLA_INFO_DATA);
  struct nlattr *end = nl_begin(&message, VETH_INFO_PEER);
  nl_room(&message, sizeof(struct ifinfomsg));
  nl_add_text(&message, IFLA_IFNAME, peer);
  nl_add_number(&message, IFLA_NET_NS_PID, pid);
  nl_end(&message, end);
  nl_end(&message, data);
  nl_end(&message, info);
  return nl_send(&message) < 0 ? fail("make the wire %s", name) : 0;
  //<
}

int
net_address(const char *name, struct in_addr address, int prefix)
{
  //> /* TODO 2.6: RTM_NEWADDR, with a struct ifaddrmsg. */
  //> return todo("2.6", name, address, prefix);
  struct nl message;
  unsigned number = if_nametoindex(name); /* here no name will do */
  if (number == 0)
    return fail("the link %s", name);
  struct ifaddrmsg *info = nl_start(&message, RTM_NEWADDR,
                                    NLM_F_CREATE | NLM_F_EXCL, sizeof *info);
  info->ifa_family = AF_INET;
  info->ifa_prefixlen = prefix;
  info->ifa_index = number;
  /* On a wire, IFA_ADDRESS would be the other end's address. On a link with
   * many neighbours both are ours. */
  nl_add(&message, IFA_LOCAL, &address, sizeof address);
  nl_add(&message, IFA_ADDRESS, &address, sizeof address);
  return nl_send(&message) < 0
             ? fail("give the link %s the address %s", name, inet_ntoa(address))
             : 0;
  //<
}

int
net_route(struct in_addr gateway)
{
  //> /* TODO 2.6: RTM_NEWROUTE, with a struct rtmsg, to everywhere. */
  //> return todo("2.6", gateway);
  struct nl message;
  struct rtmsg *route = nl_start(&message, RTM_NEWROUTE,
                                 NLM_F_CREATE | NLM_F_EXCL, sizeof *route);
  route->rtm_family = AF_INET;
  route->rtm_table = RT_TABLE_MAIN;
  route->rtm_protocol = RTPROT_BOOT;
  route->rtm_scope = RT_SCOPE_UNIVERSE;
  route->rtm_type = RTN_UNICAST;
  /* rtm_dst_len stays 0: no bit of the destination matters. */
  nl_add(&message, RTA_GATEWAY, &gateway, sizeof gateway);
  return nl_send(&message) < 0
             ? fail("make %s the default route", inet_ntoa(gateway))
             : 0;
  //<
}

//>
/* The bridge, with its address, up; whether it was there or not. Two of us may
 * get here at once, and then each thing is made by one of them, hence
 * EEXIST. */
static int
open_bridge(struct in_addr address)
{
  if (net_bridge(WIRE_BRIDGE) < 0 && errno != EEXIST)
    return -1;
  if (net_address(WIRE_BRIDGE, address, 24) < 0 && errno != EEXIST)
    return -1;
  return net_up(WIRE_BRIDGE);
}
//<
int
net_join(pid_t pid, struct wire *wire)
{
  //> /* TODO 2.6: the bridge, then a wire with the first free number, then the wire's
  //>  * end onto the bridge. */
  //> return todo("2.6", pid, wire);
  char text[INET_ADDRSTRLEN];
  autoclose int lock = net_lock();
  *wire = (struct wire){.prefix = 24};
  inet_aton(WIRE_NETWORK ".1", &wire->gateway);
  if (lock < 0 || open_bridge(wire->gateway) < 0)
    return -1;

  /* Nobody keeps a list of who has which address, which could be wrong after a
   * crash. The kernel has the list: of links. */
  int n = 2;
  for (; n <= 254; n++) {
    snprintf(wire->name, sizeof wire->name, WIRE_PREFIX "%d", n);
    if (net_veth(wire->name, "eth0", pid) == 0)
      break;
    if (errno != EEXIST)
      return -1;
  }
  if (n > 254)
    return refuse(EADDRNOTAVAIL, "no address is free in " WIRE_NETWORK ".0/24: all "
                  "of .2 to .254 are in use");
  snprintf(text, sizeof text, WIRE_NETWORK ".%d", n);
  inet_aton(text, &wire->address);
  wire->number = if_nametoindex(wire->name);

  if (wire->number == 0 || net_attach(wire->name, WIRE_BRIDGE) < 0 ||
      net_up(wire->name) < 0) {
    int error = errno;
    net_delete(wire->name, wire->number);
    errno = error;
    return -1;
  }
  return 0;
  //<
}

int
net_inside(const struct wire *wire)
{
  //> /* TODO 2.6: lo, and eth0. What must be there before the route can be? */
  //> return todo("2.6", wire);
  if (net_up("lo") < 0)
    return -1;
  if (!wire)
    return 0;
  /* The route comes last: the gateway must be a neighbour already, by our
   * address and its prefix, on a link that is up. */
  if (net_address("eth0", wire->address, wire->prefix) < 0 || net_up("eth0") < 0)
    return -1;
  return net_route(wire->gateway);
  //<
}
