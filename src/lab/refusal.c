/* SPDX-License-Identifier: BSD-2-Clause */
#include "lab/refusal.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* One reason for an errno at a step. The first row that fits is taken. */
struct cause {
	enum refusal_step step;
	int error;
	const char *setting; /* file below /proc/sys that must hold value; NULL: none is asked */
	char value;
	const char *text;
	const char *fix;
};

#define AS_ROOT		"run it as root, or outside the container or sandbox"
#define MORE_USER	"as root: sysctl -w user.max_user_namespaces=10000"
#define MORE_NET	"as root: sysctl -w user.max_net_namespaces=10000"
#define APPARMOR_SWITCH "kernel/apparmor_restrict_unprivileged_userns"
#define APPARMOR_TEXT	"AppArmor: kernel.apparmor_restrict_unprivileged_userns is 1"
#define APPARMOR_FIX	"run it as root, or: sysctl -w kernel.apparmor_restrict_unprivileged_userns=0"
#define FORBIDDEN	"a seccomp filter or security module forbids it"

static const struct cause causes[] = {
	{ REFUSAL_USER_NAMESPACE, ENOSPC, "user/max_user_namespaces", '0',
	  "user.max_user_namespaces is 0", MORE_USER },
	{ REFUSAL_USER_NAMESPACE, ENOSPC, NULL, 0, "user.max_user_namespaces is reached",
	  MORE_USER },
	{ REFUSAL_USER_NAMESPACE, EPERM, "kernel/unprivileged_userns_clone", '0',
	  "kernel.unprivileged_userns_clone is 0",
	  "run it as root, or: sysctl -w kernel.unprivileged_userns_clone=1" },
	{ REFUSAL_USER_NAMESPACE, EPERM, APPARMOR_SWITCH, '1', APPARMOR_TEXT, APPARMOR_FIX },
	{ REFUSAL_USER_NAMESPACE, EPERM, NULL, 0, FORBIDDEN, AS_ROOT },
	{ REFUSAL_USER_NAMESPACE, EINVAL, NULL, 0, "this kernel has none, or threads run",
	  AS_ROOT },
	{ REFUSAL_USER_NAMESPACE, EUSERS, NULL, 0, "nested too deeply", AS_ROOT },
	{ REFUSAL_USER_NAMESPACE, ENOSYS, NULL, 0, FORBIDDEN, AS_ROOT },
	{ REFUSAL_NET_NAMESPACE, ENOSPC, "user/max_net_namespaces", '0',
	  "user.max_net_namespaces is 0", MORE_NET },
	{ REFUSAL_NET_NAMESPACE, ENOSPC, NULL, 0, "user.max_net_namespaces is reached", MORE_NET },
	{ REFUSAL_NET_NAMESPACE, EINVAL, NULL, 0, "this kernel has none", AS_ROOT },
	{ REFUSAL_NET_NAMESPACE, EPERM, NULL, 0, FORBIDDEN, AS_ROOT },
	{ REFUSAL_NET_NAMESPACE, ENOSYS, NULL, 0, FORBIDDEN, AS_ROOT },
	{ REFUSAL_PRIVILEGE, EPERM, APPARMOR_SWITCH, '1', APPARMOR_TEXT, APPARMOR_FIX },
	{ REFUSAL_PRIVILEGE, EPERM, NULL, 0, FORBIDDEN, AS_ROOT },
	{ REFUSAL_PRIVILEGE, EACCES, NULL, 0, FORBIDDEN, AS_ROOT },
	{ REFUSAL_PRIVILEGE, EOPNOTSUPP, NULL, 0, "not in this kernel", "as root: modprobe veth" },
	{ REFUSAL_PRIVILEGE, EAFNOSUPPORT, NULL, 0, "not in this kernel",
	  "as root: modprobe af_packet" },
	{ REFUSAL_TUN, EACCES, NULL, 0, "only other users may open it",
	  "run it as root, or: chmod 0666 /dev/net/tun" },
	{ REFUSAL_TUN, EPERM, NULL, 0, "the container has no right to it", AS_ROOT },
	{ REFUSAL_TUN, ENOENT, NULL, 0, "there is none", "as root: modprobe tun" },
	{ REFUSAL_TUN, ENODEV, NULL, 0, "its driver is not loaded", "as root: modprobe tun" },
	{ REFUSAL_TUN, ENXIO, NULL, 0, "its driver is not loaded", "as root: modprobe tun" },
	{ REFUSAL_OTHER, EMFILE, NULL, 0, "too many files are open in this process",
	  "raise the limit: ulimit -n" },
	{ REFUSAL_OTHER, ENFILE, NULL, 0, "too many files are open in the system", AS_ROOT },
};

/* The name that manuals use. Only those that namespaces, links and sockets give. */
static const char *errno_name(int error)
{
	static const struct {
		int error;
		const char *name;
	} names[] = {
		{ EPERM, "EPERM" },	      { ENOENT, "ENOENT" },
		{ ENXIO, "ENXIO" },	      { EAGAIN, "EAGAIN" },
		{ ENOMEM, "ENOMEM" },	      { EACCES, "EACCES" },
		{ EBUSY, "EBUSY" },	      { EEXIST, "EEXIST" },
		{ ENODEV, "ENODEV" },	      { EINVAL, "EINVAL" },
		{ ENFILE, "ENFILE" },	      { EMFILE, "EMFILE" },
		{ ENOSPC, "ENOSPC" },	      { EROFS, "EROFS" },
		{ ENOSYS, "ENOSYS" },	      { EUSERS, "EUSERS" },
		{ EOPNOTSUPP, "EOPNOTSUPP" }, { EAFNOSUPPORT, "EAFNOSUPPORT" },
		{ ENOBUFS, "ENOBUFS" },	      { EPROTONOSUPPORT, "EPROTONOSUPPORT" },
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (names[i].error == error)
			return names[i].name;
	}
	return NULL;
}

/* Whether a file below /proc/sys starts with this one digit and no other. */
static bool setting_is(const char *setting, char value)
{
	char path[128], text[4] = "";

	snprintf(path, sizeof(path), "/proc/sys/%s", setting);
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return false;
	ssize_t bytes = read(fd, text, sizeof(text) - 1);

	close(fd);
	return bytes > 0 && text[0] == value && (text[1] == '\n' || text[1] == '\0');
}

static const struct cause *cause_find(enum refusal_step step, int error)
{
	for (size_t i = 0; i < sizeof(causes) / sizeof(causes[0]); i++) {
		const struct cause *cause = &causes[i];

		if ((cause->step == step || cause->step == REFUSAL_OTHER) &&
		    cause->error == error &&
		    (!cause->setting || setting_is(cause->setting, cause->value)))
			return cause;
	}
	return NULL;
}

bool refusal(struct err *err, enum refusal_step step, const char *what, int error)
{
	const struct cause *cause = cause_find(step, error);
	const char *name = errno_name(error);
	char number[32];

	snprintf(number, sizeof(number), "errno %d", error);
	err_set(err, ERR_SYSTEM, "%s (%s: %s)", what, name ? name : number,
		cause ? cause->text : strerror(error));
	if (cause)
		err_fix(err, "%s", cause->fix);
	return false;
}
