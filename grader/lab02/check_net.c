/* check_net.c - 2.6, one function at a time.
 *
 * The "host" of these tests is a network namespace of its own, in which the
 * student's function runs; so what it leaves behind goes with it. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check_lab02.h"
#include "inside.h"
#include "links.h"
#include "process.h"

enum { BRIDGE_PREFIX = 24, FIRST = 2, LAST = 254 };

/* ---- looking ---- */

/* Run the rest of the test in the network namespace of `pid`; 0: in our own
 * again. */
static void
visit(pid_t pid)
{
  static int home = -1;
  char path[64];
  if (home < 0)
    home = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
  snprintf(path, sizeof path, "/proc/%d/ns/net", pid);
  int fd = pid ? open(path, O_RDONLY | O_CLOEXEC) : home;
  ck_assert_msg(fd >= 0 && setns(fd, CLONE_NEWNET) == 0, "the test cannot look into "
                "a network namespace: %s", strerror(errno));
  if (pid)
    close(fd);
}

/* What the kernel says of a link. */
struct link {
  int number;      /* 0: there is none of this name */
  int bridge;      /* the number of the bridge that it is on, or 0 */
  int peer;        /* the number of the other end, in its namespace */
  unsigned flags;  /* IFF_UP ... */
  char kind[16];   /* "veth", "bridge" */
  struct in_addr address;
  int prefix;
};

static void
read_link(struct request *r, struct link *link)
{
  struct rtattr *a = IFLA_RTA(&r->info);
  int left = IFLA_PAYLOAD(&r->header);
  link->number = r->info.ifi_index;
  link->flags = r->info.ifi_flags;
  for (; RTA_OK(a, left); a = RTA_NEXT(a, left)) {
    if (a->rta_type == IFLA_MASTER)
      memcpy(&link->bridge, RTA_DATA(a), sizeof link->bridge);
    if (a->rta_type == IFLA_LINK)
      memcpy(&link->peer, RTA_DATA(a), sizeof link->peer);
    if (a->rta_type == IFLA_LINKINFO) {
      struct rtattr *kind = RTA_DATA(a);
      snprintf(link->kind, sizeof link->kind, "%s", (char *)RTA_DATA(kind));
    }
  }
}

/* One of netdevice(7)'s ioctls on a link. */
static bool
link_ioctl(unsigned long what, const char *name, struct ifreq *request)
{
  int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  snprintf(request->ifr_name, sizeof request->ifr_name, "%s", name);
  bool done = ioctl(fd, what, request) == 0;
  close(fd);
  return done;
}

static struct in_addr
link_address(unsigned long what, const char *name)
{
  struct ifreq request = {0};
  struct sockaddr_in address = {0};
  if (link_ioctl(what, name, &request))
    memcpy(&address, &request.ifr_addr, sizeof address);
  return address.sin_addr;
}

/* The link `name` in the network namespace of `pid`. */
static struct link
look_at(pid_t pid, const char *name)
{
  struct request r;
  struct link link = {0};
  visit(pid);
  request_start(&r, RTM_GETLINK, 0);
  request_add(&r, IFLA_IFNAME, name, strlen(name) + 1);
  if (request_send(&r) == 0)
    read_link(&r, &link);
  link.address = link_address(SIOCGIFADDR, name);
  link.prefix = __builtin_popcount(link_address(SIOCGIFNETMASK, name).s_addr);
  visit(0);
  return link;
}

/* The names of the links in the network namespace of `pid`, in the order of the
 * alphabet. Valid until 4 more have been asked for. */
static int
compare_names(const void *a, const void *b)
{
  const struct if_nameindex *x = a, *y = b;
  return strcmp(x->if_name, y->if_name);
}

static const char *
names_of(pid_t pid)
{
  static char texts[4][600 * IFNAMSIZ];
  static int next;
  char *text = texts[next++ % 4];
  size_t n = 0, count = 0;
  visit(pid);
  struct if_nameindex *links = if_nameindex();
  visit(0);
  while (links[count].if_name)
    count++;
  qsort(links, count, sizeof *links, compare_names);
  text[0] = '\0';
  for (size_t i = 0; i < count; i++)
    n += snprintf(text + n, sizeof texts[0] - n, "%s ", links[i].if_name);
  if_freenameindex(links);
  return text;
}

static const char *
address_text(struct in_addr address, int prefix)
{
  static char texts[4][32];
  static int next;
  char *text = texts[next++ % 4];
  snprintf(text, 32, "%s/%d", inet_ntoa(address), prefix);
  return text;
}

