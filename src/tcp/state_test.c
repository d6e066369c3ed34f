/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "tcp/state.h"

/* One arrow of the figure. */
struct arrow {
	enum tcp_state from;
	enum tcp_event event;
	enum tcp_state to;
};

/*
 * RFC 9293 section 3.3.2, figure 5, from CLOSED around to CLOSED again. "passive OPEN" sends and
 * receives nothing: the end that a SYN arrives at was listening.
 */
static const struct arrow figure_5[] = {
	{ STATE_CLOSED, EVENT_SEND_SYN, STATE_SYN_SENT },
	{ STATE_LISTEN, EVENT_SEND_SYN_ACK, STATE_SYN_RECEIVED },
	{ STATE_LISTEN, EVENT_SEND_SYN, STATE_SYN_SENT },
	{ STATE_SYN_SENT, EVENT_RECEIVE_SYN, STATE_SYN_RECEIVED },
	{ STATE_SYN_SENT, EVENT_RECEIVE_SYN_ACK, STATE_ESTABLISHED },
	{ STATE_SYN_RECEIVED, EVENT_RECEIVE_ACK_OF_SYN, STATE_ESTABLISHED },
	{ STATE_SYN_RECEIVED, EVENT_SEND_FIN, STATE_FIN_WAIT_1 },
	{ STATE_ESTABLISHED, EVENT_SEND_FIN, STATE_FIN_WAIT_1 },
	{ STATE_ESTABLISHED, EVENT_RECEIVE_FIN, STATE_CLOSE_WAIT },
	{ STATE_FIN_WAIT_1, EVENT_RECEIVE_ACK_OF_FIN, STATE_FIN_WAIT_2 },
	{ STATE_FIN_WAIT_1, EVENT_RECEIVE_FIN, STATE_CLOSING },
	{ STATE_FIN_WAIT_2, EVENT_RECEIVE_FIN, STATE_TIME_WAIT },
	{ STATE_CLOSING, EVENT_RECEIVE_ACK_OF_FIN, STATE_TIME_WAIT },
	{ STATE_CLOSE_WAIT, EVENT_SEND_FIN, STATE_LAST_ACK },
	{ STATE_LAST_ACK, EVENT_RECEIVE_ACK_OF_FIN, STATE_CLOSED },
	{ STATE_TIME_WAIT, EVENT_TIME_WAIT_OVER, STATE_CLOSED },
};

static void every_arrow_of_figure_5_is_there(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(figure_5) / sizeof(figure_5[0]); i++)
		assert_string_equal(
			tcp_state_name(tcp_state_next(figure_5[i].from, figure_5[i].event)),
			tcp_state_name(figure_5[i].to));
}

/* Whether figure 5 (without resets and time-outs) has an arrow, or this table may have one. */
static int explained(enum tcp_state from, enum tcp_event event)
{
	static const struct arrow others[] = {
		/* RFC 9293 3.10.7.4: SYN-RECEIVED, FIN: the ACK of the SYN may be in it */
		{ STATE_SYN_RECEIVED, EVENT_RECEIVE_FIN, STATE_CLOSE_WAIT },
		/* an open that crossed: the SYN-ACK acknowledges the SYN as a plain ACK would */
		{ STATE_SYN_RECEIVED, EVENT_RECEIVE_SYN_ACK, STATE_ESTABLISHED },
		/* TCP Fast Open lets a program close before the answer: RFC 7413 */
		{ STATE_SYN_SENT, EVENT_SEND_FIN, STATE_FIN_WAIT_1 },
		/* a closed port that answers a SYN was listening */
		{ STATE_CLOSED, EVENT_SEND_SYN_ACK, STATE_SYN_RECEIVED },
		/* RFC 9293 3.6.1, RFC 6191: a new SYN may reopen it */
		{ STATE_TIME_WAIT, EVENT_SEND_SYN_ACK, STATE_SYN_RECEIVED },
		/* RFC 5461: what is not up yet takes an ICMP error for an answer */
		{ STATE_SYN_SENT, EVENT_RECEIVE_ICMP, STATE_CLOSED },
		{ STATE_SYN_RECEIVED, EVENT_RECEIVE_ICMP, STATE_CLOSED },
	};

	for (size_t i = 0; i < sizeof(figure_5) / sizeof(figure_5[0]); i++)
		if (figure_5[i].from == from && figure_5[i].event == event)
			return 1;
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		if (others[i].from == from && others[i].event == event)
			return 1;
	return event == EVENT_SEND_RST || event == EVENT_RECEIVE_RST || event == EVENT_TIMEOUT ||
	       from == STATE_UNKNOWN;
}

