/* SPDX-License-Identifier: BSD-2-Clause */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "replay.h"
#include "traffic.h"

/*
 * On seeded random traffic peers/wireshark says of every frame what tshark says: every flag, the
 * stream's number, completeness in one pass and in two, and the numbers beside the flags.
 * Skipped where tshark 4.0 is not installed: other versions have other rules.
 *
 * usage: wireshark_tshark_test [-s SEED] [-f FILES] [-n SCENES] [-p PACKETS] [-o SCENE] [-k FILE]
 *   -o  one scene alone      -k  keep the capture under this name
 */

#define SKIPPED	   77
#define SHOWN_MOST 40
#define LINE_BYTES 4096

struct tshark_field {
	const char *name;
	int column; /* of ours; -1: a flag */
};

static const struct tshark_field fields[] = {
	{ "tcp.completeness", REPLAY_COMPLETENESS },
	{ "tcp.stream", REPLAY_STREAM },
	{ "tcp.analysis.duplicate_ack_num", REPLAY_DUP_NUM },
	{ "tcp.analysis.duplicate_ack_frame", REPLAY_DUP_FRAME },
	{ "tcp.analysis.acks_frame", REPLAY_ACKS_FRAME },
	{ "tcp.analysis.ack_rtt", REPLAY_ACK_RTT },
	{ "tcp.analysis.initial_rtt", REPLAY_IRTT },
	{ "tcp.analysis.rto", REPLAY_RTO },
	{ "tcp.analysis.rto_frame", REPLAY_RTO_FRAME },
	{ "tcp.analysis.retransmission", -1 },
	{ "tcp.analysis.fast_retransmission", -1 },
	{ "tcp.analysis.spurious_retransmission", -1 },
	{ "tcp.analysis.out_of_order", -1 },
	{ "tcp.analysis.duplicate_ack", -1 },
	{ "tcp.analysis.lost_segment", -1 },
	{ "tcp.analysis.ack_lost_segment", -1 },
	{ "tcp.analysis.keep_alive", -1 },
	{ "tcp.analysis.keep_alive_ack", -1 },
	{ "tcp.analysis.zero_window", -1 },
	{ "tcp.analysis.zero_window_probe", -1 },
	{ "tcp.analysis.zero_window_probe_ack", -1 },
	{ "tcp.analysis.window_full", -1 },
	{ "tcp.analysis.window_update", -1 },
	{ "tcp.analysis.reused_ports", -1 },
};
#define FIELDS (sizeof(fields) / sizeof(*fields))

static const struct tshark_field final_fields[] = {
	{ "tcp.completeness", REPLAY_COMPLETENESS_FINAL },
};

struct run {
	uint64_t seed;
	unsigned files, scenes, packets;
	int only;
	const char *keep; /* or NULL */
	char path[64];
	uint64_t frames, wrong;
};

static bool tshark_is_4_0(void)
{
	FILE *out = popen("tshark --version 2>/dev/null", "r");
	char line[LINE_BYTES] = "";
	bool found = out && fgets(line, sizeof(line), out) && strstr(line, " 4.0.");

	if (out)
		pclose(out);
	return found;
}

static FILE *tshark_start(const char *path, const char *passes, const struct tshark_field *wanted,
			  size_t count)
{
	char command[LINE_BYTES];
	int used = snprintf(command, sizeof(command),
			    "tshark %s -n -r %s -T fields -E occurrence=a -E aggregator=,", passes,
			    path);

	for (size_t i = 0; i < count; i++)
		used += snprintf(command + used, sizeof(command) - (size_t)used, " -e %s",
				 wanted[i].name);
	snprintf(command + used, sizeof(command) - (size_t)used, " 2>/dev/null");
	return popen(command, "r");
}

static void differs(struct run *run, uint64_t frame, const char *name, const char *mine,
		    const char *theirs)
{
	if (run->wrong++ < SHOWN_MOST)
		printf("seed %" PRIu64 " frame %" PRIu64 ": %s is %s, tshark says %s\n", run->seed,
		       frame, name, mine, theirs);
}