/* The link's address and prefix, as text. */
static const char *
address_of(pid_t pid, const char *name)
{
  struct link link = look_at(pid, name);
  return address_text(link.address, link.prefix);
}

/* The gateway to everywhere, and the link that leads there: "10.1.2.3 eth0"; ""
 * if there is none. As /proc/PID/net/route has it, see proc(5). */
static const char *
gateway_of(pid_t pid)
{
  static char text[64];
  char path[64], line[256], name[IFNAMSIZ];
  unsigned destination, gateway, flags, mask;
  text[0] = '\0';
  snprintf(path, sizeof path, "/proc/%d/net/route", pid);
  FILE *file = fopen(path, "re");
  while (file && fgets(line, sizeof line, file))
    if (sscanf(line, "%15s %x %x %x %*d %*d %*d %x", name, &destination, &gateway,
               &flags, &mask) == 5 && destination == 0 && mask == 0) {
      struct in_addr address = {gateway};
      snprintf(text, sizeof text, "%s %s", inet_ntoa(address), name);
    }
  if (file)
    fclose(file);
  return text;
}

/* ---- making, for bodies and tests; each ends the process if it fails ---- */

static void
must(bool done, const char *what)
{
  if (!done) {
    fprintf(stderr, "the test cannot make %s: %s\n", what, strerror(errno));
    _exit(99);
  }
}

static void
make_bridge(const char *name)
{
  int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  must(ioctl(fd, SIOCBRADDBR, name) == 0, name);
  close(fd);
}

static void
add_flags(const char *name, int flags)
{
  struct ifreq request = {0};
  must(link_ioctl(SIOCGIFFLAGS, name, &request), "flags");
  request.ifr_flags |= flags;
  must(link_ioctl(SIOCSIFFLAGS, name, &request), "flags");
}

static void
set_address(const char *name, const char *address, const char *mask)
{
  struct ifreq request = {0};
  struct sockaddr_in value = {.sin_family = AF_INET};
  inet_aton(address, &value.sin_addr);
  memcpy(&request.ifr_addr, &value, sizeof value);
  must(link_ioctl(SIOCSIFADDR, name, &request), "an address");
  inet_aton(mask, &value.sin_addr);
  memcpy(&request.ifr_addr, &value, sizeof value);
  must(link_ioctl(SIOCSIFNETMASK, name, &request), "a netmask");
}

static void
must_wire(const char *name, const char *peer)
{
  errno = make_wire(name, peer);
  must(errno == 0, name);
}

/* A process in a network namespace of its own: a container. */
static pid_t
make_container(void)
{
  pid_t pid = make_process(CLONE_NEWNET, 0);
  ck_assert_int_gt(pid, 0);
  return pid;
}

/* Two names of links that nobody can know. */
static const char *
random_name(char first)
{
  static char names[4][IFNAMSIZ];
  static int next;
  char *name = names[next++ % 4];
  snprintf(name, IFNAMSIZ, "%c%s", first, scratch() + strlen("/tmp/onggi-"));
  return name;
}

/* ---- net_up ---- */

static void
up(struct answer *a, const void *name)
{
  if (strcmp(name, "lo") != 0 && strcmp(name, "nowhere") != 0) {
    make_bridge(name);
    add_flags(name, IFF_ALLMULTI);
  }
  student_answer(a, STUDENT(net_up)(name));
}

START_TEST(test_up)
{
  pid_t pid = inside(CLONE_NEWNET, up, "lo");
  expect_success(student_said(), "net_up(\"lo\")");
  EXPECT(look_at(pid, "lo").flags & IFF_UP, "lo is up", "it is down");
  inside_end();

  const char *name = random_name('b');
  pid = inside(CLONE_NEWNET, up, name);
  expect_success(student_said(), "net_up(a bridge)");
  struct link link = look_at(pid, name);
  EXPECT(link.flags & IFF_UP, "the link is up", "it is down");
  EXPECT(link.flags & IFF_ALLMULTI, "the link's other flags stay as they are",
         "IFF_ALLMULTI was set before, and is not any more");
  inside_end();

  pid = inside(CLONE_NEWNET, up, "nowhere");
  expect_errno(student_said(), "net_up(a link that is not there)", ENODEV);
  EXPECT(strcmp(names_of(pid), "lo ") == 0, "no link is made", "%s", names_of(pid));
  inside_end();
}
END_TEST

/* ---- net_veth ---- */

