/* SPDX-License-Identifier: BSD-2-Clause */
#include "lab/raw.h"

#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "base/time.h"
#include "tcp/address.h"

/* A socket address of either family. */
union address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

/* The port stays 0: a raw IPv6 socket takes nothing else. */
static socklen_t address_of(const struct ip_address *ip, union address *address)
{
	memset(address, 0, sizeof(*address));
	if (ip_address_is_v4(ip)) {
		address->v4.sin_family = AF_INET;
		memcpy(&address->v4.sin_addr, ip->bytes + 12, 4);
		return sizeof(address->v4);
	}
	address->v6.sin6_family = AF_INET6;
	memcpy(&address->v6.sin6_addr, ip->bytes, 16);
	return sizeof(address->v6);
}

static bool ip_of(const struct sockaddr *any, struct ip_address *ip)
{
	union address address;

	if (any->sa_family == AF_INET) {
		uint8_t four[4];

		memcpy(&address.v4, any, sizeof(address.v4));
		memcpy(four, &address.v4.sin_addr, sizeof(four));
		*ip = ip_address_v4(four);
		return true;
	}
	if (any->sa_family != AF_INET6)
		return false;
	memcpy(&address.v6, any, sizeof(address.v6));
	memcpy(ip->bytes, &address.v6.sin6_addr, sizeof(ip->bytes));
	return true;
}

int64_t raw_now_monotonic_ns(void)
{
	return time_now_ns(CLOCK_MONOTONIC);
}

int64_t raw_now_ns(void)
{
	return time_now_ns(CLOCK_REALTIME);
}

static bool fail(const char *what, struct err *err)
{
	int number = errno;

	/* NOLINTNEXTLINE(concurrency-mt-unsafe): one thread */
	err_set(err, ERR_SYSTEM, "%s: %s", what, strerror(number));
	if (number == EPERM || number == EACCES)
		err_fix(err,
			"raw sockets need CAP_NET_RAW: run it as root (sudo), or where you are "
			"root of a network of your own: unshare -Urn sh -c 'ip link set lo up; "
			"tcpwhy send ...'");
	return false;
}

void raw_init(struct raw *raw)
{
	raw->send_fd = -1;
	raw->hear_fd = -1;
}

bool raw_open(struct raw *raw, const struct ip_address *to, struct err *err)
{
	const int on = 1, buffer_bytes = 4 * 1024 * 1024;
	int family = ip_address_is_v4(to) ? AF_INET : AF_INET6;

	/* IPPROTO_RAW: the IP header is in what is sent. Source: raw(7); Linux rawv6_init_sk(). */
	raw->send_fd = socket(family, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW);
	if (raw->send_fd < 0)
		return fail("a raw socket cannot be opened", err);
	/* All protocols: with a single one the kernel does not show what goes out. */
	raw->hear_fd = socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC, htons(ETH_P_ALL));
	if (raw->hear_fd < 0)
		return fail("a packet socket cannot be opened", err);
	/* Only a wish: what is lost all the same is counted. */
	(void)setsockopt(raw->hear_fd, SOL_SOCKET, SO_RCVBUF, &buffer_bytes, sizeof(buffer_bytes));
	if (setsockopt(raw->hear_fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof(on)) != 0)
		return fail("the kernel gives no time stamps", err);
	return true;
}

void raw_close(struct raw *raw)
{
	if (raw->send_fd >= 0)
		close(raw->send_fd);
	if (raw->hear_fd >= 0)
		close(raw->hear_fd);
	raw_init(raw);
}

bool raw_send(const struct raw *raw, const struct ip_address *to, const uint8_t *packet,
	      size_t bytes, struct err *err)
{
	union address address;
	socklen_t length = address_of(to, &address);

	if (sendto(raw->send_fd, packet, bytes, 0, &address.any, length) >= 0)
		return true;

	int number = errno;
	char text[ADDRESS_TEXT_BYTES];

	ip_address_print(to, text);
	err_set(err, ERR_SYSTEM, "the packet cannot be sent to %s: %s", text,
		strerror(number)); /* NOLINT(concurrency-mt-unsafe): one thread */
	if (number == ENETUNREACH || number == EHOSTUNREACH || number == EADDRNOTAVAIL)
		err_fix(err,
			"there is no way to it: see ip route get %s; in a new namespace first "
			"ip link set lo up",
			text);
	else if (number == EMSGSIZE)
		err_fix(err,
			"it is longer than the MTU, and raw sockets do not fragment: less data");
	else if (number == EPERM)
		err_fix(err, "a firewall rule of this host drops it: see nft list ruleset");
	return false;
}

