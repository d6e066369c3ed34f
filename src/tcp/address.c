/* SPDX-License-Identifier: BSD-2-Clause */
#include "tcp/address.h"

#include <arpa/inet.h>
#include <string.h>

#include "base/cursor.h"
#include "base/digits.h"

#define GROUPS 8 /* of 16 bits in an IPv6 address */

/* Without zeros in front, in lower case. Return: behind it. */
static char *put_group(char *at, unsigned group)
{
	static const char digits[16] = { "0123456789abcdef" };

	for (int shift = 12; shift > 0; shift -= 4) {
		if (group >> shift)
			*at++ = digits[group >> shift & 0xf];
	}
	*at++ = digits[group & 0xf];
	return at;
}

/* The longest run of zero groups, the first of several: that "::" stands for. Return: how many; 0:
   none of two or more. */
static unsigned zeros_longest(const unsigned groups[static GROUPS], unsigned *first)
{
	unsigned longest = 1;

	for (unsigned at = 0; at < GROUPS; at++) {
		unsigned count = 0;

		while (at + count < GROUPS && groups[at + count] == 0)
			count++;
		if (count > longest) {
			longest = count;
			*first = at;
		}
		at += count;
	}
	return longest > 1 ? longest : 0;
}

/* Source: RFC 5952, section 4. Return: the place of the final NUL. */
static char *print_v6(const struct ip_address *address, char *text)
{
	unsigned groups[GROUPS], first = GROUPS;

	for (unsigned i = 0; i < GROUPS; i++)
		groups[i] = be16_at(address->bytes + 2 * (size_t)i);
	unsigned zeros = zeros_longest(groups, &first);

	/* Few begin like this, and the end of some is written as IPv4: section 5. */
	if (first == 0 && zeros > 5) {
		inet_ntop(AF_INET6, address->bytes, text, ADDRESS_TEXT_BYTES);
		return text + strlen(text);
	}
	for (unsigned i = 0; i < GROUPS; i++) {
		if (i == first) {
			*text++ = ':';
			i += zeros - 1;
			if (i == GROUPS - 1)
				*text++ = ':';
			continue;
		}
		if (i > 0)
			*text++ = ':';
		text = put_group(text, groups[i]);
	}
	*text = '\0';
	return text;
}

/* Return: the place of the final NUL. */
static char *print(const struct ip_address *address, char text[static ADDRESS_TEXT_BYTES])
{
	if (!ip_address_is_v4(address))
		return print_v6(address, text);
	for (int i = 12; i < 16; i++) {
		text = digits_put(text, address->bytes[i]);
		*text++ = '.';
	}
	*--text = '\0';
	return text;
}

void ip_address_print(const struct ip_address *address, char text[static ADDRESS_TEXT_BYTES])
{
	print(address, text);
}

void ip_address_port_print(const struct ip_address *address, uint16_t port,
			   char text[static ADDRESS_PORT_TEXT_BYTES])
{
	bool v4 = ip_address_is_v4(address);

	if (!v4)
		*text++ = '[';
	text = print(address, text);
	if (!v4)
		*text++ = ']';
	*text++ = ':';
	*digits_put(text, port) = '\0';
}

bool ip_address_parse(const char *text, size_t length, struct ip_address *address)
{
	char host[ADDRESS_TEXT_BYTES];
	uint8_t four[4];

	if (length >= sizeof(host))
		return false;
	memcpy(host, text, length);
	host[length] = '\0';
	if (inet_pton(AF_INET, host, four) == 1) {
		*address = ip_address_v4(four);
		return true;
	}
	return inet_pton(AF_INET6, host, address->bytes) == 1;
}

static bool port_parse(const char *text, size_t length, uint16_t *port)
{
	unsigned value = 0;

	if (length == 0 || length > 5)
		return false;
	for (size_t i = 0; i < length; i++) {
		if (text[i] < '0' || text[i] > '9')
			return false;
		value = value * 10 + (unsigned)(text[i] - '0');
	}
	*port = (uint16_t)value;
	return value <= UINT16_MAX;
}

bool ip_address_port_parse(const char *text, size_t length, struct ip_address *address,
			   uint16_t *port)
{
	size_t colon = length;

	while (colon > 0 && text[colon - 1] != ':')
		colon--;
	if (colon == 0 || !port_parse(text + colon, length - colon, port))
		return false;

	size_t host = colon - 1;

	if (host >= 2 && text[0] == '[' && text[host - 1] == ']')
		return ip_address_parse(text + 1, host - 2, address) && !ip_address_is_v4(address);
	return ip_address_parse(text, host, address) && ip_address_is_v4(address);
}
