/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TCPWHY_CRAFT_PCAP_H
#define TCPWHY_CRAFT_PCAP_H

#include <stddef.h>
#include <stdint.h>

#include "tcp/frame.h"

/**
 * pcap_craft() - Write frames as a pcap file with nanoseconds, in memory
 * @frames:  of one link type, in the order of the file
 * @bytes:   gets how long the file is
 *
 * Return: the file, owned by the caller (free()); NULL: out of memory.
 * Source: IETF draft-ietf-opsawg-pcap, sections 4 and 5 (magic 0xa1b23c4d), big-endian.
 */
uint8_t *pcap_craft(const struct frame *frames, size_t count, uint16_t link_type, size_t *bytes);

#endif /* TCPWHY_CRAFT_PCAP_H */
