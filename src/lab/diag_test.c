/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>

#include "lab/diag.h"
#include "lab/lab_test.h"

/* --- answers that no namespace is needed for --- */

#define SEQUENCE 77

struct answer {
	uint8_t bytes[4096];
	size_t used;
};

static void answer_add(struct answer *answer, uint16_t type, const void *body, size_t bytes)
{
	struct nlmsghdr head = { .nlmsg_len = (uint32_t)(sizeof(head) + bytes),
				 .nlmsg_type = type,
				 .nlmsg_seq = SEQUENCE };

	memcpy(answer->bytes + answer->used, &head, sizeof(head));
	memcpy(answer->bytes + answer->used + sizeof(head), body, bytes);
	answer->used += NLMSG_ALIGN(sizeof(head) + bytes);
}

/* A socket 10.9.0.1:4660 to 10.9.0.2:80 that was shut down for sending. */
struct one_socket {
	struct inet_diag_msg message;
	struct rtattr head;
	uint8_t value[4];
};

static struct one_socket one_socket(void)
{
	static const uint8_t local[] = { 10, 9, 0, 1 }, remote[] = { 10, 9, 0, 2 };
	struct one_socket one = {
		.message = { .idiag_family = AF_INET,
			     .idiag_state = 5, /* FIN_WAIT_2 */
			     .idiag_timer = 3,
			     .idiag_expires = 59900,
			     .idiag_inode = 9,
			     .idiag_retrans = 2,
			     .idiag_rqueue = 4,
			     .idiag_wqueue = 5,
			     .id = { .idiag_sport = htons(4660),
				     .idiag_dport = htons(80),
				     .idiag_cookie = { 1, 2 } } },
		.head = { .rta_len = 5, .rta_type = INET_DIAG_SHUTDOWN },
		.value = { 2 },
	};

	memcpy(one.message.id.idiag_src, local, 4);
	memcpy(one.message.id.idiag_dst, remote, 4);
	return one;
}

static struct answer answer_whole(void)
{
	struct answer answer = { .used = 0 };
	struct one_socket one = one_socket();
	int done = 0;

	answer_add(&answer, SOCK_DIAG_BY_FAMILY, &one, sizeof(one));
	answer_add(&answer, NLMSG_DONE, &done, sizeof(done));
	return answer;
}

/* The kernel's answer lies at the end of a heap block: a byte too far is seen. */
static enum diag_answer read_exactly(const uint8_t *bytes, size_t count, struct diag_sockets *out,
				     int *error)
{
	uint8_t *exact = malloc(count ? count : 1);
	struct cursor in = cursor_over(exact, count);

	memcpy(exact, bytes, count);
	enum diag_answer answer = diag_answer_read(&in, SEQUENCE, out, error);

	free(exact);
	return answer;
}

static void socket_is_read(void **state)
{
	static struct diag_sockets out;
	struct answer answer = answer_whole();
	const struct diag_socket *one = &out.sockets[0];
	char text[DIAG_TIMER_TEXT_BYTES];
	int error;

	(void)state;
	out.count = 0;
	assert_int_equal(read_exactly(answer.bytes, answer.used, &out, &error), DIAG_ANSWER_END);
	assert_int_equal(out.count, 1);
	assert_int_equal(one->state, STATE_FIN_WAIT_2);
	assert_true(ip_address_is_v4(&one->local) && one->local.bytes[15] == 1);
	assert_true(ip_address_is_v4(&one->remote) && one->remote.bytes[15] == 2);
	assert_int_equal(one->local_port, 4660);
	assert_int_equal(one->remote_port, 80);
	assert_int_equal(one->inode, 9);
	assert_int_equal(one->retransmits, 2);
	assert_int_equal(one->receive_queue, 4);
	assert_int_equal(one->send_queue, 5);
	assert_int_equal(one->cookie[1], 2);
	assert_int_equal(one->shutdown, 2);
	diag_timer_print(one, text);
	assert_string_equal(text, "time-wait 59.9 s");
}

