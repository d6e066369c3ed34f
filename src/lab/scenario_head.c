/* SPDX-License-Identifier: BSD-2-Clause */
/* The head of a scenario: what it is about, and what it needs. */
#include "lab/scenario_parse.h"

#include <stdio.h>

#include "base/options.h"

bool head_title(struct reading *reading, struct scan *in)
{
	reading->title_line = reading->line;
	return take_text(in, "title", reading->scenario->title, sizeof(reading->scenario->title),
			 reading->err);
}

/* --- told ----------------------------------------------------------------------------------- */

/* What a figure may begin with; else it is a call. */
static const char *figure_at(const void *context, size_t index)
{
	static const char *const others[] = { "count", "times", "timer", "errno" };
	const size_t count = sizeof(others) / sizeof(others[0]);

	return index < count ? others[index] : step_verb_name_at(context, index - count);
}

/* [client | server] CALL [N]. */
static bool figure_call(struct scan *in, enum step_verb *verb, struct err *err)
{
	static const struct span which = { "number of the call", 1, UINT32_MAX };
	uint32_t number;

	(void)(take_word(in, "client") || take_word(in, "server"));
	return step_verb_parse(in, verb, err) &&
	       (scan_end(in) || take_number(in, &which, &number, err));
}

static bool next_is_verb(struct scan in)
{
	enum step_verb verb;

	return step_verb_parse(&in, &verb, NULL);
}

bool told_figure_parse(struct scan *in, enum step_verb *verb, struct err *err)
{
	struct pattern pattern;
	enum end end;
	bool ok;

	*verb = STEP_VERBS;
	if (take_word(in, "count") || take_word(in, "times"))
		ok = pattern_parse(in, &pattern, err);
	else if (take_word(in, "timer"))
		ok = take_end(in, "timer", &end, err);
	else if (take_word(in, "errno") || next_is(in, "client") || next_is(in, "server") ||
		 next_is_verb(*in))
		ok = figure_call(in, verb, err);
	else
		ok = refuse_word(in, "figure", figure_at, NULL, err);
	return ok && line_ends(in, "figure", err);
}

static bool figures_are_right(const char *told, struct err *err)
{
	const char *at = told;

	while ((at = strpbrk(at, "{}"))) {
		size_t length = strcspn(at + 1, "{}");
		char figure[sizeof(((struct scenario *)0)->told)];
		struct scan in = scan_over(figure);
		enum step_verb verb;

		if (*at == '}' || at[1 + length] != '}') {
			err_set(err, ERR_INPUT, "told: a brace is not closed, or not opened");
			err_fix(err, "a figure is written {connect} or {count C>S SYN}");
			return false;
		}
		snprintf(figure, sizeof(figure), "%.*s", (int)length, at + 1);
		if (!told_figure_parse(&in, &verb, err))
			return false;
		at += length + 2;
	}
	return true;
}

bool head_told(struct reading *reading, struct scan *in)
{
	struct scenario *scenario = reading->scenario;

	reading->told_line = reading->line;
	return take_text(in, "told", scenario->told, sizeof(scenario->told), reading->err) &&
	       figures_are_right(scenario->told, reading->err);
}

/* --- article, verdict, when ----------------------------------------------------------------- */

bool head_article(struct reading *reading, struct scan *in)
{
	struct scenario *scenario = reading->scenario;
	struct word number = scan_peek(in, "");
	size_t digits = 0;
	bool right;

	while (digits < number.length && number.text[digits] >= '0' && number.text[digits] <= '9')
		digits++;
	right = digits > 0 && number.length < sizeof(scenario->article) &&
		(digits == number.length ||
		 (digits + 1 == number.length && number.text[digits] >= 'a' &&
		  number.text[digits] <= 'z'));
	if (!right) {
		scan_fail(in, "article", "the case's number is wanted", reading->err);
		err_fix(reading->err, "write the number, then the heading: article 5a Both ends "
				      "close at once");
		return false;
	}
	snprintf(scenario->article, sizeof(scenario->article), "%.*s", (int)number.length,
		 number.text);
	scan_word(in, "");
	if (take_text(in, "article", scenario->article_of, sizeof(scenario->article_of),
		      reading->err))
		return true;
	err_fix(reading->err, "write the case's heading behind its number");
	return false;
}

static bool add_verdict(struct scenario *scenario, struct scan *in, struct err *err)
{
	char *id;

	if (scenario->verdict_count == SCENARIO_VERDICTS_MOST)
		return err_set(err, ERR_INPUT, "verdict: more than %d", SCENARIO_VERDICTS_MOST);
	id = scenario->verdicts[scenario->verdict_count];
	if (!take_verdict(in, id, err))
		return false;
	for (unsigned i = 0; i < scenario->verdict_count; i++)
		if (strcmp(scenario->verdicts[i], id) == 0)
			return err_set(err, ERR_INPUT, "verdict: %s is named twice", id);
	scenario->verdict_count++;
	return true;
}

bool head_verdict(struct reading *reading, struct scan *in)
{
	reading->verdict_line = reading->line;
	do {
		if (!add_verdict(reading->scenario, in, reading->err))
			return false;
	} while (!scan_end(in));
	return true;
}