static int64_t stamp_of(struct msghdr *message)
{
	for (struct cmsghdr *part = CMSG_FIRSTHDR(message); part;
	     part = CMSG_NXTHDR(message, part)) {
		struct timespec stamp;

		if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_TIMESTAMPNS)
			continue;
		memcpy(&stamp, CMSG_DATA(part), sizeof(stamp));
		return stamp.tv_sec * NSEC_PER_SEC + stamp.tv_nsec;
	}
	return raw_now_ns();
}

/* Whether a packet is IP, and not the second look at one on the loopback interface. */
static bool is_wanted(const struct sockaddr_ll *from)
{
	if (from->sll_protocol != htons(ETH_P_IP) && from->sll_protocol != htons(ETH_P_IPV6))
		return false;
	return from->sll_pkttype != PACKET_OUTGOING || from->sll_hatype != ARPHRD_LOOPBACK;
}

/* Take what waits. Return: false: nothing (more) waits, or with @err set. */
static bool take(const struct raw *raw, struct raw_packet *packet, bool *wanted, struct err *err)
{
	struct iovec room = { .iov_base = packet->bytes, .iov_len = packet->room };
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(struct timespec))];
	} control;
	struct sockaddr_ll from = { .sll_family = 0 };
	struct msghdr message = {
		.msg_name = &from,
		.msg_namelen = sizeof(from),
		.msg_iov = &room,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	ssize_t length = recvmsg(raw->hear_fd, &message, MSG_DONTWAIT | MSG_TRUNC);

	*wanted = false;
	if (length < 0 && (errno == EAGAIN || errno == EINTR || errno == ENETDOWN))
		return false;
	if (length < 0)
		return fail("listening for answers", err);
	*wanted = length > 0 && is_wanted(&from);
	packet->length = (size_t)length;
	packet->captured = packet->length < packet->room ? packet->length : packet->room;
	packet->time_ns = stamp_of(&message);
	return true;
}

bool raw_hear(const struct raw *raw, int64_t until_ns, struct raw_packet *packet, struct err *err)
{
	struct err trouble = { .kind = ERR_NONE };

	for (;;) {
		struct pollfd waiting = { .fd = raw->hear_fd, .events = POLLIN };
		int64_t left_ns = until_ns - raw_now_monotonic_ns();
		bool wanted;

		while (take(raw, packet, &wanted, &trouble) && !wanted)
			if (raw_now_monotonic_ns() >= until_ns)
				break;
		if (trouble.kind != ERR_NONE) {
			*err = trouble;
			return false;
		}
		if (wanted)
			return true;
		packet->captured = 0;
		if (left_ns <= 0)
			return true;
		(void)poll(&waiting, 1, (int)(left_ns / NSEC_PER_MSEC) + 1);
	}
}

unsigned raw_lost(const struct raw *raw)
{
	struct tpacket_stats stats = { .tp_drops = 0 };
	socklen_t bytes = sizeof(stats);

	if (getsockopt(raw->hear_fd, SOL_PACKET, PACKET_STATISTICS, &stats, &bytes) != 0)
		return 0;
	return stats.tp_drops;
}

static bool is_loopback(const struct ip_address *ip)
{
	static const uint8_t one[16] = { [15] = 1 };

	return (ip_address_is_v4(ip) && ip->bytes[12] == 127) || memcmp(ip->bytes, one, 16) == 0;
}

bool raw_is_here(const struct ip_address *ip, struct err *err)
{
	struct ifaddrs *list = NULL;
	bool here = is_loopback(ip);

	if (here)
		return true;
	if (getifaddrs(&list) != 0)
		return fail("the addresses of this host cannot be listed", err);
	for (const struct ifaddrs *at = list; at && !here; at = at->ifa_next) {
		struct ip_address own;

		here = at->ifa_addr && ip_of(at->ifa_addr, &own) && ip_address_equal(&own, ip);
	}
	freeifaddrs(list);
	return here;
}

bool raw_source_for(const struct ip_address *to, struct ip_address *source)
{
	union address address;
	socklen_t length = address_of(to, &address);
	int fd = socket(address.any.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool found = false;

	if (fd < 0)
		return false;
	/* A connected UDP socket sends nothing; the port only has to be one. */
	if (address.any.sa_family == AF_INET)
		address.v4.sin_port = htons(9);
	else
		address.v6.sin6_port = htons(9);
	if (connect(fd, &address.any, length) == 0) {
		length = sizeof(address);
		found = getsockname(fd, &address.any, &length) == 0 && ip_of(&address.any, source);
	}
	close(fd);
	return found;
}
