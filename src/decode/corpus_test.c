/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Decodes the open captures beside the source tree (or in $TCPWHY_CORPUS).
 *
 *     corpus_test index ROOT    as many TCP headers per file as captures/INDEX.tsv counts
 *     corpus_test tshark ROOT   per frame the ports, sequence numbers and lengths that tshark 4.0
 *                               finds, over the captures and some of the probes
 *
 * ROOT is the root of the source tree.
 */
#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "decode/decode.h"
#include "source/source.h"

#define SKIPPED		77
#define SEGMENTS_COLUMN 8  /* of INDEX.tsv, from 0 */
#define WIRESHARK_QUOTE 16 /* bytes of a quoted header from which on Wireshark reads it */
#define ICMP_REDIRECT	5  /* whose quote Wireshark does not read */

/* What is kept of a segment. */
struct seen {
	uint64_t frame;
	uint32_t seq, payload_bytes;
	uint16_t src_port, dst_port;
	bool quoted;
	bool for_wireshark;   /* Wireshark gives it a stream */
	bool length_is_shown; /* and says how long it is */
};

struct seen_list {
	struct seen *items; /* owned */
	size_t count, room;
};

/* Owned by the caller. */
static char *path_of(const char *folder, const char *name)
{
	char *path;

	if (asprintf(&path, "%s/%s", folder, name) < 0)
		abort();
	return path;
}

static void seen_add(struct seen_list *list, const struct segment *seg)
{
	const unsigned without_length =
		SEGMENT_QUOTED | SEGMENT_FRAGMENT_ALONE | SEGMENT_OFFSET_LARGE | SEGMENT_HEADER_CUT;
	bool cut_v6 = (seg->what & SEGMENT_FRAGMENT_ALONE) && (seg->what & SEGMENT_IPV6);

	if (list->count == list->room) {
		list->room = list->room ? list->room * 2 : 1024;
		list->items = realloc(list->items, list->room * sizeof(*list->items));
		if (!list->items)
			abort();
	}
	list->items[list->count++] = (struct seen){
		.frame = seg->frame,
		.seq = seg->seq.raw,
		.payload_bytes = seg->payload_bytes,
		.src_port = seg->src_port,
		.dst_port = seg->dst_port,
		.quoted = seg->icmp != NULL,
		.for_wireshark =
			!cut_v6 && (!seg->icmp || (seg->icmp->quoted_bytes >= WIRESHARK_QUOTE &&
						   seg->icmp->type != ICMP_REDIRECT)),
		.length_is_shown = !(seg->what & without_length) &&
				   !(seg->encapsulation & SEGMENT_ENCAPSULATION_SAMPLED),
	};
}

static void decode_frames(struct decoder *decoder, struct source *src, struct seen_list *list)
{
	static struct segment_batch batch;
	static struct frame_batch frames;
	struct err err = { 0 };

	while (source_read(src, &frames, &err)) {
		for (unsigned i = 0; i < frames.count; i++) {
			decode_batch_begin(decoder, &batch);
			decode_frame(decoder, &frames.frames[i], &batch);
			for (unsigned k = 0; k < batch.count; k++)
				if (!(batch.segments[k].what & SEGMENT_NOT_TCP))
					seen_add(list, &batch.segments[k]);
		}
	}
}

/* The segments of a file, as far as it can be read. The list's items are the caller's. */
static struct seen_list decode_file(const char *path)
{
	struct seen_list list = { 0 };
	struct source_options options = { .paths = &path, .path_count = 1 };
	struct err err = { 0 };
	struct source *src = source_open(&options, &err);
	struct decoder *decoder = decoder_new(0);

	if (!decoder)
		abort();
	if (src)
		decode_frames(decoder, src, &list);
	decoder_free(decoder);
	source_free(src);
	return list;
}