/* For bodies. */
struct pair {
  const char *name, *peer;
  pid_t pid;
  const char *before;   /* the name of a bridge that is there before, or NULL */
};

static void
veth(struct answer *a, const void *arg)
{
  const struct pair *p = arg;
  if (p->before)
    make_bridge(p->before);
  student_answer(a, STUDENT(net_veth)(p->name, p->peer, p->pid));
}

static void
expect_wire(pid_t host, const char *name, pid_t container, const char *peer)
{
  struct link here = look_at(host, name), there = look_at(container, peer);
  EXPECT(here.number, "one end of the wire is in our network namespace", "the links "
         "there: %s", names_of(host));
  EXPECT(there.number, "the other end is in that of the process", "the links there: "
         "%s", names_of(container));
  EXPECT(strcmp(here.kind, "veth") == 0 && here.peer == there.number &&
         there.peer == here.number, "the two links are the ends of one veth pair",
         "kinds \"%s\" and \"%s\", numbers %d and %d, other ends %d and %d",
         here.kind, there.kind, here.number, there.number, here.peer, there.peer);
}

START_TEST(test_veth)
{
  struct pair p = {random_name('h'), random_name('c'), make_container(), NULL};
  pid_t host = inside(CLONE_NEWNET, veth, &p);
  expect_success(student_said(), "net_veth");
  expect_wire(host, p.name, p.pid, p.peer);
  EXPECT(!strstr(names_of(host), p.peer) && !strstr(names_of(p.pid), p.name),
         "each end is in one namespace only", "%s| %s", names_of(host), names_of(p.pid));
  inside_end();
  end_process(p.pid);
}
END_TEST

START_TEST(test_veth_namesake)
{
  /* The host has a link that is called as the other end shall be. */
  struct pair p = {random_name('h'), random_name('c'), make_container(), NULL};
  p.before = p.peer;
  pid_t host = inside(CLONE_NEWNET, veth, &p);
  expect_success(student_said(), "net_veth, where the host has a link of the other "
                 "end's name,");
  expect_wire(host, p.name, p.pid, p.peer);
  EXPECT(strcmp(look_at(host, p.peer).kind, "bridge") == 0, "the host's link of "
         "that name is as before", "%s", look_at(host, p.peer).kind);
  inside_end();
  end_process(p.pid);
}
END_TEST

START_TEST(test_veth_taken)
{
  char before[64];
  struct pair p = {random_name('h'), random_name('c'), make_container(), NULL};
  p.before = p.name;
  pid_t host = inside(CLONE_NEWNET, veth, &p);
  expect_errno(student_said(), "net_veth(a name that is taken)", EEXIST);
  EXPECT(strcmp(names_of(p.pid), "lo ") == 0, "no end of it is made", "%s",
         names_of(p.pid));
  inside_end();

  p.before = NULL;
  visit(p.pid);
  make_bridge(p.peer);
  visit(0);
  host = inside(CLONE_NEWNET, veth, &p);
  expect_errno(student_said(), "net_veth(a peer's name that is taken there)", EEXIST);
  snprintf(before, sizeof before, "%.63s", names_of(host));
  EXPECT(strcmp(before, "lo ") == 0, "no end of it is made", "%s", before);
  inside_end();
  end_process(p.pid);
}
END_TEST

/* ---- net_address ---- */

/* For bodies. */
struct place {
  const char *name;
  const char *address;
  int prefix;
  bool twice;
};

static void
give_address(struct answer *a, const void *arg)
{
  const struct place *p = arg;
  struct in_addr address;
  inet_aton(p->address, &address);
  if (strcmp(p->name, "nowhere") != 0)
    make_bridge(p->name);
  int value = STUDENT(net_address)(p->name, address, p->prefix);
  if (value == 0 && p->twice)
    value = STUDENT(net_address)(p->name, address, p->prefix);
  student_answer(a, value);
}

