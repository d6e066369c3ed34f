/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "decode/checksum.h"
#include "lab/lab_test.h"
#include "tcp/segment.h"

/* Both back ends, both families, as who runs it and (as root) as nobody. Skips are said. */
static void for_each_setup(void (*run)(const struct setup *setup));
static void for_all_setups_at_once(void (*run)(const struct setup *setup));

/* --- what passes over the wire --- */

struct audit {
	struct owner owner; /* first */
	const struct net *net;
	unsigned syns;
};

/* Every packet is whole TCP: nothing else leaves a host, no checksum is left to a network card,
   none is longer than the MTU. */
static bool audit_pass(struct owner *owner, enum end from, const uint8_t *packet, size_t bytes)
{
	struct audit *audit = (struct audit *)owner;
	const struct net *net = audit->net;
	enum end to = from == END_CLIENT ? END_SERVER : END_CLIENT;
	struct look look = look_at(packet, bytes);

	CHECK(look.tcp);
	CHECK(bytes <= net->mtu_bytes);
	CHECK(checksum_tcp(&net->address[from], &net->address[to], packet + look.header_bytes,
			   bytes - look.header_bytes) == CHECKSUM_GOOD);
	audit->syns += look.flags == TCP_SYN;
	return true;
}

static struct audit audit_of(const struct net *net)
{
	struct audit audit = { .owner = { .pass = audit_pass }, .net = net };

	return audit;
}

static void connect_both_ways(const struct setup *setup)
{
	struct net net;
	char text[8];

	lab_open(&net, setup);
	for (enum end end = END_CLIENT; end < ENDS; end++) {
		struct audit audit = audit_of(&net);
		int listener = host_listen(&net, end, 4);
		int active = host_connect(&net, end == END_CLIENT ? END_SERVER : END_CLIENT);
		int passive = host_accept(&net, listener, &audit.owner);

		CHECK(send(active, "hello", 5, 0) == 5 && send(passive, "world!", 6, 0) == 6);
		relay(&net, &audit.owner, 50);
		CHECK(recv(passive, text, sizeof(text), 0) == 5);
		CHECK(recv(active, text, sizeof(text), 0) == 6);
		CHECK(audit.syns == 1);
		close(active);
		close(passive);
		close(listener);
		relay(&net, &audit.owner, 50);
	}
	CHECK(net.not_ip == 0 && net_dropped(&net) == 0);
	net_close(&net);
}

static void hosts_connect_both_ways(void **state)
{
	(void)state;
	for_each_setup(connect_both_ways);
}

static void bulk(const struct setup *setup)
{
	static uint8_t block[65536];
	struct net net;

	lab_open(&net, setup);
	struct audit audit = audit_of(&net);
	int listener = host_listen(&net, END_SERVER, 4);
	int active = host_connect(&net, END_CLIENT);
	int passive = host_accept(&net, listener, &audit.owner);
	size_t sent = 0, received = 0;

	while (received < 2000000) {
		ssize_t bytes = sent < 2000000 ? send(active, block, sizeof(block), 0) : 0;

		sent += bytes > 0 ? (size_t)bytes : 0;
		relay(&net, &audit.owner, 1);
		bytes = recv(passive, block, sizeof(block), 0);
		received += bytes > 0 ? (size_t)bytes : 0;
	}
	CHECK(net_dropped(&net) == 0);
	net_close(&net);
}

static void bulk_data_comes_in_segments_below_the_mtu(void **state)
{
	(void)state;
	for_each_setup(bulk);
}

/* A second SYN would mean that the first one was lost: that costs a second. */
static void first_packet(const struct setup *setup)
{
	struct net net;

	lab_open(&net, setup);
	struct audit audit = audit_of(&net);
	int listener = host_listen(&net, END_SERVER, 4);

	host_connect(&net, END_CLIENT);
	host_accept(&net, listener, &audit.owner);
	CHECK(audit.syns == 1);
	net_close(&net);
}