static void any_cut_is_noticed_and_stays_inside(void **state)
{
	static struct diag_sockets out;
	struct answer answer = answer_whole();
	size_t first = sizeof(struct nlmsghdr) + sizeof(struct one_socket);
	int error;

	(void)state;
	for (size_t kept = 0; kept < answer.used; kept++) {
		out.count = 0;
		enum diag_answer result = read_exactly(answer.bytes, kept, &out, &error);

		if (kept == 0 || kept == first)
			assert_int_equal(result, DIAG_ANSWER_MORE);
		else
			assert_int_equal(result, DIAG_ANSWER_BROKEN);
	}
}

/* Any byte of the lengths and of the message may be anything: nothing is read outside. */
static void any_byte_may_be_wrong(void **state)
{
	static struct diag_sockets out;
	int error;

	(void)state;
	for (size_t at = 0; at < answer_whole().used; at++) {
		for (int value = 0; value < 256; value += 3) {
			struct answer answer = answer_whole();

			out.count = 0;
			answer.bytes[at] = (uint8_t)value;
			read_exactly(answer.bytes, answer.used, &out, &error);
			assert_true(out.count <= 1);
		}
	}
}

static void interrupted_and_foreign_answers_are_told(void **state)
{
	static struct diag_sockets out;
	struct answer answer = answer_whole();
	struct nlmsghdr head;
	int error;

	(void)state;
	out.count = 0;
	memcpy(&head, answer.bytes, sizeof(head));
	head.nlmsg_flags = NLM_F_DUMP_INTR;
	memcpy(answer.bytes, &head, sizeof(head));
	assert_int_equal(read_exactly(answer.bytes, answer.used, &out, &error),
			 DIAG_ANSWER_TORN_END);
	assert_int_equal(read_exactly(answer.bytes, head.nlmsg_len, &out, &error),
			 DIAG_ANSWER_TORN);
	out.count = 0;
	head.nlmsg_seq++;
	memcpy(answer.bytes, &head, sizeof(head));
	assert_int_equal(read_exactly(answer.bytes, answer.used, &out, &error), DIAG_ANSWER_END);
	assert_int_equal(out.count, 0);
}

static void refusal_in_the_answer_is_told(void **state)
{
	static struct diag_sockets out;
	struct answer answer = { .used = 0 };
	struct nlmsgerr body = { .error = -EPERM };
	int error;

	(void)state;
	answer_add(&answer, NLMSG_ERROR, &body, sizeof(body));
	assert_int_equal(read_exactly(answer.bytes, answer.used, &out, &error), DIAG_ANSWER_END);
	assert_int_equal(error, EPERM);
}

static void sockets_that_do_not_fit_are_told(void **state)
{
	static struct diag_sockets out;
	struct answer answer = answer_whole();
	int error;

	(void)state;
	out.count = DIAG_SOCKETS_MOST - 1;
	out.more = false;
	read_exactly(answer.bytes, answer.used, &out, &error);
	assert_int_equal(out.count, DIAG_SOCKETS_MOST);
	assert_false(out.more);
	read_exactly(answer.bytes, answer.used, &out, &error);
	assert_int_equal(out.count, DIAG_SOCKETS_MOST);
	assert_true(out.more);
}

/* --- states of a real kernel --- */

struct lab {
	struct net net;
	int diag[ENDS];
	struct owner owner;
};

static void lab_start(struct lab *lab, const struct setup *setup)
{
	struct err err = { 0 };

	memset(lab, 0, sizeof(*lab));
	lab_open(&lab->net, setup);
	for (enum end end = END_CLIENT; end < ENDS; end++) {
		CHECK_ERR(net_enter(&lab->net, end, &err), &err);
		lab->diag[end] = diag_open(&err);
		CHECK_ERR(lab->diag[end] >= 0, &err);
	}
	CHECK_ERR(net_leave(&lab->net, &err), &err);
}

