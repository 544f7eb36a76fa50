/* new-mount-calls: here nothing is new but that netlink.c is not used for
 * messages: one function writes each of them from a list of attributes, on one
 * socket. */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clean.h"
#include "container.h"
#include "fail.h"

/* An attribute; or the end of one that holds those before it. */
struct part {
  int type;           /* IFLA_...; 0 ends the list */
  const void *value;  /* NULL: others follow, up to CLOSE */
  size_t size;
};

enum { CLOSE = -1 };

static int
request(int type, int flags, const void *start, size_t size, const struct part *parts)
{
  struct {
    struct nlmsghdr header;
    char more[512];
  } m = {.header = {.nlmsg_len = NLMSG_LENGTH(size), .nlmsg_type = type,
                    .nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | flags}};
  struct rtattr *open[8];
  int depth = 0;
  memcpy(NLMSG_DATA(&m.header), start, size);
  for (; parts->type; parts++) {
    struct rtattr *a = (struct rtattr *)((char *)&m + NLMSG_ALIGN(m.header.nlmsg_len));
    if (parts->type == CLOSE) {
      depth--;
      open[depth]->rta_len = (char *)&m + m.header.nlmsg_len - (char *)open[depth];
      continue;
    }
    a->rta_type = parts->type;
    a->rta_len = RTA_LENGTH(parts->size);
    if (parts->value)
      memcpy(RTA_DATA(a), parts->value, parts->size);
    else
      open[depth++] = a;
    m.header.nlmsg_len = NLMSG_ALIGN(m.header.nlmsg_len) + RTA_ALIGN(a->rta_len);
  }
  autoclose int fd = socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC, NETLINK_ROUTE);
  struct {
    struct nlmsghdr header;
    struct nlmsgerr error;
    char more[512];
  } answer;
  if (fd < 0 || send(fd, &m, m.header.nlmsg_len, 0) < 0 ||
      recv(fd, &answer, sizeof answer, 0) < 0)
    return -1;
  errno = -answer.error.error;
  return answer.error.error ? -1 : 0;
}

int
net_up(const char *name)
{
  struct ifinfomsg info = {.ifi_index = if_nametoindex(name), .ifi_flags = IFF_UP,
                           .ifi_change = IFF_UP};
  static const struct part none[] = {{0}};
  if (info.ifi_index == 0 || request(RTM_SETLINK, 0, &info, sizeof info, none) < 0)
    return fail("up with %s", name);
  return 0;
}

int
net_veth(const char *name, const char *peer, pid_t pid)
{
  struct ifinfomsg info = {0};
  /* The other end's attributes begin with a structure of their own. */
  struct {
    struct ifinfomsg info;
    struct rtattr name_head;
    char name[IFNAMSIZ];
    struct rtattr pid_head;
    uint32_t pid;
  } other = {
      .name_head = {RTA_LENGTH(IFNAMSIZ), IFLA_IFNAME},
      .pid_head = {RTA_LENGTH(4), IFLA_NET_NS_PID},
      .pid = pid,
  };
  snprintf(other.name, sizeof other.name, "%s", peer);
  struct part parts[] = {
      {IFLA_IFNAME, name, strlen(name) + 1},
      {IFLA_LINKINFO, NULL, 0},
      {IFLA_INFO_KIND, "veth", 5},
      {IFLA_INFO_DATA, NULL, 0},
      {VETH_INFO_PEER, &other, sizeof other},
      {CLOSE, NULL, 0},
      {CLOSE, NULL, 0},
      {0},
  };
  if (request(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, &info, sizeof info, parts) < 0)
    return fail("a wire from %s to %s", name, peer);
  return 0;
}

int
net_address(const char *name, struct in_addr address, int prefix)
{
  struct ifaddrmsg info = {.ifa_family = AF_INET, .ifa_prefixlen = prefix,
                           .ifa_index = if_nametoindex(name)};
  struct part parts[] = {{IFA_LOCAL, &address, sizeof address}, {0}};
  if (info.ifa_index == 0 || request(RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, &info,
                                     sizeof info, parts) < 0)
    return fail("an address for %s", name);
  return 0;
}

int
net_route(struct in_addr gateway)
{
  struct rtmsg info = {.rtm_family = AF_INET, .rtm_table = RT_TABLE_MAIN,
                       .rtm_protocol = RTPROT_STATIC, .rtm_type = RTN_UNICAST};
  struct part parts[] = {{RTA_GATEWAY, &gateway, sizeof gateway}, {0}};
  return request(RTM_NEWROUTE, NLM_F_CREATE, &info, sizeof info, parts) < 0
             ? fail("a route by %s", inet_ntoa(gateway))
             : 0;
}

static int
make_bridge(struct in_addr address)
{
  if (if_nametoindex(WIRE_BRIDGE) == 0 && net_bridge(WIRE_BRIDGE) < 0)
    return -1;
  int bad = net_address(WIRE_BRIDGE, address, 24);
  return bad && errno != EEXIST ? -1 : net_up(WIRE_BRIDGE);
}

int
net_join(pid_t pid, struct wire *wire)
{
  autoclose int lock = net_lock();
  struct in_addr host = {inet_addr(WIRE_NETWORK ".1")};
  if (lock < 0 || make_bridge(host) < 0)
    return -1;
  memset(wire, 0, sizeof *wire);
  wire->gateway = host;
  wire->prefix = 24;
  for (int n = 2; n < 255; n++) {
    snprintf(wire->name, sizeof wire->name, "%s%d", WIRE_PREFIX, n);
    wire->address.s_addr = htonl(ntohl(host.s_addr) - 1 + n);
    if (net_veth(wire->name, "eth0", pid) == 0) {
      wire->number = if_nametoindex(wire->name);
      break;
    }
    if (errno != EEXIST)
      return -1;
  }
  if (wire->number == 0)
    return refuse(EADDRNOTAVAIL, "all addresses of " WIRE_NETWORK ".0/24 are taken");
  if (net_up(wire->name) == 0 && net_attach(wire->name, WIRE_BRIDGE) == 0)
    return 0;
  int error = errno;
  net_delete(wire->name, wire->number);
  errno = error;
  return -1;
}

int
net_inside(const struct wire *wire)
{
  if (wire && (net_up("eth0") < 0 || net_address("eth0", wire->address,
                                                  wire->prefix) < 0 ||
               net_route(wire->gateway) < 0))
    return -1;
  return net_up("lo");
}
