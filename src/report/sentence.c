/* SPDX-License-Identifier: BSD-2-Clause */
#include "report/sentence.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/digits.h"
#include "base/time.h"
#include "report/out.h"

/* Shorter ones are the pace of an exchange (docs/precedence.md, section 6: stall). */
#define SILENCE_LEAST_NS (200 * NSEC_PER_MSEC)

/* A text that grows to a limit and then stops. */
struct filling {
	char *text;
	size_t used, bytes;
};

static void add(struct filling *to, const char *piece, size_t length)
{
	size_t room = to->bytes - 1 - to->used;

	if (length > room)
		length = room;
	memcpy(to->text + to->used, piece, length);
	to->used += length;
	to->text[to->used] = '\0';
}

static void add_text(struct filling *to, const char *piece)
{
	add(to, piece, strlen(piece));
}

size_t duration_format(char text[static DURATION_BYTES], int64_t duration_ns)
{
	bool negative = duration_ns < 0;
	double seconds = (double)(negative ? -duration_ns : duration_ns) / (double)NSEC_PER_SEC;
	const char *sign = negative ? "-" : "";
	int64_t whole = (int64_t)(seconds + 0.5);
	int length;

	if (seconds < 0.00001)
		length = snprintf(text, DURATION_BYTES, "%s%.3f ms", sign, seconds * 1e3);
	else if (seconds < 0.01)
		length = snprintf(text, DURATION_BYTES, "%s%.2f ms", sign, seconds * 1e3);
	else if (seconds < 0.9995)
		length = snprintf(text, DURATION_BYTES, "%s%.0f ms", sign, seconds * 1e3);
	else if (seconds < 180)
		length = snprintf(text, DURATION_BYTES, "%s%.1f s", sign, seconds);
	else if (whole < 7200)
		length = snprintf(text, DURATION_BYTES, "%s%" PRId64 " min %" PRId64 " s", sign,
				  whole / 60, whole % 60);
	else
		length = snprintf(text, DURATION_BYTES, "%s%" PRId64 " h %" PRId64 " min", sign,
				  whole / 3600, whole / 60 % 60);
	return (size_t)length;
}

static void add_number(struct filling *to, int64_t number)
{
	char digits[DIGITS_MOST + 1];
	const char *end = digits_put_signed(digits, number);

	add(to, digits, (size_t)(end - digits));
}

static void add_value(struct filling *to, const struct verdict_value *value)
{
	char text[ADDRESS_PORT_TEXT_BYTES];

	switch (value->kind) {
	case VALUE_COUNT:
		add_number(to, value->number);
		return;
	case VALUE_BYTES:
		snprintf(text, sizeof(text), "%" PRId64 " byte%s", value->number,
			 value->number == 1 ? "" : "s");
		break;
	case VALUE_FRAME:
		snprintf(text, sizeof(text), "#%" PRId64, value->number);
		break;
	case VALUE_NS:
		duration_format(text, value->number);
		break;
	case VALUE_TIME:
		time_format_utc(text, value->number);
		text[19] = '\0'; /* to the second; the record has the rest */
		break;
	case VALUE_ADDRESS:
		ip_address_print(&value->address, text);
		break;
	case VALUE_TEXT:
		add_text(to, value->text);
		return;
	}
	add_text(to, text);
}

/* Whether a value has the key that a template names. */
static inline bool is_key(const struct verdict_value *value, const char *key, size_t length)
{
	return value->key[0] == key[0] && strncmp(value->key, key, length) == 0 &&
	       value->key[length] == '\0';
}

/* Every value of that key, joined: a list when the key was given more than once. */
static bool add_values(struct filling *to, const struct verdict *verdict, const char *key,
		       size_t length)
{
	bool found = false;

	for (unsigned i = 0; i < verdict->value_count; i++) {
		const struct verdict_value *value = &verdict->values[i];

		if (!is_key(value, key, length))
			continue;
		if (found)
			add_text(to, ", ");
		add_value(to, value);
		found = true;
	}
	return found;
}

struct endpoint {
	bool known;
	const struct ip_address *ip;
	bool has_port;
	uint16_t port;
	const char *role; /* "the client" */
};

static struct endpoint endpoint_of(const struct conn *conn, enum end end)
{
	return (struct endpoint){ .known = true,
				  .ip = &conn->half[end].ip,
				  .has_port = true,
				  .port = conn->half[end].port,
				  .role = end == END_CLIENT ? "the client" : "the server" };
}

static struct endpoint actor_endpoint(const struct sentence *about, bool other)
{
	enum actor by = about->verdict->by;

	if (!about->conn || (by != ACTOR_CLIENT && by != ACTOR_SERVER))
		return (struct endpoint){ .role = by == ACTOR_MIDDLE ? "a device on the path"
						  : by == ACTOR_BOTH ? "both ends"
								     : "an end" };

	enum end end = by == ACTOR_CLIENT ? END_CLIENT : END_SERVER;

	return endpoint_of(about->conn, other ? end_other(end) : end);
}

static struct endpoint find_endpoint(const struct sentence *about, const char *name, size_t length)
{
	struct endpoint none = { .role = "?" };

