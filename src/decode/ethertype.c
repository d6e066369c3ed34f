/* SPDX-License-Identifier: BSD-2-Clause */
#include "decode/ethertype.h"

#include <stddef.h>

static const uint16_t without_ip[] = {
	0x0806, /* ARP */
	0x0842, /* wake on LAN */
	0x2000, /* Cisco discovery */
	0x22f0, /* AVTP */
	0x6002, /* DEC MOP */
	0x6003, /* DECnet */
	0x8035, /* RARP; Cisco's SLARP on serial lines */
	0x809b, /* AppleTalk */
	0x80f3, /* AppleTalk ARP */
	0x8137, /* IPX */
	0x8808, /* flow control */
	0x8809, /* slow protocols: LACP */
	0x8863, /* PPPoE discovery */
	0x887b, /* HomePlug */
	0x888e, /* EAPOL */
	0x8892, /* PROFINET */
	0x88a2, /* ATA over Ethernet */
	0x88a4, /* EtherCAT */
	0x88ab, /* Ethernet Powerlink */
	0x88b8, /* GOOSE */
	0x88b9, /* GSE */
	0x88ba, /* sampled values */
	0x88c7, /* 802.11 pre-authentication */
	0x88cc, /* LLDP */
	0x88e1, /* HomePlug AV */
	0x88f5, /* MVRP */
	0x88f6, /* MMRP */
	0x88f7, /* PTP */
	0x88fb, /* PRP supervision */
	0x8902, /* CFM */
	0x8906, /* FCoE */
	0x8914, /* FIP */
	0x8915, /* RoCE */
	0x8940, /* edge virtual bridging */
	0x9000, /* loopback test */
};

static const uint16_t towards_ip[] = {
	ETHERTYPE_IP4,		 ETHERTYPE_ETHERNET,	  ETHERTYPE_VLAN,
	ETHERTYPE_IP6,		 ETHERTYPE_PPP,		  ETHERTYPE_MPLS,
	ETHERTYPE_MPLS_UPSTREAM, ETHERTYPE_PPPOE_SESSION, ETHERTYPE_JUMBO_LLC,
	ETHERTYPE_SERVICE_VLAN,	 ETHERTYPE_MACSEC,	  ETHERTYPE_SERVICE_INSTANCE,
	ETHERTYPE_FABRICPATH,	 ETHERTYPE_VNTAG,	  ETHERTYPE_HSR,
	ETHERTYPE_NSH,		 ETHERTYPE_QINQ_OLD,
};

static bool among(const uint16_t *types, size_t count, uint16_t type)
{
	for (size_t i = 0; i < count; i++)
		if (types[i] == type)
			return true;
	return false;
}

bool ethertype_is_without_ip(uint16_t type)
{
	return among(without_ip, sizeof(without_ip) / sizeof(without_ip[0]), type);
}

bool ethertype_is_known(uint16_t type)
{
	return among(towards_ip, sizeof(towards_ip) / sizeof(towards_ip[0]), type) ||
	       ethertype_is_without_ip(type);
}