START_TEST(test_address)
{
  static const struct place places[] = {
      {.address = "10.1.2.3", .prefix = 24},
      {.address = "192.168.77.9", .prefix = 30},
      {.address = "172.16.250.1", .prefix = 12},
  };
  for (size_t i = 0; i < 3; i++) {
    char expected[32], call[64];
    struct place p = places[i];
    p.name = random_name('a');
    snprintf(expected, sizeof expected, "%s/%d", p.address, p.prefix);
    snprintf(call, sizeof call, "net_address(%s)", expected);
    pid_t pid = inside(CLONE_NEWNET, give_address, &p);
    expect_success(student_said(), call);
    const char *got = address_of(pid, p.name);
    EXPECT(strcmp(got, expected) == 0, "the link has the address and the prefix",
           "%s, not %s", got, expected);
    EXPECT(strcmp(address_of(pid, "lo"), "0.0.0.0/0") == 0, "no other link has it",
           "lo: %s", address_of(pid, "lo"));
    inside_end();
  }
  struct place again = {random_name('a'), "10.1.2.3", 24, true};
  inside(CLONE_NEWNET, give_address, &again);
  expect_errno(student_said(), "net_address, a second time,", EEXIST);
  inside_end();
  struct place missing = {"nowhere", "10.1.2.3", 24, false};
  inside(CLONE_NEWNET, give_address, &missing);
  expect_errno(student_said(), "net_address(a link that is not there)", ENODEV);
  inside_end();
}
END_TEST

/* ---- net_route ---- */

/* For bodies: by "near" one gets to 10.1.2.0/24, by "far" to 10.9.0.0/16. */
static void
route(struct answer *a, const void *gateway)
{
  struct in_addr address;
  make_bridge("far");
  set_address("far", "10.9.0.1", "255.255.0.0");
  add_flags("far", IFF_UP);
  make_bridge("near");
  set_address("near", "10.1.2.3", "255.255.255.0");
  add_flags("near", IFF_UP);
  inet_aton(gateway, &address);
  student_answer(a, STUDENT(net_route)(address));
}

START_TEST(test_route)
{
  pid_t pid = inside(CLONE_NEWNET, route, "10.1.2.77");
  expect_success(student_said(), "net_route(10.1.2.77)");
  const char *got = gateway_of(pid), *expected = "10.1.2.77 near";
  EXPECT(strcmp(got, expected) == 0, "what goes to no network goes to the gateway, "
         "by the link that it is on, as /proc/PID/net/route shows it", "%s, not %s",
         *got ? got : "no route", expected);
  inside_end();

  pid = inside(CLONE_NEWNET, route, "10.3.3.3");
  expect_errno(student_said(), "net_route(a gateway in no network of ours)",
               ENETUNREACH);
  EXPECT(!*gateway_of(pid), "no route is made", "%s", gateway_of(pid));
  inside_end();
}
END_TEST

/* ---- net_join ---- */

/* For bodies. */
struct party {
  pid_t pids[16];                 /* containers to join, one after the other */
  int count;
  bool bare, ready, other;        /* WIRE_BRIDGE is there before: without anything;
                                     with address, up; and as no bridge at all */
  int first, last;                /* these names are taken before; 0: none */
  int hole;                       /* but for this one */
  bool powerless;                 /* net_join has no capability */
};

static void
prepare_host(const struct party *p)
{
  char name[IFNAMSIZ], peer[IFNAMSIZ];
  if (p->other)
    must_wire(WIRE_BRIDGE, "other");
  if (p->bare || p->ready)
    make_bridge(WIRE_BRIDGE);
  if (p->ready) {
    set_address(WIRE_BRIDGE, WIRE_NETWORK ".1", "255.255.255.0");
    add_flags(WIRE_BRIDGE, IFF_UP);
  }
  for (int n = p->first; n && n <= p->last; n++) {
    snprintf(name, sizeof name, WIRE_PREFIX "%d", n);
    snprintf(peer, sizeof peer, "peer%d", n);
    if (n != p->hole)
      must_wire(name, peer);
  }
}

/* What is in *wire, as a line of text. */
static int
print_wire(char *text, size_t size, const struct wire *wire)
{
  char address[INET_ADDRSTRLEN], gateway[INET_ADDRSTRLEN];
  inet_ntop(AF_INET, &wire->address, address, sizeof address);
  inet_ntop(AF_INET, &wire->gateway, gateway, sizeof gateway);
  return snprintf(text, size, "%.15s number %u %s/%d gateway %s\n", wire->name,
                  wire->number, address, wire->prefix, gateway);
}

static void
join(struct answer *a, const void *arg)
{
  const struct party *p = arg;
  char text[2048] = "";
  int value = 0;
  size_t n = 0;
  prepare_host(p);
  if (p->powerless)
    give_up_capabilities(-1);
  for (int i = 0; i < p->count && value == 0; i++) {
    struct wire wire;
    memset(&wire, 0xee, sizeof wire);
    value = STUDENT(net_join)(p->pids[i], &wire);
    if (value == 0)
      n += print_wire(text + n, sizeof text - n, &wire);
  }
  student_answer(a, value);
  if (value == 0)
    snprintf(a->text, sizeof a->text, "%s", text);
}

