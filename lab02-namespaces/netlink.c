/* netlink.c - given: how to talk to the kernel about networks.
 *
 * A message to the kernel, and each attribute in it, begins with its own
 * length:
 *
 *     nlmsghdr   length, type RTM_NEWLINK, flags, sequence number
 *     ifinfomsg  what this type wants (struct in linux/rtnetlink.h)
 *     nlattr     length, type IFLA_IFNAME      "br0\0"
 *     nlattr     length, type IFLA_LINKINFO    holds attributes itself:
 *       nlattr     length, type IFLA_INFO_KIND   "bridge\0"
 *
 * Each starts at a multiple of 4 bytes. The answer is a message of type
 * NLMSG_ERROR with an errno, or with 0. See netlink(7) and rtnetlink(7).
 */
#include <errno.h>
#include <linux/if_link.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clean.h"
#include "container.h"
#include "fail.h"

static struct nlmsghdr *
header(struct nl *message)
{
  return (struct nlmsghdr *)message->bytes;
}

void *
nl_room(struct nl *message, size_t size)
{
  struct nlmsghdr *h = header(message);
  char *room = message->bytes + NLMSG_ALIGN(h->nlmsg_len);
  if (room + NLMSG_ALIGN(size) > message->bytes + sizeof message->bytes)
    abort(); /* we write all messages ourselves: none is this long */
  h->nlmsg_len = NLMSG_ALIGN(h->nlmsg_len) + size;
  return room;
}

void *
nl_start(struct nl *message, int type, int flags, size_t size)
{
  *message = (struct nl){0};
  struct nlmsghdr *h = header(message);
  h->nlmsg_len = sizeof *h;
  h->nlmsg_type = type;
  h->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | flags;
  h->nlmsg_seq = 1;
  return nl_room(message, size);
}

struct nlattr *
nl_begin(struct nl *message, int type)
{
  struct nlattr *attribute = nl_room(message, sizeof *attribute);
  attribute->nla_type = type;
  attribute->nla_len = sizeof *attribute;
  return attribute;
}

void
nl_end(struct nl *message, struct nlattr *begun)
{
  char *end = message->bytes + header(message)->nlmsg_len;
  begun->nla_len = end - (char *)begun;
}

void
nl_add(struct nl *message, int type, const void *value, size_t size)
{
  struct nlattr *attribute = nl_begin(message, type);
  memcpy(nl_room(message, size), value, size);
  nl_end(message, attribute);
}

void
nl_add_text(struct nl *message, int type, const char *text)
{
  nl_add(message, type, text, strlen(text) + 1);
}

void
nl_add_number(struct nl *message, int type, uint32_t number)
{
  nl_add(message, type, &number, sizeof number);
}

int
nl_send(struct nl *message)
{
  char answer[1024];
  autoclose int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
  if (fd < 0 || send(fd, message->bytes, header(message)->nlmsg_len, 0) < 0)
    return -1;
  for (;;) {
    ssize_t n = recv(fd, answer, sizeof answer, 0);
    struct nlmsghdr *h = (struct nlmsghdr *)answer;
    struct nlmsgerr *error = NLMSG_DATA(h);
    if (n < 0 && errno == EINTR)
      continue;
    if (n < 0)
      return -1;
    if (n < (ssize_t)NLMSG_LENGTH(sizeof *error) || h->nlmsg_type != NLMSG_ERROR) {
      errno = EBADMSG;
      return -1;
    }
    errno = -error->error;
    return error->error ? -1 : 0;
  }
}

int
net_bridge(const char *name)
{
  struct nl message;
  nl_start(&message, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL,
           sizeof(struct ifinfomsg));
  nl_add_text(&message, IFLA_IFNAME, name);
  struct nlattr *info = nl_begin(&message, IFLA_LINKINFO);
  nl_add_text(&message, IFLA_INFO_KIND, "bridge");
  nl_end(&message, info);
  return nl_send(&message) < 0 ? fail("make the bridge %s", name) : 0;
}

int
net_attach(const char *name, const char *bridge)
{
  struct nl message;
  struct ifinfomsg *info = nl_start(&message, RTM_NEWLINK, 0, sizeof *info);
  info->ifi_index = if_nametoindex(name);
  unsigned number = if_nametoindex(bridge);
  if (!info->ifi_index || !number)
    return fail("the link %s", info->ifi_index ? bridge : name);
  nl_add_number(&message, IFLA_MASTER, number);
  return nl_send(&message) < 0 ? fail("put %s onto the bridge %s", name, bridge)
                               : 0;
}

int
net_delete(const char *name, unsigned number)
{
  struct nl message;
  struct ifinfomsg *info = nl_start(&message, RTM_DELLINK, 0, sizeof *info);
  info->ifi_index = number;
  if (number == 0)
    nl_add_text(&message, IFLA_IFNAME, name);
  return nl_send(&message) < 0 ? fail("remove the link %s", name) : 0;
}
