/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TCPWHY_DECODE_FRAGMENT_H
#define TCPWHY_DECODE_FRAGMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/time.h"
#include "decode/walk.h"

/*
 * How long a datagram waits for its missing fragments, in capture time. A receiver gives up
 * after 60 s to 120 s (RFC 1122, section 3.3.2) or 60 s (RFC 8200, section 4.5).
 */
#define FRAGMENT_LIFE_NS (60 * NSEC_PER_SEC)

/* One IP fragment, as its header describes it; the addresses stand in the walk. */
struct fragment {
	uint32_t id;
	uint32_t offset;       /* of its first byte in the datagram behind the headers */
	uint32_t header_bytes; /* of the headers before the part that was cut up */
	bool more;	       /* it is not the last one */
	uint8_t protocol;      /* what the datagram holds; the first fragment's when complete */
};

enum fragment_result {
	FRAGMENT_COMPLETE, /* the walk stands at the start of the whole datagram's content */
	FRAGMENT_ALONE,	   /* a first fragment that cannot be stored: read on in it alone */
	FRAGMENT_KEPT,	   /* nothing to read now; counted */
};

/**
 * fragment_take() - Put a fragment to the others of its datagram
 * @walk:      behind the fragment's headers, the rest limited by the IP length
 * @fragment:  protocol and header_bytes are replaced when the datagram is complete
 *
 * Of bytes that came twice the first copy stays. A datagram is known by addresses, id and VLAN,
 * for IPv4 also by the protocol. Bounded in memory and time: the oldest datagram is given up when
 * the memory is used up, and one that is not complete within FRAGMENT_LIFE_NS.
 *
 * Source: RFC 791, section 3.2; RFC 8200, section 4.5.
 */
enum fragment_result fragment_take(struct walk *walk, struct fragment *fragment);

/**
 * fragments_new() - Begin to put fragments together
 * @bytes:  how much memory, from the first fragment on; one full datagram that comes in order is
 *          always held. Where it is not to be had fragments count as DECODE_FRAGMENT_DROPPED.
 *
 * Return: owned by the caller; NULL: out of memory.
 */
struct fragments *fragments_new(size_t bytes);
void fragments_free(struct fragments *fragments);

/* Take back the memory of datagrams that were handed out complete. */
void fragments_batch_begin(struct fragments *fragments);

#endif /* TCPWHY_DECODE_FRAGMENT_H */