/* Cut column @index out of a line, in place; NULL: it has fewer. */
static char *column(char *line, unsigned index)
{
	for (; index > 0 && line; index--) {
		line = strchr(line, '\t');
		line = line ? line + 1 : NULL;
	}
	if (line)
		line[strcspn(line, "\t\n")] = '\0';
	return line;
}

static int index_check(const char *captures)
{
	char *index = path_of(captures, "INDEX.tsv");
	FILE *file = fopen(index, "r");
	char line[4096];
	int failed = 0, checked = 0;

	free(index);
	if (!file || !fgets(line, sizeof(line), file)) { /* the heading */
		if (file)
			fclose(file);
		printf("no INDEX.tsv in %s: skipped\n", captures);
		return SKIPPED;
	}
	while (fgets(line, sizeof(line), file)) {
		char *expected = column(line, SEGMENTS_COLUMN);
		char *path = path_of(captures, column(line, 0));
		struct seen_list list = decode_file(path);
		uint64_t own = 0;

		for (size_t i = 0; i < list.count; i++)
			own += !list.items[i].quoted;
		if (!expected || own != strtoull(expected, NULL, 10)) {
			printf("%s: %" PRIu64 " TCP headers, the index counts %s\n", path, own,
			       expected ? expected : "nothing");
			failed++;
		}
		checked++;
		free(list.items);
		free(path);
	}
	fclose(file);
	printf("%d files, %d failed\n", checked, failed);
	return failed || !checked;
}

/* The next of numbers with commas between them; false at the end. */
static bool number_next(char **at, uint64_t *value)
{
	char *rest;

	if (!*at || **at < '0' || **at > '9')
		return false;
	*value = strtoull(*at, &rest, 10);
	*at = *rest == ',' ? rest + 1 : rest;
	return true;
}

/* A column of one frame: each number against that of a segment; @shown: how many had to be. */
static bool numbers_agree(char *text, const struct seen *const *own, size_t count,
			  uint64_t (*value_of)(const struct seen *seen))
{
	uint64_t value;
	size_t at = 0;

	while (number_next(&text, &value)) {
		if (at == count || value_of(own[at]) != value)
			return false;
		at++;
	}
	return at == count;
}

static uint64_t src_port_of(const struct seen *seen)
{
	return seen->src_port;
}

static uint64_t dst_port_of(const struct seen *seen)
{
	return seen->dst_port;
}

static uint64_t seq_of_seen(const struct seen *seen)
{
	return seen->seq;
}

static uint64_t length_of(const struct seen *seen)
{
	return seen->payload_bytes;
}

/* One line of tshark: frame, stream, source port, destination port, sequence number, length. */
static bool frame_agrees(char *line, const struct seen *const *own, size_t count)
{
	char *length = column(line, 5), *seq = column(line, 4);
	char *dst_port = column(line, 3), *src_port = column(line, 2);
	bool shown = true, quoted = false;

	for (size_t i = 0; i < count; i++) {
		shown &= own[i]->length_is_shown;
		quoted |= own[i]->quoted;
	}
	return numbers_agree(src_port, own, count, src_port_of) &&
	       numbers_agree(dst_port, own, count, dst_port_of) &&
	       (quoted || numbers_agree(seq, own, count, seq_of_seen)) &&
	       (!shown || numbers_agree(length, own, count, length_of));
}

/* The segments of a frame that Wireshark gives a stream, from @at on. */
static size_t frame_take(const struct seen_list *list, size_t *at, uint64_t frame,
			 const struct seen *own[static SEGMENT_FRAME_MOST])
{
	size_t count = 0;

	for (; *at < list->count && list->items[*at].frame <= frame; (*at)++)
		if (list->items[*at].for_wireshark && list->items[*at].frame == frame)
			own[count++] = &list->items[*at];
	return count;
}

