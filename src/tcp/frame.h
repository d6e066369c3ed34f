/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TCPWHY_TCP_FRAME_H
#define TCPWHY_TCP_FRAME_H

#include <stdint.h>

/*
 * A frame as a source hands it to decode/: bytes and where they came from, nothing parsed.
 * Link types are the LINKTYPE_ numbers of the tcpdump group's registry, as stored in files.
 */
struct frame {
	uint64_t number;      /* 1 for the first frame, counted over all files read as one */
	int64_t time_ns;      /* since the epoch, UTC; TIME_NONE: the format has no time for it */
	const uint8_t *bytes; /* borrowed until the source's next read */
	uint32_t captured_bytes; /* how many of them there are */
	uint32_t wire_bytes;	 /* how long the frame was on the wire; >= captured_bytes */
	uint16_t link_type;	 /* LINKTYPE_ number */
	uint16_t interface;	 /* index in the source's list of interfaces */
	uint8_t fcs_bytes; /* link-layer checksum at the end of the frame; 0 unknown or none */
};

#define FRAME_BATCH 64 /* frames handed over at once */

struct frame_batch {
	unsigned count;
	struct frame frames[FRAME_BATCH];
};

#endif /* TCPWHY_TCP_FRAME_H */
