/* links.h - for check_net.c and the probe: how a test asks the kernel about
 * links, in its own words (rtnetlink(7)). */
#ifndef LINKS_H
#define LINKS_H

#include <errno.h>
#include <linux/if_link.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* A request to the kernel about links, and room for its answer. */
struct request {
  struct nlmsghdr header;
  struct ifinfomsg info;
  char more[16384];
};

static inline void
request_start(struct request *r, int type, int flags)
{
  memset(r, 0, sizeof *r);
  r->header = (struct nlmsghdr){
      .nlmsg_len = NLMSG_LENGTH(sizeof r->info),
      .nlmsg_type = type,
      .nlmsg_flags = NLM_F_REQUEST | flags,
  };
}

static inline struct rtattr *
request_add(struct request *r, int type, const void *value, size_t size)
{
  struct rtattr *a = (struct rtattr *)((char *)r + NLMSG_ALIGN(r->header.nlmsg_len));
  a->rta_type = type;
  a->rta_len = RTA_LENGTH(size);
  if (size)
    memcpy(RTA_DATA(a), value, size);
  r->header.nlmsg_len = NLMSG_ALIGN(r->header.nlmsg_len) + RTA_ALIGN(a->rta_len);
  return a;
}

/* All that was added since then is in `a`. */
static inline void
request_close(struct request *r, struct rtattr *a)
{
  a->rta_len = (char *)r + r->header.nlmsg_len - (char *)a;
}

/* Send it and read the answer into it. Returns 0, or an errno. */
static inline int
request_send(struct request *r)
{
  int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
  if (fd < 0 || send(fd, r, r->header.nlmsg_len, 0) < 0 ||
      recv(fd, r, sizeof *r, 0) < 0) {
    close(fd);
    return errno;
  }
  close(fd);
  struct nlmsgerr *error = NLMSG_DATA(&r->header);
  return r->header.nlmsg_type == NLMSG_ERROR ? -error->error : 0;
}

/* A wire with both ends here. To take many names it is better than bridges: the
 * kernel removes hundreds of wires in a moment, but each bridge takes it some
 * time, in which nobody else may change a network. Returns 0, or an errno. */
static inline int
make_wire(const char *name, const char *peer)
{
  static const struct ifinfomsg empty;
  struct request r;
  request_start(&r, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL | NLM_F_ACK);
  request_add(&r, IFLA_IFNAME, name, strlen(name) + 1);
  struct rtattr *info = request_add(&r, IFLA_LINKINFO, NULL, 0);
  request_add(&r, IFLA_INFO_KIND, "veth", 5);
  struct rtattr *data = request_add(&r, IFLA_INFO_DATA, NULL, 0);
  struct rtattr *other = request_add(&r, VETH_INFO_PEER, &empty, sizeof empty);
  request_add(&r, IFLA_IFNAME, peer, strlen(peer) + 1);
  request_close(&r, other);
  request_close(&r, data);
  request_close(&r, info);
  return request_send(&r);
}

#endif