/* Everything about a container that has got number `n`. */
static void
expect_joined(pid_t host, pid_t container, int n)
{
  char name[IFNAMSIZ], line[128];
  struct link bridge = look_at(host, WIRE_BRIDGE);
  struct wire wire = {.prefix = BRIDGE_PREFIX};
  EXPECT(strcmp(bridge.kind, "bridge") == 0 && bridge.flags & IFF_UP, "the host has "
         "the bridge " WIRE_BRIDGE ", and it is up", "%s",
         !bridge.number            ? "there is none"
         : bridge.flags & IFF_UP ? bridge.kind
                                   : "it is down");
  const char *address = address_text(bridge.address, bridge.prefix);
  EXPECT(strcmp(address, WIRE_NETWORK ".1/24") == 0, "the bridge has the address "
         WIRE_NETWORK ".1/24", "%s", address);

  snprintf(name, sizeof name, WIRE_PREFIX "%d", n);
  expect_wire(host, name, container, "eth0");
  struct link end = look_at(host, name);
  EXPECT(end.bridge == bridge.number, "the host's end of the wire is on the bridge",
         "%s is on %s", name, end.bridge ? "another link" : "none");
  EXPECT(end.flags & IFF_UP, "the host's end of the wire is up", "%s is down", name);

  memcpy(wire.name, name, sizeof name);
  wire.number = end.number;
  wire.address.s_addr = htonl(ntohl(inet_addr(WIRE_NETWORK ".0")) + n);
  wire.gateway.s_addr = inet_addr(WIRE_NETWORK ".1");
  print_wire(line, sizeof line, &wire);
  EXPECT(strstr(student_said()->text, line), "*wire has the wire's name, number, "
         "address and gateway", "%s, not %s", student_said()->text, line);
}

START_TEST(test_join)
{
  /* The second one is also in a user namespace, which owns its network. */
  struct party p = {.pids = {make_container(),
                             make_process(CLONE_NEWNET | CLONE_NEWUSER, 0)},
                    .count = 2};
  pid_t host = inside(CLONE_NEWNET, join, &p);
  expect_success(student_said(), "net_join, for two containers,");
  for (int i = 0; i < 2; i++)
    expect_joined(host, p.pids[i], FIRST + i);
  EXPECT(strcmp(names_of(host), "lo nsrun-2 nsrun-3 nsrun0 ") == 0, "the host has "
         "these links, and no other", "%s", names_of(host));
  inside_end();
  for (int i = 0; i < 2; i++)
    end_process(p.pids[i]);
}
END_TEST

START_TEST(test_join_hole)
{
  struct party p = {.pids = {make_container(), make_container()}, .count = 2,
                    .first = 2, .last = 5, .hole = 3};
  pid_t host = inside(CLONE_NEWNET, join, &p);
  expect_success(student_said(), "net_join, where the names of 2, 4 and 5 are "
                 "taken,");
  expect_joined(host, p.pids[0], 3);
  expect_joined(host, p.pids[1], 6);
  inside_end();
  for (int i = 0; i < 2; i++)
    end_process(p.pids[i]);
}
END_TEST

START_TEST(test_join_bridge)
{
  for (int i = 0; i < 2; i++) {
    struct party p = {.pids = {make_container()}, .count = 1, .bare = i == 0,
                      .ready = i == 1};
    pid_t host = inside(CLONE_NEWNET, join, &p);
    expect_success(student_said(),
                   i ? "net_join, where the bridge is there and ready,"
                     : "net_join, where the bridge is there, without address and down,");
    expect_joined(host, p.pids[0], FIRST);
    inside_end();
    end_process(p.pids[0]);
  }
}
END_TEST

/* It fails, and the host has the same links as before, and perhaps the
 * bridge. */
static void
expect_no_join(const struct party *p, const char *call, int error)
{
  char expected[300 * 2 * IFNAMSIZ];
  pid_t host = inside(CLONE_NEWNET, join, p);
  const struct answer *a = student_said();
  EXPECT(a->value == -1 && a->error, "net_join returns -1 with errno where it fails",
         "%d, from %s", a->value, call);
  expect_errno(a, call, error ? error : a->error);
  visit(host);
  struct if_nameindex *links = if_nameindex();
  visit(0);
  snprintf(expected, sizeof expected, " lo " WIRE_BRIDGE " other ");
  for (int n = p->first; n && n <= p->last; n++)
    snprintf(expected + strlen(expected), 32, WIRE_PREFIX "%d peer%d ", n, n);
  for (struct if_nameindex *l = links; l->if_name; l++) {
    char word[IFNAMSIZ + 2];
    snprintf(word, sizeof word, " %s ", l->if_name);
    EXPECT(strstr(expected, word), "after a failure no link is left but the bridge",
           "%s", l->if_name);
  }
  if_freenameindex(links);
  inside_end();
}