static void check_value(struct run *run, uint64_t frame, const struct replay_frame *ours,
			const struct tshark_field *field, const char *value)
{
	const char *mine = ours->column[field->column];
	const char *theirs = *value ? value : "-";

	if (strcmp(mine, theirs) == 0)
		return;
	/* tshark shows the initial RTT only beside another value, some of which we do not have. */
	if (field->column == REPLAY_IRTT && strcmp(theirs, "-") == 0)
		return;
	/* On a stream's first packet even two passes do not show what that packet adds. */
	if (field->column == REPLAY_COMPLETENESS_FINAL && ours->is_first)
		return;
	differs(run, frame, field->name, mine, theirs);
}

static void check_line(struct run *run, const struct replay *replay, uint64_t frame, char *line,
		       const struct tshark_field *wanted)
{
	struct replay_frame ours;
	uint32_t flags = 0;
	char names[REPLAY_TEXT] = "";
	size_t used = 0;
	bool with_flags = false;

	line[strcspn(line, "\n")] = '\0';
	replay_frame(replay, frame, &ours);
	for (size_t i = 0; line; i++) {
		const char *value = strsep(&line, "\t");
		const char *name = wanted[i].name + strlen("tcp.analysis.");

		if (wanted[i].column >= 0) {
			check_value(run, frame, &ours, &wanted[i], value);
			continue;
		}
		with_flags = true;
		if (!*value)
			continue;
		flags |= replay_flags(name);
		used += (size_t)snprintf(names + used, sizeof(names) - used, "%s%s",
					 used ? "+" : "", name);
	}
	if (with_flags && flags != replay_flags(ours.column[REPLAY_FLAGS]))
		differs(run, frame, "flags", ours.column[REPLAY_FLAGS], used ? names : "-");
}

static bool compare(struct run *run, const struct replay *replay, const char *passes,
		    const struct tshark_field *wanted, size_t count)
{
	FILE *out = tshark_start(run->path, passes, wanted, count);
	char line[LINE_BYTES];
	uint64_t frame = 0;

	while (out && fgets(line, sizeof(line), out))
		check_line(run, replay, ++frame, line, wanted);
	run->frames += frame;
	return out && pclose(out) == 0 && frame > 0;
}

static bool run_file(struct run *run)
{
	const struct traffic_options options = {
		.seed = run->seed,
		.scenes = run->scenes,
		.packets = run->packets,
		.only = run->only,
	};
	struct replay replay;
	struct err err = { 0 };
	bool done = traffic_write(run->path, &options);

	if (!done)
		return false;
	done = replay_file(&replay, run->path, &err);
	if (!done)
		err_print(stdout, "wireshark_tshark_test", &err);
	done = done && compare(run, &replay, "", fields, FIELDS) &&
	       compare(run, &replay, "-2", final_fields, 1);
	replay_clear(&replay);
	return done;
}

static bool read_options(struct run *run, int argc, char **argv)
{
	int option;

	while ((option = getopt(argc, argv, "s:f:n:p:o:k:")) != -1) {
		unsigned long value = optarg ? strtoul(optarg, NULL, 10) : 0;

		if (option == 's')
			run->seed = value;
		else if (option == 'f')
			run->files = (unsigned)value;
		else if (option == 'n')
			run->scenes = (unsigned)value;
		else if (option == 'p')
			run->packets = (unsigned)value;
		else if (option == 'o')
			run->only = (int)value;
		else if (option == 'k')
			run->keep = optarg;
		else
			return false;
	}
	return true;
}

int main(int argc, char **argv)
{
	static struct run run = { .seed = 1, .files = 8, .scenes = 30, .packets = 300, .only = -1 };
	bool done = true;
	int file;

	if (!read_options(&run, argc, argv))
		return 2;
	if (!tshark_is_4_0()) {
		printf("skipped: tshark 4.0 is not installed\n");
		return SKIPPED;
	}
	snprintf(run.path, sizeof(run.path), "/tmp/tcpwhy-traffic-XXXXXX");
	file = mkstemp(run.path);
	if (file < 0)
		return 1;
	close(file);
	for (unsigned i = 0; done && i < run.files; i++, run.seed++)
		done = run_file(&run);
	printf("%u captures up to seed %" PRIu64 ", %" PRIu64 " frames (twice), %" PRIu64
	       " values differ\n",
	       run.files, run.seed - 1, run.frames / 2, run.wrong);
	if (run.keep)
		rename(run.path, run.keep);
	else
		unlink(run.path);
	return done && !run.wrong ? 0 : 1;
}
