/* SPDX-License-Identifier: BSD-2-Clause */
/* tcpwhy send [SEGMENT]: craft one TCP segment, explain its bytes, write it, send it. */
#include "cmd/send.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/options.h"
#include "base/time.h"
#include "cmd/cmd.h"
#include "craft/packet.h"
#include "craft/pcap.h"
#include "report/bytes.h"
#include "report/prose.h"
#include "tcp/address.h"

#define WAIT_MOST_NS (3600 * NSEC_PER_SEC)

static const struct option_choice checksums[] = {
	{ .name = "good", .value = SEND_SUM_GOOD, .help = "right" },
	{ .name = "bad", .value = SEND_SUM_BAD, .help = "wrong" },
	{ .name = "partial",
	  .value = SEND_SUM_PARTIAL,
	  .help = "only the pseudo header's sum, as left to the network card" },
};

static const struct option_choice ip_checksums[] = {
	{ .name = "good", .value = SEND_SUM_GOOD, .help = "right" },
	{ .name = "bad", .value = SEND_SUM_BAD, .help = "wrong" },
};

static const struct option_row rows[] = {
	{ .name = "write",
	  .letter = 'w',
	  .kind = OPTION_STRING,
	  .offset = offsetof(struct send_options, write),
	  .argument = "FILE",
	  .help = "write it to a pcap file (raw IP), with what came back; - is standard output, "
		  "which then holds nothing else" },
	{ .name = "to",
	  .kind = OPTION_STRING,
	  .offset = offsetof(struct send_options, to),
	  .argument = "ADDR:PORT",
	  .help = "really send it there, on a raw socket, and show what comes back; needs "
		  "CAP_NET_RAW" },
	{ .name = "wait",
	  .kind = OPTION_STRING,
	  .offset = offsetof(struct send_options, wait),
	  .argument = "SECONDS",
	  .preset_text = "1 second",
	  .help = "how long to listen after --to" },
	{ .name = "beyond-this-host",
	  .kind = OPTION_FLAG,
	  .offset = offsetof(struct send_options, beyond_this_host),
	  .help = "let --to or --src name an address that is not this host's own" },
	{ .name = "src",
	  .kind = OPTION_STRING,
	  .offset = offsetof(struct send_options, src),
	  .argument = "ADDR:PORT",
	  .preset_text = "as the notation; with --to this host's",
	  .help = "source" },
	{ .name = "dst",
	  .kind = OPTION_STRING,
	  .offset = offsetof(struct send_options, dst),
	  .argument = "ADDR:PORT",
	  .preset_text = "as the notation",
	  .help = "destination, for a segment that is not sent" },
	{ .name = "flags",
	  .kind = OPTION_STRING,
	  .offset = offsetof(struct send_options, flags),
	  .argument = "FLAGS",
	  .preset_text = "S",
	  .help = "control bits: letters of the notation (S. or - for none) or words (syn,ack)" },
	{ .name = "seq",
	  .kind = OPTION_INTEGER,
	  .offset = offsetof(struct send_options, seq),
	  .argument = "N",
	  .least = 0,
	  .most = UINT32_MAX,
	  .preset = SEND_UNSAID,
	  .preset_text = "",
	  .help = "sequence number, as it stands in the header" },
	{ .name = "ack",
	  .kind = OPTION_INTEGER,
	  .offset = offsetof(struct send_options, ack),
	  .argument = "N",
	  .least = 0,
	  .most = UINT32_MAX,
	  .preset = SEND_UNSAID,
	  .preset_text = "",
	  .help = "acknowledgment number, likewise; the ACK bit is set by --flags" },
	{ .name = "window",
	  .kind = OPTION_INTEGER,
	  .offset = offsetof(struct send_options, window),
	  .argument = "N",
	  .least = 0,
	  .most = UINT16_MAX,
	  .preset = SEND_UNSAID,
	  .preset_text = "",
	  .help = "window, as it stands in the header" },
	{ .name = "options",
	  .kind = OPTION_STRING,
	  .offset = offsetof(struct send_options, options),
	  .argument = "LIST",
	  .preset_text = "what Linux sends",
	  .help = "TCP options in the notation: 'mss 1460,sackok,ts 1 0,nop,ws 7', '' for none" },
	{ .name = "payload",
	  .kind = OPTION_STRING,
	  .offset = offsetof(struct send_options, payload),
	  .argument = "TEXT",
	  .help = "data; \\r \\n \\t \\\\ \\xHH are understood" },
	{ .name = "payload-hex",
	  .kind = OPTION_STRING,
	  .offset = offsetof(struct send_options, payload_hex),
	  .argument = "HEX",
	  .help = "data in hexadecimal" },
	{ .name = "payload-length",
	  .kind = OPTION_INTEGER,
	  .offset = offsetof(struct send_options, payload_length),
	  .argument = "N",
	  .least = 0,
	  .most = 65495,
	  .preset = SEND_UNSAID,
	  .preset_text = "",
	  .unit = "octets",
	  .help = "so much data, filled up with letters" },
	{ .name = "urgent",
	  .kind = OPTION_INTEGER,
	  .offset = offsetof(struct send_options, urgent),
	  .argument = "N",
	  .least = 0,
	  .most = UINT16_MAX,
	  .preset = SEND_UNSAID,
	  .preset_text = "",
	  .help = "urgent pointer" },
	{ .name = "reserved",
	  .kind = OPTION_INTEGER,
	  .offset = offsetof(struct send_options, reserved),
	  .argument = "N",
	  .least = 0,
	  .most = 7,
	  .preset = SEND_UNSAID,
	  .preset_text = "",
	  .help = "the 3 reserved bits" },
	{ .name = "doff",
	  .kind = OPTION_INTEGER,
	  .offset = offsetof(struct send_options, doff),
	  .argument = "BYTES",
	  .least = 0,
	  .most = 60,
	  .preset = SEND_UNSAID,
	  .preset_text = "",
	  .unit = "bytes",
	  .help = "header length, where it shall lie" },
	{ .name = "checksum",
	  .kind = OPTION_CHOICE,
	  .offset = offsetof(struct send_options, checksum),
	  .argument = "STATE",
	  .choices = checksums,
	  .choice_count = sizeof(checksums) / sizeof(checksums[0]),
	  .preset = SEND_UNSAID,
	  .preset_text = "good",
	  .help = "TCP checksum" },
	{ .name = "ttl",
	  .kind = OPTION_INTEGER,
	  .offset = offsetof(struct send_options, ttl),
	  .argument = "N",
	  .least = 0,
	  .most = 255,
	  .preset = SEND_UNSAID,
	  .preset_text = "64",
	  .help = "time to live, or hop limit" },
	{ .name = "ip-id",
	  .kind = OPTION_INTEGER,
	  .offset = offsetof(struct send_options, ip_id),
	  .argument = "N",
	  .least = 0,
	  .most = UINT16_MAX,
	  .preset = SEND_UNSAID,
	  .preset_text = "",
	  .help = "IPv4 identification" },
	{ .name = "tos",
	  .kind = OPTION_INTEGER,
	  .offset = offsetof(struct send_options, tos),
	  .argument = "N",
	  .least = 0,
	  .most = 255,
	  .preset = SEND_UNSAID,
	  .preset_text = "0",
	  .help = "type of service, or traffic class" },
	{ .name = "no-df",
	  .kind = OPTION_FLAG,
	  .offset = offsetof(struct send_options, no_df),
	  .help = "clear the IPv4 DF bit" },
	{ .name = "ip-length",
	  .kind = OPTION_INTEGER,
	  .offset = offsetof(struct send_options, ip_length),
	  .argument = "BYTES",
	  .least = 0,
	  .most = UINT16_MAX,
	  .preset = SEND_UNSAID,
	  .preset_text = "",
	  .unit = "bytes",
	  .help = "IPv4 total length or IPv6 payload length, where it shall lie" },
	{ .name = "ip-checksum",
	  .kind = OPTION_CHOICE,
	  .offset = offsetof(struct send_options, ip_checksum),
	  .argument = "STATE",
	  .choices = ip_checksums,
	  .choice_count = sizeof(ip_checksums) / sizeof(ip_checksums[0]),
	  .preset = SEND_UNSAID,
	  .preset_text = "good",
	  .help = "IPv4 header checksum" },
	{ .name = "isn",
	  .kind = OPTION_INTEGER,
	  .offset = offsetof(struct send_options, isn),
	  .argument = "N",
	  .least = 0,
	  .most = UINT32_MAX,
	  .preset = 0,
	  .help = "initial sequence number of the sender, for SEGMENT's relative numbers" },
	{ .name = "peer-isn",
	  .kind = OPTION_INTEGER,
	  .offset = offsetof(struct send_options, peer_isn),
	  .argument = "N",
	  .least = 0,
	  .most = UINT32_MAX,
	  .preset = 0,
	  .help = "of the receiver" },
	{ .name = "help",
	  .letter = 'h',
	  .kind = OPTION_HELP,
	  .offset = offsetof(struct send_options, help),
	  .help = "show this and end" },
};

