/* SPDX-License-Identifier: BSD-2-Clause */
/* Every way from a link type down to TCP, whole and cut at every byte. */
#include "decode/stack_test.h"

#include "decode/link.h"

/* A way down; the rows say in hexadecimal what stands between the layers (see stack_build()). */
struct way {
	const char *name;
	uint16_t link_type;
	const char *layers;
};

#define SNAP "aaaa03 000000 0800"
#define WIFI "0801 0000 020000000001 020000000002 020000000003 0000 |" SNAP
#define IN4  "| ip4 6"
#define IN6  "| ip6 6"

static const struct way ways[] = {
	{ "Ethernet", 1, "eth 0800" IN4 },
	{ "Ethernet, IPv6", 1, "eth 86dd" IN6 },
	{ "VLAN", 1, "eth 8100 | 0005 0800" IN4 },
	{ "service VLAN and VLAN", 1, "eth 88a8 | 0005 8100 0006 86dd" IN6 },
	{ "old service VLAN", 1, "eth 9100 | 0005 8100 0006 0800" IN4 },
	{ "802.3 with SNAP", 1, "eth 0035 |" SNAP IN4 },
	{ "802.3 with LLC of IP", 1, "eth 0030 | 060603" IN4 },
	{ "VLAN with a length", 1, "eth 8100 | 0005 0035 |" SNAP IN4 },
	{ "long LLC", 1, "eth 8870 |" SNAP IN4 },
	{ "bridged in SNAP", 1, "eth 0043 | aaaa03 0080c2 0007 | eth 0800" IN4 },
	{ "MPLS", 1, "eth 8847 | 00010040 00020140" IN4 },
	{ "MPLS, IPv6", 1, "eth 8848 | 00010140" IN6 },
	{ "MPLS pseudowire", 1, "eth 8847 | 00010140 00000000 | eth 0800" IN4 },
	{ "MPLS pseudowire without control word", 1, "eth 8847 | 00010140 | eth 0800" IN4 },
	{ "PPPoE", 1, "eth 8864 | 1100 0001 002f 0021" IN4 },
	{ "provider backbone", 1, "eth 88e7 | 00000005 | eth 0800" IN4 },
	{ "VN-tag", 1, "eth 8926 | 00000000 8100 0005 0800" IN4 },
	{ "FabricPath", 1, "eth 8903 | 0000 | eth 0800" IN4 },
	{ "HSR", 1, "eth 892f | 0030 0001 0800" IN4 },
	{ "NSH", 1, "eth 894f | 0fc20101 00000000" IN4 },
	{ "BSD null, little endian", 0, "02000000" IN4 },
	{ "BSD null, big endian", 0, "0000001e" IN6 },
	{ "BSD null, FreeBSD", 0, "1c000000" IN6 },
	{ "BSD null, NetBSD", 0, "18000000" IN6 },
	{ "BSD null, Linux", 0, "0a000000" IN6 },
	{ "BSD null, Windows", 0, "17000000" IN6 },
	{ "OpenBSD loop", 108, "00000002" IN4 },
	{ "token ring", 6, "10 40 020000000001 020000000002 |" SNAP IN4 },
	{ "token ring with a route", 6, "1040 020000000001 820000000002 04000000 |" SNAP IN4 },
	{ "ARCNET, RFC 1201", 7, "0102 d4 00 0001" IN4 },
	{ "ARCNET, exception", 7, "0102 d4 ff0000 d4 000001" IN4 },
	{ "ARCNET Linux, RFC 1051", 129, "01020000 f0" IN4 },
	{ "ARCNET Linux, RFC 1201", 129, "01020000 d4 000001" IN4 },
	{ "SLIP", 8, "00000000 00000000 00000000 00000000" IN4 },
	{ "PPP", 9, "ff03 0021" IN4 },
	{ "PPP, short", 9, "21" IN4 },
	{ "PPP, IPv6", 9, "0057" IN6 },
	{ "PPP, MPLS", 9, "ff03 0281 00010140" IN4 },
	{ "PPP, bridged", 9, "ff03 0031 0001 | eth 0800" IN4 },
	{ "PPP in HDLC", 50, "ff03 0021" IN4 },
	{ "Cisco in PPP in HDLC", 50, "0f00 0800" IN4 },
	{ "PPPoE without Ethernet", 51, "1100 0001 002f 0021" IN4 },
	{ "PPP with direction", 204, "00 ff03 0021" IN4 },
	{ "pppd", 166, "01 ff03 0021" IN4 },
	{ "FDDI", 10, "50 020000000001 020000000002 |" SNAP IN4 },
	{ "raw", 101, "| ip4 6" },
	{ "raw, IPv6", 101, "| ip6 6" },
	{ "raw of BSD", 12, "| ip4 6" },
	{ "raw of OpenBSD", 14, "| ip4 6" },
	{ "IPv4", 228, "| ip4 6" },
	{ "IPv6", 229, "| ip6 6" },
	{ "ATM", 100, SNAP IN4 },
	{ "Cisco HDLC", 104, "0f00 0800" IN4 },
	{ "frame relay", 107, "1841 03 cc" IN4 },
	{ "frame relay with SNAP", 107, "1841 03 00 80 000000 0800" IN4 },
	{ "frame relay of Cisco", 107, "1841 0800" IN4 },
	{ "802.11 to the access point", 105, WIFI IN4 },
	{ "802.11 with QoS", 105,
	  "8801 0000 020000000001 020000000002 020000000003 0000 0000 |" SNAP IN4 },
	{ "802.11 bridge", 105,
	  "0803 0000 020000000001 020000000002 020000000003 0000 020000000004 |" SNAP IN4 },
	{ "802.11 with HT control", 105,
	  "8881 0000 020000000001 020000000002 020000000003 0000 0000 00000000 |" SNAP IN4 },
	{ "radiotap", 127, "00000800 00000000 |" WIFI IN4 },
	{ "radiotap with a pad", 127,
	  "00000900 02000000 20 | 8801 0000 020000000001 020000000002 020000000003 0000 0000 0000 "
	  "|" SNAP IN4 },
	{ "PPI", 192, "00000800 69000000 |" WIFI IN4 },
	{ "PPI around Ethernet", 192, "00000800 01000000 | eth 0800" IN4 },
	{ "AVS", 163, "80211001 00000010 0000000000000000 |" WIFI IN4 },
	{ "AVS under Prism's number", 119, "80211001 00000010 0000000000000000 |" WIFI IN4 },
	{ "cooked", 113, "0000 0001 0006 0000000000000000 0800" IN4 },
	{ "cooked, 802.11", 113, "0000 0321 0006 0000000000000000 0004 |" WIFI IN4 },
	{ "cooked, LLC", 113, "0000 0001 0006 0000000000000000 0004 |" SNAP IN4 },
	{ "cooked 2", 276, "0800 0000 00000001 0001 00 06 0000000000000000" IN4 },
	{ "NFLOG", 239, "02000000 08000100 00000000 31000900" IN4 },
	{ "NFLOG, big endian", 239, "02000000 00080001 00000000 00310009" IN4 },
	{ "IPsec interface", 109, "02000000 00000005 00000000" IN4 },
	{ "packet filter log", 117, "0602 0000 00000000" IN4 },
	{ "Solaris IP", 226, "0102 0000 00000000 00000000 00000000 00000000 00000000" IN4 },
	{ "FireWire", 138, "0101010101010101 0202020202020202 0800" IN4 },
	{ "Fibre Channel", 122, "0101010101010101 0202020202020202 |" SNAP IN4 },
	{ "Juniper", 178, "4d4743 01 | eth 0800" IN4 },
	{ "Juniper, extension", 178, "4d4743 80 0004 01020304 | eth 0800" IN4 },
	{ "Juniper, no link header", 178, "4d4743 82 0004 01020304 06000000" IN6 },
	{ "InfiniBand", 242,
	  "0101010101010101010101010101010101010101 0202020202020202020202020202020202020202 0800 "
	  "0000" IN4 },
	{ "PKTAP", 258, "0c000000 01000000 01000000 | eth 0800" IN4 },
	{ "IP in IP", 1, "eth 0800 | ip4 4" IN4 },
	{ "6in4", 1, "eth 0800 | ip4 41" IN6 },
	{ "IPv4 in IPv6", 1, "eth 86dd | ip6 4" IN4 },
	{ "GRE", 1, "eth 0800 | ip4 47 | 00000800" IN4 },
	{ "GRE with all fields", 1,
	  "eth 0800 | ip4 47 | b000 86dd 00000000 00000001 00000002" IN6 },
	{ "GRE with a route", 1,
	  "eth 0800 | ip4 47 | 4000 0800 00000000 00000004 01020304 00000000" IN4 },
	{ "GRE with Ethernet", 1, "eth 0800 | ip4 47 | 00006558 | eth 0800" IN4 },
	{ "GRE with PPP", 1, "eth 0800 | ip4 47 | 0000880b ff03 0021" IN4 },
	{ "GRE with MPLS", 1, "eth 0800 | ip4 47 | 00008847 00010140" IN4 },
	{ "ERSPAN 1", 1, "eth 0800 | ip4 47 | 000088be | eth 0800" IN4 },
	{ "ERSPAN 2", 1, "eth 0800 | ip4 47 | 100088be 00000001 10010000 00000000 | eth 0800" IN4 },
	{ "ERSPAN 3", 1,
	  "eth 0800 | ip4 47 | 100022eb 00000001 20010000 00000000 00000001 0000000000000000 | eth "
	  "0800" IN4 },
	{ "WCCP 1", 1, "eth 0800 | ip4 47 | 0000883e" IN4 },
	{ "WCCP 2", 1, "eth 0800 | ip4 47 | 0000883e 00000000" IN4 },
	{ "GRE of Aruba", 1, "eth 0800 | ip4 47 | 00008210 |" WIFI IN4 },
	{ "PPTP", 1, "eth 0800 | ip4 47 | 3081880b 0031 0001 00000001 00000001 ff03 0021" IN4 },
	{ "EtherIP", 1, "eth 0800 | ip4 97 | 3000 | eth 0800" IN4 },
	{ "MPLS in IP", 1, "eth 0800 | ip4 137 | 00010140" IN4 },
	{ "authentication header", 1,
	  "eth 0800 | ip4 51 | 06040000 0000000000000000000000000000000000000000" },
	{ "GRE in UDP", 1, "eth 0800 | ip4 17 | udp 4754 | 00000800" IN4 },
	{ "VXLAN", 1, "eth 0800 | ip4 17 | udp 4789 | 08000000 00000500 | eth 0800" IN4 },
	{ "VXLAN-GPE", 1, "eth 0800 | ip4 17 | udp 4790 | 0c000001 00000500" IN4 },
	{ "GENEVE", 1,
	  "eth 0800 | ip4 17 | udp 6081 | 02006558 00000500 0000000000000000 | eth 0800" IN4 },
	{ "GTP", 1, "eth 0800 | ip4 17 | udp 2152 | 34ff 0035 00000001 000000 85 01000000" IN4 },
	{ "Teredo", 1, "eth 0800 | ip4 17 | udp 3544 | 0000010101010101" IN6 },
	{ "AYIYA", 1,
	  "eth 0800 | ip4 17 | udp 5072 | 11521129 00000000 0102 "
	  "0101010101010101010101010101010101010101" IN6 },
	{ "LISP", 1, "eth 0800 | ip4 17 | udp 4341 | 80000001 00000001" IN4 },
	{ "MPLS in UDP", 1, "eth 0800 | ip4 17 | udp 6635 | 00010140" IN4 },
	{ "L2TP", 1, "eth 0800 | ip4 17 | udp 1701 | 4002 0039 0001 0001 ff03 0021" IN4 },
	{ "TZSP", 1, "eth 0800 | ip4 17 | udp 37008 | 01000012 0a0101 01 |" WIFI IN4 },
	{ "CAPWAP", 1, "eth 0800 | ip4 17 | udp 5247 | 00100300 00000000 |" WIFI IN4 },
	{ "CAPWAP, swapped", 1,
	  "eth 0800 | ip4 17 | udp 5247 | 00100300 00000000 "
	  "0108 0000 020000000001 020000000002 020000000003 0000 |" SNAP IN4 },
	{ "sFlow", 1,
	  "eth 0800 | ip4 17 | udp 6343 | 00000005 00000001 01020304 00000000 00000001 00000001 "
	  "00000001 | 00000001 00000073 00000001 00000001 00000001 00000001 00000000 00000001 "
	  "00000002 00000001 | 00000001 0000004b 00000001 0000003b 00000000 0000003b | eth "
	  "0800" IN4 },
	{ "hop-by-hop", 1, "eth 86dd | ip6 0 | 0600 0104 00000000" },
	{ "destination options", 1, "eth 86dd | ip6 60 | 0600 0104 00000000" },
	{ "authentication in IPv6", 1,
	  "eth 86dd | ip6 51 | 06040000 0000000000000000000000000000000000000000" },
	{ "atomic fragment", 1, "eth 86dd | ip6 44 | 0600 0000 00000001" },
};

