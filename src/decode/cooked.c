/* SPDX-License-Identifier: BSD-2-Clause */
#include "decode/cooked.h"

/* Address families as BSDs, Linux and Windows number them. Source: LINKTYPE_NULL. */
enum address_family {
	AF_IP4 = 2,
	AF_IP6_LINUX = 10,
	AF_IP6_WINDOWS = 23,
	AF_IP6_NETBSD = 24,
	AF_IP6_SOLARIS = 26,
	AF_IP6_FREEBSD = 28,
	AF_IP6_DARWIN = 30,
};

#define ETHERTYPE_LEAST 0x0600

static enum layer family_next(struct walk *walk, uint32_t family)
{
	switch (family) {
	case AF_IP4:
		return LAYER_IP4;
	case AF_IP6_LINUX:
	case AF_IP6_WINDOWS:
	case AF_IP6_NETBSD:
	case AF_IP6_SOLARIS:
	case AF_IP6_FREEBSD:
	case AF_IP6_DARWIN:
		return LAYER_IP6;
	default:
		return walk_stop(walk, DECODE_NOT_IP);
	}
}

/*
 * The family stands in the byte order of whoever captured; it is small, so the order shows. Some
 * programs write an EtherType instead.
 */
enum layer null_decode(struct walk *walk)
{
	const uint8_t *b = walk_skip(walk, 4);
	uint32_t family;

	if (!b)
		return walk_stop(walk, DECODE_LINK_CUT);
	family = be32_at(b) <= UINT16_MAX ? be32_at(b) : le32_at(b);
	if (family >= ETHERTYPE_LEAST && family <= UINT16_MAX)
		return ethertype_next(walk, (uint16_t)family);
	return family_next(walk, family);
}

/* Protocols of cooked captures that are no EtherTypes. Source: LINKTYPE_LINUX_SLL. */
enum sll_protocol {
	SLL_LLC = 0x0004,
};

/* ARPHRD_ numbers: the kind of device. */
enum sll_device {
	SLL_DEVICE_WIFI = 801,
	SLL_DEVICE_RADIOTAP = 803,
	SLL_DEVICE_NETLINK = 824,
};
#define LINKTYPE_RADIOTAP 127

static enum layer sll_next(struct walk *walk, uint16_t device, uint16_t protocol)
{
	switch (device) {
	case SLL_DEVICE_WIFI:
		return LAYER_WIFI;
	case SLL_DEVICE_RADIOTAP:
		return link_begin_inside(walk, LINKTYPE_RADIOTAP);
	case SLL_DEVICE_NETLINK:
		return walk_stop(walk, DECODE_NOT_IP);
	default:
		break;
	}
	if (protocol == SLL_LLC)
		return LAYER_LLC;
	if (protocol < ETHERTYPE_LEAST)
		return walk_stop(walk, DECODE_NOT_IP);
	return ethertype_next(walk, protocol);
}

enum layer sll_decode(struct walk *walk)
{
	const uint8_t *b = walk_skip(walk, 16);

	if (!b)
		return walk_stop(walk, DECODE_LINK_CUT);
	return sll_next(walk, be16_at(b + 2), be16_at(b + 14));
}

enum layer sll2_decode(struct walk *walk)
{
	const uint8_t *b = walk_skip(walk, 20);

	if (!b)
		return walk_stop(walk, DECODE_LINK_CUT);
	return sll_next(walk, be16_at(b + 8), be16_at(b));
}

#define NFLOG_PAYLOAD	   9 /* type of the value that holds the packet */
#define NFLOG_VALUE_HEADER 4

/* Types and lengths stand in the byte order of the host: a length must be small and fit. */
static void nflog_value_read(const struct walk *walk, const uint8_t b[static 4], uint16_t *bytes,
			     uint16_t *type)
{
	*bytes = le16_at(b);
	*type = le16_at(b + 2);
	if (*bytes >= NFLOG_VALUE_HEADER && *bytes <= walk->wire_bytes + NFLOG_VALUE_HEADER)
		return;
	*bytes = be16_at(b);
	*type = be16_at(b + 2);
}

enum layer nflog_decode(struct walk *walk)
{
	const uint8_t *b = walk_skip(walk, 4);
	uint8_t family = b ? b[0] : 0;
	uint16_t bytes, type;

	while (b) {
		b = walk_skip(walk, NFLOG_VALUE_HEADER);
		if (!b)
			break;
		nflog_value_read(walk, b, &bytes, &type);
		if (bytes < NFLOG_VALUE_HEADER)
			return walk_stop(walk, DECODE_ENCAPSULATION_UNKNOWN);
		bytes = (uint16_t)(bytes - NFLOG_VALUE_HEADER);
		if (type == NFLOG_PAYLOAD) {
			walk_limit(walk, bytes);
			return family_next(walk, family);
		}
		b = walk_skip(walk, (bytes + 3u) / 4u * 4u);
	}
	return walk_stop(walk, DECODE_LINK_CUT);
}

#define ENC_HEADER_BYTES 12

enum layer enc_decode(struct walk *walk)
{
	const uint8_t *b = walk_skip(walk, ENC_HEADER_BYTES);

	if (!b)
		return walk_stop(walk, DECODE_LINK_CUT);
	return family_next(walk, be32_at(b) <= UINT16_MAX ? be32_at(b) : le32_at(b));
}

enum layer pflog_decode(struct walk *walk)
{
	const uint8_t *b = cursor_peek(&walk->in, 0, 2);

	if (!b || !walk_skip(walk, (b[0] + 3u) / 4u * 4u))
		return walk_stop(walk, DECODE_LINK_CUT);
	return family_next(walk, b[1]);
}

enum layer pktap_decode(struct walk *walk)
{
	const uint8_t *b = cursor_peek(&walk->in, 0, 12);

	if (!b || !walk_skip(walk, le32_at(b)))
		return walk_stop(walk, DECODE_LINK_CUT);
	return link_begin_inside(walk, le32_at(b + 8));
}

#define IPNET_HEADER_BYTES 24

enum layer ipnet_decode(struct walk *walk)
{
	const uint8_t *b = walk_skip(walk, IPNET_HEADER_BYTES);

	if (!b)
		return walk_stop(walk, DECODE_LINK_CUT);
	return family_next(walk, b[1]);
}