static void first_packet_is_not_lost(void **state)
{
	(void)state;
	for (int run = 0; run < 30; run++)
		for_each_setup(first_packet);
}

static void dropped_syn(const struct setup *setup)
{
	struct net net;
	struct owner owner = { .hold_from = { true, false } };

	lab_open(&net, setup);
	int listener = host_listen(&net, END_SERVER, 4);
	int active = host_connect(&net, END_CLIENT);

	relay(&net, &owner, 200);
	CHECK(owner.packets[END_CLIENT] == 1 && owner.last[END_CLIENT].flags == TCP_SYN);
	CHECK(owner.packets[END_SERVER] == 0);
	CHECK(!is_ready(active, POLLOUT) && !is_ready(listener, POLLIN));
	net_close(&net);
}

static void nothing_passes_but_by_the_owner(void **state)
{
	(void)state;
	for_each_setup(dropped_syn);
}

/* Longer than unsolicited reports and solicitations of a fresh link are delayed. */
static void silence(const struct setup *setup)
{
	struct net net;
	struct owner owner = { .pass = NULL };

	lab_open(&net, setup);
	relay(&net, &owner, 1500);
	CHECK(owner.packets[END_CLIENT] == 0 && owner.packets[END_SERVER] == 0);
	CHECK(net.not_ip == 0);
	net_close(&net);
}

static void hosts_are_silent_by_themselves(void **state)
{
	(void)state;
	for_all_setups_at_once(silence);
}

/* The kernel's stamp is of the moment when the packet left, long before it is read. TUN has none.
 */
static void stamps(const struct setup *setup)
{
	static uint8_t packet[WIRE_PACKET_MOST];
	struct net net;
	int64_t stamp_ns = 0;

	lab_open(&net, setup);
	for (int i = 0; i < 5; i++) {
		int64_t before_ns = time_now_ns(CLOCK_REALTIME);
		int active = host_connect(&net, END_CLIENT);
		int64_t after_ns = time_now_ns(CLOCK_REALTIME);

		sleep_ms(5);
		CHECK(wire_receive(&net, END_CLIENT, packet, sizeof(packet), &stamp_ns) > 0);
		if (net.backend == NET_TUN)
			after_ns = time_now_ns(CLOCK_REALTIME);
		CHECK(before_ns <= stamp_ns && stamp_ns <= after_ns);
		CHECK(wire_receive(&net, END_CLIENT, packet, sizeof(packet), &stamp_ns) == 0);
		close(active);
	}
	CHECK(host_connect(&net, END_CLIENT) >= 0);
	CHECK(wire_receive(&net, END_CLIENT, packet, 50, &stamp_ns) == -1 && errno == EMSGSIZE);
	CHECK(!wire_send(&net, END_CLIENT, packet, 0));
	net_close(&net);
}

static void stamps_are_of_the_time_of_leaving(void **state)
{
	(void)state;
	for_each_setup(stamps);
}

/* What the host sent either comes or is counted. UDP: TCP would slow down. */
static void overflow(const struct setup *setup)
{
	static uint8_t packet[WIRE_PACKET_MOST];
	struct net net;
	struct sockaddr_storage place;
	int64_t time_ns;
	uint64_t sent = 0, received = 0;

	lab_open(&net, setup);
	int fd = host_socket(&net, END_CLIENT, SOCK_DGRAM);
	socklen_t bytes = socket_address(&net, END_SERVER, SERVER_PORT, &place);

	for (int i = 0; i < 40000; i++)
		sent += sendto(fd, packet, 1000, 0, (struct sockaddr *)&place, bytes) == 1000;
	while (wire_receive(&net, END_CLIENT, packet, sizeof(packet), &time_ns) > 0)
		received++;
	CHECK(received < sent);
	CHECK(received + net_dropped(&net) == sent);
	CHECK(net_dropped(&net) == sent - received); /* asked again: no other answer */
	net_close(&net);
}

