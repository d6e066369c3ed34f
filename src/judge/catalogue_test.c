/* SPDX-License-Identifier: BSD-2-Clause */
/* The catalogue itself: complete and readable. Arguments: source root; "contract" to compare it
   with catalogue.tsv instead. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "judge/catalogue.h"

static const char *source_root;

#define ENTRIES_MOST 256

static size_t all_entries(const struct entry **all)
{
	size_t themes_count, count = 0;
	const struct theme *const *themes = catalogue_themes(&themes_count);

	for (size_t t = 0; t < themes_count; t++) {
		for (size_t e = 0; e < themes[t]->count; e++) {
			assert_true(count < ENTRIES_MOST);
			all[count++] = &themes[t]->entries[e];
		}
	}
	return count;
}

#define TEXTS 9
static const char *const text_names[TEXTS] = { "title",	  "headline", "grouped",
					       "meaning", "evidence", "lookalikes",
					       "kernel",  "advice",   "source" };

static const char *text_of(const struct entry *entry, unsigned which)
{
	const char *const texts[TEXTS] = { entry->title,   entry->headline, entry->grouped,
					   entry->meaning, entry->evidence, entry->lookalikes,
					   entry->kernel,  entry->advice,   entry->source };

	return texts[which];
}

static void every_entry_has_all_its_texts(void **state)
{
	const struct entry *all[ENTRIES_MOST];
	size_t count = all_entries(all);
	/* Shorter than this is no explanation. Titles and sources may be short. */
	static const size_t least[TEXTS] = { 5, 15, 10, 100, 50, 50, 40, 30, 8 };

	(void)state;
	for (size_t i = 0; i < count; i++) {
		for (unsigned which = 0; which < TEXTS; which++) {
			const char *text = text_of(all[i], which);

			if (!text || strlen(text) < least[which]) {
				fail_msg("%s: %s is missing or too short", all[i]->id,
					 text_names[which]);
				return;
			}
			if (strstr(text, "  ") || text[strlen(text) - 1] == ' ')
				fail_msg("%s: %s has stray blanks", all[i]->id, text_names[which]);
			for (const char *c = text; *c; c++) {
				if ((unsigned char)*c < ' ' || (unsigned char)*c > '~')
					fail_msg("%s: %s is not plain text", all[i]->id,
						 text_names[which]);
			}
		}
	}
}

static void no_text_stands_twice(void **state)
{
	const struct entry *all[ENTRIES_MOST];
	size_t count = all_entries(all);

	(void)state;
	for (size_t i = 0; i < count; i++) {
		for (size_t j = 0; j < i; j++) {
			assert_string_not_equal(all[i]->id, all[j]->id);
			for (unsigned which = 0; which < TEXTS - 1; which++) {
				if (strcmp(text_of(all[i], which), text_of(all[j], which)) == 0)
					fail_msg("%s and %s have the same %s", all[i]->id,
						 all[j]->id, text_names[which]);
			}
		}
	}
}

static bool is_builtin(const char *name, size_t length)
{
	static const char *const builtin[] = { "client",      "server",	     "client_host",
					       "server_host", "server_port", "by",
					       "by_host",     "by_role",     "other",
					       "other_host",  "other_role",  "host" };

	for (size_t i = 0; i < sizeof(builtin) / sizeof(builtin[0]); i++) {
		if (strlen(builtin[i]) == length && strncmp(builtin[i], name, length) == 0)
			return true;
	}
	return false;
}

/* Whether some rule in src/judge gives a value of this name: "name" in quotes in its source. */
static bool some_rule_gives(const char *name, size_t length, const char *sources)
{
	char quoted[64];

	snprintf(quoted, sizeof(quoted), "\"%.*s\", VALUE_", (int)length, name);
	if (strstr(sources, quoted))
		return true;
	snprintf(quoted, sizeof(quoted), "(out, \"%.*s\",", (int)length, name);
	return strstr(sources, quoted) != NULL;
}

static char *sources_of_all_themes(void)
{
	size_t count, used = 0, room = 4 << 20;
	const struct theme *const *themes = catalogue_themes(&count);
	char *text = malloc(room);

	assert_non_null(text);
	for (size_t t = 0; t < count; t++) {
		char path[4096];
		FILE *file;

		snprintf(path, sizeof(path), "%s/src/judge/%s.c", source_root, themes[t]->name);
		file = fopen(path, "r");
		if (!file)
			fail_msg("theme %s has no file %s", themes[t]->name, path);
		used += fread(text + used, 1, room - used - 1, file);
		fclose(file);
	}
	text[used] = '\0';
	return text;
}