static void expect_the_segment(const struct way *way, const struct decoded *decoded)
{
	const struct segment *seg = &decoded->batch.segments[0];

	if (decoded->batch.count != 1 || (seg->what & SEGMENT_NOT_TCP) || seg->src_port != 40000 ||
	    seg->dst_port != 9000 || seg->seq.raw != 1000 || seg->ack.raw != 2000 ||
	    seg->payload_bytes != STACK_PAYLOAD_BYTES)
		fail_msg("%s: no segment, or another one", way->name);
	assert_int_equal(seg->header_bytes, 20);
	assert_int_equal(seg->window, 512);
	assert_int_equal(seg->ttl, 64);
	assert_int_equal(seg->frame, 1);
	assert_int_equal(seg->flags, TCP_PSH | TCP_ACK);
	assert_int_equal(seg->payload_captured, STACK_PAYLOAD_BYTES);
	assert_memory_equal(seg->payload, "hello", STACK_PAYLOAD_BYTES);
	assert_int_equal(
		seg->what & (SEGMENT_LENGTH_OVER | SEGMENT_HEADER_CUT | SEGMENT_PAYLOAD_CUT), 0);
}

static void every_way_leads_to_the_segment(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		static struct stack stack;
		static struct decoded decoded;

		stack_build(&stack, ways[i].layers);
		decoded_begin(&decoded, 0);
		decoded_stack(&decoded, &stack, ways[i].link_type);
		expect_the_segment(&ways[i], &decoded);
		assert_int_equal(decoded_count(&decoded, DECODE_TCP), 1);
		decoded_end(&decoded);
	}
}

