/* SPDX-License-Identifier: BSD-2-Clause */
#include "peers/wireshark_options.h"
#include "tcp/option.h"

#define TCP_HEADER_LEAST 20 /* without options. Source: RFC 9293, section 3.1 */

struct ws_options ws_options_of(const struct segment *seg)
{
	unsigned header = seg->header_bytes;

	return (struct ws_options){
		.in = cursor_over(seg->options, seg->options ? seg->options_bytes : 0),
		.left = header > TCP_HEADER_LEAST ? header - TCP_HEADER_LEAST : 0,
	};
}

enum ws_options_step ws_options_next(struct ws_options *options, struct ws_option *option)
{
	while (options->left) {
		struct cursor *in = &options->in;

		option->kind = cursor_u8(in);
		if (in->overrun)
			return WS_OPTIONS_CUT;
		if (option->kind == TCP_OPTION_END)
			return WS_OPTIONS_END;
		options->left--;
		if (option->kind == TCP_OPTION_NOP)
			continue;
		if (!options->left)
			return WS_OPTIONS_END;
		option->length = cursor_u8(in);
		if (in->overrun)
			return WS_OPTIONS_CUT;
		if (option->length < 2 || option->length - 1 > options->left)
			return WS_OPTIONS_END;
		options->left -= option->length - 1;
		option->in = *in;
		cursor_limit(&option->in, option->length - 2);
		option->whole = cursor_skip(in, option->length - 2);
		return WS_OPTIONS_ONE;
	}
	return WS_OPTIONS_END;
}
