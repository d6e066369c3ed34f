/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TCPWHY_LAB_NET_H
#define TCPWHY_LAB_NET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "track/conn.h"

/*
 * Two private hosts, a client and a server, and between them a wire in user space:
 *
 *     client's kernel           this process            server's kernel
 *     network namespace  <--->  wire_receive()   <--->  network namespace
 *                               wire_send()
 *
 * Each host is a network namespace of its own; nothing passes from one to the other unless the
 * wire's owner passes it. The namespaces have no name and no mount: they go with the last process
 * (or orphaned socket) in them. No other program is run, nothing of the host's own network is
 * touched.
 */

/* How the hosts are tied to this process, as the probe found it possible. */
enum net_backend {
	NET_AUTO,     /* only as a wish: the first that works */
	NET_VETH,     /* veth pairs and AF_PACKET sockets in a third namespace */
	NET_TUN,      /* TUN devices: faster, where /dev/net/tun may be opened */
	NET_LOOPBACK, /* no wire: both ends on this host's loopback, segments are not seen */
	NET_BACKENDS
};

/* "veth", "tun", "loopback"; static. */
const char *net_backend_name(enum net_backend backend);

struct net_options {
	enum net_backend wish;
	bool ipv6;	    /* fd00:9::/64 instead of 10.9.0.0/24 */
	unsigned mtu_bytes; /* 0: 1500 */
};

struct net {
	enum net_backend backend; /* what is used; never NET_AUTO */
	bool user_namespace;	  /* made without privileges of the host */
	bool ipv6;
	unsigned mtu_bytes;
	char why[512]; /* one line for people: what is used, and what was tried before and why not
			*/
	struct ip_address address[ENDS]; /* 10.9.0.1 and .2, fd00:9::1 and ::2; loopback: 127.0.0.1
					    or ::1 for both */
	int host[ENDS]; /* owned: file descriptors of the hosts' namespaces; -1 with NET_LOOPBACK */
	int own;	/* owned: of the wire's namespace (where the process stays); -1 likewise */
	int wire[ENDS]; /* owned: poll() these for packets that leave an end; -1 likewise */
	int home;	/* owned: of the namespace that net_open() was called in; -1 likewise */
	uint64_t not_ip;  /* frames that left an end and were no IP: wire_receive() passed them over
			   */
	uint64_t dropped; /* packets lost so far: ask net_dropped() */
	const struct net_ops *ops; /* borrowed, static: lab/net_ops.h; NULL with NET_LOOPBACK */
};

/**
 * net_open() - Make the two hosts and the wire; the calling process moves into the wire's
 * namespaces
 * @net:      overwritten; net_close() it whatever comes back
 * @options:  which back end and addresses
 * @err:      ERR_SYSTEM: why the wished one can't be had and what to do. With NET_AUTO
 *            NET_LOOPBACK always works, so only lack of memory or descriptors fails.
 *
 * The process must have one thread. Where it fails the process has not moved: all is made in a
 * child process that hands the descriptors over. All of it takes a few milliseconds.
 * Source: unshare(2), user_namespaces(7), veth(4), packet(7), rtnetlink(7), tun.rst of the kernel.
 */
bool net_open(struct net *net, const struct net_options *options, struct err *err);

/* Close it all; safe twice, and after a failed net_open(). A process that may goes back to the
   namespace it came from; one that made a user namespace can't, and stays in the wire's. */
void net_close(struct net *net);

/* Move the calling process (one thread) into a host's namespace: sockets made from now on live
   there, whoever holds them later. NET_LOOPBACK: does nothing. net_leave() goes back to the wire.
 */
bool net_enter(const struct net *net, enum end end, struct err *err);
bool net_leave(const struct net *net, struct err *err);

/* Packets that the kernel lost between the hosts and the wire since net_open(): full buffers. Not
   those that the wire's owner did not pass on. */
uint64_t net_dropped(struct net *net);

/* What became of a setting. */
enum net_setting {
	NET_SETTING_DONE,
	NET_SETTING_MISSING, /* this kernel has no such setting */
	NET_SETTING_FAILED,  /* @err says why */
};

/**
 * net_set() - Write a sysctl of one host's network namespace
 * @name:   below /proc/sys/net/, with dots or slashes: "ipv4.tcp_retries2"
 * @value:  as it is written
 *
 * Also: "route.rto_min" (value "10ms"): metric of the route to the other host; "link.mtu".
 * NET_LOOPBACK: NET_SETTING_MISSING for everything: the settings are the whole machine's.
 */
enum net_setting net_set(struct net *net, enum end end, const char *name, const char *value,
			 struct err *err);

/**
 * net_reboot() - Take a host away and put a new one with the same address in its place
 *
 * As when its power fails: sockets in the old one (end their processes first or after) reach nobody
 * any more. The new host has default settings: net_defaults() and net_set() again.
 * net->host[end] and net->wire[end] change.
 */
bool net_reboot(struct net *net, enum end end, struct err *err);

/* Settings that every lab host gets so that its behaviour does not depend on the machine's: reno,
   no metrics cache, no invalid_ratelimit, timestamps on, ECN off, fastopen 0x1, keep-alive values,
   orphan_retries 1, fixed tcp_rmem/wmem, syncookies 1, ...: the table is in net_settings.c. Missing
   ones are passed over. net_open() and net_reboot() call it. */
bool net_defaults(struct net *net, enum end end, struct err *err);

#define WIRE_PACKET_MOST 65536 /* bytes of an IP packet */

/**
 * wire_receive() - Take a packet that left an end
 * @from:     which end
 * @packet:   gets the IP packet
 * @room:     bytes at @packet, WIRE_PACKET_MOST is always enough
 * @time_ns:  when it left (CLOCK_REALTIME as the kernel stamped it)
 *
 * Return: its bytes; 0: none is waiting; -1 with errno.
 */
ssize_t wire_receive(struct net *net, enum end from, uint8_t *packet, size_t room,
		     int64_t *time_ns);

/* Give a packet to an end; the kernel has dealt with it when this returns. Return: false with
   errno. */
bool wire_send(struct net *net, enum end to, const uint8_t *packet, size_t bytes);

#endif /* TCPWHY_LAB_NET_H */