/* @kept: captured bytes. @tcp: where the TCP header begins. */
static void expect_a_cut(const struct way *way, const struct segment *seg, size_t kept, size_t tcp)
{
	if ((seg->what & SEGMENT_NOT_TCP) != (kept < tcp + 16 ? SEGMENT_NOT_TCP : 0))
		fail_msg("%s: cut at %zu", way->name, kept);
	if (seg->what & SEGMENT_NOT_TCP)
		return;
	assert_int_equal(!(seg->what & SEGMENT_HEADER_CUT), kept >= tcp + 20);
	assert_true(seg->what & SEGMENT_PAYLOAD_CUT);
	assert_int_equal(seg->payload_bytes, STACK_PAYLOAD_BYTES);
	assert_int_equal(seg->payload_captured, kept > tcp + 20 ? kept - tcp - 20 : 0);
}

/* With 16 header bytes there is a segment that says it was cut, with fewer none; nothing is read
 * behind the end (the block is exact) and each frame leaves an entry (decoded_frame() looks). */
static void every_cut_is_noticed_and_stays_inside(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		static struct stack stack;
		static struct decoded decoded;

		stack_build(&stack, ways[i].layers);
		decoded_begin(&decoded, 0);
		for (size_t kept = 0; kept < stack_bytes(&stack); kept++) {
			struct frame frame = { .number = 1,
					       .wire_bytes = (uint32_t)stack_bytes(&stack),
					       .link_type = ways[i].link_type };
			size_t tcp = stack_bytes(&stack) - STACK_SEGMENT_BYTES;

			decoded_frame(&decoded, frame, stack.room + stack.start, kept);
			if (strcmp(ways[i].name, "sFlow") != 0) /* a cut record is left out whole */
				expect_a_cut(&ways[i], &decoded.batch.segments[0], kept, tcp);
		}
		decoded_end(&decoded);
	}
}

