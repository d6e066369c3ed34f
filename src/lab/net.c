/* SPDX-License-Identifier: BSD-2-Clause */
#include "lab/net_ops.h"

#include <assert.h>
#include <errno.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/text.h"
#include "base/time.h"
#include "lab/netlink.h"
#include "lab/refusal.h"

#define MTU_DEFAULT_BYTES 1500
#define MTU_LEAST_IPV4	  68   /* RFC 791, section 3.2 */
#define MTU_LEAST_IPV6	  1280 /* RFC 8200, section 5 */
#define MTU_MOST	  65535

#define LINK_WAIT_NS  (2 * NSEC_PER_SEC)
#define LINK_PAUSE_NS 100000

const char *net_backend_name(enum net_backend backend)
{
	static const char *const names[] = {
		[NET_AUTO] = "auto",
		[NET_VETH] = "veth",
		[NET_TUN] = "tun",
		[NET_LOOPBACK] = "loopback",
	};

	static_assert(sizeof(names) / sizeof(names[0]) == NET_BACKENDS, "a name for each back end");
	return names[backend];
}

static void net_clear(struct net *net)
{
	memset(net, 0, sizeof(*net));
	net->own = net->home = -1;
	for (int end = 0; end < ENDS; end++)
		net->host[end] = net->wire[end] = -1;
}

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

void net_close(struct net *net)
{
	if (net->home >= 0)
		(void)setns(net->home, CLONE_NEWNET); /* not with a user namespace of our own */
	close_fd(&net->home);
	close_fd(&net->own);
	for (int end = 0; end < ENDS; end++) {
		close_fd(&net->host[end]);
		close_fd(&net->wire[end]);
	}
	net->ops = NULL;
}

static bool enter(const struct net *net, int namespace, struct err *err)
{
	return !net->ops || setns(namespace, CLONE_NEWNET) == 0 ||
	       refusal(err, REFUSAL_PRIVILEGE, "entering a network namespace is refused", errno);
}

bool net_enter(const struct net *net, enum end end, struct err *err)
{
	return enter(net, net->host[end], err);
}

bool net_leave(const struct net *net, struct err *err)
{
	return enter(net, net->own, err);
}

bool net_link_wait(const char *link, struct err *err)
{
	struct ethtool_value state = { .cmd = ETHTOOL_GLINK };
	struct ifreq ask = { .ifr_data = (void *)&state };
	struct ifreq request = { .ifr_flags = 0 };
	const struct timespec pause = { .tv_nsec = LINK_PAUSE_NS };
	int control = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool running = false;

	if (control < 0)
		return refusal(err, REFUSAL_OTHER, "a socket is refused", errno);
	memcpy(request.ifr_name, link, strnlen(link, IFNAMSIZ - 1));
	memcpy(ask.ifr_name, request.ifr_name, IFNAMSIZ);
	for (int64_t waited = 0; !running && waited < LINK_WAIT_NS; waited += LINK_PAUSE_NS) {
		/* The kernel takes note of a new carrier once a second, but at once when asked. */
		ioctl(control, SIOCETHTOOL, &ask);
		running = ioctl(control, SIOCGIFFLAGS, &request) == 0 &&
			  (request.ifr_flags & IFF_RUNNING) != 0;
		if (!running)
			nanosleep(&pause, NULL);
	}
	close(control);
	return running || err_set(err, ERR_SYSTEM, "link %s does not come up", link);
}

/* An IPv6 address is usable when a kernel's worker has come by, also without a search for
   duplicates. */
static bool address_wait(int netlink, const struct ip_address *address, struct err *err)
{
	const struct timespec pause = { .tv_nsec = LINK_PAUSE_NS };

	for (int64_t waited = 0; waited < LINK_WAIT_NS; waited += LINK_PAUSE_NS) {
		if (netlink_address_is_local(netlink, address))
			return true;
		nanosleep(&pause, NULL);
	}
	return err_set(err, ERR_SYSTEM, "a host's address does not become usable");
}

/* In the host's namespace: everything that makes a link usable. */
static bool host_links_up(const struct net *net, enum end end, struct err *err)
{
	int netlink = netlink_open(err);
	bool ok = netlink >= 0 && netlink_link_up(netlink, "lo", 0, err) &&
		  netlink_link_up(netlink, HOST_LINK, IFF_NOARP, err) &&
		  net_link_wait(HOST_LINK, err) &&
		  netlink_address_add(netlink, HOST_LINK, &net->address[end], net->ipv6 ? 64 : 24,
				      err) &&
		  address_wait(netlink, &net->address[end], err);

	if (netlink >= 0)
		close(netlink);
	return ok;
}

static bool host_make(struct net *net, enum end end, struct err *err)
{
	if (!net_space_host(net, end, err) || !net->ops->attach(net, end, err) ||
	    !net_enter(net, end, err))
		return false;
	bool ok = host_links_up(net, end, err);

	return net_leave(net, err) && ok && net->ops->settle(net, end, err) &&
	       net_defaults(net, end, err);
}

/* In a child process: see net_space_build(). */
static bool build(struct net *net, int *user, struct err *err)
{
	if (!net_space_first(net, user, err))
		return false;
	/* The hosts, made from this one, get small tables of connections: those of the machine take
	   a thousand times as long to list, and diag_read() lists them for every packet. */
	net_setting_write("ipv4/tcp_child_ehash_entries", "1024", NULL);
	return net_settings_before_link(net, err) && host_make(net, END_CLIENT, err) &&
	       host_make(net, END_SERVER, err);
}

