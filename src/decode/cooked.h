/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TCPWHY_DECODE_COOKED_H
#define TCPWHY_DECODE_COOKED_H

#include "decode/walk.h"

/* Links whose real header a kernel or a capture program replaced by one of its own. */

/* An address family. Source: LINKTYPE_NULL, LINKTYPE_LOOP. */
enum layer null_decode(struct walk *walk);

/* Linux cooked capture, versions 1 and 2. Source: LINKTYPE_LINUX_SLL, LINKTYPE_LINUX_SLL2. */
enum layer sll_decode(struct walk *walk);
enum layer sll2_decode(struct walk *walk);

/* Linux netfilter log. Source: LINKTYPE_NFLOG. */
enum layer nflog_decode(struct walk *walk);

/* OpenBSD IPsec interface. Source: LINKTYPE_ENC. */
enum layer enc_decode(struct walk *walk);

/* OpenBSD packet filter log. Source: LINKTYPE_PFLOG. */
enum layer pflog_decode(struct walk *walk);

/* Darwin's header with the interface's name, around any link type. Source: LINKTYPE_PKTAP. */
enum layer pktap_decode(struct walk *walk);

/* Solaris IP observability. Source: LINKTYPE_IPNET. */
enum layer ipnet_decode(struct walk *walk);

#endif /* TCPWHY_DECODE_COOKED_H */
