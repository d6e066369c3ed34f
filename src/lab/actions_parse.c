/* SPDX-License-Identifier: BSD-2-Clause */
/* A list of actions from text. */
#include "lab/actions.h"

#include <string.h>

#include "base/options.h"
#include "base/scan.h"
#include "lab/duration.h"

static const char *word_name(const void *context, size_t index)
{
	size_t count;
	const struct action_word *words = action_words_list(&count);

	(void)context;
	return index < count ? words[index].name : NULL;
}

static const struct action_word *word_of(const struct action *action)
{
	size_t count;

	return &action_words_list(&count)[action->word];
}

bool action_list_has(const struct action_list *list, const char *word)
{
	for (size_t i = 0; i < list->count; i++)
		if (strcmp(word_of(&list->actions[i])->name, word) == 0)
			return true;
	return false;
}

static bool unknown_word(struct word word, struct err *err)
{
	char name[40];
	size_t length = word.length < sizeof(name) - 1 ? word.length : sizeof(name) - 1;

	memcpy(name, word.text, length);
	name[length] = '\0';
	if (length == 0) {
		err_set(err, ERR_USAGE, "an action is missing");
		err_fix(err, "actions are words separated by commas; --help lists them");
		return false;
	}

	const char *near = options_nearest(name, word_name, NULL);

	err_set(err, ERR_USAGE, "no action is called '%s'", name);
	err_fix(err, near ? "did you mean %s? --help lists all" : "--help lists all%s",
		near ? near : "");
	return false;
}

static bool wrong_argument(const struct action_word *word, struct word found, struct err *err)
{
	int length = (int)(found.length < 40 ? found.length : 40);

	if (found.length == 0)
		err_set(err, ERR_USAGE, "%s: its argument is missing", word->name);
	else
		err_set(err, ERR_USAGE, "%s cannot be '%.*s'", word->name, length, found.text);
	err_fix(err, "it is written %s %s%s", word->name, word->arguments,
		word->argument == ACTION_TIME || word->argument == ACTION_MAYBE_TIME
			? ", a time such as 300ms or 2s"
			: "");
	return false;
}

static bool take_number(struct scan *in, const struct action_word *word, struct action *action,
			struct err *err)
{
	struct word found = scan_peek(in, ",");
	uint64_t number;

	if (!scan_u64(in, word->name, (uint64_t)word->most, &number, NULL) ||
	    (int64_t)number < word->least || !strchr(", \t\r\n", *in->at))
		return wrong_argument(word, found, err);
	action->number = (int64_t)number;
	return true;
}

static bool take_text(struct scan *in, struct action_list *list, struct action *action,
		      struct err *err)
{
	size_t room = sizeof(list->text) - list->text_bytes;

	action->text_at = list->text_bytes;
	if (!scan_quoted(in, word_of(action)->name, list->text + list->text_bytes, &room, err))
		return false;
	if (room == 0)
		return err_set(err, ERR_USAGE, "the text to send is empty");
	action->text_bytes = room;
	list->text_bytes += room;
	return true;
}

static bool take_time(struct scan *in, const struct action_word *word, struct action *action,
		      struct err *err)
{
	struct word found = scan_word(in, ",");

	if (!duration_parse(found.text, found.length, &action->number))
		return wrong_argument(word, found, err);
	return true;
}

static bool take_argument(struct scan *in, struct action_list *list, struct action *action,
			  struct err *err)
{
	const struct action_word *word = word_of(action);
	bool nothing = scan_end(in) || *in->at == ',';

	switch (word->argument) {
	case ACTION_PLAIN:
		return true;
	case ACTION_BYTES_OR_TEXT:
		if (*in->at == '"')
			return take_text(in, list, action, err);
		return take_number(in, word, action, err);
	case ACTION_NUMBER:
		return nothing || take_number(in, word, action, err);
	case ACTION_TIME:
		return take_time(in, word, action, err);
	case ACTION_MAYBE_TIME:
		return nothing || take_time(in, word, action, err);
	case ACTION_SETTING:
		break;
	}

	size_t length = strcspn(in->at, ",");
	bool ok = socket_setting_parse(in->at, length, &action->setting, err);

	in->at += length;
	return ok;
}

/* What one word cannot know: its place among the others. */
static bool check_order(const struct action_list *list, struct err *err)
{
	bool closed = false;
	unsigned repeats = 0;

	for (size_t i = 0; i < list->count; i++) {
		const char *name = word_of(&list->actions[i])->name;

		if (closed && !word_of(&list->actions[i])->without_socket) {
			err_set(err, ERR_USAGE, "%s cannot come after the connection is closed",
				name);
			err_fix(err, "after close and abort only sleep, exit and crash make sense");
			return false;
		}
		closed |= strcmp(name, "close") == 0 || strcmp(name, "abort") == 0;
		repeats += strcmp(name, "repeat") == 0;
		if (repeats > 1)
			return err_set(err, ERR_USAGE, "repeat can be said once");
	}
	return true;
}

bool action_list_parse(const char *text, bool server, struct action_list *list, struct err *err)
{
	struct scan in = scan_over(text);

	list->count = 0;
	list->text_bytes = 0;
	do {
		struct word word = scan_word(&in, ",");
		struct action action = { .number = -1 };
		const char *name;

		while ((name = word_name(NULL, action.word)) != NULL && !word_is(word, name))
			action.word++;
		if (!name)
			return unknown_word(word, err);
		if (list->count == ACTIONS_MOST)
			return err_set(err, ERR_USAGE, "more than %d actions", ACTIONS_MOST);
		if (server && word_of(&action)->client_only)
			return err_set(err, ERR_USAGE, "%s is for clients only", name);
		if (!take_argument(&in, list, &action, err))
			return false;
		if (!scan_end(&in) && *in.at != ',') {
			struct word rest = scan_word(&in, ",");

			err_set(err, ERR_USAGE, "%s: '%.*s' is too much", name,
				(int)(rest.length < 40 ? rest.length : 40), rest.text);
			err_fix(err, "actions are separated by commas");
			return false;
		}
		list->actions[list->count++] = action;
	} while (scan_char(&in, ','));
	return check_order(list, err);
}
