/* SPDX-License-Identifier: BSD-2-Clause */
#include "lab/library.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define ENDING	     ".scn"
#define REASONS_MOST 65536 /* bytes */

static bool is_folder(const char *path)
{
	struct stat about;

	return stat(path, &about) == 0 && S_ISDIR(about.st_mode);
}

/* build/tcpwhy in a source tree: ../scenarios. */
static bool beside_program(char folder[static 256])
{
	char program[200];
	ssize_t length = readlink("/proc/self/exe", program, sizeof(program) - 1);
	char *slash;

	if (length <= 0)
		return false;
	program[length] = '\0';
	slash = strrchr(program, '/');
	if (!slash)
		return false;
	*slash = '\0';
	snprintf(folder, 256, "%s/../scenarios", program);
	return is_folder(folder);
}

static bool find_folder(char folder[static 256])
{
	/* NOLINTNEXTLINE(concurrency-mt-unsafe): the lab has one thread */
	const char *said = getenv("TCPWHY_SCENARIOS");

	if (said && said[0]) {
		snprintf(folder, 256, "%s", said);
		return is_folder(folder);
	}
	if (beside_program(folder))
		return true;
	snprintf(folder, 256, "%s", TCPWHY_DATADIR "/scenarios");
	return is_folder(folder);
}

static int is_scenario(const struct dirent *entry)
{
	size_t length = strlen(entry->d_name);

	return length > strlen(ENDING) && entry->d_name[0] != '.' &&
	       strcmp(entry->d_name + length - strlen(ENDING), ENDING) == 0;
}

static bool read_all(struct library *library, struct dirent *const *names, size_t count,
		     struct err *err)
{
	library->scenarios = calloc(count + 1, sizeof(struct scenario *));
	if (!library->scenarios)
		return err_set(err, ERR_SYSTEM, "no memory for the scenarios");
	for (size_t i = 0; i < count; i++) {
		char path[512];

		snprintf(path, sizeof(path), "%s/%s", library->folder, names[i]->d_name);
		library->scenarios[i] = scenario_read(path, err);
		if (!library->scenarios[i])
			return false;
		library->count++;
	}
	return true;
}

/* Missing is no error: then nothing is said. */
static bool read_reasons(struct library *library, struct err *err)
{
	char path[512];
	FILE *file;
	size_t used = 0;

	snprintf(path, sizeof(path), "%s/%s", library->folder, NOT_REPRODUCED);
	file = fopen(path, "re");
	if (!file)
		return true;
	library->reasons = calloc(1, REASONS_MOST + 1);
	if (library->reasons)
		used = fread(library->reasons, 1, REASONS_MOST, file);
	fclose(file);
	if (!library->reasons)
		return err_set(err, ERR_SYSTEM, "no memory for %s", path);
	library->reasons[used] = '\0';
	return true;
}

bool library_reason(const struct library *library, const char *id, char *reason, size_t room)
{
	size_t length = strlen(id);

	for (const char *line = library->reasons; line && *line;) {
		size_t columns = strcspn(line, "\n");

		if (columns > length + 1 && strncmp(line, id, length) == 0 &&
		    line[length] == '\t') {
			snprintf(reason, room, "%.*s", (int)(columns - length - 1),
				 line + length + 1);
			return true;
		}
		line += columns;
		line += *line == '\n';
	}
	return false;
}

bool library_read(struct library *library, struct err *err)
{
	struct dirent **names = NULL;
	int count;
	bool ok;

	*library = (struct library){ .count = 0 };
	if (!find_folder(library->folder)) {
		err_set(err, ERR_SYSTEM, "no folder of scenarios at %s", library->folder);
		err_fix(err, "set TCPWHY_SCENARIOS to the scenarios/ folder of the sources, or "
			     "name a file: tcpwhy lab ./mine.scn");
		return false;
	}
	count = scandir(library->folder, &names, is_scenario, alphasort);
	if (count < 0)
		return err_set(err, ERR_SYSTEM, "%s can't be listed: %s", library->folder,
			       strerror(errno));
	ok = read_all(library, names, (size_t)count, err) && read_reasons(library, err);
	for (int i = 0; i < count; i++)
		free(names[i]);
	free(names);
	return ok;
}

void library_clear(struct library *library)
{
	for (size_t i = 0; i < library->count; i++)
		scenario_free(library->scenarios[i]);
	free(library->scenarios);
	free(library->reasons);
	*library = (struct library){ .count = 0 };
}

const struct scenario *library_find(const struct library *library, const char *name)
{
	for (size_t i = 0; i < library->count; i++)
		if (strcmp(library->scenarios[i]->name, name) == 0 ||
		    (library->scenarios[i]->article[0] &&
		     strcmp(library->scenarios[i]->article, name) == 0))
			return library->scenarios[i];
	return NULL;
}

const struct scenario *library_find_verdict(const struct library *library, const char *id)
{
	for (size_t i = 0; i < library->count; i++)
		for (unsigned k = 0; k < library->scenarios[i]->verdict_count; k++)
			if (strcmp(library->scenarios[i]->verdicts[k], id) == 0)
				return library->scenarios[i];
	return NULL;
}

const char *library_name_at(const void *context, size_t index)
{
	const struct library *library = context;

	return index < library->count ? library->scenarios[index]->name : NULL;
}
