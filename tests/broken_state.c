/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The transition table with one transition wrong: a FIN that meets FIN_WAIT_1 makes CLOSING
 * TIME_WAIT at once. Linked into a program of its own, before the true table: the lab must notice
 * that the engine and the kernels disagree (tests/lab_test.py --broken).
 */
#define tcp_state_next true_state_next
#include "../src/tcp/state.c"
#undef tcp_state_next

enum tcp_state tcp_state_next(enum tcp_state state, enum tcp_event event);

enum tcp_state tcp_state_next(enum tcp_state state, enum tcp_event event)
{
	if (state == STATE_FIN_WAIT_1 && event == EVENT_RECEIVE_FIN)
		return STATE_TIME_WAIT;
	return true_state_next(state, event);
}
