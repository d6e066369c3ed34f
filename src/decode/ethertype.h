/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TCPWHY_DECODE_ETHERTYPE_H
#define TCPWHY_DECODE_ETHERTYPE_H

#include <stdbool.h>
#include <stdint.h>

/* What an Ethernet frame holds. Source: IEEE, "EtherType" registry. */
enum ethertype {
	ETHERTYPE_IP4 = 0x0800,
	ETHERTYPE_ETHERNET = 0x6558, /* a whole frame again */
	ETHERTYPE_VLAN = 0x8100,
	ETHERTYPE_IP6 = 0x86dd,
	ETHERTYPE_PPP = 0x880b,
	ETHERTYPE_MPLS = 0x8847,
	ETHERTYPE_MPLS_UPSTREAM = 0x8848,
	ETHERTYPE_PPPOE_SESSION = 0x8864,
	ETHERTYPE_JUMBO_LLC = 0x8870,
	ETHERTYPE_SERVICE_VLAN = 0x88a8,
	ETHERTYPE_MACSEC = 0x88e5,
	ETHERTYPE_SERVICE_INSTANCE = 0x88e7,
	ETHERTYPE_FABRICPATH = 0x8903,
	ETHERTYPE_VNTAG = 0x8926,
	ETHERTYPE_HSR = 0x892f,
	ETHERTYPE_NSH = 0x894f,
	ETHERTYPE_QINQ_OLD = 0x9100,
};

/* Whether a type is known not to lead to IP: address resolution, link control, storage, ... */
bool ethertype_is_without_ip(uint16_t type);

/* Whether it is any type named here: used where only the type shows that something is Ethernet. */
bool ethertype_is_known(uint16_t type);

#endif /* TCPWHY_DECODE_ETHERTYPE_H */
