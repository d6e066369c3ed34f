/* SPDX-License-Identifier: BSD-2-Clause */
#include <stddef.h>

#include "judge/icmp.h"

static const struct icmp_meaning meanings[] = {
	{ 4, 3, 0, "network unreachable", "ENETUNREACH" },
	{ 4, 3, 1, "host unreachable", "EHOSTUNREACH" },
	{ 4, 3, 2, "protocol unreachable", "ENOPROTOOPT" },
	{ 4, 3, 3, "port unreachable", "ECONNREFUSED" },
	{ 4, 3, 5, "source route failed", "EOPNOTSUPP" },
	{ 4, 3, 6, "network unknown", "ENETUNREACH" },
	{ 4, 3, 7, "host unknown", "EHOSTDOWN" },
	{ 4, 3, 8, "source host isolated", "ENONET" },
	{ 4, 3, 9, "network prohibited by an administrator", "ENETUNREACH" },
	{ 4, 3, 10, "host prohibited by an administrator", "EHOSTUNREACH" },
	{ 4, 3, 11, "network unreachable for this type of service", "ENETUNREACH" },
	{ 4, 3, 12, "host unreachable for this type of service", "EHOSTUNREACH" },
	{ 4, 3, 13, "prohibited by a filter", "EHOSTUNREACH" },
	{ 4, 3, 14, "host precedence violation", "EHOSTUNREACH" },
	{ 4, 3, 15, "precedence cut off", "EHOSTUNREACH" },
	{ 4, 11, 0, "time to live exceeded on the way", "EHOSTUNREACH" },
	{ 4, 11, 1, "fragments did not arrive in time", "EHOSTUNREACH" },
	{ 6, 1, 0, "no route to the destination", "ENETUNREACH" },
	{ 6, 1, 1, "prohibited by an administrator", "EACCES" },
	{ 6, 1, 2, "beyond the scope of the source address", "EHOSTUNREACH" },
	{ 6, 1, 3, "address unreachable", "EHOSTUNREACH" },
	{ 6, 1, 4, "port unreachable", "ECONNREFUSED" },
	{ 6, 1, 5, "source address not allowed", "EACCES" },
	{ 6, 1, 6, "route rejects the destination", "EACCES" },
	{ 6, 3, 0, "hop limit exceeded on the way", "EHOSTUNREACH" },
	{ 6, 3, 1, "fragments did not arrive in time", "EHOSTUNREACH" },
};

const struct icmp_meaning *icmp_meaning_find(uint8_t version, uint8_t type, uint8_t code)
{
	for (size_t i = 0; i < sizeof(meanings) / sizeof(meanings[0]); i++) {
		if (meanings[i].version == version && meanings[i].type == type &&
		    meanings[i].code == code)
			return &meanings[i];
	}
	return NULL;
}
