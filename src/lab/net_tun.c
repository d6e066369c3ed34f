/* SPDX-License-Identifier: BSD-2-Clause */
#include "lab/net_ops.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "base/cursor.h"
#include "base/time.h"
#include "lab/netlink.h"
#include "lab/refusal.h"

/*
 * Each host's link is a TUN device; its descriptor gives and takes bare IP packets. No Ethernet, no
 * offloads, no time stamps: the time is that of reading.
 * Source: Documentation/networking/tuntap.rst of the kernel.
 */

#define QUEUE_PACKETS 10000 /* the device's own 500 is less than a large window */

/* In the host's namespace: where the node is opened decides where the device is. */
static int tun_open(struct err *err)
{
	struct ifreq request = { .ifr_name = HOST_LINK, .ifr_flags = IFF_TUN | IFF_NO_PI };
	int tun = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);

	if (tun < 0) {
		refusal(err, REFUSAL_TUN, "/dev/net/tun can't be opened", errno);
		return -1;
	}
	if (ioctl(tun, TUNSETIFF, &request) < 0) {
		refusal(err, REFUSAL_PRIVILEGE, "a TUN device is refused", errno);
		close(tun);
		return -1;
	}
	return tun;
}

static bool queue_set(const struct net *net, struct err *err)
{
	int netlink = netlink_open(err);
	bool ok = netlink >= 0 && netlink_link_queue(netlink, HOST_LINK, QUEUE_PACKETS, err) &&
		  netlink_link_mtu(netlink, HOST_LINK, net->mtu_bytes, err);

	if (netlink >= 0)
		close(netlink);
	return ok;
}

static bool tun_attach(struct net *net, enum end end, struct err *err)
{
	if (!net_enter(net, end, err))
		return false;
	int tun = tun_open(err);
	bool ok = tun >= 0 && queue_set(net, err);

	ok = net_leave(net, err) && ok;
	if (!ok && tun >= 0)
		close(tun);
	net->wire[end] = ok ? tun : -1;
	return ok;
}

static bool tun_settle(struct net *net, enum end end, struct err *err)
{
	(void)net;
	(void)end;
	(void)err;
	return true;
}

/* The device goes with its descriptor. */
static void tun_detach(struct net *net, enum end end)
{
	close(net->wire[end]);
	net->wire[end] = -1;
}

/* The device cuts a packet that is larger than the room for it and doesn't say so. */
static bool is_cut(const uint8_t *packet, size_t bytes)
{
	struct cursor in = cursor_over(packet, bytes);
	unsigned version = cursor_u8(&in) >> 4;

	cursor_skip(&in, version == 6 ? 3 : 1);
	return cursor_be16(&in) + (version == 6 ? 40u : 0u) > bytes;
}

static ssize_t tun_receive(struct net *net, enum end from, struct iovec packet, int64_t *time_ns)
{
	ssize_t bytes = read(net->wire[from], packet.iov_base, packet.iov_len);

	*time_ns = time_now_ns(CLOCK_REALTIME);
	if (bytes > 0 && (size_t)bytes == packet.iov_len &&
	    is_cut(packet.iov_base, (size_t)bytes)) {
		errno = EMSGSIZE;
		return -1;
	}
	return bytes;
}

static ssize_t tun_send(struct net *net, enum end to, struct iovec packet)
{
	return write(net->wire[to], packet.iov_base, packet.iov_len);
}

static uint64_t tun_dropped(struct net *net, enum end end)
{
	(void)net;
	(void)end;
	return 0; /* the device counts them: see net_dropped() */
}

const struct net_ops net_tun_ops = {
	.what = "tun",
	.attach = tun_attach,
	.settle = tun_settle,
	.detach = tun_detach,
	.receive = tun_receive,
	.send = tun_send,
	.dropped = tun_dropped,
};
