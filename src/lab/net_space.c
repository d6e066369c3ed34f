/* SPDX-License-Identifier: BSD-2-Clause */
#include "lab/net_ops.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lab/refusal.h"

/* The inode of the machine's own user namespace: PROC_USER_INIT_INO in linux/proc_ns.h. */
#define USER_NAMESPACE_FIRST 0xeffffffdu

int net_space_fd(const char *name, struct err *err)
{
	char path[64];

	/* Not /proc/self: that is the first thread's. */
	snprintf(path, sizeof(path), "/proc/thread-self/ns/%s", name);
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0) {
		refusal(err, REFUSAL_OTHER, "the process's own namespace can't be opened", errno);
		err_fix(err, "mount /proc");
	}
	return fd;
}

static bool file_write(const char *path, const char *text, struct err *err)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	bool ok = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);
	int error = errno;
	char what[96];

	if (fd >= 0)
		close(fd);
	snprintf(what, sizeof(what), "%s can't be written", path);
	return ok || refusal(err, REFUSAL_PRIVILEGE, what, error);
}

/* This user becomes root of a user namespace of its own, and of no more than that. */
static bool user_space(int *user, struct err *err)
{
	char uid_map[48], gid_map[48];

	snprintf(uid_map, sizeof(uid_map), "0 %u 1", (unsigned)geteuid());
	snprintf(gid_map, sizeof(gid_map), "0 %u 1", (unsigned)getegid());
	if (unshare(CLONE_NEWUSER) < 0)
		return refusal(err, REFUSAL_USER_NAMESPACE, "user namespaces are refused", errno);
	if (!file_write("/proc/self/setgroups", "deny", err) ||
	    !file_write("/proc/self/uid_map", uid_map, err) ||
	    !file_write("/proc/self/gid_map", gid_map, err))
		return false;
	*user = net_space_fd("user", err);
	return *user >= 0;
}

static bool in_first_user_space(void)
{
	struct stat info;

	return stat("/proc/self/ns/user", &info) == 0 && info.st_ino == USER_NAMESPACE_FIRST;
}

bool net_space_first(struct net *net, int *user, struct err *err)
{
	*user = -1;
	if (geteuid() != 0 || unshare(CLONE_NEWNET) < 0) {
		if (!user_space(user, err))
			return false;
		if (unshare(CLONE_NEWNET) < 0)
			return refusal(err, REFUSAL_NET_NAMESPACE, "network namespaces are refused",
				       errno);
	}
	net->user_namespace = !in_first_user_space();
	net->own = net_space_fd("net", err);
	return net->own >= 0;
}

bool net_space_host(struct net *net, enum end end, struct err *err)
{
	if (unshare(CLONE_NEWNET) < 0)
		return refusal(err, REFUSAL_NET_NAMESPACE, "network namespaces are refused", errno);
	net->host[end] = net_space_fd("net", err);
	bool ok = net->host[end] >= 0 && net_settings_before_link(net, err);

	return net_leave(net, err) && ok;
}

/* What a child that built a net sends; the descriptors come beside it. */
struct built {
	struct net net;
	struct err err;
	bool ok;
	bool has_user; /* a user namespace comes as the last descriptor */
};

#define NET_FDS	 (1 + 2 * ENDS) /* own, host, wire */
#define FDS_MOST (NET_FDS + 1)

union fds_control {
	struct cmsghdr align;
	uint8_t bytes[CMSG_SPACE(FDS_MOST * sizeof(int))];
};

static void built_send(int to, const struct built *built, int user)
{
	const struct net *net = &built->net;
	int fds[FDS_MOST] = {
		net->own, net->host[0], net->host[1], net->wire[0], net->wire[1], user
	};
	size_t bytes = (built->has_user ? FDS_MOST : NET_FDS) * sizeof(int);
	union fds_control control = { 0 };
	struct built copy = *built;
	struct iovec part = { .iov_base = &copy, .iov_len = sizeof(copy) };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1 };

	if (built->ok) {
		message.msg_control = &control;
		message.msg_controllen = CMSG_SPACE(bytes);
		struct cmsghdr *head = CMSG_FIRSTHDR(&message);

		head->cmsg_level = SOL_SOCKET;
		head->cmsg_type = SCM_RIGHTS;
		head->cmsg_len = CMSG_LEN(bytes);
		memcpy(CMSG_DATA(head), fds, bytes);
	}
	sendmsg(to, &message, MSG_NOSIGNAL);
}