static const struct option_table table = {
	.command = "tcpwhy send",
	.operands = "[SEGMENT]",
	.summary = "Craft one TCP segment, show every field with its bytes, its place and its "
		   "meaning, and how the checksum came to be; write it to a capture file, send it.",
	.rows = rows,
	.row_count = sizeof(rows) / sizeof(rows[0]),
	.footer = "SEGMENT is a line of the notation (docs/notation.md), in quotes for the shell:\n"
		  "  tcpwhy send 'C>S S 0 win 64240 <mss 1460,sackok>'\n"
		  "Options hold over what it says. What nobody says is what one Linux host would\n"
		  "send: a SYN from 10.0.0.1:50001 to 10.0.0.2:9000.\n\n"
		  "Exit status: 0 done, also without an answer; 2 usage, or an address beyond\n"
		  "this host; 4 system or permission.\n",
};

/* What the command has open. */
struct sending {
	struct send_options options;
	struct send_segment segment;
	struct send_frames frames;
	struct raw raw;
	struct out out;
	FILE *file; /* of --write; NULL: none, or standard output */
	int64_t wait_ns;
};

static bool check_here(const char *name, const struct ip_address *ip, struct err *err)
{
	char text[ADDRESS_TEXT_BYTES];

	if (raw_is_here(ip, err) || err->kind != ERR_NONE)
		return err->kind == ERR_NONE;
	ip_address_print(ip, text);
	err_set(err, ERR_USAGE, "%s %s is not an address of this host", name, text);
	err_fix(err, "a crafted segment can disturb others: add --beyond-this-host if that network "
		     "is yours to test");
	return false;
}