static void every_link_type_has_a_way(void **state)
{
	/* those of which a header needs a checksum of its own, or is long and says nothing, stand
	 * in tests of their own */
	static const uint16_t elsewhere[] = { 240, 241, 274 };

	(void)state;
	for (uint32_t number = 0; number <= UINT16_MAX; number++) {
		bool found = link_kind_find(number) == NULL;

		for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++)
			found |= ways[i].link_type == number;
		for (size_t i = 0; i < sizeof(elsewhere) / sizeof(elsewhere[0]); i++)
			found |= elsewhere[i] == number;
		if (!found)
			fail_msg("link type %u has no way here", number);
	}
}

/* What a frame that leads nowhere is counted as. */
static const struct {
	enum decode_reason reason;
	uint16_t link_type;
	const char *layers;
} dead_ends[] = {
	{ DECODE_NOT_IP, 1, "eth 0806" },
	{ DECODE_NOT_IP, 1, "eth 88cc" },
	{ DECODE_NOT_IP, 1, "eth 0026 | 424203" },
	{ DECODE_NOT_IP, 1, "eth 8863 | 1109 0000 0000" },
	{ DECODE_NOT_IP, 9, "ff03 c021" },
	{ DECODE_NOT_IP, 105, "8000 0000 020000000001 020000000002 020000000003 0000" },
	{ DECODE_NOT_TCP, 1, "eth 0800 | ip4 17 | udp 53" },
	{ DECODE_NOT_TCP, 1, "eth 0800 | ip4 89" },
	{ DECODE_NOT_TCP, 1, "eth 0800 | ip4 1 | 0800 0000 00000000 | ip4 6" },
	{ DECODE_NOT_TCP, 1, "eth 86dd | ip6 135 | 0600 0000 00000000" },
	{ DECODE_NOT_TCP, 1,
	  "eth 0800 | ip4 17 | udp 4789 | 00000000 00000500 | eth 0800 | ip4 6" },
	{ DECODE_NOT_TCP, 1, "eth 0800 | ip4 17 | udp 2152 | 3201 0000 00000000" },
	{ DECODE_LINK_UNKNOWN, 4242, "eth 0800 | ip4 6" },
	{ DECODE_ENCAPSULATION_UNKNOWN, 1, "eth 0c0c" },
	{ DECODE_ENCAPSULATION_UNKNOWN, 9, "ff03 002d" },
	{ DECODE_ENCAPSULATION_UNKNOWN, 1, "eth 0800 | ip4 47 | 0005 0800" },
	{ DECODE_ENCRYPTED, 1, "eth 0800 | ip4 50" },
	{ DECODE_ENCRYPTED, 1, "eth 88e5 | 0c00 00000001" },
	{ DECODE_ENCRYPTED, 105, "0841 0000 020000000001 020000000002 020000000003 0000" },
	{ DECODE_LINK_CUT, 242, "0000" },
	{ DECODE_IP_CUT, 1, "eth 86dd" },
	{ DECODE_IP_BAD, 101, "50 | ip4 6" },
	{ DECODE_IP_BAD, 1, "eth 0800 | 44 00 0028 0000 0000 4006 0000 0a000001 0a000002" },
	{ DECODE_IP_BAD, 1, "eth 0800 | 45 00 0013 0000 0000 4006 0000 0a000001 0a000002" },
	{ DECODE_IP_BAD, 1, "eth 0800 | ip6 6" },
	{ DECODE_TCP_BAD, 1, "eth 0800 | 45 00 0023 0000 0000 4006 0000 0a000001 0a000002" },
	{ DECODE_TOO_DEEP, 1,
	  "eth 0800 | ip4 4 | ip4 4 | ip4 4 | ip4 4 | ip4 4 | ip4 4 | ip4 4 | ip4 4 | ip4 4 | ip4 "
	  "4 |"
	  "ip4 4 | ip4 4 | ip4 4 | ip4 4 | ip4 4 | ip4 6" },
};

