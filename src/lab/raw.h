/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TCPWHY_LAB_RAW_H
#define TCPWHY_LAB_RAW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "tcp/segment.h"

/*
 * Crafted packets to the real network and what comes back: a raw socket that sends packets with
 * their own IP header, and a packet socket that hears what passes this network namespace. Both
 * need CAP_NET_RAW.
 *
 * Linux writes the total length and the checksum of an IPv4 header itself, and the identification
 * where it is 0 and may be needed; everything else goes out as it is. Source: raw(7).
 */
struct raw {
	int send_fd, hear_fd; /* owned; -1: not open */
};

/* Nothing is open yet; raw_close() may be called from now on. */
void raw_init(struct raw *raw);

/**
 * raw_open() - Open both sockets; what passes is heard from now on
 * @raw:  initialised; to be closed whatever comes back
 * @to:   where packets will go: decides the IP version
 * @err:  ERR_SYSTEM; without CAP_NET_RAW it says how to get it
 */
bool raw_open(struct raw *raw, const struct ip_address *to, struct err *err);
void raw_close(struct raw *raw);

/* Send one IP packet. @err: ERR_SYSTEM: no route, too long for the path, filtered, ... */
bool raw_send(const struct raw *raw, const struct ip_address *to, const uint8_t *packet,
	      size_t bytes, struct err *err);

/* One IP packet as it passed. */
struct raw_packet {
	uint8_t *bytes;	 /* borrowed from the caller: where it goes */
	size_t room;	 /* set by the caller; more is cut off */
	size_t captured; /* bytes of it that fit */
	size_t length;	 /* as long as it was */
	int64_t time_ns; /* when the kernel saw it, since the epoch */
};

/**
 * raw_hear() - Take the next IP packet
 * @until_ns:  how long to wait for it, CLOCK_MONOTONIC
 * @packet:    filled in; captured 0: none came in time
 *
 * On the loopback interface each packet passes twice: it is given once.
 */
bool raw_hear(const struct raw *raw, int64_t until_ns, struct raw_packet *packet, struct err *err);

/* How many packets passed but could not be kept since this was last asked. */
unsigned raw_lost(const struct raw *raw);

/**
 * raw_is_here() - Whether an address is one of this host's own, in this network namespace
 * @err:  ERR_SYSTEM: the addresses cannot be listed; then false comes back
 */
bool raw_is_here(const struct ip_address *ip, struct err *err);

/* The address that this host would use towards another. Return: false: there is no route. */
bool raw_source_for(const struct ip_address *to, struct ip_address *source);

/* Now, CLOCK_MONOTONIC and since the epoch, in nanoseconds. */
int64_t raw_now_monotonic_ns(void);
int64_t raw_now_ns(void);

#endif /* TCPWHY_LAB_RAW_H */
