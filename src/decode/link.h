/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TCPWHY_DECODE_LINK_H
#define TCPWHY_DECODE_LINK_H

#include <stdint.h>

#include "decode/walk.h"

/* A kind of link: one row per LINKTYPE_ number. To add one, add its row in link.c. */
struct link_kind {
	uint16_t number;			 /* LINKTYPE_, as files store it */
	const char *name;			 /* as the registry writes it, without LINKTYPE_ */
	enum layer (*decode)(struct walk *walk); /* takes its header off; returns what follows */
};

/* The row of a link type, static storage; NULL: not decoded. */
const struct link_kind *link_kind_find(uint32_t link_type);

#endif /* TCPWHY_DECODE_LINK_H */