/* Take what the child built. @fds: those of net, then the user namespace; -1: did not come. */
static bool built_receive(int from, struct built *built, int fds[static FDS_MOST], struct err *err)
{
	union fds_control control = { 0 };
	struct iovec part = { .iov_base = built, .iov_len = sizeof(*built) };
	struct msghdr message = { .msg_iov = &part,
				  .msg_iovlen = 1,
				  .msg_control = &control,
				  .msg_controllen = sizeof(control) };
	ssize_t bytes;
	size_t count = 0;

	for (size_t i = 0; i < FDS_MOST; i++)
		fds[i] = -1;
	do
		bytes = recvmsg(from, &message, MSG_CMSG_CLOEXEC);
	while (bytes < 0 && errno == EINTR);

	struct cmsghdr *head = bytes > 0 ? CMSG_FIRSTHDR(&message) : NULL;

	if (head && head->cmsg_type == SCM_RIGHTS && head->cmsg_len > CMSG_LEN(0)) {
		count = (head->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		count = count < FDS_MOST ? count : FDS_MOST;
		memcpy(fds, CMSG_DATA(head), count * sizeof(int));
	}
	if (bytes != (ssize_t)sizeof(*built))
		return err_set(err, ERR_SYSTEM,
			       "the process that makes the namespaces ended early");
	if (!built->ok) {
		*err = built->err;
		return false;
	}
	if (count < (built->has_user ? FDS_MOST : NET_FDS))
		return refusal(err, REFUSAL_OTHER, "the namespaces can't be taken over", EMFILE);
	return true;
}

/* Move into the namespaces that the child made. */
static bool follow(struct net *net, int user, struct err *err)
{
	net->home = net_space_fd("net", err);
	if (net->home < 0)
		return false;
	if (user >= 0 && setns(user, CLONE_NEWUSER) < 0)
		return refusal(err, REFUSAL_USER_NAMESPACE,
			       "entering the user namespace is refused", errno);
	return net_leave(net, err);
}

static void build_and_send(int to, const struct net *net,
			   bool (*build)(struct net *net, int *user, struct err *err))
{
	struct built built = { .net = *net };
	int user = -1;

	built.ok = build(&built.net, &user, &built.err);
	built.has_user = user >= 0;
	built_send(to, &built, user);
}

bool net_space_build(struct net *net, bool (*build)(struct net *net, int *user, struct err *err),
		     struct err *err)
{
	int pair[2], fds[FDS_MOST];
	struct built built;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return refusal(err, REFUSAL_OTHER, "a socket pair is refused", errno);
	pid_t child = fork();

	if (child == 0) {
		build_and_send(pair[1], net, build);
		_exit(0);
	}
	int error = errno;
	bool ok = child > 0;

	close(pair[1]); /* so that the child's end is an end of file */
	if (!ok)
		refusal(err, REFUSAL_OTHER, "another process is refused", error);
	else
		ok = built_receive(pair[0], &built, fds, err);
	close(pair[0]);
	while (child > 0 && waitpid(child, NULL, 0) < 0 && errno == EINTR)
		;
	if (child < 0)
		return false;
	if (ok) {
		*net = built.net;
		net->own = fds[0];
		memcpy(net->host, fds + 1, sizeof(net->host));
		memcpy(net->wire, fds + 1 + ENDS, sizeof(net->wire));
		ok = follow(net, fds[NET_FDS], err);
	} else {
		for (size_t i = 0; i < NET_FDS; i++)
			close(fds[i]);
	}
	close(fds[NET_FDS]);
	return ok;
}
