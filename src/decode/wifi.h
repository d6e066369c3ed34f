/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TCPWHY_DECODE_WIFI_H
#define TCPWHY_DECODE_WIFI_H

#include "decode/walk.h"

/* What captures put in front of an 802.11 frame. Return: what comes next. */

/* Source: https://www.radiotap.org; LINKTYPE_IEEE802_11_RADIOTAP. */
enum layer radiotap_decode(struct walk *walk);

/* Per-packet information around any link type. Source: LINKTYPE_PPI. */
enum layer ppi_decode(struct walk *walk);

/* Source: LINKTYPE_IEEE802_11_PRISM; a few drivers write the AVS header under this number. */
enum layer prism_decode(struct walk *walk);

/* Source: LINKTYPE_IEEE802_11_AVS. */
enum layer avs_decode(struct walk *walk);

/* 802.11 with the two bytes of frame control the other way round, as some controllers send it. */
enum layer wifi_swapped_decode(struct walk *walk);

#endif /* TCPWHY_DECODE_WIFI_H */