	if (length == 6 && memcmp(name, "client", 6) == 0)
		return about->conn ? endpoint_of(about->conn, END_CLIENT) : none;
	if (length == 6 && memcmp(name, "server", 6) == 0) {
		if (about->conn)
			return endpoint_of(about->conn, END_SERVER);
		return (struct endpoint){ .known = about->group != NULL,
					  .ip = about->group ? &about->group->host : NULL,
					  .has_port = about->group && about->group->has_port,
					  .port = about->group ? about->group->port : 0,
					  .role = "the server" };
	}
	if (length == 4 && memcmp(name, "host", 4) == 0 && about->group)
		return (struct endpoint){ .known = true, .ip = &about->group->host };
	if (length == 2 && memcmp(name, "by", 2) == 0)
		return actor_endpoint(about, false);
	if (length == 5 && memcmp(name, "other", 5) == 0)
		return actor_endpoint(about, true);
	return none;
}

static bool has_ending(const char *name, size_t *length, const char *ending)
{
	size_t n = strlen(ending);

	if (*length <= n || memcmp(name + *length - n, ending, n) != 0)
		return false;
	*length -= n;
	return true;
}

/* "{client}", "{by_host}", "{server_port}", "{other_role}". */
static bool add_endpoint(struct filling *to, const struct sentence *about, const char *name,
			 size_t length)
{
	char text[ADDRESS_PORT_TEXT_BYTES];
	bool host = has_ending(name, &length, "_host");
	bool port = !host && has_ending(name, &length, "_port");
	bool role = !host && !port && has_ending(name, &length, "_role");
	struct endpoint end = find_endpoint(about, name, length);

	if (role || (!end.known && end.role && end.role[0] != '?')) {
		add_text(to, end.role ? end.role : "?");
		return true;
	}
	if (!end.known)
		return false;
	if (port)
		snprintf(text, sizeof(text), "%u", end.port);
	else if (host || !end.has_port)
		ip_address_print(end.ip, text);
	else
		ip_address_port_print(end.ip, end.port, text);
	add_text(to, text);
	return true;
}

/* Whether a placeholder is a count of one. */
static bool is_one(const struct verdict *verdict, const char *key, size_t length)
{
	for (unsigned i = 0; i < verdict->value_count; i++) {
		const struct verdict_value *value = &verdict->values[i];

		if (value->kind == VALUE_COUNT && is_key(value, key, length))
			return value->number == 1;
	}
	return false;
}

/*
 * Templates are written for many: "{segments} segments were sent again", "{repeats} times". After
 * a count of one the next words are put right. Return: what of the template is left.
 */
static const char *add_singular(struct filling *to, const char *template)
{
	static const char *const verbs[][2] = {
		{ " were ", " was " }, { " are ", " is " },  { " carry ", " carries " },
		{ " have ", " has " }, { " got ", " got " },
	};

	if (strncmp(template, " times", 6) == 0) {
		to->used--; /* the "1" */
		add_text(to, "once");
		return template + 6;
	}

	size_t word = 1 + strcspn(template + (*template == ' '), " .,;:)");

	if (*template != ' ' || template[word - 1] != 's')
		return template;
	add(to, template, word - 1);
	template += word;
	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
		size_t length = strlen(verbs[i][0]);

		if (strncmp(template, verbs[i][0], length) == 0) {
			add_text(to, verbs[i][1]);
			return template + length;
		}
	}
	return template;
}

/* The end of a template's "after {idle_ns} of silence": no silence to speak of is left out. */
static const char *leave_out_silence(struct filling *to, const struct verdict *verdict,
				     const char *open, const char *close)
{
	static const char after[] = " after ", of_silence[] = " of silence";
	size_t length = (size_t)(close - open - 1), used = to->used;

	if (strncmp(close + 1, of_silence, sizeof(of_silence) - 1) != 0 ||
	    !has_ending(to->text, &used, after))
		return NULL;
	for (unsigned i = 0; i < verdict->value_count; i++) {
		const struct verdict_value *value = &verdict->values[i];

		if (value->kind != VALUE_NS || value->number >= SILENCE_LEAST_NS ||
		    !is_key(value, open + 1, length))
			continue;
		to->used = used;
		to->text[used] = '\0';
		return close + sizeof(of_silence);
	}
	return NULL;
}

void sentence_format(char text[static SENTENCE_BYTES], const char *template,
		     const struct sentence *about)
{
	struct filling to = { .text = text, .bytes = SENTENCE_BYTES };

	text[0] = '\0';
	while (*template != '\0') {
		const char *open = strchr(template, '{');
		const char *close = open ? strchr(open, '}') : NULL;

		if (!close) {
			add_text(&to, template);
			return;
		}
		add(&to, template, (size_t)(open - template));

		const char *rest = leave_out_silence(&to, about->verdict, open, close);

		if (rest) {
			template = rest;
			continue;
		}

		size_t length = (size_t)(close - open - 1);

		if (!add_values(&to, about->verdict, open + 1, length) &&
		    !add_endpoint(&to, about, open + 1, length))
			add_text(&to, "?");
		template = close + 1;
		if (is_one(about->verdict, open + 1, length))
			template = add_singular(&to, template);
	}
}