static void every_placeholder_can_be_filled(void **state)
{
	const struct entry *all[ENTRIES_MOST];
	size_t count = all_entries(all);
	char *sources = sources_of_all_themes();

	(void)state;
	for (size_t i = 0; i < count; i++) {
		for (unsigned which = 0; which < TEXTS; which++) {
			const char *at = text_of(all[i], which);

			while ((at = strchr(at, '{')) != NULL) {
				size_t length = strcspn(++at, "}");

				if (strcmp(text_names[which], "headline") != 0 &&
				    strcmp(text_names[which], "grouped") != 0 &&
				    strcmp(text_names[which], "advice") != 0)
					fail_msg("%s: placeholder in %s", all[i]->id,
						 text_names[which]);
				if (at[length] != '}' ||
				    !(is_builtin(at, length) ||
				      (all[i]->first == 1 && some_rule_gives(at, length, sources))))
					fail_msg("%s: nothing fills {%.*s}", all[i]->id,
						 (int)length, at);
			}
		}
	}
	free(sources);
}

static void a_rule_stands_where_one_is_due(void **state)
{
	const struct entry *all[ENTRIES_MOST];
	size_t count = all_entries(all);

	(void)state;
	for (size_t i = 0; i < count; i++) {
		bool has_rule = all[i]->phase == PHASE_GROUP ? all[i]->group != NULL
							     : all[i]->holds != NULL;

		if ((all[i]->first == 1) != has_rule)
			fail_msg("%s: first is %d and it has %s rule", all[i]->id, all[i]->first,
				 has_rule ? "a" : "no");
	}
}

static void a_theme_is_of_one_phase(void **state)
{
	size_t count;
	const struct theme *const *themes = catalogue_themes(&count);

	(void)state;
	for (size_t t = 0; t < count; t++) {
		assert_in_range(themes[t]->count, 1, 64);
		for (size_t e = 0; e < themes[t]->count; e++) {
			const struct entry *entry = &themes[t]->entries[e];

			assert_int_equal(entry->phase, themes[t]->entries[0].phase);
			assert_true(catalogue_id_below(entry->id, phase_name(entry->phase)));
			assert_ptr_equal(catalogue_find(entry->id), entry);
		}
	}
}

static void prefixes_end_at_dots(void **state)
{
	(void)state;
	assert_true(catalogue_id_below("end.rst.abort", "end.rst"));
	assert_true(catalogue_id_below("end.rst", "end.rst"));
	assert_false(catalogue_id_below("end.rst.abort", "end.r"));
	assert_false(catalogue_id_below("end", "end.rst"));
	assert_null(catalogue_find("end.r"));
}

/* A row of catalogue.tsv: id phase shown decidable wire_max lab first ... */
static void compare_row(char *line)
{
	static const char *const labs[] = { "yes", "model", "no" };
	char *columns[7], *save = NULL;

	for (unsigned i = 0; i < 7; i++) {
		columns[i] = strtok_r(i ? NULL : line, "\t\n", &save);
		assert_non_null(columns[i]);
	}

	const struct entry *entry = catalogue_find(columns[0]);

	if (!entry) {
		fail_msg("%s is not in the catalogue", columns[0]);
		return;
	}
	assert_string_equal(phase_name(entry->phase), columns[1]);
	assert_string_equal(entry->look ? "look" : "note", columns[2]);
	assert_string_equal(decidable_name(entry->decidable), columns[3]);
	assert_string_equal(confidence_name(entry->wire_max), columns[4]);
	assert_string_equal(labs[entry->lab], columns[5]);
	assert_int_equal(entry->first, atoi(columns[6]));
}

static FILE *contract_open(void)
{
	const char *folder = getenv("TCPWHY_CORPUS");
	char path[4096];

	if (folder)
		snprintf(path, sizeof(path), "%s/catalogue.tsv", folder);
	else
		snprintf(path, sizeof(path), "%s/../shared/catalogue.tsv", source_root);
	return fopen(path, "r");
}

static void the_catalogue_is_the_contracts(void **state)
{
	const struct entry *all[ENTRIES_MOST];
	FILE *file = contract_open();
	char line[4096];
	size_t rows = 0;

	(void)state;
	assert_non_null(file);
	assert_non_null(fgets(line, sizeof(line), file)); /* the names of the columns */
	for (; fgets(line, sizeof(line), file); rows++)
		compare_row(line);
	fclose(file);
	assert_int_equal(all_entries(all), rows);
}

static int compare_with_contract(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(the_catalogue_is_the_contracts) };
	FILE *file = contract_open();

	if (!file) {
		puts("skipped: no catalogue.tsv in TCPWHY_CORPUS or ../shared");
		return 77;
	}
	fclose(file);
	return cmocka_run_group_tests(tests, NULL, NULL);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_entry_has_all_its_texts),
		cmocka_unit_test(no_text_stands_twice),
		cmocka_unit_test(every_placeholder_can_be_filled),
		cmocka_unit_test(a_rule_stands_where_one_is_due),
		cmocka_unit_test(a_theme_is_of_one_phase),
		cmocka_unit_test(prefixes_end_at_dots),
	};

	source_root = argc > 1 ? argv[1] : ".";
	if (argc > 2)
		return compare_with_contract();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