static void packets_that_do_not_fit_are_counted(void **state)
{
	(void)state;
	for_each_setup(overflow);
}

/* --- settings --- */

static void read_setting(const struct net *net, enum end end, const char *path, char text[64])
{
	struct err err = { 0 };

	CHECK_ERR(net_enter(net, end, &err), &err);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t bytes = fd >= 0 ? read(fd, text, 63) : -1;

	close(fd);
	CHECK_ERR(net_leave(net, &err), &err);
	CHECK(bytes > 0);
	text[bytes - 1] = '\0';
}

#define RETRIES2 "/proc/sys/net/ipv4/tcp_retries2"

static void settings(const struct setup *setup)
{
	struct net net;
	struct err err = { 0 };
	char text[64];

	lab_open(&net, setup);
	read_setting(&net, END_CLIENT, "/proc/sys/net/ipv4/tcp_congestion_control", text);
	CHECK(strcmp(text, "reno") == 0);
	CHECK(net_set(&net, END_SERVER, "ipv4.tcp_retries2", "5", &err) == NET_SETTING_DONE);
	read_setting(&net, END_SERVER, RETRIES2, text);
	CHECK(strcmp(text, "5") == 0);
	read_setting(&net, END_CLIENT, RETRIES2, text);
	CHECK(strcmp(text, "15") == 0);
	CHECK(net_set(&net, END_SERVER, "ipv4/tcp_retries2", "6", &err) == NET_SETTING_DONE);
	CHECK(net_set(&net, END_SERVER, "ipv4.tcp_frog", "5", &err) == NET_SETTING_MISSING);
	CHECK(net_set(&net, END_SERVER, "../kernel/hostname", "x", &err) == NET_SETTING_MISSING);
	CHECK(net_set(&net, END_SERVER, "/ipv4/tcp_retries2", "x", &err) == NET_SETTING_MISSING);
	CHECK(err.kind == ERR_NONE);
	CHECK(net_set(&net, END_SERVER, "ipv4.tcp_retries2", "frog", &err) == NET_SETTING_FAILED);
	CHECK(err.kind == ERR_SYSTEM && strstr(err.what, "tcp_retries2") && err.fix[0]);
	memset(&err, 0, sizeof(err));
	CHECK(net_set(&net, END_SERVER, "route.rto_min", "10 apples", &err) == NET_SETTING_FAILED);
	CHECK(err.kind == ERR_USAGE);
	memset(&err, 0, sizeof(err));
	CHECK(net_set(&net, END_SERVER, "link.mtu", "", &err) == NET_SETTING_FAILED);
	CHECK(err.kind == ERR_USAGE);
	net_close(&net);
}

static void settings_are_done_missing_or_failed(void **state)
{
	(void)state;
	for_each_setup(settings);
}

static void mtu_and_rto(const struct setup *setup)
{
	struct setup narrow = *setup;
	struct net net;
	struct err err = { 0 };
	struct owner owner = { .pass = NULL };

	narrow.options.mtu_bytes = 1400;
	lab_open(&net, &narrow);
	unsigned headers = net.ipv6 ? 60 : 40;
	int listener = host_listen(&net, END_SERVER, 4);

	CHECK(net_set(&net, END_SERVER, "link.mtu", "1300", &err) == NET_SETTING_DONE);
	CHECK(net_set(&net, END_CLIENT, "route.rto_min", "10ms", &err) == NET_SETTING_DONE);
	int active = host_connect(&net, END_CLIENT);

	CHECK(relay_one(&net, END_CLIENT, &owner));
	CHECK(owner.last[END_CLIENT].mss == 1400 - headers);
	CHECK(relay_one(&net, END_SERVER, &owner));
	CHECK(owner.last[END_SERVER].mss == 1300 - headers);
	host_accept(&net, listener, &owner);
	owner.hold_from[END_CLIENT] = true;
	CHECK(send(active, "x", 1, 0) == 1);
	relay(&net, &owner, 150); /* less than the 200 ms that it takes otherwise */
	CHECK(owner.packets[END_CLIENT] >= 2 + 3);
	net_close(&net);
}

