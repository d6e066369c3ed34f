/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reads the open captures beside the source tree (or in $TCPWHY_CORPUS) and holds what comes out
 * against captures/INDEX.tsv and truth/unreadable.tsv. Argument: the root of the source tree.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "source/source.h"

#define SKIPPED	       77
#define PACKETS_COLUMN 7 /* of INDEX.tsv, from 0 */

/* Where INDEX.tsv does not say what is in the file; counted with tshark 4.0.17. */
static const struct {
	const char *file;
	uint64_t packets;
} recounted[] = {
	{ "pcapplusplus__solaris.snoop", 250 }, /* the index has no snoop files */
	{ "tcptrace__bad_ack_code.dmp", 40 },	/* nor swapped lengths */
};

/* Owned by the caller. */
static char *path_of(const char *root, const char *folder, const char *name)
{
	char *path;

	if (asprintf(&path, "%s/%s/%s", root, folder, name) < 0)
		abort();
	return path;
}

static FILE *open_in(const char *root, const char *folder, const char *name)
{
	char *path = path_of(root, folder, name);
	FILE *file = fopen(path, "r");

	free(path);
	return file;
}

/* Cut column @index out of a line, in place. */
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

/* Is the file one that tshark refuses or stops in? */
static bool is_unreadable(const char *root, const char *file)
{
	FILE *list = open_in(root, "truth", "unreadable.tsv");
	char line[4096];
	bool found = false;

	while (list && !found && fgets(line, sizeof(line), list))
		found = strncmp(line, file, strlen(file)) == 0 && line[strlen(file)] == '\t';
	if (list)
		fclose(list);
	return found;
}

static uint64_t packets_expected(const char *file, const char *indexed)
{
	for (size_t i = 0; i < sizeof(recounted) / sizeof(recounted[0]); i++)
		if (strcmp(recounted[i].file, file) == 0)
			return recounted[i].packets;
	return strtoull(indexed, NULL, 10);
}

static uint64_t read_packets(const char *path, struct err *err)
{
	struct source_options options = { .paths = &path, .path_count = 1 };
	struct source *src = source_open(&options, err);
	static struct frame_batch batch;
	uint64_t packets = 0;

	while (src && source_read(src, &batch, err))
		packets += batch.count;
	source_free(src);
	return packets;
}

/* Return: whether the file gave what it should. */
static bool check_file(const char *root, const char *file, const char *indexed)
{
	char *path = path_of(root, "captures", file);
	struct err err = { 0 };
	uint64_t packets, expected = packets_expected(file, indexed);
	bool ok;

	packets = read_packets(path, &err);
	free(path);
	if (is_unreadable(root, file))
		ok = err.kind == ERR_INPUT && err.what[0] && err.where[0] && err.fix[0] &&
		     packets <= expected;
	else
		ok = err.kind == ERR_NONE && packets == expected;
	printf("%s %s: %" PRIu64 " packets, %" PRIu64 " expected\n", ok ? "ok" : "WRONG", file,
	       packets, expected);
	err_print(stdout, "  error", &err);
	return ok;
}

int main(int argc, char **argv)
{
	const char *given = getenv("TCPWHY_CORPUS");
	char *root = given ? strdup(given) : path_of(argc > 1 ? argv[1] : ".", "..", "shared");
	FILE *index = open_in(root, "captures", "INDEX.tsv");
	unsigned files = 0, wrong = 0;
	char line[4096];

	if (!index) {
		printf("skipped: no captures/INDEX.tsv in %s\n", root);
		free(root);
		return SKIPPED;
	}
	while (fgets(line, sizeof(line), index)) {
		char *indexed = column(line, PACKETS_COLUMN);
		char *file = column(line, 0);

		if (strcmp(file, "file") == 0) /* the names of the columns */
			continue;
		files++;
		wrong += !indexed || !check_file(root, file, indexed);
	}
	fclose(index);
	free(root);
	printf("%u files, %u wrong\n", files, wrong);
	return files == 0 || wrong > 0;
}
