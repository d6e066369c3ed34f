/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Runs a fuzz target over files, without a fuzzer and with any compiler:
 *
 *     TARGET [--captures SOURCE_ROOT] FILE_OR_FOLDER...
 *
 * Folders are walked. --captures adds the open captures beside the source tree, or those of
 * $TCPWHY_CORPUS, where they exist. A finding ends the program, by abort or sanitizer.
 */
#include <dirent.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "fuzz_target.h"

#define PATH_BYTES 4096

static size_t files_run;

/* The bytes go into a block of exactly their size, so that a sanitizer sees one byte too far. */
static void run_file(const char *path, size_t bytes)
{
	FILE *from = fopen(path, "rb");
	uint8_t *exact = malloc(bytes ? bytes : 1);

	if (!from || !exact || fread(exact, 1, bytes, from) != bytes) {
		fprintf(stderr, "cannot read %s\n", path);
		exit(2);
	}
	fclose(from);
	printf("%s\n", path);
	fflush(stdout); /* the last line names the file of a finding */
	LLVMFuzzerTestOneInput(exact, bytes);
	free(exact);
	files_run++;
}

static void run_path(const char *path);

static void run_folder(const char *path)
{
	struct dirent **entries;
	int count = scandir(path, &entries, NULL, alphasort);

	if (count < 0) {
		fprintf(stderr, "cannot read %s: %s\n", path, strerror(errno));
		exit(2);
	}
	for (int i = 0; i < count; i++) {
		char inside[PATH_BYTES];

		if (entries[i]->d_name[0] != '.') {
			snprintf(inside, sizeof(inside), "%s/%s", path, entries[i]->d_name);
			run_path(inside);
		}
		free(entries[i]);
	}
	free(entries);
}

static void run_path(const char *path)
{
	struct stat about;

	if (stat(path, &about) != 0) {
		fprintf(stderr, "cannot open %s: %s\n", path, strerror(errno));
		exit(2);
	}
	if (S_ISDIR(about.st_mode))
		run_folder(path);
	else
		run_file(path, (size_t)about.st_size);
}

static void run_captures(const char *source_root)
{
	const char *corpus = getenv("TCPWHY_CORPUS");
	char path[PATH_BYTES];
	struct stat about;

	if (corpus)
		snprintf(path, sizeof(path), "%s/captures", corpus);
	else
		snprintf(path, sizeof(path), "%s/../shared/captures", source_root);
	if (stat(path, &about) == 0)
		run_folder(path);
	else
		printf("no captures in %s: left out\n", path);
}

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--captures") == 0 && i + 1 < argc)
			run_captures(argv[++i]);
		else
			run_path(argv[i]);
	}
	printf("%zu files\n", files_run);
	return files_run > 0 ? 0 : 2;
}
