/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TCPWHY_CRAFT_PCAPNG_H
#define TCPWHY_CRAFT_PCAPNG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tcp/frame.h"

/* One interface of a capture to be written. */
struct pcapng_interface {
	const char *name;	 /* "client" */
	const char *description; /* NULL: none */
	uint16_t link_type;	 /* LINKTYPE_ number */
	int64_t end_ns;		 /* when its recording ended; TIME_NONE: no statistics block */
	uint64_t dropped;	 /* for that block */
};

/* A capture to be written: nanosecond time stamps. All borrowed. */
struct pcapng {
	const char *application; /* who wrote it */
	const char *comment;	 /* on the section: what this is; NULL: none */
	const struct pcapng_interface *interfaces;
	size_t interface_count;
	const struct frame *frames;  /* frame.interface counts in interfaces */
	const char *const *comments; /* one per frame, NULL: none; or NULL */
	size_t frame_count;
};

/**
 * pcapng_craft() - Write a capture in memory
 * @bytes:  gets how long it is
 *
 * Return: the file, owned by the caller (free()); NULL: out of memory.
 * Source: IETF draft-ietf-opsawg-pcapng, sections 3.5 and 4.1 to 4.5; big-endian.
 */
uint8_t *pcapng_craft(const struct pcapng *capture, size_t *bytes);

#endif /* TCPWHY_CRAFT_PCAPNG_H */
