/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TCPWHY_DECODE_LOCAL_LINK_H
#define TCPWHY_DECODE_LOCAL_LINK_H

#include "decode/walk.h"

/* Local networks other than Ethernet, and Ethernet with something in front. */

/* Source: LINKTYPE_FDDI; ANSI X3.139. */
enum layer fddi_decode(struct walk *walk);

/* Source: LINKTYPE_IEEE802_5. */
enum layer token_ring_decode(struct walk *walk);

/* Source: LINKTYPE_ARCNET_BSD, LINKTYPE_ARCNET_LINUX; RFC 1051, RFC 1201. */
enum layer arcnet_bsd_decode(struct walk *walk);
enum layer arcnet_linux_decode(struct walk *walk);

/* IP over IEEE 1394 as Apple captures it. Source: LINKTYPE_APPLE_IP_OVER_IEEE1394. */
enum layer firewire_decode(struct walk *walk);

/* Source: LINKTYPE_IP_OVER_FC; RFC 2625. */
enum layer ip_over_fc_decode(struct walk *walk);

/* Ethernet with Juniper's header. Source: LINKTYPE_JUNIPER_ETHER. */
enum layer juniper_ethernet_decode(struct walk *walk);

/* Ethernet with its preamble. Source: LINKTYPE_ETHERNET_MPACKET; IEEE 802.3br. */
enum layer mpacket_decode(struct walk *walk);

/* Ethernet with the header of a Hilscher analyzer, without and with the preamble.
 * Source: LINKTYPE_NETANALYZER, LINKTYPE_NETANALYZER_TRANSPARENT. */
enum layer netanalyzer_decode(struct walk *walk);
enum layer netanalyzer_transparent_decode(struct walk *walk);

/* IP over InfiniBand. Source: LINKTYPE_IPOIB; RFC 4391, section 6. */
enum layer ipoib_decode(struct walk *walk);

#endif /* TCPWHY_DECODE_LOCAL_LINK_H */