/* The one socket of an end in a state; NULL: there is none. Two: the case fails. */
static const struct diag_socket *find(struct lab *lab, enum end end, enum tcp_state state)
{
	static struct diag_sockets all[ENDS];
	const struct diag_socket *found = NULL;
	struct err err = { 0 };

	CHECK_ERR(diag_read(lab->diag[end], &all[end], &err), &err);
	CHECK(!all[end].more);
	for (size_t i = 0; i < all[end].count; i++) {
		if (all[end].sockets[i].state == state) {
			CHECK(!found);
			found = &all[end].sockets[i];
		}
	}
	return found;
}

static const struct diag_socket *must_find(struct lab *lab, enum end end, enum tcp_state state)
{
	const struct diag_socket *found = find(lab, end, state);

	if (!found)
		fprintf(stderr, "no socket is %s\n", tcp_state_name(state));
	CHECK(found != NULL);
	CHECK(state == STATE_LISTEN || lab->net.ipv6 != ip_address_is_v4(&found->local));
	CHECK(ip_address_equal(&found->local, &lab->net.address[end]));
	return found;
}

static void opening(const struct setup *setup)
{
	struct lab lab;

	lab_start(&lab, setup);
	int listener = host_listen(&lab.net, END_SERVER, 7);
	const struct diag_socket *seen = must_find(&lab, END_SERVER, STATE_LISTEN);

	CHECK(seen->send_queue == 7 && seen->receive_queue == 0 && seen->inode != 0);
	CHECK(seen->local_port == SERVER_PORT && seen->remote_port == 0);
	CHECK(seen->timer == DIAG_TIMER_NONE);
	int active = host_connect(&lab.net, END_CLIENT);

	seen = must_find(&lab, END_CLIENT, STATE_SYN_SENT);
	CHECK(seen->timer == DIAG_TIMER_RETRANSMIT && seen->timer_ms > 500 &&
	      seen->timer_ms <= 1100 && seen->retransmits == 0);
	CHECK(seen->remote_port == SERVER_PORT &&
	      ip_address_equal(&seen->remote, &lab.net.address[END_SERVER]));
	CHECK(relay_one(&lab.net, END_CLIENT, &lab.owner));
	CHECK(relay_one(&lab.net, END_SERVER, &lab.owner));
	must_find(&lab, END_CLIENT, STATE_ESTABLISHED);
	seen = must_find(&lab, END_SERVER, STATE_SYN_RECEIVED); /* the final ACK is held */
	CHECK(seen->inode == 0 && seen->timer == DIAG_TIMER_RETRANSMIT && seen->timer_ms <= 1100);
	CHECK(must_find(&lab, END_SERVER, STATE_LISTEN)->receive_queue == 0);
	CHECK(relay_one(&lab.net, END_CLIENT, &lab.owner));
	CHECK(must_find(&lab, END_SERVER, STATE_LISTEN)->receive_queue == 1);
	CHECK(must_find(&lab, END_SERVER, STATE_ESTABLISHED)->inode == 0); /* not accepted yet */
	int passive = host_accept(&lab.net, listener, &lab.owner);

	CHECK(must_find(&lab, END_SERVER, STATE_ESTABLISHED)->inode != 0);
	CHECK(send(active, "hello", 5, 0) == 5);
	CHECK(must_find(&lab, END_CLIENT, STATE_ESTABLISHED)->send_queue == 5);
	CHECK(relay_one(&lab.net, END_CLIENT, &lab.owner));
	CHECK(must_find(&lab, END_SERVER, STATE_ESTABLISHED)->receive_queue == 5);
	close(passive);
	net_close(&lab.net);
}

