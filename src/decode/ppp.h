/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TCPWHY_DECODE_PPP_H
#define TCPWHY_DECODE_PPP_H

#include "decode/walk.h"

/* Serial links whose frames begin otherwise than with PPP's protocol. Return: what comes next. */

/* PPP or Cisco's framing, told apart by the first byte. Source: LINKTYPE_PPP_HDLC. */
enum layer ppp_hdlc_decode(struct walk *walk);

/* Cisco's framing: address, control, an EtherType. Source: LINKTYPE_C_HDLC. */
enum layer cisco_hdlc_decode(struct walk *walk);

/* One byte for the direction, then PPP. Source: LINKTYPE_PPP_WITH_DIR. */
enum layer ppp_with_direction_decode(struct walk *walk);

/* Source: LINKTYPE_FRELAY; RFC 2427; RFC 1490. */
enum layer frame_relay_decode(struct walk *walk);

/* Serial line IP with the header that captures put in front. Source: LINKTYPE_SLIP. */
enum layer slip_decode(struct walk *walk);

#endif /* TCPWHY_DECODE_PPP_H */
