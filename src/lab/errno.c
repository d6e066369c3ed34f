/* SPDX-License-Identifier: BSD-2-Clause */
/* Errors of system calls: their names, and what they say to a program that uses TCP. */
#include "lab/socket.h"

#include <errno.h>
#include <string.h>

/* Linux's numbers, by number; not strerrorname_np(), which only one C library has. */
#define NAME(error) [error] = #error
static const char *const names[] = {
	NAME(EPERM),
	NAME(ENOENT),
	NAME(ESRCH),
	NAME(EINTR),
	NAME(EIO),
	NAME(ENXIO),
	NAME(E2BIG),
	NAME(ENOEXEC),
	NAME(EBADF),
	NAME(ECHILD),
	NAME(EAGAIN),
	NAME(ENOMEM),
	NAME(EACCES),
	NAME(EFAULT),
	NAME(ENOTBLK),
	NAME(EBUSY),
	NAME(EEXIST),
	NAME(EXDEV),
	NAME(ENODEV),
	NAME(ENOTDIR),
	NAME(EISDIR),
	NAME(EINVAL),
	NAME(ENFILE),
	NAME(EMFILE),
	NAME(ENOTTY),
	NAME(ETXTBSY),
	NAME(EFBIG),
	NAME(ENOSPC),
	NAME(ESPIPE),
	NAME(EROFS),
	NAME(EMLINK),
	NAME(EPIPE),
	NAME(EDOM),
	NAME(ERANGE),
	NAME(EDEADLK),
	NAME(ENAMETOOLONG),
	NAME(ENOLCK),
	NAME(ENOSYS),
	NAME(ENOTEMPTY),
	NAME(ELOOP),
	NAME(ENOMSG),
	NAME(EIDRM),
	NAME(ECHRNG),
	NAME(EL2NSYNC),
	NAME(EL3HLT),
	NAME(EL3RST),
	NAME(ELNRNG),
	NAME(EUNATCH),
	NAME(ENOCSI),
	NAME(EL2HLT),
	NAME(EBADE),
	NAME(EBADR),
	NAME(EXFULL),
	NAME(ENOANO),
	NAME(EBADRQC),
	NAME(EBADSLT),
	NAME(EBFONT),
	NAME(ENOSTR),
	NAME(ENODATA),
	NAME(ETIME),
	NAME(ENOSR),
	NAME(ENONET),
	NAME(ENOPKG),
	NAME(EREMOTE),
	NAME(ENOLINK),
	NAME(EADV),
	NAME(ESRMNT),
	NAME(ECOMM),
	NAME(EPROTO),
	NAME(EMULTIHOP),
	NAME(EDOTDOT),
	NAME(EBADMSG),
	NAME(EOVERFLOW),
	NAME(ENOTUNIQ),
	NAME(EBADFD),
	NAME(EREMCHG),
	NAME(ELIBACC),
	NAME(ELIBBAD),
	NAME(ELIBSCN),
	NAME(ELIBMAX),
	NAME(ELIBEXEC),
	NAME(EILSEQ),
	NAME(ERESTART),
	NAME(ESTRPIPE),
	NAME(EUSERS),
	NAME(ENOTSOCK),
	NAME(EDESTADDRREQ),
	NAME(EMSGSIZE),
	NAME(EPROTOTYPE),
	NAME(ENOPROTOOPT),
	NAME(EPROTONOSUPPORT),
	NAME(ESOCKTNOSUPPORT),
	NAME(EOPNOTSUPP),
	NAME(EPFNOSUPPORT),
	NAME(EAFNOSUPPORT),
	NAME(EADDRINUSE),
	NAME(EADDRNOTAVAIL),
	NAME(ENETDOWN),
	NAME(ENETUNREACH),
	NAME(ENETRESET),
	NAME(ECONNABORTED),
	NAME(ECONNRESET),
	NAME(ENOBUFS),
	NAME(EISCONN),
	NAME(ENOTCONN),
	NAME(ESHUTDOWN),
	NAME(ETOOMANYREFS),
	NAME(ETIMEDOUT),
	NAME(ECONNREFUSED),
	NAME(EHOSTDOWN),
	NAME(EHOSTUNREACH),
	NAME(EALREADY),
	NAME(EINPROGRESS),
	NAME(ESTALE),
	NAME(EUCLEAN),
	NAME(ENOTNAM),
	NAME(ENAVAIL),
	NAME(EISNAM),
	NAME(EREMOTEIO),
	NAME(EDQUOT),
	NAME(ENOMEDIUM),
	NAME(EMEDIUMTYPE),
	NAME(ECANCELED),
	NAME(ENOKEY),
	NAME(EKEYEXPIRED),
	NAME(EKEYREVOKED),
	NAME(EKEYREJECTED),
	NAME(EOWNERDEAD),
	NAME(ENOTRECOVERABLE),
	NAME(ERFKILL),
	NAME(EHWPOISON),
};
#define NAMES (sizeof(names) / sizeof(names[0]))

