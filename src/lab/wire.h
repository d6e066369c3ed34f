/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TCPWHY_LAB_WIRE_H
#define TCPWHY_LAB_WIRE_H

#include "lab/run.h"

/* The wire between the two hosts: what the rules do to each packet. */

/* Take all packets that have left an end: record them, apply the rules. Return: how many. */
size_t wire_take(struct run *run);

/* Packets whose hold is over or whose time has come; crafted ones that are due: deliver the first
   of them, with a look at both kernels before and after. Return: whether there was one. */
bool wire_deliver(struct run *run);

/* When the wire wants to be asked again at the latest; INT64_MAX: only when something happens. */
int64_t wire_next_ns(const struct run *run);

/* Whether anything will still come by itself: delayed packets, injections that are due. */
bool wire_is_idle(const struct run *run);

/* Rules that never fired, conditions that never came: failures. */
void wire_check_rules(struct run *run);

void wire_clear(struct run *run);

/* Look at both ends' kernels and note it (kernel_log). */
void wire_look(struct run *run);

#endif /* TCPWHY_LAB_WIRE_H */