/* Before anything is sent: where it and its answer go, and whether Linux sends it as it is. */
static bool check_sending(const struct sending *sending, struct err *err)
{
	const struct send_options *options = &sending->options;
	const struct segment *seg = &sending->segment.made.seg;

	if (options->to && ip_address_is_v4(&seg->dst) &&
	    (sending->segment.line.said & (SAID_IP_SUM_BAD | SAID_IP_LENGTH))) {
		err_set(err, ERR_USAGE,
			"Linux writes the IPv4 total length and header checksum "
			"itself: wrong ones cannot be sent");
		err_fix(err, "leave out --to and --write them, or send without them");
		return false;
	}
	if (options->beyond_this_host)
		return true;
	return check_here("--to", &seg->dst, err) && check_here("--src", &seg->src, err);
}

static bool parse_wait(const char *text, int64_t *wait_ns, struct err *err)
{
	struct scan in = scan_over(text ? text : "1");

	if (scan_seconds(&in, "--wait", wait_ns, NULL) && scan_end(&in) && *wait_ns >= 0 &&
	    *wait_ns <= WAIT_MOST_NS)
		return true;
	err_set(err, ERR_USAGE, "--wait '%s' is no number of seconds from 0 to 3600", text);
	err_fix(err, "as --wait 0.5");
	return false;
}

static bool check_options(const struct send_options *options, struct err *err)
{
	if (options->to && options->dst) {
		err_set(err, ERR_USAGE, "--to and --dst exclude each other");
		err_fix(err, "--to is the destination of a segment that is sent, --dst of one that "
			     "is not");
		return false;
	}
	if (!options->to && (options->wait || options->beyond_this_host)) {
		err_set(err, ERR_USAGE, "%s goes with --to: nothing is sent without it",
			options->wait ? "--wait" : "--beyond-this-host");
		err_fix(err, "--to ADDR:PORT sends the segment there");
		return false;
	}
	if (options->write && strcmp(options->write, "-") == 0 && isatty(STDOUT_FILENO)) {
		err_set(err, ERR_USAGE, "a capture is not for a terminal");
		err_fix(err, "tcpwhy send --write - ... | tcpwhy read -, or --write FILE");
		return false;
	}
	return true;
}

static bool file_failed(const char *path, int number, struct err *err)
{
	/* NOLINTNEXTLINE(concurrency-mt-unsafe): one thread */
	err_set(err, ERR_SYSTEM, "cannot write the capture: %s", strerror(number));
	err_at(err, "%s", path);
	err_fix(err, "name a file in a folder that exists and that you may write to");
	return false;
}

static bool open_file(struct sending *sending, struct err *err)
{
	const char *path = sending->options.write;

	if (!path || strcmp(path, "-") == 0)
		return true;
	sending->file = fopen(path, "wbe");
	return sending->file || file_failed(path, errno, err);
}

