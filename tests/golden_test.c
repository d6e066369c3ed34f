/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Golden captures: text in, verdicts out (docs/notation.md).
 *
 *     golden-test FILE...             these; a folder stands for every .txt in it
 *     golden-test --catalogue DIR     the catalogue held against them: every rule has a capture in
 *                                     which it is found and one in which it must not be, and would
 *                                     be missed
 *
 * Says TAP: a line per file, or a line per rule of the catalogue.
 */
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/time.h"
#include "golden_check.h"

struct golden_file {
	char *path; /* owned */
	struct golden golden;
	bool tried;
	struct err err; /* why it could not be read, compiled or understood */
	bool ok;	/* every claim holds */
};

struct suite {
	struct golden_file *files; /* owned */
	size_t count, room;
	unsigned tests, failed;
};

static void say(struct suite *suite, bool ok, const char *what)
{
	suite->tests++;
	suite->failed += !ok;
	printf("%sok %u - %s\n", ok ? "" : "not ", suite->tests, what);
}

static bool add_file(struct suite *suite, const char *path)
{
	if (suite->count == suite->room) {
		size_t more = suite->room ? suite->room * 2 : 64;
		struct golden_file *files = realloc(suite->files, more * sizeof(files[0]));

		if (!files)
			return false;
		suite->files = files;
		suite->room = more;
	}
	suite->files[suite->count] = (struct golden_file){ .path = strdup(path) };
	return suite->files[suite->count++].path != NULL;
}

static int by_path(const void *a, const void *b)
{
	const struct golden_file *one = a;
	const struct golden_file *two = b;

	return strcmp(one->path, two->path);
}

static bool add_folder(struct suite *suite, const char *folder)
{
	DIR *dir = opendir(folder);
	struct dirent *entry;
	bool ok = dir != NULL;

	while (ok && (entry = readdir(dir))) {
		const char *dot = strrchr(entry->d_name, '.');
		char path[4096];

		if (!dot || strcmp(dot, ".txt") != 0)
			continue;
		snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
		ok = add_file(suite, path);
	}
	if (dir)
		closedir(dir);
	if (ok && suite->count > 0)
		qsort(suite->files, suite->count, sizeof(suite->files[0]), by_path);
	return ok;
}

static char *read_text(const char *path, struct err *err)
{
	FILE *file = fopen(path, "r");
	char *text = NULL;
	size_t room = 0;

	if (!file || getdelim(&text, &room, '\0', file) < 0) {
		err_set(err, ERR_SYSTEM, "cannot read it: %s", file ? "empty" : strerror(errno));
		err_at(err, "%s", path);
		free(text);
		text = NULL;
	}
	if (file)
		fclose(file);
	return text;
}

/* A claim of a connection that has no frame would hold, or fail, for the wrong reason. */
static bool read_claim(struct golden *golden, const struct script_claim *from, struct err *err)
{
	struct claim *claim = &golden->claims[golden->claim_count];

	golden->claim_count++;
	if (!claim_parse(from->text, from->line, claim, err))
		return false;
	if (claim->conn[0] && golden_conn(golden, claim->conn) == 0)
		return err_set(err, ERR_INPUT, "connection %s has no frame here", claim->conn);
	return true;
}

static bool load(const char *path, struct golden *golden, struct err *err)
{
	char *text = read_text(path, err);

	if (text)
		golden->capture = craft_capture_text(path, text, err);
	free(text);
	if (!golden->capture)
		return false;

	const struct script *script = &golden->capture->script;

	golden->claims = calloc(script->claim_count + 1, sizeof(golden->claims[0]));
	if (!golden->claims)
		return err_set(err, ERR_SYSTEM, "out of memory");
	for (size_t i = 0; i < script->claim_count; i++) {
		if (!read_claim(golden, &script->claims[i], err)) {
			err_at(err, "%s, line %u", path, script->claims[i].line);
			return false;
		}
	}
	if (golden->claim_count == 0) {
		err_set(err, ERR_INPUT, "it claims nothing");
		err_at(err, "%s", path);
		err_fix(err, "add lines with expect and forbid");
		return false;
	}
	return true;
}

/* Everything that is found in it. @disabled: a rule that is switched off; NULL: none. */
static bool run(const struct golden *golden, struct found *found, const char *disabled)
{
	return found_run(found, golden->capture->frames, golden->capture->frame_count, TIME_NONE,
			 disabled);
}