static void what_leads_nowhere_is_counted_by_reason(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(dead_ends) / sizeof(dead_ends[0]); i++) {
		static struct stack stack;
		static struct decoded decoded;

		stack_build(&stack, dead_ends[i].layers);
		decoded_begin(&decoded, 0);
		decoded_stack(&decoded, &stack, dead_ends[i].link_type);
		if (decoded_count(&decoded, dead_ends[i].reason) != 1)
			fail_msg("\"%s\" is not counted as %s", dead_ends[i].layers,
				 decode_reason_key(dead_ends[i].reason));
		assert_int_equal(decoded.batch.count, 1);
		assert_int_equal(decoded.batch.segments[0].what, SEGMENT_NOT_TCP);
		assert_int_equal(decoded.batch.segments[0].frame, 1);
		decoded_end(&decoded);
	}
}

static void a_frame_without_bytes_is_counted_and_moves_the_clock(void **state)
{
	static struct decoded decoded;
	struct frame frame = { .number = 9, .time_ns = 77, .wire_bytes = 60, .link_type = 1 };

	(void)state;
	decoded_begin(&decoded, 0);
	decoded_frame(&decoded, frame, (const uint8_t *)"", 0);
	assert_int_equal(decoded_count(&decoded, DECODE_EMPTY), 1);
	assert_int_equal(decoded.batch.segments[0].what, SEGMENT_NOT_TCP);
	assert_int_equal(decoded.batch.segments[0].frame, 9);
	assert_int_equal(decoded.batch.segments[0].time_ns, 77);
	decoded_end(&decoded);
}

static void every_reason_has_a_key_and_a_text(void **state)
{
	(void)state;
	for (int i = 0; i < DECODE_REASONS; i++) {
		assert_true(strlen(decode_reason_key((enum decode_reason)i)) > 0);
		assert_true(strlen(decode_reason_text((enum decode_reason)i)) > 0);
		for (int j = 0; j < i; j++)
			assert_string_not_equal(decode_reason_key((enum decode_reason)i),
						decode_reason_key((enum decode_reason)j));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_way_leads_to_the_segment),
		cmocka_unit_test(every_cut_is_noticed_and_stays_inside),
		cmocka_unit_test(every_link_type_has_a_way),
		cmocka_unit_test(what_leads_nowhere_is_counted_by_reason),
		cmocka_unit_test(a_frame_without_bytes_is_counted_and_moves_the_clock),
		cmocka_unit_test(every_reason_has_a_key_and_a_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
