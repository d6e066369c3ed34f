/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/time.h"
#include "lab/actions.h"

static struct action_list list; /* too large for a stack */

/* The names of the calls told, separated by blanks; failed ones with their errno. */
struct heard {
	char text[2000];
	int64_t received, sent;
};

static void hear(void *context, const struct call *call)
{
	struct heard *heard = context;
	size_t used = strlen(heard->text);

	if (call->result > 0 && strcmp(call->name, "recv") == 0)
		heard->received += call->result;
	if (call->result > 0 && strcmp(call->name, "send") == 0)
		heard->sent += call->result;
	if (used > 1900)
		return;
	snprintf(heard->text + used, sizeof(heard->text) - used, "%s%s%s%s", used ? " " : "",
		 call->name, call->error ? ":" : "", call->error ? errno_name(call->error) : "");
}

static const struct action_word *word_at(size_t index)
{
	size_t count;

	return &action_words_list(&count)[list.actions[index].word];
}

static void words_and_arguments_are_read(void **state)
{
	struct err err = { .kind = ERR_NONE };

	(void)state;
	assert_true(action_list_parse("send 5,recv , recv 7, send \"a,b\\n#\" ,sleep 1.5s, hold, "
				      "hold 20ms, set keepalive 1 2 3, half-close, exit 3",
				      true, &list, &err));
	assert_int_equal(list.count, 10);
	assert_string_equal(word_at(0)->name, "send");
	assert_int_equal(list.actions[0].number, 5);
	assert_int_equal(list.actions[0].text_bytes, 0);
	assert_int_equal(list.actions[1].number, -1);
	assert_int_equal(list.actions[2].number, 7);
	assert_int_equal(list.actions[3].text_bytes, 5);
	assert_memory_equal(list.text + list.actions[3].text_at, "a,b\n#", 5);
	assert_int_equal(list.actions[4].number, 1500 * NSEC_PER_MSEC);
	assert_int_equal(list.actions[5].number, -1);
	assert_int_equal(list.actions[6].number, 20 * NSEC_PER_MSEC);
	assert_true(socket_setting_is(&list.actions[7].setting, "keepalive"));
	assert_int_equal(list.actions[7].setting.values[2], 3);
	assert_string_equal(word_at(8)->name, "half-close");
	assert_int_equal(list.actions[9].number, 3);
	assert_true(action_list_has(&list, "exit"));
	assert_false(action_list_has(&list, "echo"));
}

