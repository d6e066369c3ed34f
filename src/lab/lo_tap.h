/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TCPWHY_LAB_LO_TAP_H
#define TCPWHY_LAB_LO_TAP_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"

/* A tap on a host's own loopback link: what a host sends to itself passes no wire. */

/* Open it in the calling process's network namespace. Return: a non-blocking socket, owned by the
   caller; -1 with @err. Source: packet(7). */
int lo_tap_open(struct err *err);

/* Take an IP packet, each once. @time_ns: CLOCK_REALTIME as the kernel stamped it. Return: its
   bytes; 0 or -1: none is waiting. */
ssize_t lo_tap_receive(int tap, uint8_t *packet, size_t room, int64_t *time_ns);

#endif /* TCPWHY_LAB_LO_TAP_H */
