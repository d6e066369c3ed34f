/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TCPWHY_DECODE_UDP_H
#define TCPWHY_DECODE_UDP_H

#include "decode/walk.h"

/*
 * Tunnels in UDP. Each looks whether the bytes make sense as its header, because a port alone
 * proves nothing; when not, the datagram is counted as DECODE_NOT_TCP. Return: what comes next.
 */
enum layer vxlan_decode(struct walk *walk);
enum layer vxlan_gpe_decode(struct walk *walk);
enum layer geneve_decode(struct walk *walk);
enum layer gtp_decode(struct walk *walk);
enum layer teredo_decode(struct walk *walk);
enum layer ayiya_decode(struct walk *walk);
enum layer lisp_decode(struct walk *walk);
enum layer gre_in_udp_decode(struct walk *walk);
enum layer mpls_in_udp_decode(struct walk *walk);
enum layer l2tp_decode(struct walk *walk);
enum layer tzsp_decode(struct walk *walk);
enum layer capwap_decode(struct walk *walk);

/* A datagram of samples: each is read on its own, and may give a segment. */
enum layer sflow_decode(struct walk *walk);

#endif /* TCPWHY_DECODE_UDP_H */