/* How many frames have a segment that Wireshark gives a stream. */
static uint64_t frames_with_segments(const struct seen_list *list)
{
	uint64_t last = 0, frames = 0;

	for (size_t i = 0; i < list->count; i++) {
		if (list->items[i].for_wireshark && list->items[i].frame != last) {
			last = list->items[i].frame;
			frames++;
		}
	}
	return frames;
}

static bool tshark_agrees(const char *path)
{
	const struct seen *own[SEGMENT_FRAME_MOST];
	struct seen_list list = decode_file(path);
	char *command, line[65536];
	uint64_t frames = 0, wrong = 0;
	size_t at = 0;
	FILE *from;

	if (asprintf(&command,
		     "tshark -n -r '%s' -Y tcp.stream -T fields -E occurrence=a -E aggregator=, "
		     "-e frame.number -e tcp.stream -e tcp.srcport -e tcp.dstport -e tcp.seq_raw "
		     "-e tcp.len 2>/dev/null",
		     path) < 0)
		abort();
	from = popen(command, "r");
	while (from && fgets(line, sizeof(line), from)) {
		uint64_t frame = strtoull(line, NULL, 10);
		size_t count = frame_take(&list, &at, frame, own);

		frames++;
		if (!frame_agrees(line, own, count) && wrong++ < 3)
			printf("%s: frame %" PRIu64 " differs\n", path, frame);
	}
	if (from)
		pclose(from);
	if (frames != frames_with_segments(&list)) {
		printf("%s: %" PRIu64 " frames with TCP, tshark has %" PRIu64 "\n", path,
		       frames_with_segments(&list), frames);
		wrong++;
	}
	free(command);
	free(list.items);
	return wrong == 0;
}

static bool tshark_is_4_0(void)
{
	FILE *from = popen("tshark --version 2>/dev/null", "r");
	char line[256] = "";
	bool found = from && fgets(line, sizeof(line), from) && strstr(line, ") 4.0.");

	if (from)
		pclose(from);
	return found;
}

static int is_capture(const struct dirent *entry)
{
	return entry->d_name[0] != '.' && !strstr(entry->d_name, ".md") &&
	       !strstr(entry->d_name, ".tsv") && !strstr(entry->d_name, ".txt");
}

/* The probes about what reaches Wireshark's analysis; the others are alike below TCP. */
static int is_probe(const struct dirent *entry)
{
	return entry->d_name[0] == 'i' && is_capture(entry);
}

static int folder_check(const char *folder, int (*wanted)(const struct dirent *entry), int *checked)
{
	struct dirent **entries;
	int count = scandir(folder, &entries, wanted, alphasort);
	int failed = 0;

	for (int i = 0; i < count; i++) {
		char *path = path_of(folder, entries[i]->d_name);

		failed += !tshark_agrees(path);
		(*checked)++;
		free(path);
		free(entries[i]);
	}
	if (count >= 0)
		free(entries);
	return failed;
}

static int tshark_check(const char *captures, const char *probes)
{
	int checked = 0, failed;

	if (!tshark_is_4_0()) {
		printf("no tshark 4.0 here: skipped\n");
		return SKIPPED;
	}
	failed = folder_check(captures, is_capture, &checked) +
		 folder_check(probes, is_probe, &checked);
	printf("%d files, %d failed\n", checked, failed);
	if (checked == 0)
		return SKIPPED;
	return failed != 0;
}

int main(int argc, char **argv)
{
	const char *corpus =
		getenv("TCPWHY_CORPUS"); /* NOLINT(concurrency-mt-unsafe): one thread */
	char *shared, *captures, *probes;
	int status;

	if (argc != 3)
		return 2;
	shared = corpus ? path_of(corpus, ".") : path_of(argv[2], "../shared");
	captures = path_of(shared, "captures");
	probes = path_of(shared, "probes/ws40");
	status = strcmp(argv[1], "index") == 0 ? index_check(captures)
					       : tshark_check(captures, probes);
	free(probes);
	free(captures);
	free(shared);
	return status;
}