/* Two words that programs use for the same numbers. */
static const struct {
	const char *name;
	int error;
} other_names[] = {
	{ "EWOULDBLOCK", EWOULDBLOCK },
	{ "ENOTSUP", ENOTSUP },
	{ "EDEADLOCK", EDEADLOCK },
};

const char *errno_name(int error)
{
	if (error > 0 && (size_t)error < NAMES && names[error])
		return names[error];
	return "EUNKNOWN";
}

int errno_number(const char *name, size_t length)
{
	for (size_t i = 0; i < NAMES; i++)
		if (names[i] && strlen(names[i]) == length && memcmp(names[i], name, length) == 0)
			return (int)i;
	for (size_t i = 0; i < sizeof(other_names) / sizeof(other_names[0]); i++)
		if (strlen(other_names[i].name) == length &&
		    memcmp(other_names[i].name, name, length) == 0)
			return other_names[i].error;
	return 0;
}

const char *errno_name_at(const void *context, size_t index)
{
	(void)context;
	for (size_t i = 0; i < NAMES; i++)
		if (names[i] && index-- == 0)
			return names[i];
	return NULL;
}

/*
 * The first row that fits holds. Source: what Linux 6.18 gave when each was made to happen, and
 * tcp(7), connect(2), bind(2), listen(2), accept(2), send(2), recv(2), setsockopt(2).
 */
