/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TCPWHY_LAB_NETLINK_H
#define TCPWHY_LAB_NETLINK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "tcp/segment.h"

/*
 * The few rtnetlink messages that the lab needs. Each function sends one request over a socket of
 * netlink_open() and waits for the kernel's answer, which comes before sendmsg() returns. A socket
 * belongs to the network namespace that the process was in when it opened it, for good.
 *
 * All return false with @err (ERR_SYSTEM) where the kernel refuses.
 * Source: rtnetlink(7), netlink(7), linux/rtnetlink.h, linux/if_link.h, linux/veth.h.
 */

#define LINK_ADDRESS_BYTES 6

/* A pair of links; the peer starts in another namespace. */
struct veth_pair {
	const char *name, *peer;		  /* borrowed, below IFNAMSIZ */
	uint8_t address[LINK_ADDRESS_BYTES];	  /* Ethernet address of name */
	uint8_t peer_address[LINK_ADDRESS_BYTES]; /* and of peer */
	unsigned mtu_bytes, peer_mtu_bytes;
	int peer_namespace; /* file descriptor */
};

/* Return: a socket that the caller closes; -1 with @err. */
int netlink_open(struct err *err);

bool netlink_veth_new(int netlink, const struct veth_pair *pair, struct err *err);
bool netlink_link_delete(int netlink, const char *link, struct err *err);

/* Set a link up; @flags: more of IFF_* to set. */
bool netlink_link_up(int netlink, const char *link, unsigned flags, struct err *err);
bool netlink_link_mtu(int netlink, const char *link, unsigned mtu_bytes, struct err *err);
bool netlink_link_queue(int netlink, const char *link, unsigned packets, struct err *err);

/* Give a link an address; its network becomes reachable over the link. */
bool netlink_address_add(int netlink, const char *link, const struct ip_address *address,
			 unsigned prefix_bits, struct err *err);

/* Whether packets to an address are taken in: it is one of this namespace, and ready. */
bool netlink_address_is_local(int netlink, const struct ip_address *address);

/* Route to one host over a link, with the smallest retransmission time-out that TCP may use. */
bool netlink_route_rto_min(int netlink, const char *link, const struct ip_address *to,
			   unsigned rto_min_ms, struct err *err);

/* Packets that were to leave over a link and were dropped. */
bool netlink_link_dropped(int netlink, const char *link, uint64_t *packets, struct err *err);

#endif /* TCPWHY_LAB_NETLINK_H */