bool head_when(struct reading *reading, struct scan *in)
{
	static const struct span span = { "kernel", 0, 999 };
	struct scenario *scenario = reading->scenario;

	scenario->kernel_line = reading->line;
	if (take_word(in, "kernel") && take_word(in, ">=") &&
	    take_number(in, &span, &scenario->kernel_major, NULL) && scan_char(in, '.') &&
	    take_number(in, &span, &scenario->kernel_minor, NULL) && scan_end(in) &&
	    scenario->kernel_major > 0)
		return true;
	scan_fail(in, "when", "\"kernel >= MAJOR.MINOR\" is wanted", reading->err);
	err_fix(reading->err, "write: when kernel >= 6.5");
	return false;
}

bool head_ipv6(struct reading *reading, struct scan *in)
{
	reading->scenario->ipv6 = true;
	return line_ends(in, "ipv6", reading->err);
}

/* --- sysctl --------------------------------------------------------------------------------- */

static bool parse_ends(struct scan *in, struct sysctl *sysctl, struct err *err)
{
	static const struct choice rows[] = { { "client", 1 << END_CLIENT },
					      { "server", 1 << END_SERVER },
					      { "both", 1 << END_CLIENT | 1 << END_SERVER } };
	static const struct choices choices = { "sysctl", rows, 3 };
	int bits = 0;

	if (!take_choice(in, &choices, &bits, err))
		return false;
	sysctl->end[END_CLIENT] = (bits & 1 << END_CLIENT) != 0;
	sysctl->end[END_SERVER] = (bits & 1 << END_SERVER) != 0;
	return true;
}

/* Where a setting lies. Only below the network's own settings: a scenario may be anybody's. */
static const char *const places[] = { "ipv4.",	"ipv6.",	 "core.",   "netfilter.",
				      "mptcp.", "route.rto_min", "link.mtu" };
#define PLACES (sizeof(places) / sizeof(places[0]))

static const char *place_at(const void *context, size_t index)
{
	(void)context;
	return index < PLACES ? places[index] : NULL;
}

static bool is_setting(const char *name)
{
	size_t length = strlen(name);
	const char *letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.";

	if (strspn(name, letters) != length || strstr(name, "..") || name[length - 1] == '.')
		return false;
	for (size_t i = 0; i < PLACES; i++) {
		bool folder = places[i][strlen(places[i]) - 1] == '.';

		if (folder ? strncmp(name, places[i], strlen(places[i])) == 0
			   : strcmp(name, places[i]) == 0)
			return true;
	}
	return false;
}

static bool parse_setting_name(struct scan *in, struct sysctl *sysctl, struct err *err)
{
	struct word word = scan_peek(in, "");

	if (word.length > 0 && word.length < sizeof(sysctl->name)) {
		snprintf(sysctl->name, sizeof(sysctl->name), "%.*s", (int)word.length, word.text);
		if (is_setting(sysctl->name)) {
			scan_word(in, "");
			return true;
		}
	}
	err_fix(err, "a setting is named from /proc/sys/net on, with dots: ipv4.tcp_retries2; also "
		     "route.rto_min and link.mtu");
	return refuse_word(in, "sysctl", place_at, NULL, err);
}

/* Some words (ipv4.tcp_rmem has three); "optional" may be the last one. */
static bool parse_setting_value(struct scan *in, struct sysctl *sysctl, struct err *err)
{
	struct text value = text_over(sysctl->value, sizeof(sysctl->value));

	while (!scan_end(in)) {
		struct word word = scan_word(in, "");

		if (word_is(word, "optional") && scan_end(in) && value.length > 0) {
			sysctl->optional = true;
			break;
		}
		text_add(&value, "%s%.*s", value.length ? " " : "", (int)word.length, word.text);
	}
	if (value.length == 0)
		return scan_fail(in, "sysctl", "a value is wanted", err);
	return value.length < value.room ||
	       err_set(err, ERR_INPUT, "sysctl: the value is too long");
}

bool head_sysctl(struct reading *reading, struct scan *in)
{
	static const struct shelf shelf = { "sysctls", SCENARIO_SYSCTLS_MOST,
					    sizeof(struct sysctl) };
	struct scenario *scenario = reading->scenario;
	struct sysctl *sysctls =
		one_more(reading, scenario->sysctls, scenario->sysctl_count, &shelf);
	struct sysctl *sysctl;

	if (!sysctls)
		return false;
	scenario->sysctls = sysctls;
	sysctl = &sysctls[scenario->sysctl_count++];
	sysctl->line = reading->line;
	return parse_ends(in, sysctl, reading->err) &&
	       parse_setting_name(in, sysctl, reading->err) &&
	       parse_setting_value(in, sysctl, reading->err);
}

/* --- how it is run -------------------------------------------------------------------------- */

bool head_read(struct reading *reading, struct scan *in)
{
	return take_end(in, "read", &reading->scenario->read, reading->err) &&
	       line_ends(in, "read", reading->err);
}

bool head_end(struct reading *reading, struct scan *in)
{
	struct scenario *scenario = reading->scenario;

	if (!take_word(in, "after")) {
		scan_fail(in, "end", "\"after\" and a condition are wanted", reading->err);
		err_fix(reading->err, "write: end after client close +2s");
		return false;
	}
	scenario->has_end = true;
	scenario->end_line = reading->line;
	return cond_parse(in, &scenario->end, reading->err) && line_ends(in, "end", reading->err);
}

bool head_limit(struct reading *reading, struct scan *in)
{
	struct scan before = *in;

	if (!take_time(in, "limit", &reading->scenario->limit_ns, reading->err))
		return false;
	if (reading->scenario->limit_ns == 0)
		return scan_fail(&before, "limit", "more than 0 is wanted", reading->err);
	return line_ends(in, "limit", reading->err);
}