static const struct {
	int error;
	const char *call; /* NULL: any */
	const char *meaning;
} meanings[] = {
	{ ECONNREFUSED, "connect",
	  "the host answered: nothing listens there (or a firewall rejected it)" },
	{ ETIMEDOUT, "connect",
	  "nobody answered the SYNs: no such host, or a firewall drops them silently" },
	{ ECANCELED, "connect", "given up here: nobody had answered; the kernel would still try" },
	{ EHOSTUNREACH, "connect",
	  "no way to that host: a router or the last network said so (ICMP, or nobody has that "
	  "address), or a firewall rejected it" },
	{ ENETUNREACH, "connect", "no route to that network, from here or from a router" },
	{ EADDRNOTAVAIL, "connect",
	  "no local port is free for that peer (all in use or in TIME_WAIT), or no such local "
	  "address" },
	{ EADDRINUSE, "connect", "a connection between just these addresses and ports exists" },
	{ EINPROGRESS, "connect", "started: the SYN is on its way" },
	{ EALREADY, "connect", "the connection is still being opened" },
	{ EISCONN, "connect", "it is connected already" },
	{ ECONNRESET, "connect", "the peer reset the connection as soon as it was open" },
	{ EACCES, "connect", "a rule of this host forbids it (or it is a broadcast address)" },
	{ EPERM, "connect", "a firewall or another rule of this host forbids it" },
	{ ENETDOWN, "connect", "the network interface is down" },
	{ EINVAL, "connect",
	  "that address cannot be connected to (a link-local one needs its interface)" },
	{ EAFNOSUPPORT, "connect", "the socket is of the other IP version" },

	{ EADDRINUSE, "bind",
	  "another socket has that port: it listens, is connected, or is in TIME_WAIT (then "
	  "reuseaddr helps)" },
	{ EADDRINUSE, "listen", "another socket listens on that address and port" },
	{ EADDRNOTAVAIL, "bind", "that address is none of this host's" },
	{ EACCES, "bind",
	  "low ports need a privilege (sysctl net.ipv4.ip_unprivileged_port_start)" },
	{ EINVAL, "bind", "it has a port already" },

	{ EAGAIN, "accept", "no connection is waiting" },
	{ ECONNABORTED, "accept", "the connection was over before it was accepted" },
	{ EINVAL, "accept", "the socket does not listen" },
	{ EPERM, "accept", "a firewall or another rule of this host forbids it" },

	{ ECONNRESET, "recv",
	  "the peer reset the connection (or something on the way did in its name)" },
	{ EPIPE, "recv", "the peer, which had closed its side, reset the connection" },
	{ ETIMEDOUT, "recv",
	  "the peer stopped answering: retransmissions, keep-alive probes or the user timeout ran "
	  "out" },
	{ EHOSTUNREACH, "recv",
	  "the peer stopped answering, and a router said that there is no way to it" },
	{ ENETUNREACH, "recv",
	  "the peer stopped answering, and a router said that there is no way to its network" },
	{ ECONNREFUSED, "recv", "the connection was refused while it was being opened" },
	{ ECONNABORTED, "recv", "the connection was ended on this host (ss -K does it)" },
	{ EAGAIN, "recv", "nothing there yet" },
	{ ENOTCONN, "recv", "there is no connection" },

	{ EPIPE, "send",
	  "the connection is over for sending: it was reset before, or this side shut it down" },
	{ ECONNRESET, "send",
	  "the peer reset the connection (or something on the way did in its name)" },
	{ ETIMEDOUT, "send",
	  "the peer stopped answering: retransmissions, keep-alive probes or the user timeout ran "
	  "out" },
	{ EHOSTUNREACH, "send",
	  "the peer stopped answering, and a router said that there is no way to it" },
	{ ENETUNREACH, "send",
	  "the peer stopped answering, and a router said that there is no way to its network" },
	{ ECONNREFUSED, "send", "the connection was refused while it was being opened" },
	{ ECONNABORTED, "send", "the connection was ended on this host (ss -K does it)" },
	{ EAGAIN, "send",
	  "the send buffer is full: the peer does not read, or the path is slower than this" },
	{ ENOTCONN, "send", "there is no connection" },
	{ EINPROGRESS, "send", "the SYN is on its way; the data has to wait for the answer" },
	{ ENOBUFS, "send", "the kernel has no memory for it" },

	{ ENOTCONN, "shutdown", "there is no connection any more, or not yet" },
	{ ENOTCONN, "wait", "there is no connection" },
	{ ECONNRESET, "wait",
	  "the peer reset the connection (or something on the way did in its name)" },
	{ EPIPE, "wait", "the peer, which had closed its side, reset the connection" },
	{ ETIMEDOUT, "wait",
	  "the peer stopped answering: retransmissions, keep-alive probes or the user timeout ran "
	  "out" },
	{ EHOSTUNREACH, "wait",
	  "the peer stopped answering, and a router said that there is no way to it" },
	{ ECONNABORTED, "wait", "the connection was ended on this host (ss -K does it)" },

	{ ENOPROTOOPT, "set", "this kernel does not have that option" },
	{ EINVAL, "set", "not with that value, or not now" },
	{ EISCONN, "set", "only when the socket is made" },
	{ EPERM, "set", "that needs a privilege" },
	{ EDOM, "set", "the value is out of its limits" },

	{ EPROTONOSUPPORT, "socket", "this kernel does not have that protocol (Multipath TCP)" },
	{ ENOPROTOOPT, "socket", "Multipath TCP is switched off (sysctl net.mptcp.enabled)" },
	{ EAFNOSUPPORT, "socket", "this kernel does not have that IP version" },

	{ ECONNRESET, NULL, "the peer reset the connection" },
	{ ETIMEDOUT, NULL, "the peer stopped answering" },
	{ EMFILE, NULL, "this process has as many open files as it may (ulimit -n)" },
	{ ENFILE, NULL, "this host has as many open files as it may (sysctl fs.file-max)" },
	{ ENOMEM, NULL, "the kernel has no memory for it" },
	{ ENOBUFS, NULL, "the kernel has no memory for it" },
	{ EBADF, NULL, "there is no such socket (any more)" },
	{ ENOTSOCK, NULL, "that is no socket" },
	{ EINTR, NULL, "a signal came first" },
	{ EACCES, NULL, "not permitted" },
	{ EPERM, NULL, "not permitted" },
	{ EOPNOTSUPP, NULL, "this socket cannot do that" },
};

const char *errno_meaning(int error, const char *call)
{
	for (size_t i = 0; i < sizeof(meanings) / sizeof(meanings[0]); i++)
		if (meanings[i].error == error &&
		    (!meanings[i].call || strcmp(meanings[i].call, call) == 0))
			return meanings[i].meaning;
	return "";
}