static void link_and_route_settings_take_effect(void **state)
{
	(void)state;
	for_each_setup(mtu_and_rto);
}

/* --- coming and going --- */

static void reboot_case(const struct setup *setup)
{
	struct net net;
	struct err err = { 0 };
	struct owner owner = { .pass = NULL };
	char text[64];

	lab_open(&net, setup);
	CHECK(net_set(&net, END_SERVER, "ipv4.tcp_retries2", "5", &err) == NET_SETTING_DONE);
	int listener = host_listen(&net, END_SERVER, 4);
	int active = host_connect(&net, END_CLIENT);
	int passive = host_accept(&net, listener, &owner);

	CHECK_ERR(net_reboot(&net, END_SERVER, &err), &err);
	read_setting(&net, END_SERVER, RETRIES2, text);
	CHECK(strcmp(text, "15") == 0);
	memset(&owner, 0, sizeof(owner));
	CHECK(send(passive, "lost", 4, 0) == 4); /* the old server still believes */
	CHECK(send(active, "hello", 5, 0) == 5);
	relay(&net, &owner, 50);
	CHECK(owner.packets[END_SERVER] == 1 && owner.last[END_SERVER].flags == TCP_RST);
	CHECK(owner.last[END_SERVER].seq == owner.last[END_CLIENT].ack);
	CHECK(recv(active, text, sizeof(text), 0) == -1 && errno == ECONNRESET);
	CHECK(net_reboot(&net, END_CLIENT, &err) && net_reboot(&net, END_SERVER, &err));
	listener = host_listen(&net, END_SERVER, 4);
	host_connect(&net, END_CLIENT);
	host_accept(&net, listener, &owner);
	net_close(&net);
}

static void rebooted_host_answers_with_a_bare_reset(void **state)
{
	(void)state;
	for_each_setup(reboot_case);
}

static unsigned open_fds(bool *all_closed_by_exec)
{
	unsigned count = 0;
	DIR *folder = opendir("/proc/self/fd");

	CHECK(folder != NULL);
	for (struct dirent *entry = readdir(folder); entry; entry = readdir(folder)) {
		int fd = (int)strtol(entry->d_name, NULL, 10);

		count++;
		if (fd > 2 && (fcntl(fd, F_GETFD) & FD_CLOEXEC) == 0)
			*all_closed_by_exec = false;
	}
	closedir(folder);
	return count;
}

static void leave_nothing(const struct setup *setup)
{
	struct net net;
	struct err err = { 0 };
	struct stat before, after;
	bool closed = true;

	close_range(3, ~0u, 0); /* what the test's own starter left open */
	CHECK(stat("/proc/thread-self/ns/net", &before) == 0);
	unsigned fds = open_fds(&closed);

	lab_open(&net, setup);
	CHECK(open_fds(&closed) == fds + 1 + 2 * ENDS + 1);
	CHECK(net_reboot(&net, END_SERVER, &err));
	CHECK(net_dropped(&net) == 0);
	CHECK(net_set(&net, END_SERVER, "route.rto_min", "10ms", &err) == NET_SETTING_DONE);
	CHECK(open_fds(&closed) == fds + 1 + 2 * ENDS + 1);
	CHECK(closed);
	net_close(&net);
	net_close(&net);
	CHECK(open_fds(&closed) == fds);
	CHECK(stat("/proc/thread-self/ns/net", &after) == 0);
	CHECK(net.user_namespace || before.st_ino == after.st_ino);
	lab_open(&net, setup); /* once more, from wherever it is now */
	net_close(&net);
	CHECK(open_fds(&closed) == fds);
}

