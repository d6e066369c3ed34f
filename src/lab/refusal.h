/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TCPWHY_LAB_REFUSAL_H
#define TCPWHY_LAB_REFUSAL_H

#include "base/err.h"

/* What the kernel was asked for when it refused: the same errno means something else for each. */
enum refusal_step {
	REFUSAL_USER_NAMESPACE,
	REFUSAL_NET_NAMESPACE,
	REFUSAL_PRIVILEGE, /* of the namespaces that we own: maps, links, packet sockets */
	REFUSAL_TUN,	   /* opening /dev/net/tun */
	REFUSAL_OTHER,
};

/**
 * refusal() - Record a system's refusal in words that tell what to change
 * @what:   what failed: "user namespaces are refused"
 * @error:  errno
 *
 * Gives "user namespaces are refused (ENOSPC: user.max_user_namespaces is 0)" and an advice. Reads
 * the switches that distributions have, to name the one that is set.
 * Return: false always.
 * Source: unshare(2), user_namespaces(7), namespaces(7); Debian's kernel.unprivileged_userns_clone,
 * AppArmor's kernel.apparmor_restrict_unprivileged_userns.
 */
bool refusal(struct err *err, enum refusal_step step, const char *what, int error);

#endif /* TCPWHY_LAB_REFUSAL_H */
