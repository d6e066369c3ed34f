/* SPDX-License-Identifier: BSD-2-Clause */
#include "lab/net_ops.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lab/netlink.h"
#include "lab/refusal.h"

#define SETTING_PATH_BYTES 160

struct setting {
	const char *path, *value;
};

/* Before a link exists, so that it says nothing by itself: no ND, no MLD, no router solicitation.
   With IPv6 the link has only the address that it is given. */
static const struct setting before_link_ipv4[] = {
	{ "ipv6/conf/default/disable_ipv6", "1" },
};

static const struct setting before_link_ipv6[] = {
	{ "ipv6/conf/default/disable_ipv6", "0" },
	{ "ipv6/conf/default/addr_gen_mode", "1" },
	{ "ipv6/conf/default/accept_ra", "0" },
	{ "ipv6/conf/default/accept_dad", "0" },
	{ "ipv6/conf/default/router_solicitations", "0" },
};

/*
 * What a host starts with. Mostly the kernel's own defaults: a new namespace takes some from the
 * machine's, and distributions change them.
 * Source: Documentation/networking/ip-sysctl.rst and admin-guide/sysctl/net.rst of the kernel.
 */
static const struct setting defaults[] = {
	{ "ipv4/tcp_congestion_control", "reno" }, /* the only one that every kernel has */
	{ "ipv4/tcp_no_metrics_save", "1" },	   /* no connection learns from an earlier one */
	{ "ipv4/tcp_invalid_ratelimit", "0" },	   /* 500 ms hide answers to probes */
	{ "ipv4/tcp_challenge_ack_limit", "1000000" },
	{ "ipv4/icmp_ratelimit", "0" },
	{ "ipv6/icmp/ratelimit", "0" },
	{ "ipv4/tcp_timestamps", "1" },
	{ "ipv4/tcp_sack", "1" },
	{ "ipv4/tcp_dsack", "1" },
	{ "ipv4/tcp_window_scaling", "1" },
	{ "ipv4/tcp_ecn", "0" },
	{ "ipv4/tcp_fastopen", "1" },
	{ "ipv4/tcp_syncookies", "1" },
	{ "ipv4/tcp_syn_retries", "6" },
	{ "ipv4/tcp_syn_linear_timeouts", "4" },
	{ "ipv4/tcp_synack_retries", "5" },
	{ "ipv4/tcp_retries1", "3" },
	{ "ipv4/tcp_retries2", "15" },
	{ "ipv4/tcp_orphan_retries", "1" }, /* else orphans retransmit on behind a scenario */
	{ "ipv4/tcp_rto_min_us", "200000" },
	{ "ipv4/tcp_rto_max_ms", "120000" },
	{ "ipv4/tcp_fin_timeout", "60" },
	{ "ipv4/tcp_keepalive_time", "7200" },
	{ "ipv4/tcp_keepalive_intvl", "75" },
	{ "ipv4/tcp_keepalive_probes", "9" },
	{ "ipv4/tcp_abort_on_overflow", "0" },
	{ "ipv4/tcp_max_syn_backlog", "256" },
	{ "core/somaxconn", "4096" },
	{ "ipv4/tcp_tw_reuse", "0" },
	{ "ipv4/tcp_tw_reuse_delay", "1000" },
	{ "ipv4/tcp_rfc1337", "0" },
	{ "ipv4/tcp_recovery", "1" },
	{ "ipv4/tcp_early_retrans",
	  "0" }, /* no tail loss probe after 2 RTT: a busy machine is no loss */
	{ "ipv4/tcp_frto", "2" },
	{ "ipv4/tcp_reordering", "3" },
	{ "ipv4/tcp_mtu_probing", "0" },
	{ "ipv4/tcp_slow_start_after_idle", "1" },
	{ "ipv4/tcp_moderate_rcvbuf", "1" },
	{ "ipv4/tcp_shrink_window", "0" },
	{ "ipv4/tcp_rmem", "4096 131072 6291456" }, /* windows and scales depend on it */
	{ "ipv4/tcp_wmem", "4096 16384 4194304" },
	{ "ipv4/ip_local_port_range", "32768 60999" },
	{ "ipv4/ip_default_ttl", "64" },
	{ "ipv4/ip_no_pmtu_disc", "0" },
	{ "ipv4/conf/all/rp_filter", "0" },
	{ "ipv4/conf/" HOST_LINK "/rp_filter", "0" },
	{ "mptcp/enabled", "0" },
};

enum net_setting net_setting_write(const char *path, const char *value, struct err *err)
{
	char file[SETTING_PATH_BYTES + 16];

	snprintf(file, sizeof(file), "/proc/sys/net/%s", path);
	int fd = open(file, O_WRONLY | O_CLOEXEC);

	if (fd < 0 && errno == ENOENT)
		return NET_SETTING_MISSING;
	bool ok = fd >= 0 && write(fd, value, strlen(value)) == (ssize_t)strlen(value);
	int error = errno;

