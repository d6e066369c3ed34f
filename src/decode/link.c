/* SPDX-License-Identifier: BSD-2-Clause */
#include "decode/link.h"

#include "decode/cooked.h"
#include "decode/local_link.h"
#include "decode/ppp.h"
#include "decode/wifi.h"

static enum layer ethernet_begin(struct walk *walk)
{
	(void)walk;
	return LAYER_ETHERNET;
}

static enum layer ip_begin(struct walk *walk)
{
	(void)walk;
	return LAYER_IP;
}

static enum layer llc_begin(struct walk *walk)
{
	(void)walk;
	return LAYER_LLC;
}

/* Numbers and names: the tcpdump group's registry, https://www.tcpdump.org/linktypes.html */
static const struct link_kind kinds[] = {
	{ 0, "NULL", null_decode },
	{ 1, "ETHERNET", ethernet_begin },
	{ 6, "IEEE802_5", token_ring_decode },
	{ 7, "ARCNET_BSD", arcnet_bsd_decode },
	{ 8, "SLIP", slip_decode },
	{ 9, "PPP", ppp_decode },
	{ 10, "FDDI", fddi_decode },
	{ 12, "RAW (BSD)", ip_begin },
	{ 14, "RAW (OpenBSD)", ip_begin },
	{ 50, "PPP_HDLC", ppp_hdlc_decode },
	{ 51, "PPP_ETHER", pppoe_decode },
	{ 100, "ATM_RFC1483", llc_begin },
	{ 101, "RAW", ip_begin },
	{ 104, "C_HDLC", cisco_hdlc_decode },
	{ 105, "IEEE802_11", wifi_decode },
	{ 107, "FRELAY", frame_relay_decode },
	{ 108, "LOOP", null_decode },
	{ 109, "ENC", enc_decode },
	{ 113, "LINUX_SLL", sll_decode },
	{ 117, "PFLOG", pflog_decode },
	{ 119, "IEEE802_11_PRISM", prism_decode },
	{ 122, "IP_OVER_FC", ip_over_fc_decode },
	{ 127, "IEEE802_11_RADIOTAP", radiotap_decode },
	{ 129, "ARCNET_LINUX", arcnet_linux_decode },
	{ 138, "APPLE_IP_OVER_IEEE1394", firewire_decode },
	{ 163, "IEEE802_11_AVS", avs_decode },
	{ 166, "PPP_PPPD", ppp_with_direction_decode },
	{ 178, "JUNIPER_ETHER", juniper_ethernet_decode },
	{ 192, "PPI", ppi_decode },
	{ 204, "PPP_WITH_DIR", ppp_with_direction_decode },
	{ 226, "IPNET", ipnet_decode },
	{ 228, "IPV4", ip_begin },
	{ 229, "IPV6", ip_begin },
	{ 239, "NFLOG", nflog_decode },
	{ 240, "NETANALYZER", netanalyzer_decode },
	{ 241, "NETANALYZER_TRANSPARENT", netanalyzer_transparent_decode },
	{ 242, "IPOIB", ipoib_decode },
	{ 258, "PKTAP", pktap_decode },
	{ 274, "ETHERNET_MPACKET", mpacket_decode },
	{ 276, "LINUX_SLL2", sll2_decode },
};
#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

const struct link_kind *link_kind_find(uint32_t link_type)
{
	for (size_t i = 0; i < KINDS; i++)
		if (kinds[i].number == link_type)
			return &kinds[i];
	return NULL;
}

enum layer link_begin(struct walk *walk, uint32_t link_type)
{
	const struct link_kind *kind = link_kind_find(link_type);

	return kind ? kind->decode(walk) : walk_stop(walk, DECODE_LINK_UNKNOWN);
}

enum layer link_begin_inside(struct walk *walk, uint32_t link_type)
{
	if (walk->depth++ >= DECODE_NESTING_MOST)
		return walk_stop(walk, DECODE_TOO_DEEP);
	return link_begin(walk, link_type);
}