static void closing_leaves_nothing_open(void **state)
{
	(void)state;
	for_each_setup(leave_nothing);
}

/* --- where it is refused --- */

static void no_descriptors(const struct setup *setup)
{
	struct net net;
	bool closed = true;
	unsigned opened = 0;

	close_range(3, ~0u, 0);
	unsigned fds = open_fds(&closed);

	for (rlim_t most = 3; most < 16; most++) {
		struct rlimit limit = { .rlim_cur = most, .rlim_max = 64 };
		struct err err = { 0 };

		CHECK(setrlimit(RLIMIT_NOFILE, &limit) == 0);
		bool ok = net_open(&net, &setup->options, &err);

		CHECK(ok || (err.kind == ERR_SYSTEM && err.what[0]));
		opened += ok;
		net_close(&net);
		limit.rlim_cur = 64;
		CHECK(setrlimit(RLIMIT_NOFILE, &limit) == 0);
		CHECK(open_fds(&closed) == fds);
	}
	CHECK(opened > 0 && opened < 13);
}

static void lack_of_descriptors_is_an_error(void **state)
{
	(void)state;
	for_each_setup(no_descriptors);
}

/* --- the matrix --- */

static struct setup setups[8];
static size_t setup_count;

static void try_setup(const struct setup *setup)
{
	struct net net;
	struct err err = { 0 };

	if (net_open(&net, &setup->options, &err))
		return;
	fprintf(stderr, "skipped: %s, %s, %s: %s\n", setup->uid ? "as nobody" : "as we are",
		net_backend_name(setup->options.wish), setup->options.ipv6 ? "IPv6" : "IPv4",
		err.what);
	_exit(SKIPPED);
}

static void setups_find(void)
{
	for (int i = 0; i < 8; i++) {
		const struct setup setup = { .uid = i & 4 ? NOBODY : 0,
					     .options = { .wish = i & 2 ? NET_TUN : NET_VETH,
							  .ipv6 = (i & 1) != 0 } };

		if ((setup.uid == 0 || geteuid() == 0) && in_child(&setup, try_setup) == 0)
			setups[setup_count++] = setup;
	}
}

static void judge(const struct setup *setup, int status)
{
	if (status != 0)
		fail_msg("%s, %s, %s", setup->uid ? "as nobody" : "as we are",
			 net_backend_name(setup->options.wish),
			 setup->options.ipv6 ? "IPv6" : "IPv4");
}

static void for_each_setup(void (*run)(const struct setup *setup))
{
	for (size_t i = 0; i < setup_count; i++)
		judge(&setups[i], in_child(&setups[i], run));
}

static void for_all_setups_at_once(void (*run)(const struct setup *setup))
{
	pid_t children[8];

	for (size_t i = 0; i < setup_count; i++)
		children[i] = child_start(&setups[i], run);
	for (size_t i = 0; i < setup_count; i++)
		judge(&setups[i], child_end(children[i]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hosts_connect_both_ways),
		cmocka_unit_test(bulk_data_comes_in_segments_below_the_mtu),
		cmocka_unit_test(first_packet_is_not_lost),
		cmocka_unit_test(nothing_passes_but_by_the_owner),
		cmocka_unit_test(hosts_are_silent_by_themselves),
		cmocka_unit_test(stamps_are_of_the_time_of_leaving),
		cmocka_unit_test(packets_that_do_not_fit_are_counted),
		cmocka_unit_test(settings_are_done_missing_or_failed),
		cmocka_unit_test(link_and_route_settings_take_effect),
		cmocka_unit_test(rebooted_host_answers_with_a_bare_reset),
		cmocka_unit_test(closing_leaves_nothing_open),
		cmocka_unit_test(lack_of_descriptors_is_an_error),
	};

	setups_find();
	if (setup_count == 0) {
		printf("skipped: no private network can be made here (see above)\n");
		return SKIPPED;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