START_TEST(test_join_none_free)
{
  struct party p = {.pids = {make_container()}, .count = 1, .first = FIRST,
                    .last = LAST};
  expect_no_join(&p, "net_join, where all of 2 to 254 are taken,", EADDRNOTAVAIL);
  EXPECT(strcmp(names_of(p.pids[0]), "lo ") == 0, "the container gets no link", "%s",
         names_of(p.pids[0]));
  end_process(p.pids[0]);
}
END_TEST

START_TEST(test_join_last)
{
  struct party p = {.pids = {make_container()}, .count = 1, .first = FIRST,
                    .last = LAST, .hole = LAST};
  pid_t host = inside(CLONE_NEWNET, join, &p);
  expect_success(student_said(), "net_join, where only 254 is free,");
  expect_joined(host, p.pids[0], LAST);
  inside_end();
  end_process(p.pids[0]);
}
END_TEST

START_TEST(test_join_fails)
{
  struct party other = {.pids = {make_container()}, .count = 1, .other = true};
  expect_no_join(&other, "net_join, where " WIRE_BRIDGE " is no bridge,", 0);
  EXPECT(strcmp(names_of(other.pids[0]), "lo ") == 0, "after a failure the "
         "container has no link, either", "%s", names_of(other.pids[0]));
  end_process(other.pids[0]);
  /* It has ended just now. */
  struct party gone = {.pids = {other.pids[0]}, .count = 1};
  expect_no_join(&gone, "net_join(a process that is gone)", ESRCH);
  struct party powerless = {.pids = {getpid()}, .count = 1, .powerless = true};
  expect_no_join(&powerless, "net_join, without CAP_NET_ADMIN,", EPERM);
}
END_TEST

/* Many at once. What each gets it puts into memory that the test sees. */
struct result {
  volatile int go, value;  /* of the test, and what net_join returned then */
  int error;
  char line[128];
};

static struct result *results;

static void
join_at_once(struct answer *a, const void *arg)
{
  const struct party *p = arg;
  int start[2];
  char byte;
  if (pipe(start) < 0)
    _exit(99);
  for (int i = 0; i < p->count; i++)
    if (fork() == 0) {
      struct wire wire;
      close(start[1]);
      if (read(start[0], &byte, 1) != 0) /* all are there: the pipe is closed */
        _exit(99);
      results[i].value = STUDENT(net_join)(p->pids[i], &wire);
      results[i].error = errno;
      print_wire(results[i].line, sizeof results[i].line, &wire);
      _exit(0);
    }
  close(start[0]);
  close(start[1]);
  while (wait(NULL) > 0)
    ;
  student_answer(a, 0);
}

START_TEST(test_join_at_once)
{
  struct party p = {.count = 16};
  bool seen[256] = {false};
  results = shared(16 * sizeof *results);
  for (int i = 0; i < p.count; i++) {
    results[i].value = SAID_NOTHING;
    p.pids[i] = make_container();
  }
  pid_t host = inside(CLONE_NEWNET, join_at_once, &p);
  expect_success(student_said(), "net_join, 16 times at once,");
  for (int i = 0; i < p.count; i++) {
    struct result *r = &results[i];
    int n = 0;
    EXPECT(r->value == 0, "net_join returns 0 for all of 16 that come at once",
           "%d (%s)", r->value, strerror(r->error));
    sscanf(r->line, WIRE_PREFIX "%d", &n);
    EXPECT(n >= FIRST && n < FIRST + p.count && !seen[n], "16 that come at once get "
           "the first 16 addresses, each another one", "%s", r->line);
    seen[n] = true;
    snprintf(student_said()->text, sizeof student_said()->text, "%s", r->line);
    expect_joined(host, p.pids[i], n);
  }
  inside_end();
  for (int i = 0; i < p.count; i++)
    end_process(p.pids[i]);
}
END_TEST

