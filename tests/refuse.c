/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * refuse: run a program on a system that says no.
 *
 *     refuse WHAT... -- PROGRAM ARGUMENTS...
 *
 * The named system calls of the program and its children fail with EPERM, as in a container or
 * under a distribution's hardening. Needs no privilege. Exit status: the program's, or 2. Source:
 * seccomp(2), linux/filter.h.
 */
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/netlink.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined(__x86_64__)
#define MACHINE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define MACHINE AUDIT_ARCH_AARCH64
#endif

/* A call is refused when (argument & mask) is the value, or any bit of it with value 0 and any. */
struct refused {
	const char *what, *help;
	long call;
	unsigned argument;
	unsigned mask;
	unsigned value;
	bool any_bit;
};

static const struct refused table[] = {
	{ "newuser", "unshare() of a user namespace", SYS_unshare, 0, CLONE_NEWUSER, 0, true },
	{ "newnet", "unshare() of a network namespace", SYS_unshare, 0, CLONE_NEWNET, 0, true },
	{ "unshare", "unshare() of either", SYS_unshare, 0, CLONE_NEWUSER | CLONE_NEWNET, 0, true },
	{ "setns", "entering a namespace", SYS_setns, 0, 0, 0, false },
	{ "packet", "packet sockets", SYS_socket, 0, ~0u, AF_PACKET, false },
	{ "netlink", "all netlink sockets", SYS_socket, 0, ~0u, AF_NETLINK, false },
	{ "sock_diag", "netlink sockets of sock_diag", SYS_socket, 2, ~0u, NETLINK_SOCK_DIAG,
	  false },
	{ "bpf", "bpf()", SYS_bpf, 0, 0, 0, false },
};

#define ROWS	     (sizeof(table) / sizeof(table[0]))
#define LINES_EACH   5
#define LINES_AROUND 8

static struct sock_filter program[ROWS * LINES_EACH + LINES_AROUND];
static unsigned short lines;

static void add(unsigned code, unsigned value, unsigned yes, unsigned no)
{
	program[lines++] = (struct sock_filter)BPF_JUMP((unsigned short)code, value,
							(unsigned char)yes, (unsigned char)no);
}

#define LOAD(field)                                                                                \
	add(BPF_LD | BPF_W | BPF_ABS, (unsigned)offsetof(struct seccomp_data, field), 0, 0)
#define GIVE(what) add(BPF_RET | BPF_K, what, 0, 0)

/* Little-endian machines only: the low half of an argument is what is looked at. */
static void refuse_row(const struct refused *row)
{
	unsigned place =
		(unsigned)(offsetof(struct seccomp_data, args) + sizeof(uint64_t) * row->argument);

	LOAD(nr);
	if (row->mask == 0) {
		add(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)row->call, 0, 1);
	} else {
		add(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)row->call, 0, 3);
		add(BPF_LD | BPF_W | BPF_ABS, place, 0, 0);
		if (row->any_bit)
			add(BPF_JMP | BPF_JSET | BPF_K, row->mask, 0, 1);
		else
			add(BPF_JMP | BPF_JEQ | BPF_K, row->value, 0, 1);
	}
	GIVE(SECCOMP_RET_ERRNO | EPERM);
}

static bool refuse(const char *what)
{
	for (size_t i = 0; i < ROWS; i++) {
		if (strcmp(what, table[i].what) == 0 && lines < ROWS * LINES_EACH) {
			refuse_row(&table[i]);
			return true;
		}
	}
	return false;
}

static int usage(void)
{
	fputs("usage: refuse WHAT... -- PROGRAM ARGUMENTS...\n", stderr);
	for (size_t i = 0; i < ROWS; i++)
		fprintf(stderr, "  %-10s %s\n", table[i].what, table[i].help);
	return 2;
}

int main(int argc, char **argv)
{
	int i = 1;

	LOAD(arch);
	add(BPF_JMP | BPF_JEQ | BPF_K, MACHINE, 1, 0);
	GIVE(SECCOMP_RET_ALLOW); /* another machine's calls have other numbers */
	for (; i < argc && strcmp(argv[i], "--") != 0; i++) {
		if (!refuse(argv[i]))
			return usage();
	}
	if (i == 1 || i + 1 >= argc)
		return usage();
	GIVE(SECCOMP_RET_ALLOW);

	struct sock_fprog filter = { .len = lines, .filter = program };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) < 0) {
		perror("refuse: seccomp");
		return 77;
	}
	execvp(argv[i + 1], argv + i + 1);
	perror(argv[i + 1]);
	return 2;
}