/* Without --to the segment is all that goes into the capture. */
static bool add_segment(struct sending *sending, struct err *err)
{
	const struct raw_packet packet = {
		.bytes = sending->segment.bytes,
		.captured = sending->segment.count,
		.length = sending->segment.count,
		.time_ns = raw_now_ns(),
	};

	return send_frames_add(&sending->frames, &packet, err);
}

static bool write_capture(struct sending *sending, struct err *err)
{
	struct send_frames *frames = &sending->frames;
	const char *path = sending->options.write;
	size_t bytes;
	uint8_t *capture = pcap_craft(frames->frames, frames->count, CRAFT_LINK_RAW, &bytes);
	bool ok = true;

	if (!capture)
		return err_set(err, ERR_SYSTEM, "out of memory for the capture");
	if (sending->file) {
		ok = fwrite(capture, 1, bytes, sending->file) == bytes;
		ok = fclose(sending->file) == 0 && ok;
		sending->file = NULL;
		if (!ok)
			file_failed(path, errno, err);
	} else {
		out_bytes(&sending->out, capture, bytes);
	}
	free(capture);
	if (!ok || strcmp(path, "-") == 0)
		return ok;
	out_text(&sending->out, "\nWrote ");
	prose_count(&sending->out, frames->count, "packet", "packets");
	out_text(&sending->out, " to ");
	out_foreign(&sending->out, path);
	if (frames->left_out > 0)
		out_format(&sending->out, "; %llu more were left out",
			   (unsigned long long)frames->left_out);
	out_char(&sending->out, '\n');
	return true;
}

static void explain(struct sending *sending)
{
	const struct segment *seg = &sending->segment.made.seg;
	const struct bytes_packet packet = {
		.bytes = sending->segment.bytes,
		.count = sending->segment.count,
		.layout = &sending->segment.layout,
	};

	send_put_notation(&sending->out, &sending->segment, seg, 0);
	out_endpoint(&sending->out, &seg->src, seg->src_port);
	out_text(&sending->out, " > ");
	out_endpoint(&sending->out, &seg->dst, seg->dst_port);
	out_format(&sending->out, ", %zu bytes\n", sending->segment.count);
	bytes_explain(&sending->out, &packet);
}

static bool run(struct sending *sending, const char *text, struct err *err)
{
	const struct send_options *options = &sending->options;
	struct send_segment *segment = &sending->segment;
	bool only_capture = options->write && strcmp(options->write, "-") == 0;

	if (!check_options(options, err) || !parse_wait(options->wait, &sending->wait_ns, err) ||
	    !send_segment_init(segment, options, text, err))
		return false;
	if (options->to &&
	    (!check_sending(sending, err) || !raw_open(&sending->raw, &segment->made.seg.dst, err)))
		return false;
	if (!open_file(sending, err) || !out_init(&sending->out, STDOUT_FILENO, err))
		return false;
	if (!only_capture)
		explain(sending);

	const struct send_plan plan = {
		.segment = segment,
		.wait_ns = sending->wait_ns,
		.out = only_capture ? NULL : &sending->out,
		.frames = &sending->frames,
	};
	bool ok =
		options->to ? send_exchange(&sending->raw, &plan, err) : add_segment(sending, err);

	return ok && (!options->write || write_capture(sending, err));
}

int cmd_send(int argc, char **argv)
{
	struct sending sending = { .file = NULL };
	struct err err = { .kind = ERR_NONE };
	bool ok = options_parse(&table, &argc, argv, &sending.options, &err);

	raw_init(&sending.raw);
	if (ok && sending.options.help) {
		options_help(stdout, &table);
		return 0;
	}
	if (ok && argc > 2) {
		ok = err_set(&err, ERR_USAGE, "one segment at a time; %d words were given",
			     argc - 1);
		err_fix(&err, "put the segment in quotes: tcpwhy send 'C>S S 0'");
	}
	if (ok && !run(&sending, argc > 1 ? argv[1] : NULL, &err) && err.kind == ERR_USAGE)
		err_fix(&err, "see 'tcpwhy send --help'"); /* where nothing better is known */
	if (sending.out.buffer)
		out_finish(&sending.out, &err);
	out_clear(&sending.out);
	raw_close(&sending.raw);
	if (sending.file)
		fclose(sending.file);
	send_frames_clear(&sending.frames);
	send_segment_clear(&sending.segment);
	err_print(stderr, "tcpwhy send", &err);
	return err_exit_status(&err);
}