static void addresses_set(struct net *net)
{
	for (int end = 0; end < ENDS; end++) {
		const struct ip_address six = { .bytes = { 0xfd, 0, 0,
							   0x09, [15] = (uint8_t)(end + 1) } };
		const uint8_t four[] = { 10, 9, 0, (uint8_t)(end + 1) };
		const struct ip_address six_loopback = { .bytes = { [15] = 1 } };
		const uint8_t four_loopback[] = { 127, 0, 0, 1 };

		if (net->backend == NET_LOOPBACK)
			net->address[end] = net->ipv6 ? six_loopback : ip_address_v4(four_loopback);
		else
			net->address[end] = net->ipv6 ? six : ip_address_v4(four);
	}
}

static void net_prepare(struct net *net, const struct net_options *options,
			enum net_backend backend)
{
	net_clear(net);
	net->backend = backend;
	net->ops = backend == NET_VETH ? &net_veth_ops : backend == NET_TUN ? &net_tun_ops : NULL;
	net->ipv6 = options->ipv6;
	net->mtu_bytes = options->mtu_bytes ? options->mtu_bytes : MTU_DEFAULT_BYTES;
	addresses_set(net);
}

/* Make it with one back end. */
static bool open_with(struct net *net, const struct net_options *options, enum net_backend backend,
		      struct err *err)
{
	struct text why = text_over(net->why, sizeof(net->why));

	net_prepare(net, options, backend);
	if (backend == NET_LOOPBACK) {
		text_add(&why, "loopback only, segments are not seen");
		return true;
	}
	if (!net_space_build(net, build, err)) {
		net_close(net);
		return false;
	}
	text_add(&why, "%s between private namespaces, %s", net->ops->what,
		 net->user_namespace ? "no privileges needed" : "made as root");
	return true;
}

/* The first that works; the reasons of those that don't, each said once. */
static bool open_first(struct net *net, const struct net_options *options, struct err *err)
{
	static const enum net_backend ladder[] = { NET_VETH, NET_TUN, NET_LOOPBACK };
	char reasons[sizeof(net->why)];
	struct text reason = text_over(reasons, sizeof(reasons));
	struct err last = { 0 };

	for (size_t i = 0; i < sizeof(ladder) / sizeof(ladder[0]); i++) {
		struct err refused = { 0 };

		if (open_with(net, options, ladder[i], &refused)) {
			size_t used = strlen(net->why);
			struct text why = text_over(net->why + used, sizeof(net->why) - used);

			if (reason.length > 0)
				text_add(&why, ": %s", reasons);
			return true;
		}
		if (strcmp(refused.what, last.what) != 0)
			text_add(&reason, "%s%s", reason.length > 0 ? "; " : "", refused.what);
		last = refused;
	}
	return err_set(err, ERR_SYSTEM, "%s", last.what);
}

bool net_open(struct net *net, const struct net_options *options, struct err *err)
{
	unsigned least = options->ipv6 ? MTU_LEAST_IPV6 : MTU_LEAST_IPV4;

	net_clear(net);
	if (options->mtu_bytes != 0 &&
	    (options->mtu_bytes < least || options->mtu_bytes > MTU_MOST)) {
		err_set(err, ERR_USAGE, "an MTU of %u bytes is impossible", options->mtu_bytes);
		err_fix(err, "choose one from %u to %u", least, MTU_MOST);
		return false;
	}
	if (options->wish == NET_AUTO)
		return open_first(net, options, err);
	return open_with(net, options, options->wish, err);
}

/* What a host's link dropped since it was made; the link goes away with the next call. */
static uint64_t link_dropped(const struct net *net, enum end end)
{
	uint64_t packets = 0;

	if (!net_enter(net, end, NULL))
		return 0;
	int netlink = netlink_open(NULL);

	if (netlink >= 0) {
		netlink_link_dropped(netlink, HOST_LINK, &packets, NULL);
		close(netlink);
	}
	net_leave(net, NULL);
	return packets;
}

uint64_t net_dropped(struct net *net)
{
	uint64_t packets = 0;

	for (enum end end = END_CLIENT; net->ops && end < ENDS; end++) {
		net->dropped += net->ops->dropped(net, end);
		packets += link_dropped(net, end);
	}
	return net->dropped + packets;
}

bool net_reboot(struct net *net, enum end end, struct err *err)
{
	if (!net->ops) {
		err_set(err, ERR_SYSTEM,
			"a host can't be rebooted on loopback: it is this machine");
		err_fix(err, "%s", net->why);
		return false;
	}
	net->dropped += net->ops->dropped(net, end) + link_dropped(net, end);
	/* The old link first: its wire end has the name of the new one. */
	net->ops->detach(net, end);
	close_fd(&net->host[end]);
	return host_make(net, end, err);
}

ssize_t wire_receive(struct net *net, enum end from, uint8_t *packet, size_t room, int64_t *time_ns)
{
	ssize_t bytes;

	if (!net->ops)
		return 0;
	do
		bytes = net->ops->receive(
			net, from, (struct iovec){ .iov_base = packet, .iov_len = room }, time_ns);
	while (bytes < 0 && errno == EINTR);
	return bytes < 0 && errno == EAGAIN ? 0 : bytes;
}

bool wire_send(struct net *net, enum end to, const uint8_t *packet, size_t bytes)
{
	struct iovec whole = { .iov_len = bytes };
	ssize_t sent;

	memcpy(&whole.iov_base, &packet, sizeof(packet)); /* only read from: iovec has no const */
	if (!net->ops || bytes == 0) {
		errno = net->ops ? EINVAL : ENOTCONN;
		return false;
	}
	do
		sent = net->ops->send(net, to, whole);
	while (sent < 0 && errno == EINTR);
	return sent >= 0;
}
