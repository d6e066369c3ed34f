/* SPDX-License-Identifier: BSD-2-Clause */
#include "lab/netlink.h"

#include <errno.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/cursor.h"
#include "lab/refusal.h"

/* Answers come at once; the limit only keeps a lost one from hanging the program. */
#define ANSWER_SECONDS 2

/* A request in the making. 512 bytes: the longest, a veth pair, takes about 180. */
struct message {
	union {
		struct nlmsghdr header;
		uint8_t bytes[512];
	};
};

static void *message_grow(struct message *message, size_t bytes)
{
	size_t used = NLMSG_ALIGN(message->header.nlmsg_len);

	message->header.nlmsg_len = (uint32_t)(used + bytes);
	return message->bytes + used; /* zero: messages start so */
}

static void message_start(struct message *message, uint16_t type, uint16_t flags)
{
	memset(message, 0, sizeof(*message));
	message->header.nlmsg_len = sizeof(struct nlmsghdr);
	message->header.nlmsg_type = type;
	message->header.nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags);
}

static struct rtattr *attribute_add(struct message *message, uint16_t type, const void *value,
				    size_t bytes)
{
	struct rtattr *attribute = message_grow(message, RTA_LENGTH(bytes));

	attribute->rta_type = type;
	attribute->rta_len = (uint16_t)RTA_LENGTH(bytes);
	if (bytes > 0)
		memcpy(RTA_DATA(attribute), value, bytes);
	return attribute;
}

static void attribute_text(struct message *message, uint16_t type, const char *text)
{
	attribute_add(message, type, text, strlen(text) + 1);
}

static void attribute_u32(struct message *message, uint16_t type, uint32_t value)
{
	attribute_add(message, type, &value, sizeof(value));
}

/* An attribute that holds what is added from here to its end. */
static struct rtattr *nest_start(struct message *message, uint16_t type)
{
	return attribute_add(message, type, NULL, 0);
}

static void nest_end(struct message *message, struct rtattr *nest)
{
	size_t used = NLMSG_ALIGN(message->header.nlmsg_len);

	nest->rta_len = (uint16_t)(message->bytes + used - (uint8_t *)nest);
}