/* For bodies: join the container, in a child, when the test says so. */
static void
join_in_child(struct answer *a, const void *arg)
{
  const struct party *p = arg;
  prepare_host(p);
  pid_t pid = fork();
  if (pid == 0) {
    struct wire wire;
    prctl(PR_SET_PDEATHSIG, (long)SIGKILL);
    AWAIT(results->go);
    int value = STUDENT(net_join)(p->pids[0], &wire);
    results->error = errno;
    results->value = value;
    wait_to_be_killed();
  }
  snprintf(a->text, sizeof a->text, "%d", pid);
  a->value = 0;
}

/* Does the process wait for a lock? In /proc/locks "->" marks who does
 * (proc(5)). */
static bool
waits_for_lock(pid_t pid)
{
  char line[256];
  bool found = false;
  FILE *file = fopen("/proc/locks", "re");
  while (file && fgets(line, sizeof line, file)) {
    int who = 0;
    if (sscanf(line, "%*s -> FLOCK %*s %*s %d", &who) == 1 && who == pid)
      found = true;
  }
  if (file)
    fclose(file);
  return found;
}

START_TEST(test_join_lock)
{
  struct party p = {.pids = {make_container()}};
  char path[64];
  results = shared(sizeof *results);
  results->value = SAID_NOTHING;
  pid_t host = inside(CLONE_NEWNET, join_in_child, &p);
  expect_success(student_said(), "(the test itself)");
  pid_t child = atoi(student_said()->text);
  snprintf(path, sizeof path, "/proc/%d/ns/net", host);
  int lock = open(path, O_RDONLY | O_CLOEXEC);
  ck_assert_int_eq(flock(lock, LOCK_EX), 0);
  results->go = 1;

  AWAIT(results->value != SAID_NOTHING || waits_for_lock(child));
  EXPECT(results->value == SAID_NOTHING, "while somebody else has the lock of the "
         "host's network namespace (net_lock), net_join waits", "it returned %d",
         results->value);
  EXPECT(strcmp(names_of(host), "lo ") == 0, "until it has the lock it makes nothing",
         "%s", names_of(host));
  flock(lock, LOCK_UN);
  AWAIT(results->value != SAID_NOTHING);
  EXPECT(results->value == 0, "once the lock is free, net_join returns 0", "%d (%s)",
         results->value, strerror(results->error));
  expect_wire(host, WIRE_PREFIX "2", p.pids[0], "eth0");
  EXPECT(flock(lock, LOCK_EX | LOCK_NB) == 0, "it gives the lock back", "it still "
         "has it");
  close(lock);
  inside_end();
  end_process(p.pids[0]);
}
END_TEST

START_TEST(test_join_lock_kept)
{
  /* Many names are taken, so that it needs some time to come to a free one. */
  struct party p = {.pids = {make_container()}, .first = FIRST, .last = LAST,
                    .hole = LAST};
  char path[64];
  results = shared(sizeof *results);
  results->value = SAID_NOTHING;
  pid_t host = inside(CLONE_NEWNET, join_in_child, &p);
  expect_success(student_said(), "(the test itself)");
  snprintf(path, sizeof path, "/proc/%d/ns/net", host);
  int lock = open(path, O_RDONLY | O_CLOEXEC);
  visit(host);
  results->go = 1;
  /* The bridge is made under the lock. So now it is taken, or free again. */
  AWAIT(results->value != SAID_NOTHING || if_nametoindex(WIRE_BRIDGE));
  ck_assert_int_eq(flock(lock, LOCK_EX), 0);
  bool made = if_nametoindex(WIRE_PREFIX "254");
  visit(0);
  flock(lock, LOCK_UN);
  EXPECT(made, "net_join has the lock (net_lock) from before the bridge until the "
         "wire is there", "the lock is free, and there is no wire yet");
  AWAIT(results->value != SAID_NOTHING);
  EXPECT(results->value == 0, "net_join returns 0", "%d (%s)", results->value,
         strerror(results->error));
  close(lock);
  inside_end();
  end_process(p.pids[0]);
}
END_TEST

/* ---- net_inside ---- */

static void
inside_net(struct answer *a, const void *arg)
{
  const struct wire *wire = arg;
  if (wire && wire->number) {
    must_wire("eth0", "other");
    add_flags("other", IFF_UP);
  }
  student_answer(a, STUDENT(net_inside)(wire));
}

