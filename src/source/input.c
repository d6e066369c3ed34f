/* SPDX-License-Identifier: BSD-2-Clause */
#include "source/input.h"

#include <inttypes.h>

#define CAPTURED_MOST 262144

/* Link types whose packets may be longer. */
static const struct {
	uint16_t link_type;
	uint32_t bytes;
} longer[] = {
	{ 189, UINT32_C(128) << 20 }, /* USB_LINUX */
	{ 220, UINT32_C(128) << 20 }, /* USB_LINUX_MMAPPED */
	{ 231, UINT32_C(128) << 20 }, /* DBUS */
	{ 249, UINT32_C(128) << 20 }, /* USBPCAP */
	{ 279, UINT32_C(8) << 20 },   /* EBHSCR */
};
#define LONGER (sizeof(longer) / sizeof(longer[0]))

uint32_t captured_bytes_most(uint16_t link_type)
{
	for (size_t i = 0; i < LONGER; i++)
		if (longer[i].link_type == link_type)
			return longer[i].bytes;
	return CAPTURED_MOST;
}

static void add_place(const struct input *input, struct err *err)
{
	uint64_t offset = stream_offset(&input->stream);

	if (input->packets == 0)
		err_at(err, "%s, byte %" PRIu64, input->name, offset);
	else
		err_at(err, "%s, after packet %" PRIu64 ", byte %" PRIu64, input->name,
		       input->packets, offset);
}

bool input_damaged(const struct input *input, struct err *err)
{
	add_place(input, err);
	if (err && err->kind == ERR_INPUT) {
		if (input->packets == 0)
			err_fix(err, "the file is damaged or no capture; copy it again");
		else
			err_fix(err, "the file is damaged from here; what came before was read");
	}
	return false;
}

bool input_cut(const struct input *input, const char *inside, uint64_t missing_bytes,
	       struct err *err)
{
	if (input->stream.failed.kind != ERR_NONE) {
		const struct err *failed = &input->stream.failed;

		err_set(err, failed->kind, "%s", failed->what);
		if (failed->fix[0] != '\0')
			err_fix(err, "%s", failed->fix);
	} else {
		err_set(err, ERR_INPUT, "the input ends inside %s; %" PRIu64 " bytes are missing",
			inside, missing_bytes);
		err_fix(err, "the file was cut off or is still being written; the rest was read");
	}
	return input_damaged(input, err);
}

bool input_too_long(const struct input *input, uint32_t captured_bytes, uint32_t most,
		    struct err *err)
{
	err_set(err, ERR_INPUT,
		"packet %" PRIu64 " claims %" PRIu32 " captured bytes; the limit is %" PRIu32,
		input->packets + 1, captured_bytes, most);
	return input_damaged(input, err);
}
