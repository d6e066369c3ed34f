/* SPDX-License-Identifier: BSD-2-Clause */
#include "track/note.h"

#include <assert.h>

static const char *const names[] = {
	"resent",
	"timer",
	"fast",
	"tail-probe",
	"spurious",
	"reordered",
	"fills-gap",
	"gap-before",
	"acks-unseen",
	"duplicate-ack",
	"keepalive",
	"keepalive-answer",
	"window-probe",
	"window-probe-answer",
	"zero-window",
	"window-update",
	"window-full",
	"capture-copy",
	"challenge-ack",
	"rst-accepted",
	"rst-ignored",
	"rst-challenged",
	"rst-after-close",
	"acks-fin",
	"handshake-ack",
	"illegal-flags",
	"syn-inside",
	"time-back",
	"after-close",
	"of-no-connection",
	"of-former-connection",
};
static_assert(sizeof(names) / sizeof(names[0]) == NOTE_COUNT, "a name per note");
static_assert(NOTE_PREVIOUS == 1u << (NOTE_COUNT - 1), "the last bit of enum note");

const char *note_name(unsigned bit)
{
	return bit < NOTE_COUNT ? names[bit] : "unknown";
}
