/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TCPWHY_LAB_NET_OPS_H
#define TCPWHY_LAB_NET_OPS_H

#include <sys/uio.h>

#include "lab/net.h"

/* For lab/net*.c only: what a back end of the wire does. */

#define HOST_LINK "eth0" /* the one link of a host, in every back end */

struct net_ops {
	const char *what; /* "veth" in a sentence for people */

	/* Make HOST_LINK in the host's namespace (down, without address) and net->wire[end]. Called
	   in the wire's namespace, and comes back there. On failure net->wire[end] is -1. */
	bool (*attach)(struct net *net, enum end end, struct err *err);
	/* Called in the wire's namespace when HOST_LINK is up: what must wait for that. */
	bool (*settle)(struct net *net, enum end end, struct err *err);
	/* Take the link away; what it dropped is added to net->dropped. */
	void (*detach)(struct net *net, enum end end);

	/* As wire_receive() and wire_send(). */
	ssize_t (*receive)(struct net *net, enum end from, struct iovec packet, int64_t *time_ns);
	ssize_t (*send)(struct net *net, enum end to, struct iovec packet);
	/* Take the count of drops that the wire's descriptor keeps, if it keeps one. */
	uint64_t (*dropped)(struct net *net, enum end end);
};

extern const struct net_ops net_veth_ops, net_tun_ops;

/* net_space.c */

/**
 * net_space_first() - Move the process into a new namespace for the wire
 * @user:  gets the descriptor of the user namespace that was made for it; -1: none was needed
 *
 * Sets net->own and net->user_namespace.
 */
bool net_space_first(struct net *net, int *user, struct err *err);

/* Make a host's namespace: net->host[end]. Called in the wire's, comes back there. */
bool net_space_host(struct net *net, enum end end, struct err *err);

/* Open /proc/thread-self/ns/NAME. Return: -1 with @err. */
int net_space_fd(const char *name, struct err *err);

/**
 * net_space_build() - Let a child process build the net, and follow it where it succeeds
 * @net:    what @build made of it; its descriptors are this process's
 * @build:  called in the child with a copy of @net
 *
 * A process that made a user namespace can't go back: so nothing is tried in this one.
 */
bool net_space_build(struct net *net, bool (*build)(struct net *net, int *user, struct err *err),
		     struct err *err);

/* net_settings.c */

/* In the namespace that the process is in: a setting below /proc/sys/net/, with slashes. */
enum net_setting net_setting_write(const char *path, const char *value, struct err *err);

/* Inside a host's namespace, before HOST_LINK exists: what a new link takes over. */
bool net_settings_before_link(const struct net *net, struct err *err);

/* Wait until a link of the calling process's namespace can carry packets. */
bool net_link_wait(const char *link, struct err *err);

#endif /* TCPWHY_LAB_NET_OPS_H */