	if (fd >= 0)
		close(fd);
	if (ok)
		return NET_SETTING_DONE;
	err_set(err, ERR_SYSTEM, "%s can't be set to \"%s\" (%s)", file, value, strerror(error));
	err_fix(err, error == EINVAL ? "the kernel does not take this value: see ip-sysctl.rst"
				     : "the setting is not a host's own: only the machine has it");
	return NET_SETTING_FAILED;
}

/* Write a table; what this kernel doesn't have is passed over. */
static bool write_all(const struct setting *settings, size_t count, struct err *err)
{
	for (size_t i = 0; i < count; i++) {
		if (net_setting_write(settings[i].path, settings[i].value, err) ==
		    NET_SETTING_FAILED)
			return false;
	}
	return true;
}

bool net_settings_before_link(const struct net *net, struct err *err)
{
	if (net->ipv6)
		return write_all(before_link_ipv6,
				 sizeof(before_link_ipv6) / sizeof(before_link_ipv6[0]), err);
	return write_all(before_link_ipv4, sizeof(before_link_ipv4) / sizeof(before_link_ipv4[0]),
			 err);
}

bool net_defaults(struct net *net, enum end end, struct err *err)
{
	if (!net->ops)
		return true;
	if (!net_enter(net, end, err))
		return false;
	bool ok = write_all(defaults, sizeof(defaults) / sizeof(defaults[0]), err);

	return net_leave(net, err) && ok;
}

/* A count with one of two units behind it, or none for the first. */
static bool value_read(const char *text, const char *unit, unsigned long most, unsigned *out)
{
	char *end = NULL;

	if (text[0] < '0' || text[0] > '9')
		return false;
	errno = 0;
	unsigned long value = strtoul(text, &end, 10);

	if (errno != 0 || value > most || (*end != '\0' && strcmp(end, unit) != 0))
		return false;
	*out = (unsigned)value;
	return true;
}

static enum net_setting set_rto_min(const struct net *net, enum end end, const char *value,
				    struct err *err)
{
	unsigned rto_min_ms;
	enum end other = end == END_CLIENT ? END_SERVER : END_CLIENT;

	if (!value_read(value, "ms", 120000, &rto_min_ms)) {
		err_set(err, ERR_USAGE, "route.rto_min can't be \"%s\"", value);
		err_fix(err, "write milliseconds, at most 120000: 10ms");
		return NET_SETTING_FAILED;
	}
	int netlink = netlink_open(err);
	bool ok = netlink >= 0 &&
		  netlink_route_rto_min(netlink, HOST_LINK, &net->address[other], rto_min_ms, err);

	if (netlink >= 0)
		close(netlink);
	return ok ? NET_SETTING_DONE : NET_SETTING_FAILED;
}

static enum net_setting set_mtu(const char *value, struct err *err)
{
	unsigned mtu_bytes;

	if (!value_read(value, "", 65535, &mtu_bytes)) {
		err_set(err, ERR_USAGE, "link.mtu can't be \"%s\"", value);
		err_fix(err, "write a number of bytes, at most 65535");
		return NET_SETTING_FAILED;
	}
	int netlink = netlink_open(err);
	bool ok = netlink >= 0 && netlink_link_mtu(netlink, HOST_LINK, mtu_bytes, err);

	if (netlink >= 0)
		close(netlink);
	return ok ? NET_SETTING_DONE : NET_SETTING_FAILED;
}

/* "ipv4.tcp_retries2" to "ipv4/tcp_retries2". No dot is left, so no path leads out of net/. */
static bool path_from(const char *name, char path[static SETTING_PATH_BYTES])
{
	size_t length = strlen(name);

	if (length == 0 || length >= SETTING_PATH_BYTES || name[0] == '/')
		return false;
	memcpy(path, name, length + 1);
	for (char *at = strchr(path, '.'); at; at = strchr(at, '.'))
		*at = '/';
	return true;
}

static enum net_setting set_here(struct net *net, enum end end, const char *name, const char *value,
				 struct err *err)
{
	char path[SETTING_PATH_BYTES];

	if (strcmp(name, "route.rto_min") == 0)
		return set_rto_min(net, end, value, err);
	if (strcmp(name, "link.mtu") == 0)
		return set_mtu(value, err);
	if (!path_from(name, path))
		return NET_SETTING_MISSING;
	return net_setting_write(path, value, err);
}

enum net_setting net_set(struct net *net, enum end end, const char *name, const char *value,
			 struct err *err)
{
	if (!net->ops)
		return NET_SETTING_MISSING;
	if (!net_enter(net, end, err))
		return NET_SETTING_FAILED;
	enum net_setting result = set_here(net, end, name, value, err);

	return net_leave(net, err) ? result : NET_SETTING_FAILED;
}