static void what_cannot_be_is_refused_with_advice(void **state)
{
	static const struct {
		const char *in;
		bool server;
		const char *what, *fix;
	} cases[] = {
		{ "ehco", true, "'ehco'", "did you mean echo?" },
		{ "xyzzy", true, "'xyzzy'", "--help" },
		{ "", true, "missing", "--help" },
		{ "recv,", true, "missing", "commas" },
		{ "send", true, "send: its argument", "N | \"TEXT\"" },
		{ "send 0", true, "'0'", "send N" },
		{ "send -5", true, "'-5'", "send N" },
		{ "send 5x", true, "'5x'", "send N" },
		{ "send \"abc", true, "quote", "" },
		{ "send \"\"", true, "empty", "" },
		{ "recv 99999999999999999999", true, "9999", "recv [N]" },
		{ "sleep", true, "missing", "300ms" },
		{ "sleep 5", true, "'5'", "300ms" },
		{ "echo 5", true, "'5' is too much", "commas" },
		{ "close send 5", true, "too much", "commas" },
		{ "set keepaliv 1 1 1", true, "keepaliv", "keepalive" },
		{ "pipe", true, "clients only", "" },
		{ "close, send 5", false, "send cannot come after", "exit" },
		{ "abort, close", false, "close cannot come after", "exit" },
		{ "repeat 2, recv, repeat 2", false, "once", "" },
		{ "exit 256", false, "'256'", "STATUS" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct err err = { .kind = ERR_NONE };

		assert_false(action_list_parse(cases[i].in, cases[i].server, &list, &err));
		assert_int_equal(err.kind, ERR_USAGE);
		assert_non_null(strstr(err.what, cases[i].what));
		assert_non_null(strstr(err.fix, cases[i].fix));
	}
}

static void too_many_actions_and_too_much_text_are_refused(void **state)
{
	static char text[20000];
	struct err err = { .kind = ERR_NONE };

	(void)state;
	for (int i = 0; i < ACTIONS_MOST; i++)
		strcat(text, "recv,");
	strcat(text, "close");
	assert_false(action_list_parse(text, true, &list, &err));
	text[strlen(text) - 6] = '\0';
	assert_true(action_list_parse(text, true, &list, NULL));
	strcpy(text, "send \"");
	memset(text + 6, 'x', ACTIONS_TEXT_BYTES + 1);
	strcpy(text + 6 + ACTIONS_TEXT_BYTES, "\"");
	assert_true(action_list_parse(text, true, &list, NULL));
	assert_int_equal(list.actions[0].text_bytes, ACTIONS_TEXT_BYTES);
	strcpy(text + 6 + ACTIONS_TEXT_BYTES, "x\"");
	assert_false(action_list_parse(text, true, &list, NULL));
}

/* An actor on one end of a socket pair; the test plays the other. */
struct stage {
	struct heard heard;
	struct call_sink sink;
	struct actor actor;
	int peer;
};

/* More than any of these takes, so that a mistake ends a test instead of making it hang. */
#define TURNS_MOST 100000

static void set_stage(struct stage *stage, const char *actions)
{
	int pair[2];

	memset(stage, 0, sizeof(*stage));
	stage->sink = (struct call_sink){ .told = hear, .context = &stage->heard };
	assert_true(action_list_parse(actions, false, &list, NULL));
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	actor_init(&stage->actor, pair[0], &list, &stage->sink);
	stage->peer = pair[1];
}

static void strike(struct stage *stage)
{
	actor_clear(&stage->actor);
	close(stage->peer);
}

static void actions_wait_for_what_they_need(void **state)
{
	struct stage stage;
	struct pollfd polls[ACTOR_POLLS_MOST];
	char got[16];

	(void)state;
	set_stage(&stage, "recv 4, send \"ok\", sleep 2s");
	assert_int_equal(actor_run(&stage.actor, 1000), ACTOR_WAITS);
	assert_int_equal(actor_polls(&stage.actor, polls), 1);
	assert_int_equal(polls[0].fd, stage.actor.fd);
	assert_int_equal(polls[0].events, POLLIN);
	assert_string_equal(stage.heard.text, "");
	assert_int_equal(write(stage.peer, "abc", 3), 3);
	assert_int_equal(actor_run(&stage.actor, 2000), ACTOR_WAITS);
	assert_string_equal(stage.heard.text, "recv");
	assert_int_equal(write(stage.peer, "defg", 4), 4);
	assert_int_equal(actor_run(&stage.actor, 3000), ACTOR_WAITS);
	assert_string_equal(stage.heard.text, "recv recv send");
	assert_int_equal(stage.heard.received, 4); /* not a byte more */
	assert_int_equal(read(stage.peer, got, sizeof(got)), 2);
	assert_memory_equal(got, "ok", 2);
	assert_int_equal(stage.actor.wake_ns, 3000 + 2 * NSEC_PER_SEC);
	actor_polls(&stage.actor, polls);
	assert_int_equal(polls[0].fd, -1); /* it sleeps */
	assert_int_equal(actor_run(&stage.actor, 3000 + 2 * NSEC_PER_SEC - 1), ACTOR_WAITS);
	assert_int_equal(actor_run(&stage.actor, 3000 + 2 * NSEC_PER_SEC), ACTOR_CLOSED);
	assert_int_equal(stage.actor.fd, -1);
	strike(&stage);
}

static void an_echo_survives_partial_writes(void **state)
{
	static uint8_t out[300000], back[300000];
	struct stage stage;
	size_t written = 0, got = 0;
	int64_t now_ns = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(out); i++)
		out[i] = (uint8_t)(i * 31 + i / 251);
	set_stage(&stage, "echo");
	for (int turn = 0; turn < TURNS_MOST && got < sizeof(back); turn++) {
		ssize_t n = written < sizeof(out) ? send(stage.peer, out + written,
							 sizeof(out) - written, MSG_DONTWAIT)
						  : 0;

		written += n > 0 ? (size_t)n : 0;
		assert_int_equal(actor_run(&stage.actor, now_ns), ACTOR_WAITS);
		n = recv(stage.peer, back + got, 7001, MSG_DONTWAIT); /* a slow reader */
		got += n > 0 ? (size_t)n : 0;
	}
	assert_int_equal(got, sizeof(out));
	assert_memory_equal(out, back, sizeof(out));
	shutdown(stage.peer, SHUT_WR);
	while (actor_run(&stage.actor, now_ns) == ACTOR_WAITS)
		;
	assert_int_equal(stage.heard.received, sizeof(out));
	assert_int_equal(stage.heard.sent, sizeof(out));
	strike(&stage);
}

