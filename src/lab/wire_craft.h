/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TCPWHY_LAB_WIRE_CRAFT_H
#define TCPWHY_LAB_WIRE_CRAFT_H

#include "lab/run.h"

/* What the wire makes itself: changed, answered and injected segments (craft/). */

/* Learn a connection's numbers from a segment that @from sent. */
void wire_learn(struct run *run, const struct segment *seg, enum end from);

/* Send @seg on, changed as an edit rule says; @parcel: how it would have gone. */
void wire_edit(struct run *run, const struct rule *rule, const struct segment *seg,
	       const struct parcel *parcel);

/* Answer a segment of @from as a rule says. */
void wire_answer(struct run *run, const struct rule *rule, const struct segment *seg,
		 enum end from);

/* Put every injection that is due on its way; reboot what is due. */
void wire_inject_due(struct run *run);

/* wire.c: note a segment for conditions that count. Return: its index; SIZE_MAX: out of memory. */
size_t wire_note(struct run *run, const struct on_wire *segment);

/* wire.c: put a packet on its way; @packet is copied, @parcel's packet and order are not looked at
 */
void wire_put(struct run *run, const struct parcel *parcel, const uint8_t *packet);

#endif /* TCPWHY_LAB_WIRE_CRAFT_H */
