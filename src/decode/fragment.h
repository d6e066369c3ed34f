/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TCPWHY_DECODE_FRAGMENT_H
#define TCPWHY_DECODE_FRAGMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "decode/walk.h"

/* One IP fragment, as its header describes it; the addresses stand in the walk. */
struct fragment {
	uint32_t id;
	uint32_t offset;  /* of its first byte in the datagram behind the headers */
	bool more;	  /* it is not the last one */
	uint8_t protocol; /* what the datagram holds; set from the first fragment when complete */
	uint32_t header_bytes; /* of the headers before the fragmentable part */
};

enum fragment_result {
	FRAGMENT_COMPLETE, /* the walk stands at the start of the whole datagram's content */
	FRAGMENT_ALONE,	   /* a first fragment that cannot be stored: read on in it alone */
	FRAGMENT_KEPT,	   /* nothing to read now; counted */
};

/**
 * fragment_take() - Put a fragment to the others of its datagram
 * @walk:      behind the fragment's headers, the rest limited by the IP length
 * @fragment:  protocol is replaced when the datagram is complete
 *
 * Of bytes that came twice the first copy stays. Bounded in memory and time: the oldest datagram
 * is given up when the memory is used up, and a datagram not complete within FRAGMENT_LIFE_NS.
 *
 * Source: RFC 791, section 3.2; RFC 8200, section 4.5.
 */
enum fragment_result fragment_take(struct walk *walk, struct fragment *fragment);

#endif /* TCPWHY_DECODE_FRAGMENT_H */
