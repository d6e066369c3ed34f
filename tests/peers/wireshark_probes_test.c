/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "replay.h"

/*
 * Every frame of the probe captures (ws40 of the shared corpus: one small capture per rule, with
 * what tshark 4.0.17 says of each frame) gets the same words from peers/wireshark.
 *
 * usage: wireshark_probes_test SOURCE_ROOT
 */

#define SKIPPED	     77
#define COLUMNS	     14
#define LINE_MOST    1024
#define SHOWN_MOST   40
#define FOLDER_BYTES 1024
#define PATH_BYTES   (FOLDER_BYTES + 128)
#define CASES_MOST   512
#define CASES_LEAST  200 /* of all classes but app: fewer means that the corpus is damaged */

struct probe {
	char name[64];
	char class[16];
};

struct run {
	char folder[FOLDER_BYTES];
	struct probe probes[CASES_MOST];
	size_t probe_count;
	char open_name[64]; /* capture that is loaded */
	struct replay replay;
	unsigned captures, frames, wrong;
};

/* expected.tsv's column of each of ours. */
static const int expected_column[REPLAY_COLUMNS] = {
	[REPLAY_FLAGS] = 2,
	[REPLAY_COMPLETENESS] = 3,
	[REPLAY_STREAM] = 4,
	[REPLAY_DUP_NUM] = 5,
	[REPLAY_DUP_FRAME] = 6,
	[REPLAY_ACKS_FRAME] = 7,
	[REPLAY_ACK_RTT] = 8,
	[REPLAY_IRTT] = 9,
	[REPLAY_RTO] = 11,
	[REPLAY_RTO_FRAME] = 12,
	[REPLAY_COMPLETENESS_FINAL] = 13,
};

static int split(char *line, char *field[static COLUMNS])
{
	int count = 0;

	line[strcspn(line, "\n")] = '\0';
	while (count < COLUMNS && line) {
		field[count++] = strsep(&line, "\t");
	}
	return line ? COLUMNS + 1 : count;
}

static FILE *open_table(const struct run *run, const char *name)
{
	char path[PATH_BYTES];

	snprintf(path, sizeof(path), "%s/%s", run->folder, name);
	return fopen(path, "r");
}

static bool load_cases(struct run *run)
{
	FILE *table = open_table(run, "cases.tsv");
	char line[LINE_MOST];

	while (table && fgets(line, sizeof(line), table) && run->probe_count < CASES_MOST) {
		struct probe *probe = &run->probes[run->probe_count];
		char *field[COLUMNS];

		if (split(line, field) < 2)
			continue;
		snprintf(probe->name, sizeof(probe->name), "%s.pcap", field[0]);
		snprintf(probe->class, sizeof(probe->class), "%s", field[1]);
		run->probe_count++;
	}
	if (table)
		fclose(table);
	return table != NULL;
}

/* Probes of class app need FTP or SOCKS decoded: docs/differences.md. */
static bool is_wanted(const struct run *run, const char *name)
{
	for (size_t i = 0; i < run->probe_count; i++) {
		if (strcmp(run->probes[i].name, name) == 0)
			return strcmp(run->probes[i].class, "app") != 0;
	}
	return false;
}

static void load_capture(struct run *run, const char *name)
{
	char path[PATH_BYTES];
	struct err err = { 0 };

	if (strcmp(run->open_name, name) == 0)
		return;
	replay_clear(&run->replay);
	snprintf(run->open_name, sizeof(run->open_name), "%s", name);
	snprintf(path, sizeof(path), "%s/%s", run->folder, name);
	if (!replay_file(&run->replay, path, &err)) {
		err_print(stdout, "wireshark_probes_test", &err);
		run->wrong++;
	}
	run->captures++;
}

static void check_column(struct run *run, char *const *field, const struct replay_frame *ours,
			 int column)
{
	const char *theirs = field[expected_column[column]];
	const char *mine = ours->column[column];

	if (column == REPLAY_FLAGS ? replay_flags(theirs) == replay_flags(mine)
				   : strcmp(theirs, mine) == 0)
		return;
	/* On a stream's first packet even two passes do not show what that packet adds. */
	if (column == REPLAY_COMPLETENESS_FINAL && ours->is_first)
		return;
	/* tshark shows the initial RTT only beside another value, some of which we do not have. */
	if (column == REPLAY_IRTT && strcmp(theirs, "-") == 0)
		return;
	if (run->wrong++ < SHOWN_MOST)
		printf("%s frame %s: %s is %s, tshark says %s\n", field[0], field[1],
		       replay_column_names[column], mine, theirs);
}

static void check_frames(struct run *run, FILE *table)
{
	char line[LINE_MOST];
	char *field[COLUMNS];

	while (fgets(line, sizeof(line), table)) {
		struct replay_frame ours;

		if (split(line, field) != COLUMNS || !is_wanted(run, field[0]))
			continue;
		load_capture(run, field[0]);
		replay_frame(&run->replay, strtoull(field[1], NULL, 10), &ours);
		for (int column = 0; column < REPLAY_COLUMNS; column++)
			check_column(run, field, &ours, column);
		run->frames++;
	}
}

int main(int argc, char **argv)
{
	const char *corpus = getenv("TCPWHY_CORPUS");
	static struct run run;
	FILE *table;

	if (corpus)
		snprintf(run.folder, sizeof(run.folder), "%s/probes/ws40", corpus);
	else
		snprintf(run.folder, sizeof(run.folder), "%s/../shared/probes/ws40",
			 argc > 1 ? argv[1] : ".");
	table = open_table(&run, "expected.tsv");
	if (!table || !load_cases(&run)) {
		printf("skipped: no probe captures in %s (set TCPWHY_CORPUS)\n", run.folder);
		if (table)
			fclose(table);
		return SKIPPED;
	}
	check_frames(&run, table);
	fclose(table);
	replay_clear(&run.replay);
	printf("%u captures, %u frames, %u values differ\n", run.captures, run.frames, run.wrong);
	return run.wrong || run.captures < CASES_LEAST ? 1 : 0;
}
