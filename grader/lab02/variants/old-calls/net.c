/* old-calls: ioctl(2) as in netdevice(7), where it will do. Only for a wire
 * there is none. The lock is held, so the free number may be looked up before
 * it is taken. */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_link.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sockios.h>
#include <linux/veth.h>
#include <net/route.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clean.h"
#include "container.h"
#include "fail.h"

static int
ask(unsigned long what, void *request)
{
  autoclose int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  return fd < 0 ? -1 : ioctl(fd, what, request);
}

static void
put_address(struct sockaddr *to, in_addr_t address)
{
  struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr = {address}};
  memcpy(to, &in, sizeof in);
}

int
net_up(const char *name)
{
  struct ifreq r = {0};
  snprintf(r.ifr_name, sizeof r.ifr_name, "%s", name);
  if (ask(SIOCGIFFLAGS, &r) < 0)
    return fail("look at %s", name);
  r.ifr_flags |= IFF_UP;
  return ask(SIOCSIFFLAGS, &r) < 0 ? fail("set %s up", name) : 0;
}

int
net_veth(const char *name, const char *peer, pid_t pid)
{
  struct nl m;
  nl_start(&m, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, sizeof(struct ifinfomsg));
  struct nlattr *info = nl_begin(&m, IFLA_LINKINFO);
  nl_add(&m, IFLA_INFO_KIND, "veth", 4);
  struct nlattr *data = nl_begin(&m, IFLA_INFO_DATA);
  struct nlattr *other = nl_begin(&m, VETH_INFO_PEER);
  nl_room(&m, sizeof(struct ifinfomsg));
  nl_add_number(&m, IFLA_NET_NS_PID, pid);
  nl_add_text(&m, IFLA_IFNAME, peer);
  nl_end(&m, other);
  nl_end(&m, data);
  nl_end(&m, info);
  nl_add_text(&m, IFLA_IFNAME, name);
  return nl_send(&m) < 0 ? fail("a wire %s - %s", name, peer) : 0;
}

int
net_address(const char *name, struct in_addr address, int prefix)
{
  struct ifreq r = {0};
  struct sockaddr_in now;
  snprintf(r.ifr_name, sizeof r.ifr_name, "%s", name);
  if (ask(SIOCGIFADDR, &r) == 0) {
    memcpy(&now, &r.ifr_addr, sizeof now);
    if (now.sin_addr.s_addr == address.s_addr)
      return refuse(EEXIST, "%s has this address", name);
  }
  put_address(&r.ifr_addr, address.s_addr);
  if (ask(SIOCSIFADDR, &r) < 0)
    return fail("the address of %s", name);
  put_address(&r.ifr_netmask, htonl(~0U << (32 - prefix)));
  return ask(SIOCSIFNETMASK, &r) < 0 ? fail("the netmask of %s", name) : 0;
}

int
net_route(struct in_addr gateway)
{
  struct rtentry r = {.rt_flags = RTF_UP | RTF_GATEWAY};
  put_address(&r.rt_dst, INADDR_ANY);
  put_address(&r.rt_genmask, INADDR_ANY);
  put_address(&r.rt_gateway, gateway.s_addr);
  return ask(SIOCADDRT, &r) < 0 ? fail("the route by %s", inet_ntoa(gateway)) : 0;
}

/* A name that no link has, and the address that goes with it. */
static int
find_free(struct wire *wire)
{
  for (int n = 2; n <= 254; n++) {
    snprintf(wire->name, sizeof wire->name, WIRE_PREFIX "%d", n);
    wire->address.s_addr = inet_addr(WIRE_NETWORK ".0") | htonl(n);
    if (if_nametoindex(wire->name) == 0)
      return 0;
  }
  return refuse(EADDRNOTAVAIL, "no number is free on " WIRE_BRIDGE);
}

int
net_join(pid_t pid, struct wire *wire)
{
  int error;
  autoclose int lock = net_lock();
  if (lock < 0)
    return -1;
  *wire = (struct wire){.prefix = 24, .gateway = {inet_addr(WIRE_NETWORK ".1")}};
  if ((net_bridge(WIRE_BRIDGE) < 0 && errno != EEXIST) ||
      (net_address(WIRE_BRIDGE, wire->gateway, 24) < 0 && errno != EEXIST) ||
      net_up(WIRE_BRIDGE) < 0 || find_free(wire) < 0 ||
      net_veth(wire->name, "eth0", pid) < 0)
    return -1;
  wire->number = if_nametoindex(wire->name);
  if (net_attach(wire->name, WIRE_BRIDGE) == 0 && net_up(wire->name) == 0)
    return 0;
  error = errno;
  net_delete(wire->name, wire->number);
  errno = error;
  return -1;
}

int
net_inside(const struct wire *wire)
{
  if (net_up("lo") < 0)
    return -1;
  return wire && (net_up("eth0") < 0 ||
                  net_address("eth0", wire->address, wire->prefix) < 0 ||
                  net_route(wire->gateway) < 0)
             ? -1
             : 0;
}
