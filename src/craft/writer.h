/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TCPWHY_CRAFT_WRITER_H
#define TCPWHY_CRAFT_WRITER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Where a field lies in crafted bytes, for whoever wants to explain them. */
struct field {
	const char *header; /* static: "Ethernet", "IPv4", "TCP" */
	const char *name;   /* static: the specification's word, "sequence number" */
	uint32_t offset;    /* from the first byte */
	uint32_t bytes;
};

#define LAYOUT_FIELDS_MOST 96

struct layout {
	unsigned count;
	struct field fields[LAYOUT_FIELDS_MOST];
};

/* Bytes put one behind the other; what does not fit sets overflow and is left out. */
struct writer {
	uint8_t *start; /* borrowed */
	size_t room;
	size_t used;
	bool overflow;
	const char *header;    /* static: which header is being written */
	struct layout *layout; /* borrowed; NULL: nobody wants to know */
};

struct writer writer_over(uint8_t *bytes, size_t room, struct layout *layout);

/* Put @bytes of a field in network order, its value in the low bits. */
void writer_put(struct writer *out, const char *name, uint32_t value, unsigned bytes);

void writer_put_bytes(struct writer *out, const char *name, const uint8_t *bytes, size_t count);

/* Put zeros; NULL @name: they belong to no field of their own. */
void writer_put_zeros(struct writer *out, const char *name, size_t count);

/* Change two bytes that were put before. */
void writer_patch16(struct writer *out, size_t offset, uint16_t value);

#endif /* TCPWHY_CRAFT_WRITER_H */