static void print_err(const struct err *err)
{
	printf("#   %s\n#   in:  %s\n", err->what, err->where);
	if (err->fix[0])
		printf("#   try: %s\n", err->fix);
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* Compile a file and hold it against what is found. @report: gets what is wrong; NULL: silent. */
static bool file_holds(struct golden_file *file, FILE *report)
{
	struct found found = { 0 };
	bool loaded = file->tried ? file->err.kind == ERR_NONE
				  : load(file->path, &file->golden, &file->err);
	bool holds = loaded && run(&file->golden, &found, NULL) &&
		     golden_check(&file->golden, &found, report);

	file->tried = true;
	if (!loaded && report)
		print_err(&file->err);
	found_clear(&found);
	return holds;
}

static void check_file(struct suite *suite, struct golden_file *file)
{
	char what[256];

	file->ok = file_holds(file, NULL);
	snprintf(what, sizeof(what), "%s: %s", base_name(file->path),
		 file->golden.capture ? file->golden.capture->script.title : "does not compile");
	say(suite, file->ok, what);
	if (!file->ok)
		file_holds(file, stdout);
}

static bool has_rule(const struct entry *entry)
{
	return entry->first == 1 && (entry->holds || entry->phase == PHASE_GROUP);
}

static bool claims(const struct golden *golden, enum claim_kind kind, const char *id)
{
	for (size_t i = 0; i < golden->claim_count; i++) {
		const struct claim *claim = &golden->claims[i];

		if (claim->kind != kind)
			continue;
		if (kind == CLAIM_EXPECT ? strcmp(claim->id, id) == 0
					 : catalogue_id_below(id, claim->id))
			return true;
	}
	return false;
}

/* A capture in which a rule must be found fails when that rule is switched off. */
static bool fails_without(const struct golden_file *file, const char *id)
{
	struct found found = { 0 };
	bool fails = run(&file->golden, &found, id) && !golden_check(&file->golden, &found, NULL);

	found_clear(&found);
	return fails;
}

/* One rule: a capture in which it is found, one in which it must not be, and both would tell. */
static void check_entry(struct suite *suite, const struct entry *entry)
{
	size_t expected = 0;
	size_t forbidden = 0;
	const char *blind = NULL;
	char what[256];

	for (size_t i = 0; i < suite->count; i++) {
		const struct golden_file *file = &suite->files[i];

		if (!file->ok)
			continue;
		forbidden += claims(&file->golden, CLAIM_FORBID, entry->id);
		if (!claims(&file->golden, CLAIM_EXPECT, entry->id))
			continue;
		expected++;
		if (!fails_without(file, entry->id))
			blind = file->path;
	}
	snprintf(what, sizeof(what), "catalogue: %s is found in %zu, forbidden in %zu", entry->id,
		 expected, forbidden);
	say(suite, expected && forbidden && !blind, what);
	if (!expected)
		printf("#   no golden capture that holds expects it: add tests/golden/%s.txt\n",
		       entry->id);
	if (!forbidden)
		printf("#   no golden capture that holds forbids it: add a look-alike, "
		       "tests/golden/%s.not-...txt\n",
		       entry->id);
	if (blind)
		printf("#   %s holds also with the rule switched off\n", base_name(blind));
}

static void check_catalogue(struct suite *suite)
{
	size_t themes = 0;
	const struct theme *const *list = catalogue_themes(&themes);

	for (size_t i = 0; i < suite->count; i++)
		suite->files[i].ok = file_holds(&suite->files[i], NULL);
	for (size_t t = 0; t < themes; t++)
		for (size_t e = 0; e < list[t]->count; e++)
			if (has_rule(&list[t]->entries[e]))
				check_entry(suite, &list[t]->entries[e]);
}

static void suite_clear(struct suite *suite)
{
	for (size_t i = 0; i < suite->count; i++) {
		craft_capture_free(suite->files[i].golden.capture);
		free(suite->files[i].golden.claims);
		free(suite->files[i].path);
	}
	free(suite->files);
}

static bool add_path(struct suite *suite, const char *path)
{
	size_t length = strlen(path);
	bool file = length > 4 && strcmp(path + length - 4, ".txt") == 0;

	return file ? add_file(suite, path) : add_folder(suite, path);
}

int main(int argc, char **argv)
{
	struct suite suite = { .count = 0 };
	bool catalogue = argc > 1 && strcmp(argv[1], "--catalogue") == 0;
	bool ok = true;

	for (int i = 1 + catalogue; ok && i < argc; i++)
		ok = add_path(&suite, argv[i]);
	if (!ok || suite.count == 0) {
		fprintf(stderr, "usage: golden-test [--catalogue] FILE.txt|DIR...\n");
		suite_clear(&suite);
		return 2;
	}
	if (catalogue)
		check_catalogue(&suite);
	for (size_t i = 0; !catalogue && i < suite.count; i++)
		check_file(&suite, &suite.files[i]);
	printf("1..%u\n", suite.tests);
	suite_clear(&suite);
	return suite.failed ? 1 : 0;
}
