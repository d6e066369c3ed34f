/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TCPWHY_SOURCE_PCAP_H
#define TCPWHY_SOURCE_PCAP_H

#include "source/input.h"

extern const struct source_ops source_pcap;

#endif /* TCPWHY_SOURCE_PCAP_H */
