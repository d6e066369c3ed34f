/* SPDX-License-Identifier: BSD-2-Clause */
#include "lab/net_ops.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/ethtool.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "base/time.h"
#include "lab/netlink.h"
#include "lab/refusal.h"

/*
 * Each host's link is one end of a veth pair; the other end lies in the wire's namespace without an
 * address, and an AF_PACKET socket takes what comes out of it.
 *
 *   eth0 (client)  ===  wire0  <- packet socket | packet socket ->  wire1  ===  eth0 (server)
 *
 * No ARP: with IFF_NOARP the kernel takes a link's own Ethernet address for each neighbour's, so
 * both hosts have the same one. The wire's ends have another: their own IP sees frames for others
 * and drops them.
 */
static const uint8_t host_address[ETH_ALEN] = { 0x02, 0x09, 0, 0, 0, 0x01 };
static const uint8_t wire_address[ETH_ALEN] = { 0x02, 0x09, 0, 0, 0, 0x0f };

#define WIRE_MTU_BYTES	  65535		    /* the wire takes whatever a host sends */
#define WIRE_BUFFER_BYTES (8 * 1024 * 1024) /* 3500 full frames wait */

static const char *wire_link(enum end end)
{
	return end == END_CLIENT ? "wire0" : "wire1";
}

/*
 * Checksums must be whole and segments no longer than the MTU when the wire sees them.
 * Source: ethtool(8), linux/ethtool.h.
 */
static bool offload_off(struct err *err)
{
	static const uint32_t commands[] = { ETHTOOL_SRXCSUM, ETHTOOL_STXCSUM, ETHTOOL_SSG,
					     ETHTOOL_STSO,    ETHTOOL_SGSO,    ETHTOOL_SGRO };
	int control = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool ok = control >= 0;
	int error = errno;

	for (size_t i = 0; ok && i < sizeof(commands) / sizeof(commands[0]); i++) {
		struct ethtool_value off = { .cmd = commands[i], .data = 0 };
		struct ifreq request = { .ifr_name = HOST_LINK, .ifr_data = (void *)&off };

		/* What this kernel's veth can't switch at all it doesn't do either. */
		ok = ioctl(control, SIOCETHTOOL, &request) == 0 || errno == EOPNOTSUPP;
		error = errno;
	}
	if (control >= 0)
		close(control);
	return ok || refusal(err, REFUSAL_PRIVILEGE, "switching offloads off is refused", error);
}

static bool option_on(int wire, int level, int option)
{
	const int on = 1;

	return setsockopt(wire, level, option, &on, sizeof(on)) == 0;
}

/* A packet socket at the wire's end of a host's link. Return: -1 with @err. */
static int wire_open(enum end end, struct err *err)
{
	const int bytes = WIRE_BUFFER_BYTES;
	/* Protocol 0: nothing comes before bind() has said from which link. */
	int wire = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct sockaddr_ll place = { .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL) };

	if (wire < 0) {
		refusal(err, REFUSAL_PRIVILEGE, "packet sockets are refused", errno);
		return -1;
	}
	if (setsockopt(wire, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes)) < 0)
		setsockopt(wire, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes));
	place.sll_ifindex = (int)if_nametoindex(wire_link(end));
	/*
	 * It must not read what it sends: PACKET_IGNORE_OUTGOING, and a bypassed queue shows
	 * nothing to packet sockets either. The bypass is for the first packet into a fresh link:
	 * it may vanish in a queue that is not ready yet.
	 */
	if (option_on(wire, SOL_PACKET, PACKET_IGNORE_OUTGOING) &&
	    option_on(wire, SOL_PACKET, PACKET_QDISC_BYPASS) &&
	    option_on(wire, SOL_SOCKET, SO_TIMESTAMPNS) &&
	    bind(wire, (struct sockaddr *)&place, sizeof(place)) == 0)
		return wire;
	refusal(err, REFUSAL_PRIVILEGE, "packet sockets can't be set up", errno);
	close(wire);
	return -1;
}