int netlink_open(struct err *err)
{
	int netlink = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	struct timeval limit = { .tv_sec = ANSWER_SECONDS };

	if (netlink < 0) {
		refusal(err, REFUSAL_PRIVILEGE, "a netlink socket is refused", errno);
		return -1;
	}
	setsockopt(netlink, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	return netlink;
}

/* Send a request. Return: 0 or the errno that the kernel answers; its answer is in @answer. */
static int ask(int netlink, struct message *request, uint8_t *answer, size_t room, size_t *bytes)
{
	ssize_t got;

	if (send(netlink, request->bytes, request->header.nlmsg_len, 0) < 0)
		return errno;
	do
		got = recv(netlink, answer, room, 0);
	while (got < 0 && errno == EINTR);
	if (got < 0)
		return errno;
	*bytes = (size_t)got;

	struct nlmsghdr header;
	struct cursor in = cursor_over(answer, *bytes);
	const uint8_t *start = cursor_skip(&in, sizeof(header));

	if (!start)
		return EBADMSG;
	memcpy(&header, start, sizeof(header));
	if (header.nlmsg_type != NLMSG_ERROR)
		return 0;
	int error = 0;
	const uint8_t *value = cursor_skip(&in, sizeof(error));

	if (!value)
		return EBADMSG;
	memcpy(&error, value, sizeof(error));
	return -error;
}

/* Send a request that is answered by yes or no. */
static bool demand(int netlink, struct message *request, const char *what, struct err *err)
{
	uint8_t answer[1024];
	size_t bytes = 0;

	request->header.nlmsg_flags |= NLM_F_ACK;
	int error = ask(netlink, request, answer, sizeof(answer), &bytes);

	return error == 0 || refusal(err, REFUSAL_PRIVILEGE, what, error);
}

static void link_message(struct message *message, uint16_t type, uint16_t flags, const char *link)
{
	message_start(message, type, flags);
	struct ifinfomsg *info = message_grow(message, sizeof(*info));

	info->ifi_family = AF_UNSPEC;
	attribute_text(message, IFLA_IFNAME, link);
}

bool netlink_veth_new(int netlink, const struct veth_pair *pair, struct err *err)
{
	struct message request;

	link_message(&request, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, pair->name);
	attribute_add(&request, IFLA_ADDRESS, pair->address, LINK_ADDRESS_BYTES);
	attribute_u32(&request, IFLA_MTU, pair->mtu_bytes);

	struct rtattr *link_info = nest_start(&request, IFLA_LINKINFO);

	attribute_text(&request, IFLA_INFO_KIND, "veth");
	struct rtattr *data = nest_start(&request, IFLA_INFO_DATA);
	struct rtattr *peer = nest_start(&request, VETH_INFO_PEER);

	message_grow(&request, sizeof(struct ifinfomsg));
	attribute_text(&request, IFLA_IFNAME, pair->peer);
	attribute_add(&request, IFLA_ADDRESS, pair->peer_address, LINK_ADDRESS_BYTES);
	attribute_u32(&request, IFLA_MTU, pair->peer_mtu_bytes);
	attribute_u32(&request, IFLA_NET_NS_FD, (uint32_t)pair->peer_namespace);
	nest_end(&request, peer);
	nest_end(&request, data);
	nest_end(&request, link_info);
	return demand(netlink, &request, "a veth pair is refused", err);
}

bool netlink_link_delete(int netlink, const char *link, struct err *err)
{
	struct message request;

	link_message(&request, RTM_DELLINK, 0, link);
	return demand(netlink, &request, "deleting a link is refused", err);
}

bool netlink_link_up(int netlink, const char *link, unsigned flags, struct err *err)
{
	struct message request;
	struct ifinfomsg info = { .ifi_flags = IFF_UP | flags, .ifi_change = IFF_UP | flags };

	link_message(&request, RTM_NEWLINK, 0, link);
	memcpy(NLMSG_DATA(&request.header), &info, sizeof(info));
	return demand(netlink, &request, "setting a link up is refused", err);
}

bool netlink_link_mtu(int netlink, const char *link, unsigned mtu_bytes, struct err *err)
{
	struct message request;
	char what[64];

	link_message(&request, RTM_NEWLINK, 0, link);
	attribute_u32(&request, IFLA_MTU, mtu_bytes);
	snprintf(what, sizeof(what), "an MTU of %u bytes is refused", mtu_bytes);
	return demand(netlink, &request, what, err);
}

bool netlink_link_queue(int netlink, const char *link, unsigned packets, struct err *err)
{
	struct message request;

	link_message(&request, RTM_NEWLINK, 0, link);
	attribute_u32(&request, IFLA_TXQLEN, packets);
	return demand(netlink, &request, "the queue length of a link is refused", err);
}

/* An address as a message carries it: 4 bytes for IPv4. */
static void attribute_address(struct message *message, uint16_t type,
			      const struct ip_address *address)
{
	bool four = ip_address_is_v4(address);

	attribute_add(message, type, address->bytes + (four ? 12 : 0), four ? 4 : 16);
}

bool netlink_address_add(int netlink, const char *link, const struct ip_address *address,
			 unsigned prefix_bits, struct err *err)
{
	struct message request;

	message_start(&request, RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL);
	struct ifaddrmsg *info = message_grow(&request, sizeof(*info));

	info->ifa_family = ip_address_is_v4(address) ? AF_INET : AF_INET6;
	info->ifa_prefixlen = (uint8_t)prefix_bits;
	info->ifa_flags = info->ifa_family == AF_INET6 ? IFA_F_NODAD : 0;
	info->ifa_index = if_nametoindex(link);
	attribute_address(&request, IFA_LOCAL, address);
	attribute_address(&request, IFA_ADDRESS, address);
	return demand(netlink, &request,
		      info->ifa_family == AF_INET6 ? "an IPv6 address is refused"
						   : "an IPv4 address is refused",
		      err);
}

bool netlink_address_is_local(int netlink, const struct ip_address *address)
{
	struct message request;
	struct rtmsg route;
	uint8_t answer[1024];
	size_t bytes = 0;
	bool four = ip_address_is_v4(address);

	message_start(&request, RTM_GETROUTE, 0);
	struct rtmsg *info = message_grow(&request, sizeof(*info));

	info->rtm_family = four ? AF_INET : AF_INET6;
	info->rtm_dst_len = four ? 32 : 128;
	attribute_address(&request, RTA_DST, address);
	if (ask(netlink, &request, answer, sizeof(answer), &bytes) != 0)
		return false;

	struct cursor in = cursor_over(answer, bytes);

	cursor_skip(&in, sizeof(struct nlmsghdr));
	const uint8_t *start = cursor_skip(&in, sizeof(route));

	if (!start)
		return false;
	memcpy(&route, start, sizeof(route));
	return route.rtm_type == RTN_LOCAL;
}

bool netlink_route_rto_min(int netlink, const char *link, const struct ip_address *to,
			   unsigned rto_min_ms, struct err *err)
{
	struct message request;
	bool four = ip_address_is_v4(to);

	message_start(&request, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE);
	struct rtmsg *info = message_grow(&request, sizeof(*info));

	info->rtm_family = four ? AF_INET : AF_INET6;
	info->rtm_dst_len = four ? 32 : 128;
	info->rtm_table = RT_TABLE_MAIN;
	info->rtm_protocol = RTPROT_STATIC;
	info->rtm_scope = four ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE;
	info->rtm_type = RTN_UNICAST;
	attribute_address(&request, RTA_DST, to);
	attribute_u32(&request, RTA_OIF, if_nametoindex(link));
	struct rtattr *metrics = nest_start(&request, RTA_METRICS);

	attribute_u32(&request, RTAX_LOCK, 1u << RTAX_RTO_MIN); /* else TCP does not look at it */
	attribute_u32(&request, RTAX_RTO_MIN, rto_min_ms);
	nest_end(&request, metrics);
	return demand(netlink, &request, "a route with rto_min is refused", err);
}

bool netlink_link_dropped(int netlink, const char *link, uint64_t *packets, struct err *err)
{
	struct message request;
	uint8_t answer[8192];
	size_t bytes = 0;

	link_message(&request, RTM_GETLINK, 0, link);
	int error = ask(netlink, &request, answer, sizeof(answer), &bytes);

	if (error != 0)
		return refusal(err, REFUSAL_OTHER, "a link's counts can't be read", error);

	struct cursor in = cursor_over(answer, bytes);

	cursor_skip(&in, NLMSG_LENGTH(sizeof(struct ifinfomsg)));
	while (cursor_left(&in) >= sizeof(struct rtattr)) {
		struct rtattr head;
		struct rtnl_link_stats64 stats;

		memcpy(&head, cursor_skip(&in, sizeof(head)), sizeof(head));
		if (head.rta_len < sizeof(head))
			break;
		struct cursor value = cursor_take(&in, head.rta_len - sizeof(head));

		cursor_skip(&in, RTA_ALIGN(head.rta_len) - head.rta_len);
		if (head.rta_type == IFLA_STATS64 &&
		    cursor_left(&value) > sizeof(stats.tx_dropped)) {
			size_t most = cursor_left(&value);

			memset(&stats, 0, sizeof(stats)); /* another kernel's may be shorter */
			most = most < sizeof(stats) ? most : sizeof(stats);
			memcpy(&stats, value.at, most);
			*packets = stats.tx_dropped;
			return true;
		}
	}
	return err_set(err, ERR_SYSTEM, "the kernel's counts of link %s have no packets", link);
}