static void there_are_no_other_arrows(void **state)
{
	(void)state;
	for (int from = 0; from < STATE_COUNT; from++)
		for (int event = 0; event < EVENT_COUNT; event++)
			if (!explained((enum tcp_state)from, (enum tcp_event)event))
				assert_int_equal(
					tcp_state_next((enum tcp_state)from, (enum tcp_event)event),
					from);
}

/* RFC 9293 3.10.7: a reset or a time-out leads nowhere but to CLOSED; a listener stays. */
static void resets_and_timeouts_close(void **state)
{
	(void)state;
	static const enum tcp_event ends[] = { EVENT_SEND_RST, EVENT_RECEIVE_RST, EVENT_TIMEOUT };

	for (int from = STATE_SYN_SENT; from < STATE_TIME_WAIT; from++)
		for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
			assert_int_equal(tcp_state_next((enum tcp_state)from, ends[i]),
					 STATE_CLOSED);
	assert_int_equal(tcp_state_next(STATE_LISTEN, EVENT_RECEIVE_RST), STATE_LISTEN);
	assert_int_equal(tcp_state_next(STATE_TIME_WAIT, EVENT_RECEIVE_RST), STATE_CLOSED);
}

/* RFC 9293 section 3.6, figures 12 and 13, as walks. */
static void both_ways_to_close_end_in_time_wait(void **state)
{
	(void)state;
	static const enum tcp_event normal[] = { EVENT_SEND_FIN, EVENT_RECEIVE_ACK_OF_FIN,
						 EVENT_RECEIVE_FIN };
	static const enum tcp_event crossing[] = { EVENT_SEND_FIN, EVENT_RECEIVE_FIN,
						   EVENT_RECEIVE_ACK_OF_FIN };
	enum tcp_state a = STATE_ESTABLISHED, b = STATE_ESTABLISHED;

	for (size_t i = 0; i < 3; i++) {
		a = tcp_state_next(a, normal[i]);
		b = tcp_state_next(b, crossing[i]);
	}
	assert_int_equal(a, STATE_TIME_WAIT);
	assert_int_equal(b, STATE_TIME_WAIT);
}

static void names_are_the_rfcs_with_underscores(void **state)
{
	(void)state;
	assert_string_equal(tcp_state_name(STATE_SYN_RECEIVED), "SYN_RECEIVED");
	assert_string_equal(tcp_state_name(STATE_FIN_WAIT_2), "FIN_WAIT_2");
	assert_string_equal(tcp_event_name(EVENT_RECEIVE_ACK_OF_FIN), "receive ACK of FIN");
	for (int i = 0; i < STATE_COUNT; i++)
		for (int j = 0; j < i; j++)
			assert_string_not_equal(tcp_state_name((enum tcp_state)i),
						tcp_state_name((enum tcp_state)j));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_arrow_of_figure_5_is_there),
		cmocka_unit_test(there_are_no_other_arrows),
		cmocka_unit_test(resets_and_timeouts_close),
		cmocka_unit_test(both_ways_to_close_end_in_time_wait),
		cmocka_unit_test(names_are_the_rfcs_with_underscores),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
