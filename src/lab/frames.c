/* SPDX-License-Identifier: BSD-2-Clause */
#include "lab/frames.h"

#include <stdlib.h>
#include <string.h>

#include "decode/decode.h"

#define CONNS_MOST 512

/* The numbers of one connection, as they are learnt. */
struct numbers {
	uint16_t client_port, server_port;
	struct ip_address client;
	bool known[ENDS], scaled[ENDS];
	struct seq isn[ENDS];
	uint8_t shift[ENDS];
};

struct reading {
	struct numbers conns[CONNS_MOST];
	size_t count;
};

static struct numbers *numbers_of(struct reading *reading, const struct traits *traits,
				  const struct ip_address *client)
{
	struct numbers *made;

	for (size_t i = reading->count; i-- > 0;) {
		struct numbers *own = &reading->conns[i];

		if (own->client_port == traits->client_port &&
		    own->server_port == traits->server_port &&
		    ip_address_equal(&own->client, client))
			return own;
	}
	/* More than fit: the last place serves, their numbers are then raw ones. */
	if (reading->count < CONNS_MOST)
		reading->count++;
	made = &reading->conns[reading->count - 1];
	*made = (struct numbers){ .client_port = traits->client_port,
				  .server_port = traits->server_port,
				  .client = *client };
	return made;
}

static void learn(struct numbers *numbers, const struct segment *seg, enum end from)
{
	enum end to = end_other(from);

	if (seg->flags & TCP_SYN) {
		/* The same addresses again: both ends' numbers are new. */
		if (!(seg->flags & TCP_ACK) && numbers->known[from] &&
		    !seq_equal(numbers->isn[from], seg->seq))
			numbers->known[to] = false;
		numbers->known[from] = true;
		numbers->isn[from] = seg->seq;
		numbers->scaled[from] = (seg->options_seen & TCP_HAS_WINDOW_SCALE) != 0;
		numbers->shift[from] = seg->window_scale;
	} else if (!numbers->known[from] && !(seg->flags & TCP_RST)) {
		numbers->known[from] = true;
		numbers->isn[from] = seq_add(seg->seq, (uint32_t)-1);
	}
	if (!numbers->known[to] && (seg->flags & TCP_ACK) && !(seg->flags & TCP_RST)) {
		numbers->known[to] = true;
		numbers->isn[to] = seq_add(seg->ack, (uint32_t)-1);
	}
}

static void tell(struct told_frame *told, const struct segment *seg, const struct numbers *numbers)
{
	enum end from = told->traits.from;
	bool syn = (seg->flags & TCP_SYN) != 0;
	int shift = syn ? 0
		    : numbers->scaled[from] && numbers->scaled[end_other(from)]
			    ? numbers->shift[from]
			    : 0;

	notation_of_segment(seg, numbers->isn[from], numbers->isn[end_other(from)], shift,
			    &told->said);
	told->said.from_server = from == END_SERVER;
}

bool told_frames_read(struct told_frames *told, const struct frame *frames, size_t count,
		      const struct ip_address *client)
{
	struct decoder *decoder = decoder_new(0);
	struct segment_batch *batch = malloc(sizeof(*batch));
	struct reading *reading = calloc(1, sizeof(*reading));

	*told = (struct told_frames){ .frames = calloc(count + 1, sizeof(told->frames[0])) };
	for (size_t i = 0; decoder && batch && reading && told->frames && i < count; i++) {
		const struct segment *seg = &batch->segments[0];
		struct told_frame *own = &told->frames[told->count];
		struct numbers *numbers;
		enum end from;

		decode_batch_begin(decoder, batch);
		decode_frame(decoder, &frames[i], batch);
		if (segment_has(seg, SEGMENT_NOT_TCP | SEGMENT_QUOTED))
			continue;
		/* Crafted segments may carry any address: the server's port is the lower one. */
		from = ip_address_equal(&seg->src, client) ? END_CLIENT
		       : ip_address_equal(&seg->dst, client) || seg->src_port < seg->dst_port
			       ? END_SERVER
			       : END_CLIENT;
		own->number = frames[i].number;
		own->time_ns = frames[i].time_ns;
		own->traits = traits_of(seg, from);
		numbers = numbers_of(reading, &own->traits,
				     from == END_CLIENT ? &seg->src : &seg->dst);
		learn(numbers, seg, from);
		tell(own, seg, numbers);
		told->count++;
	}

	bool ok = decoder && batch && reading && told->frames;

	decoder_free(decoder);
	free(batch);
	free(reading);
	return ok;
}

void told_frames_clear(struct told_frames *told)
{
	free(told->frames);
	*told = (struct told_frames){ .count = 0 };
}

static bool options_are(const struct notation *is, const struct notation *line)
{
	return is->option_bytes == line->option_bytes &&
	       memcmp(is->options, line->options, line->option_bytes) == 0;
}

bool told_frame_is(const struct told_frame *frame, const struct notation *line)
{
	const struct notation *is = &frame->said;
	uint8_t compared = line->flags & TCP_PSH ? 0xff : (uint8_t)~TCP_PSH;

	if (is->from_server != line->from_server ||
	    (is->flags & compared) != (line->flags & compared))
		return false;
	if (is->seq != line->seq || is->length != line->length)
		return false;
	if (line->said & SAID_ACK && is->ack != line->ack)
		return false;
	if (line->said & SAID_WINDOW && is->window != line->window)
		return false;
	if (line->said & SAID_TTL && is->ttl != line->ttl)
		return false;
	return !(line->said & SAID_OPTIONS) || options_are(is, line);
}

size_t told_frames_find(const struct told_frames *told, size_t from, const struct notation *line)
{
	for (size_t i = from; i < told->count; i++)
		if (told_frame_is(&told->frames[i], line))
			return i;
	return SIZE_MAX;
}

uint64_t told_frames_count(const struct told_frames *told, const struct pattern *pattern)
{
	uint64_t count = 0;

	for (size_t i = 0; i < told->count; i++)
		count += pattern_matches(pattern, &told->frames[i].traits);
	return count;
}