static bool veth_attach(struct net *net, enum end end, struct err *err)
{
	struct veth_pair pair = { .name = wire_link(end),
				  .peer = HOST_LINK,
				  .mtu_bytes = WIRE_MTU_BYTES,
				  .peer_mtu_bytes = net->mtu_bytes,
				  .peer_namespace = net->host[end] };
	int netlink = netlink_open(err);

	if (netlink < 0)
		return false;
	memcpy(pair.address, wire_address, sizeof(wire_address));
	memcpy(pair.peer_address, host_address, sizeof(host_address));
	bool ok = netlink_veth_new(netlink, &pair, err) && net_enter(net, end, err);

	if (ok) {
		ok = offload_off(err);
		ok = net_leave(net, err) && ok;
	}
	ok = ok && netlink_link_up(netlink, pair.name, IFF_NOARP, err);
	close(netlink);
	net->wire[end] = ok ? wire_open(end, err) : -1;
	return net->wire[end] >= 0;
}

static bool veth_settle(struct net *net, enum end end, struct err *err)
{
	(void)net;
	return net_link_wait(wire_link(end), err);
}

static uint64_t veth_dropped(struct net *net, enum end end)
{
	struct tpacket_stats stats = { 0 }; /* reading them starts them again from 0 */
	socklen_t bytes = sizeof(stats);

	if (getsockopt(net->wire[end], SOL_PACKET, PACKET_STATISTICS, &stats, &bytes) < 0)
		return 0;
	return stats.tp_drops;
}

static void veth_detach(struct net *net, enum end end)
{
	int netlink = netlink_open(NULL);

	if (netlink >= 0) {
		netlink_link_delete(netlink, wire_link(end), NULL);
		close(netlink);
	}
	close(net->wire[end]);
	net->wire[end] = -1;
}

/* When the kernel saw a packet leave, from what came with it. */
static int64_t stamp_ns(struct msghdr *message)
{
	struct timespec stamp;

	clock_gettime(CLOCK_REALTIME, &stamp);
	for (struct cmsghdr *part = CMSG_FIRSTHDR(message); part;
	     part = CMSG_NXTHDR(message, part)) {
		if (part->cmsg_level == SOL_SOCKET && part->cmsg_type == SCM_TIMESTAMPNS &&
		    part->cmsg_len >= CMSG_LEN(sizeof(stamp)))
			memcpy(&stamp, CMSG_DATA(part), sizeof(stamp));
	}
	return stamp.tv_sec * NSEC_PER_SEC + stamp.tv_nsec;
}

static ssize_t veth_receive(struct net *net, enum end from, struct iovec packet, int64_t *time_ns)
{
	for (;;) {
		struct ethhdr ethernet;
		struct iovec parts[] = { { .iov_base = &ethernet, .iov_len = sizeof(ethernet) },
					 packet };
		union {
			struct cmsghdr align;
			uint8_t bytes[128];
		} control;
		struct msghdr message = { .msg_iov = parts,
					  .msg_iovlen = 2,
					  .msg_control = &control,
					  .msg_controllen = sizeof(control) };
		ssize_t bytes = recvmsg(net->wire[from], &message, 0);

		if (bytes < 0)
			return bytes;
		if (message.msg_flags & MSG_TRUNC) {
			errno = EMSGSIZE;
			return -1;
		}
		if (bytes > (ssize_t)sizeof(ethernet) && (ethernet.h_proto == htons(ETH_P_IP) ||
							  ethernet.h_proto == htons(ETH_P_IPV6))) {
			*time_ns = stamp_ns(&message);
			return bytes - (ssize_t)sizeof(ethernet);
		}
		net->not_ip++;
	}
}

static ssize_t veth_send(struct net *net, enum end to, struct iovec packet)
{
	unsigned version = *(const uint8_t *)packet.iov_base >> 4;
	struct ethhdr ethernet = { .h_proto = htons(version == 6 ? ETH_P_IPV6 : ETH_P_IP) };
	struct iovec parts[] = { { .iov_base = &ethernet, .iov_len = sizeof(ethernet) }, packet };
	struct msghdr message = { .msg_iov = parts, .msg_iovlen = 2 };

	memcpy(ethernet.h_dest, host_address, sizeof(host_address));
	memcpy(ethernet.h_source, wire_address, sizeof(wire_address));
	return sendmsg(net->wire[to], &message, 0);
}

const struct net_ops net_veth_ops = {
	.what = "veth",
	.attach = veth_attach,
	.settle = veth_settle,
	.detach = veth_detach,
	.receive = veth_receive,
	.send = veth_send,
	.dropped = veth_dropped,
};