static void a_stalled_send_is_told_once(void **state)
{
	struct stage stage;

	(void)state;
	set_stage(&stage, "send 100000000");
	while (actor_run(&stage.actor, 5) == ACTOR_WAITS && stage.actor.stalled_since_ns == 0)
		;
	assert_null(strstr(stage.heard.text, "EAGAIN"));
	assert_int_equal(stage.actor.wake_ns, 5 + NSEC_PER_SEC);
	assert_int_equal(actor_run(&stage.actor, 5 + NSEC_PER_SEC), ACTOR_WAITS);
	assert_non_null(strstr(stage.heard.text, "send:EAGAIN"));
	assert_int_equal(actor_run(&stage.actor, 5 + 3 * NSEC_PER_SEC), ACTOR_WAITS);
	assert_null(strstr(strstr(stage.heard.text, "EAGAIN") + 1, "EAGAIN"));
	close(stage.actor.fd);
	strike(&stage);
}

static void the_pattern_does_not_depend_on_how_it_was_cut(void **state)
{
	static uint8_t got[200000];
	struct stage stage;
	size_t count = 0;
	int small = 5000;

	(void)state;
	set_stage(&stage, "send 200000");
	setsockopt(stage.actor.fd, SOL_SOCKET, SO_SNDBUF, &small, sizeof(small)); /* to cut it */
	for (int turn = 0; turn < TURNS_MOST && count < sizeof(got); turn++) {
		actor_run(&stage.actor, 5);

		ssize_t n = recv(stage.peer, got + count, 5003, MSG_DONTWAIT);

		count += n > 0 ? (size_t)n : 0;
	}
	assert_int_equal(count, sizeof(got));
	for (size_t i = 0; i < sizeof(got); i++)
		assert_int_equal(got[i], "abcdefghijklmnopqrstuvwxyz\n"[i % 27]);
	strike(&stage);
}

static void a_failed_call_leaves_the_next_its_turn(void **state)
{
	struct stage stage;

	(void)state;
	set_stage(&stage, "send 3, recv, send 3");
	close(stage.peer);
	stage.peer = -1;
	assert_int_equal(actor_run(&stage.actor, 5), ACTOR_CLOSED);
	assert_string_equal(stage.heard.text, "send:EPIPE recv send:EPIPE close");
	strike(&stage);
}

static void repeat_counts_rounds_and_ends_with_the_connection(void **state)
{
	struct stage stage;
	char got[64];

	(void)state;
	set_stage(&stage, "send \"ab\", repeat 3, send \"c\"");
	assert_int_equal(actor_run(&stage.actor, 5), ACTOR_CLOSED);
	assert_int_equal(read(stage.peer, got, sizeof(got)), 7);
	assert_memory_equal(got, "abababc", 7);
	strike(&stage);
	set_stage(&stage, "recv, repeat");
	assert_int_equal(write(stage.peer, "x", 1), 1);
	assert_int_equal(actor_run(&stage.actor, 5), ACTOR_WAITS);
	shutdown(stage.peer, SHUT_WR);
	assert_int_equal(actor_run(&stage.actor, 6), ACTOR_CLOSED);
	strike(&stage);
}

static void exit_and_crash_are_left_to_the_process(void **state)
{
	struct stage stage;

	(void)state;
	set_stage(&stage, "exit 7");
	assert_int_equal(actor_run(&stage.actor, 5), ACTOR_EXITS);
	assert_int_equal(stage.actor.exit_status, 7);
	assert_true(stage.actor.fd >= 0); /* not closed: that is the point */
	close(stage.actor.fd);
	strike(&stage);
	set_stage(&stage, "close, crash");
	assert_int_equal(actor_run(&stage.actor, 5), ACTOR_CRASHES);
	assert_string_equal(stage.heard.text, "close");
	strike(&stage);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(words_and_arguments_are_read),
		cmocka_unit_test(what_cannot_be_is_refused_with_advice),
		cmocka_unit_test(too_many_actions_and_too_much_text_are_refused),
		cmocka_unit_test(actions_wait_for_what_they_need),
		cmocka_unit_test(an_echo_survives_partial_writes),
		cmocka_unit_test(a_stalled_send_is_told_once),
		cmocka_unit_test(the_pattern_does_not_depend_on_how_it_was_cut),
		cmocka_unit_test(a_failed_call_leaves_the_next_its_turn),
		cmocka_unit_test(repeat_counts_rounds_and_ends_with_the_connection),
		cmocka_unit_test(exit_and_crash_are_left_to_the_process),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