START_TEST(test_inside_none)
{
  pid_t pid = inside(CLONE_NEWNET, inside_net, NULL);
  expect_success(student_said(), "net_inside(NULL)");
  EXPECT(look_at(pid, "lo").flags & IFF_UP, "lo is up", "it is down");
  EXPECT(strcmp(names_of(pid), "lo ") == 0 && !*gateway_of(pid), "nothing but lo is "
         "there", "%s", names_of(pid));
  inside_end();
}
END_TEST

START_TEST(test_inside)
{
  static const char *const texts[][3] = {
      {"10.89.71.9/24", "10.89.71.9", "10.89.71.1"},
      {"10.89.72.6/30", "10.89.72.6", "10.89.72.5"},
  };
  char expected[64];
  for (int i = 0; i < 2; i++) {
    struct wire wire = {.name = "elsewhere", .number = 9, .prefix = i ? 30 : 24};
    inet_aton(texts[i][1], &wire.address);
    inet_aton(texts[i][2], &wire.gateway);
    pid_t pid = inside(CLONE_NEWNET, inside_net, &wire);
    expect_success(student_said(), "net_inside(a wire)");
    EXPECT(look_at(pid, "lo").flags & IFF_UP, "lo is up", "it is down");
    EXPECT(look_at(pid, "eth0").flags & IFF_UP, "eth0 is up", "it is down");
    const char *got = address_of(pid, "eth0");
    EXPECT(strcmp(got, texts[i][0]) == 0, "eth0 has the wire's address and prefix",
           "%s, not %s", got, texts[i][0]);
    snprintf(expected, sizeof expected, "%s eth0", texts[i][2]);
    got = gateway_of(pid);
    EXPECT(strcmp(got, expected) == 0, "the host is the way to everywhere else",
           "%s, not %s", *got ? got : "no route", expected);
    inside_end();
  }
  struct wire wire = {.prefix = 24};
  inside(CLONE_NEWNET, inside_net, &wire);
  expect_errno(student_said(), "net_inside(a wire), where no eth0 is,", ENODEV);
  inside_end();
}
END_TEST

/* Without privilege; and with an address that cannot be given, on an eth0 that
 * could do without. */
static void
fail_inside(struct answer *a, const void *arg)
{
  const struct wire *wire = arg;
  if (wire) {
    must_wire("eth0", "other");
    add_flags("other", IFF_UP);
    set_address("eth0", WIRE_NETWORK ".77", "255.255.255.0");
  } else {
    give_up_capabilities(-1);
  }
  student_answer(a, STUDENT(net_inside)(wire));
}

START_TEST(test_inside_fails)
{
  inside(CLONE_NEWNET, fail_inside, NULL);
  expect_errno(student_said(), "net_inside(NULL), without CAP_NET_ADMIN,", EPERM);
  inside_end();
  struct wire wire = {.prefix = 33};
  inet_aton(WIRE_NETWORK ".9", &wire.address);
  inet_aton(WIRE_NETWORK ".1", &wire.gateway);
  inside(CLONE_NEWNET, fail_inside, &wire);
  /* netdevice(7) and rtnetlink(7) find different faults with it. */
  const struct answer *answer = student_said();
  EXPECT(answer->value == -1 && answer->error, "net_inside(a wire whose prefix is 33) "
         "returns -1 with errno", "%d", answer->value);
  inside_end();
}
END_TEST

void
net_tests(void)
{
  student_test("2.6 sets a link up, and changes nothing else of it", test_up);
  student_test("2.6 lays a wire between two network namespaces", test_veth);
  student_test("2.6 lays a wire past a link of the same name", test_veth_namesake);
  student_test("2.6 lays no wire where a name is taken", test_veth_taken);
  student_test("2.6 gives a link an address and a prefix", test_address);
  student_test("2.6 makes a gateway the way to everywhere", test_route);
  student_test("2.6 sets up lo inside", test_inside_none);
  student_test("2.6 sets up the wire inside", test_inside);
  student_test("2.6 joins containers to the bridge", test_join);
  student_test("2.6 takes the first address that is free", test_join_hole);
  student_test("2.6 uses a bridge that is there, and finishes it", test_join_bridge);
  student_test("2.6 gives 16 that come at once 16 addresses", test_join_at_once);
  student_test("2.6 holds the lock while it joins", test_join_lock);
  student_test("2.6 gives the last address away, too", test_join_last);
  student_test("2.6 says so if no address is free", test_join_none_free);
  student_test("2.6 leaves no link behind where it fails", test_join_fails);
  student_test("2.6 holds the lock until the wire is there", test_join_lock_kept);
  student_test("2.6 says so if the inside cannot be set up", test_inside_fails);
}
