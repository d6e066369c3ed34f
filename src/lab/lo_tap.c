/* SPDX-License-Identifier: BSD-2-Clause */
#include "lab/lo_tap.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/time.h"

int lo_tap_open(struct err *err)
{
	const int on = 1;
	/* SOCK_DGRAM: without the link header, so that packets begin with their IP header. */
	int tap = socket(AF_PACKET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	struct sockaddr_ll place = { .sll_family = AF_PACKET,
				     .sll_protocol = htons(ETH_P_ALL),
				     .sll_ifindex = (int)if_nametoindex("lo") };

	/* A packet to itself is seen leaving and arriving: once is enough. */
	if (tap >= 0 && setsockopt(tap, SOL_PACKET, PACKET_IGNORE_OUTGOING, &on, sizeof(on)) == 0 &&
	    setsockopt(tap, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof(on)) == 0 &&
	    bind(tap, (struct sockaddr *)&place, sizeof(place)) == 0)
		return tap;
	err_set(err, ERR_SYSTEM, "the host's loopback can't be tapped: %s", strerror(errno));
	if (tap >= 0)
		close(tap);
	return -1;
}

/* NOLINTNEXTLINE(readability-non-const-parameter): recvmsg() writes into it */
ssize_t lo_tap_receive(int tap, uint8_t *packet, size_t room, int64_t *time_ns)
{
	union {
		struct cmsghdr header; /* for its alignment */
		char bytes[CMSG_SPACE(sizeof(struct timespec))];
	} control;
	struct iovec piece = { .iov_base = packet, .iov_len = room };
	struct msghdr message = { .msg_iov = &piece,
				  .msg_iovlen = 1,
				  .msg_control = &control,
				  .msg_controllen = sizeof(control) };
	ssize_t got = recvmsg(tap, &message, 0);

	*time_ns = TIME_NONE;
	for (struct cmsghdr *at = CMSG_FIRSTHDR(&message); got > 0 && at;
	     at = CMSG_NXTHDR(&message, at)) {
		struct timespec stamp;

		if (at->cmsg_level != SOL_SOCKET || at->cmsg_type != SCM_TIMESTAMPNS)
			continue;
		memcpy(&stamp, CMSG_DATA(at), sizeof(stamp));
		*time_ns = (int64_t)stamp.tv_sec * NSEC_PER_SEC + stamp.tv_nsec;
	}
	return got;
}
