/* SPDX-License-Identifier: BSD-2-Clause */
#include "decode/link.h"

#include "decode/walk.h"

/* Address families that BSDs, Linux and Windows write in front of IPv6. Source: LINKTYPE_NULL. */
enum address_family {
	AF_IP4 = 2,
	AF_IP6_LINUX = 10,
	AF_IP6_WINDOWS = 23,
	AF_IP6_NETBSD = 24,
	AF_IP6_FREEBSD = 28,
	AF_IP6_DARWIN = 30,
};

static enum layer family_next(struct walk *walk, uint32_t family)
{
	switch (family) {
	case AF_IP4:
		return LAYER_IP4;
	case AF_IP6_LINUX:
	case AF_IP6_WINDOWS:
	case AF_IP6_NETBSD:
	case AF_IP6_FREEBSD:
	case AF_IP6_DARWIN:
		return LAYER_IP6;
	default:
		return walk_stop(walk, DECODE_NOT_IP);
	}
}

/* A family in the byte order of whoever captured: it is small, so the order shows. */
static enum layer null_decode(struct walk *walk)
{
	const uint8_t *b = walk_skip(walk, 4);

	if (!b)
		return walk_stop(walk, DECODE_LINK_CUT);
	if (be32_at(b) <= UINT16_MAX)
		return family_next(walk, be32_at(b));
	return family_next(walk, le32_at(b));
}

static enum layer ip_begin(struct walk *walk)
{
	(void)walk;
	return LAYER_IP;
}

static enum layer ethernet_begin(struct walk *walk)
{
	(void)walk;
	return LAYER_ETHERNET;
}

/* Linux cooked capture. Source: LINKTYPE_LINUX_SLL. */
static enum layer sll_decode(struct walk *walk)
{
	const uint8_t *b = walk_skip(walk, 16);

	if (!b)
		return walk_stop(walk, DECODE_LINK_CUT);
	return ethertype_next(walk, be16_at(b + 14));
}

/* Source: LINKTYPE_LINUX_SLL2. */
static enum layer sll2_decode(struct walk *walk)
{
	const uint8_t *b = walk_skip(walk, 20);

	if (!b)
		return walk_stop(walk, DECODE_LINK_CUT);
	return ethertype_next(walk, be16_at(b));
}

/* Numbers and names: the tcpdump group's registry, https://www.tcpdump.org/linktypes.html */
static const struct link_kind kinds[] = {
	{ 0, "NULL", null_decode },	  { 1, "ETHERNET", ethernet_begin },
	{ 12, "RAW (BSD)", ip_begin },	  { 14, "RAW (OpenBSD)", ip_begin },
	{ 101, "RAW", ip_begin },	  { 108, "LOOP", null_decode },
	{ 113, "LINUX_SLL", sll_decode }, { 228, "IPV4", ip_begin },
	{ 229, "IPV6", ip_begin },	  { 276, "LINUX_SLL2", sll2_decode },
};
#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

const struct link_kind *link_kind_find(uint16_t link_type)
{
	for (size_t i = 0; i < KINDS; i++)
		if (kinds[i].number == link_type)
			return &kinds[i];
	return NULL;
}

enum layer link_begin(struct walk *walk, uint16_t link_type)
{
	const struct link_kind *kind = link_kind_find(link_type);

	return kind ? kind->decode(walk) : walk_stop(walk, DECODE_LINK_UNKNOWN);
}