static void closing(const struct setup *setup)
{
	struct lab lab;
	char text[DIAG_TIMER_TEXT_BYTES];

	lab_start(&lab, setup);
	int listener = host_listen(&lab.net, END_SERVER, 7);
	int active = host_connect(&lab.net, END_CLIENT);
	int passive = host_accept(&lab.net, listener, &lab.owner);

	CHECK(must_find(&lab, END_CLIENT, STATE_ESTABLISHED)->shutdown == 0);
	CHECK(shutdown(active, SHUT_WR) == 0);
	const struct diag_socket *seen = must_find(&lab, END_CLIENT, STATE_FIN_WAIT_1);

	CHECK(seen->shutdown == 2 && seen->send_queue == 1); /* the FIN takes a number */
	relay(&lab.net, &lab.owner, 80);
	CHECK(must_find(&lab, END_SERVER, STATE_CLOSE_WAIT)->shutdown == 1);
	CHECK(must_find(&lab, END_CLIENT, STATE_FIN_WAIT_2)->timer == DIAG_TIMER_NONE);
	close(active); /* now an orphan, and for 60 s */
	seen = must_find(&lab, END_CLIENT, STATE_FIN_WAIT_2);
	CHECK(seen->inode == 0 && seen->timer == DIAG_TIMER_TIME_WAIT && seen->timer_ms > 50000 &&
	      seen->timer_ms <= 62000);
	close(passive);
	must_find(&lab, END_SERVER, STATE_LAST_ACK);
	relay(&lab.net, &lab.owner, 80);
	CHECK(!find(&lab, END_SERVER, STATE_LAST_ACK));
	seen = must_find(&lab, END_CLIENT, STATE_TIME_WAIT);
	CHECK(seen->timer == DIAG_TIMER_TIME_WAIT && seen->timer_ms > 50000 &&
	      seen->timer_ms <= 62000);
	CHECK(seen->remote_port == SERVER_PORT && seen->inode == 0);
	diag_timer_print(seen, text);
	CHECK(strncmp(text, "time-wait ", 10) == 0);
	CHECK(diag_destroy(lab.diag[END_CLIENT], seen));
	CHECK(!find(&lab, END_CLIENT, STATE_TIME_WAIT));
	net_close(&lab.net);
}

static void destroying(const struct setup *setup)
{
	struct lab lab;
	char text[8];

	lab_start(&lab, setup);
	int listener = host_listen(&lab.net, END_SERVER, 7);
	int active = host_connect(&lab.net, END_CLIENT);
	int passive = host_accept(&lab.net, listener, &lab.owner);
	struct diag_socket gone = *must_find(&lab, END_CLIENT, STATE_ESTABLISHED);

	memset(&lab.owner, 0, sizeof(lab.owner));
	CHECK(diag_destroy(lab.diag[END_CLIENT], &gone));
	CHECK(!find(&lab, END_CLIENT, STATE_ESTABLISHED));
	CHECK(recv(active, text, sizeof(text), 0) == -1 && errno == ECONNABORTED);
	relay(&lab.net, &lab.owner, 20);
	CHECK((lab.owner.last[END_CLIENT].flags & TCP_RST) != 0);
	CHECK(recv(passive, text, sizeof(text), 0) == -1 && errno == ECONNRESET);
	CHECK(!diag_destroy(lab.diag[END_CLIENT], &gone) && errno == ENOENT);
	host_connect(&lab.net, END_CLIENT);
	CHECK(relay_one(&lab.net, END_CLIENT, &lab.owner));
	CHECK(diag_destroy(lab.diag[END_SERVER], must_find(&lab, END_SERVER, STATE_SYN_RECEIVED)));
	CHECK(!find(&lab, END_SERVER, STATE_SYN_RECEIVED));
	CHECK(diag_destroy(lab.diag[END_SERVER], must_find(&lab, END_SERVER, STATE_LISTEN)));
	CHECK(!find(&lab, END_SERVER, STATE_LISTEN));
	net_close(&lab.net);
}

/* An IPv6 listener that takes IPv4 too: its connections have IPv4 addresses. */
static void folding(const struct setup *setup)
{
	struct lab lab;
	struct err err = { 0 };
	struct sockaddr_in6 any = { .sin6_family = AF_INET6, .sin6_port = htons(SERVER_PORT) };
	static const struct ip_address zero;

	if (setup->options.ipv6)
		return;
	lab_start(&lab, setup);
	CHECK_ERR(net_enter(&lab.net, END_SERVER, &err), &err);
	int listener = socket(AF_INET6, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	CHECK_ERR(net_leave(&lab.net, &err), &err);
	if (listener < 0)
		_exit(SKIPPED); /* a kernel without IPv6 */
	CHECK(bind(listener, (struct sockaddr *)&any, sizeof(any)) == 0);
	CHECK(listen(listener, 3) == 0);
	CHECK(ip_address_equal(&find(&lab, END_SERVER, STATE_LISTEN)->local, &zero));
	host_connect(&lab.net, END_CLIENT);
	CHECK(relay_one(&lab.net, END_CLIENT, &lab.owner));
	must_find(&lab, END_SERVER, STATE_SYN_RECEIVED);
	host_accept(&lab.net, listener, &lab.owner);
	CHECK(diag_destroy(lab.diag[END_SERVER], must_find(&lab, END_SERVER, STATE_ESTABLISHED)));
	CHECK(!find(&lab, END_SERVER, STATE_ESTABLISHED));
	CHECK(diag_destroy(lab.diag[END_SERVER], find(&lab, END_SERVER, STATE_LISTEN)));
	net_close(&lab.net);
}

#define MANY 600

static void many(const struct setup *setup)
{
	static struct diag_sockets all;
	struct lab lab;
	struct err err = { 0 };

	lab_start(&lab, setup);
	for (int i = 0; i < MANY; i++)
		host_connect(&lab.net, END_CLIENT);
	CHECK_ERR(diag_read(lab.diag[END_CLIENT], &all, &err), &err);
	CHECK(all.count == DIAG_SOCKETS_MOST && all.more);
	net_close(&lab.net);
}

/* --- as who, over what --- */

static void run_as_both(void (*run)(const struct setup *setup))
{
	for (int i = 0; i < 4; i++) {
		const struct setup setup = { .uid = i & 2 ? NOBODY : 0,
					     .options = { .wish = NET_VETH,
							  .ipv6 = (i & 1) != 0 } };

		if (setup.uid != 0 && geteuid() != 0)
			continue;
		int status = in_child(&setup, run);

		if (status != 0 && status != SKIPPED)
			fail_msg("%s, %s", setup.uid ? "as nobody" : "as we are",
				 setup.options.ipv6 ? "IPv6" : "IPv4");
	}
}

static void handshake_is_seen_before_its_socket(void **state)
{
	(void)state;
	run_as_both(opening);
}

static void orphans_and_remains_are_seen_with_their_timers(void **state)
{
	(void)state;
	run_as_both(closing);
}

static void sockets_can_be_destroyed(void **state)
{
	(void)state;
	run_as_both(destroying);
}

static void ipv4_on_an_ipv6_socket_is_ipv4(void **state)
{
	(void)state;
	run_as_both(folding);
}

static void too_many_sockets_are_told(void **state)
{
	(void)state;
	run_as_both(many);
}

static void can_open(const struct setup *setup)
{
	struct net net;
	struct err err = { 0 };

	if (net_open(&net, &setup->options, &err))
		return;
	printf("skipped: states of a real kernel: %s\n", err.what);
	fflush(stdout);
	_exit(SKIPPED);
}

int main(void)
{
	const struct CMUnitTest answers[] = {
		cmocka_unit_test(socket_is_read),
		cmocka_unit_test(any_cut_is_noticed_and_stays_inside),
		cmocka_unit_test(any_byte_may_be_wrong),
		cmocka_unit_test(interrupted_and_foreign_answers_are_told),
		cmocka_unit_test(refusal_in_the_answer_is_told),
		cmocka_unit_test(sockets_that_do_not_fit_are_told),
	};
	const struct CMUnitTest kernel[] = {
		cmocka_unit_test(handshake_is_seen_before_its_socket),
		cmocka_unit_test(orphans_and_remains_are_seen_with_their_timers),
		cmocka_unit_test(sockets_can_be_destroyed),
		cmocka_unit_test(ipv4_on_an_ipv6_socket_is_ipv4),
		cmocka_unit_test(too_many_sockets_are_told),
	};
	const struct setup plain = { .options = { .wish = NET_VETH } };
	int failed = cmocka_run_group_tests(answers, NULL, NULL);

	if (failed != 0)
		return failed;
	if (in_child(&plain, can_open) != 0)
		return SKIPPED;
	return cmocka_run_group_tests(kernel, NULL, NULL);
}
