/* SPDX-License-Identifier: BSD-2-Clause */
/* What is said of scenarios that cannot be: what, in which line, and what to do about it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "lab/scenario.h"

struct mistake {
	const char *text;
	unsigned line;
	const char *what, *fix; /* parts of what is said */
};

static void said(const struct mistake *mistake, const char *before)
{
	char text[8192];
	char where[64];
	struct err err = { 0 };

	snprintf(text, sizeof(text), "%s%s", before, mistake->text);
	snprintf(where, sizeof(where), "x.scn, line %u", mistake->line);
	if (scenario_parse("x.scn", text, &err))
		fail_msg("nothing is said of: %s", mistake->text);
	if (err.kind != ERR_INPUT || strcmp(err.where, where) != 0 ||
	    !strstr(err.what, mistake->what) || !strstr(err.fix, mistake->fix) || !err.fix[0])
		fail_msg("of: %s\nwas said: %s\nin: %s (not %s)\ntry: %s", mistake->text, err.what,
			 err.where, where, err.fix);
}

#define SAID(mistakes, before)                                                                     \
	for (size_t i = 0; i < sizeof(mistakes) / sizeof((mistakes)[0]); i++)                      \
	said(&(mistakes)[i], before)

static void lines_that_stand_nowhere(void **state)
{
	(void)state;
	static const struct mistake mistakes[] = {
		{ "", 1, "there is no title", "title both ends" },
		{ "title t", 1, "there is no program", "server or client" },
		{ "client\n connect\n", 1, "no title", "title" },
		{ "titel t\n", 1, "line: \"titel\" is not known", "did you mean \"title\"?" },
		{ "title t\n\nxyzzy\n", 3, "\"xyzzy\" is not known", "one of: title, told" },
		{ "title t\nconnect\n", 2, "\"connect\" is a step", "indent it below" },
		{ " title t\n", 1, "no block begins above", "start of the line" },
		{ "title t\n  more\n", 2, "\"title\" has no lines below it", "server, client" },
		{ "title\n", 1, "title: words are wanted", "docs/scenarios.md" },
		{ "title a\ntitle b\n", 2, "a line with title already", "take one" },
		{ "title a\x01z\n", 1, "byte 0x01 at column 8", "\\x01" },
		{ "title a\x80z\n", 1, "byte 0x80 at column 8", "UTF-8" },
		{ "title a\rz\n", 1, "byte 0x0d", "UTF-8" },
		{ "title a\xc2\x9bz\n", 1, "byte 0xc2", "UTF-8" },
	};

	SAID(mistakes, "");
}

static void heads_that_say_nothing(void **state)
{
	(void)state;
	static const struct mistake mistakes[] = {
		{ "told {conect}\n", 2, "figure: \"conect\" is not known", "\"connect\"" },
		{ "told {count C>S SIN}\n", 2, "segment: \"SIN\"", "\"SYN\"" },
		{ "told {timer}\n", 2, "timer: a word is wanted", "client, server" },
		{ "told {connect\n", 2, "brace", "{connect}" },
		{ "told {connect } }\n", 2, "brace", "{connect}" },
		{ "told {connect x}\n", 2, "number of the call", "docs" },
		{ "told {recv}\nclient\n connect\n", 2, "no program does \"recv\"", "docs" },
		{ "article Both ends\n", 2, "the case's number is wanted", "article 5a Both" },
		{ "article 5a\n", 2, "article: words are wanted", "heading" },
		{ "verdict\n", 2, "verdict: a word is wanted", "open." },
		{ "verdict open.handshak\n", 2, "\"open.handshak\" is not known",
		  "\"open.handshake\"" },
		{ "verdict open.handshake open.handshake\n", 2, "named twice", "docs" },
		{ "\nverdict open.handshake\nclient\n connect\nexpect open.mid-capture\n", 3,
		  "open.handshake is reproduced, but not expected", "expect open.handshake" },
		{ "when kernel 6.5\n", 2, "\"kernel >= MAJOR.MINOR\"", "when kernel >= 6.5" },
		{ "when kernel >= 6\n", 2, "MAJOR.MINOR", "when kernel >= 6.5" },
		{ "ipv6 yes\n", 2, "should end here", "docs" },
		{ "sysctl host ipv4.x 1\n", 2, "sysctl: \"host\"", "client, server, both" },
		{ "sysctl both tcp_rmem 1\n", 2, "\"tcp_rmem\"", "ipv4.tcp_retries2" },
		{ "sysctl both ipv4../../x 1\n", 2, "is not known", "/proc/sys/net" },
		{ "sysctl both route.mtu 1\n", 2, "\"route.mtu\"", "route.rto_min" },
		{ "sysctl both ipv4.tcp_rmem\n", 2, "a value is wanted", "docs" },
		{ "read both\n", 2, "read: \"both\"", "client, server" },
		{ "end client connect\n", 2, "\"after\" and a condition", "end after" },
		{ "limit 10\n", 2, "a time with its unit", "2.5s" },
		{ "limit 0s\n", 2, "more than 0", "docs" },
	};

	SAID(mistakes, "title t\n");
}

static void steps_that_are_misspelt(void **state)
{
	(void)state;
	static const struct mistake mistakes[] = {
		{ "conect\n", 3, "step: \"conect\" is not known", "\"connect\"" },
		{ "b connect\n", 3, "step: \"b\" is not known", "listen, accept" },
		{ "connect 0\n", 3, "port: the number is too small", "smallest is 1" },
		{ "connect 65536\n", 3, "port: the number is too large", "65535" },
		{ "connect from 70000\n", 3, "port: the number is too large", "65535" },
		{ "connect 7000x\n", 3, "port: a number is wanted", "docs" },
		{ "connect timeout 5\n", 3, "a time with its unit", "300ms" },
		{ "connect timeout 0s\n", 3, "more than 0", "docs" },
		{ "connect timeout 1s started\n", 3, "only started", "connected timeout" },
		{ "connect now\n", 3, "the line should end here, found \"now\"", "docs" },
		{ "connect fast hello\n", 3, "text in double quotes", "docs" },
		{ "connect -> ECONREFUSED\n", 3, "error: \"ECONREFUSED\"", "\"ECONNREFUSED\"" },
		{ "connect -> 5\n", 3, "only recv gives", "ECONNRESET" },
		{ "connect -> end\n", 3, "only recv meets", "docs" },
		{ "connect ->\n", 3, "error: a word is wanted", "EPERM" },
		{ "sleep 1s -> any\n", 3, "no call that could fail", "leave the arrow" },
		{ "sleep\n", 3, "a time with its unit", "300ms" },
		{ "send\n", 3, "text in double quotes", "send 500" },
		{ "send 0\n", 3, "too small", "1" },
		{ "send \"\"\n", 3, "the text is empty", "how many octets" },
		{ "send \"x\n", 3, "closing quote", "how many octets" },
		{ "shutdown wr\n", 3, "shutdown: \"wr\"", "write" },
		{ "set\n", 3, "an option is wanted", "docs" },
		{ "set nodely\n", 3, "nodely", "nodelay" },
		{ "1b: connect\n", 3, "socket: a name is wanted", "begins with a letter" },
		{ "abcdefghijklmnop: connect\n", 3, "name is too long", "at most 15" },
		{ "abcdefghijkl+: connect\n", 3, "name is too long", "at most 11" },
		{ "b: sleep 1s\n", 3, "it concerns no socket", "\"b:\"" },
		{ "repeat 3\n", 3, "the line ends with {", "repeat 3 every" },
		{ "repeat 0 {\n", 3, "too small", "1" },
		{ "repeat 10000 {\n", 3, "too large", "9999" },
		{ "wait server acept\n", 3, "step: \"acept\"", "\"accept\"" },
		{ "wait servr accept\n", 3, "condition: \"servr\"", "\"server\"" },
		{ "wait C>S SYN-AKC\n", 3, "segment: \"SYN-AKC\"", "\"SYN-ACK\"" },
		{ "wait client connect 0\n", 3, "too small", "1" },
		{ "wait SYN and\n", 3, "condition: a word is wanted", "C>S" },
		{ "wait SYN and SYN and SYN and SYN and SYN and SYN and SYN\n", 3, "more than 6",
		  "docs" },
		{ "wait SYN len 5\n", 3, "comparison: \"5\"", "<=" },
		{ "wait SYN port 1 port 2\n", 3, "said before", "docs" },
		{ "wait SYN +5\n", 3, "delay: a time", "300ms" },
	};

	SAID(mistakes, "title t\nclient\n ");
}

static void programs_that_cannot_run(void **state)
{
	(void)state;
	static const struct mistake mistakes[] = {
		{ "client\n", 2, "the program does nothing", "indented" },
		{ "client\n connect\nclient\n connect\n", 4, "a program client already", "second" },
		{ "client a:\n connect\n", 2, "should end here", "docs" },
		{ "server\n accept\n listen\n", 3, "accept: the program does not listen",
		  "listen" },
		{ "server\n listen\n stop listening\n accept\n", 5, "does not listen", "listen" },
		{ "server\n listen\n listen 7001\n", 4, "listens already", "second program" },
		{ "server\n stop listening\n", 3, "does not listen", "listen" },
		{ "client\n send 5\n", 3, "send: nothing has made the program's socket",
		  "b: connect" },
		{ "client\n connect\n b: send 5\n", 4, "nothing has made socket b", "b: connect" },
		{ "client\n connect\n close\n recv\n", 5, "was closed in line 4",
		  "before the close" },
		{ "client\n connect\n connect\n", 4, "connected already, since line 3",
		  "b: connect" },
		{ "client\n repeat 2 {\n connect\n }\n", 4, "connected already", "c+: connect" },
		{ "client\n connected\n", 3, "no connect was started", "connect started" },
		{ "client\n connect\n connected\n", 4, "no connect was started",
		  "connect started" },
		{ "client\n bind 5\n send 5\n", 4, "bound, but not connected", "ENOTCONN" },
		{ "client\n set nodelay\n sleep 1s\n", 3, "set: nothing makes", "before listen" },
		{ "server\n listen\n set nodelay\n accept\n", 5, "nothing was to be set",
		  "behind" },
		{ "client\n connect\n exit\n close\n", 5, "has ended in line 4", "exit and kill" },
		{ "client\n connect\n }\n", 4, "no block is open", "repeat 3 {" },
		{ "client\n repeat 2 {\n sleep 1s\n", 3, "not closed", "}" },
		{ "client\n repeat 2 {\n repeat 2 {\n }\n }\n", 4, "a block inside a block", "}" },
		{ "client\n c+: connect\n", 3, "nothing counts up outside", "repeat N" },
		{ "client\n connect 7100+\n", 3, "nothing counts up outside", "repeat N" },
		{ "client\n repeat 9 {\n c+: connect 65530+\n }\n", 4, "beyond 65535", "lower" },
		{ "client\n repeat 2 {\n c+: connect\n }\n repeat 3 {\n c+: close\n }\n", 7,
		  "3 rounds use socket c+, 2 were made", "equally often" },
		{ "client\n repeat 2 {\n c+: connect\n }\n c2: close\n", 6, "nothing has made",
		  "b:" },
	};

	SAID(mistakes, "title t\n");
}

static void conditions_that_never_hold(void **state)
{
	(void)state;
	static const struct mistake mistakes[] = {
		{ "client\n wait server accept\n connect\n", 3, "that end does it 0 times",
		  "a step" },
		{ "client\n connect\n wait client connect 2\n", 4,
		  "number 2, but that end does it 1", "smaller" },
		{ "client\n wait client connect\n connect\n", 3, "which comes behind it",
		  "move it" },
		{ "client\n repeat 3 {\n connect\n wait client connect 2\n close\n }\n", 5,
		  "which comes behind it", "move it" },
		{ "client\n wait server blocked\n", 3, "no program of the server", "other end" },
		{ "client\n wait client blocked\n", 3, "no other program of the client", "add a" },
		{ "end after client close\nclient\n connect\n", 2, "\"client close\" number 1",
		  "does" },
		{ "client\n connect\nwire\n hold FIN until client close\n", 5, "client close",
		  "does" },
		{ "client\n connect\nwire\n drop FIN after server accept\n", 5, "server accept",
		  "does" },
		{ "client\n connect\ncapture\n from server accept\n", 5, "server accept", "does" },
	};

	SAID(mistakes, "title t\n");
}

static void rules_that_mean_nothing(void **state)
{
	(void)state;
	static const struct mistake mistakes[] = {
		{ "wire\n dorp SYN\n", 5, "rule: \"dorp\"", "\"drop\"" },
		{ "wire now\n", 4, "should end here", "docs" },
		{ "wire\n drop SYN 0\n", 5, "too small", "1" },
		{ "wire\n drop SYN 3-2\n", 5, "N, N-M or N- is wanted", "count from 1" },
		{ "wire\n drop SYN 1-2-3\n", 5, "N, N-M or N- is wanted", "count from 1" },
		{ "wire\n drop S>C\n", 5, "segment: a word is wanted", "SYN-ACK" },
		{ "wire\n hold FIN\n", 5, "\"until\" and a condition", "hold FIN until" },
		{ "wire\n delay FIN 2\n", 5, "a time with its unit", "300ms" },
		{ "wire\n edit FIN\n", 5, "edit: a word is wanted", "ttl, win" },
		{ "wire\n edit FIN ttl 256\n", 5, "too large", "255" },
		{ "wire\n edit FIN ttl 1 ttl 2\n", 5, "said before", "docs" },
		{ "wire\n edit FIN ack 5\n", 5, "+N or -N", "ack +1000" },
		{ "wire\n edit FIN strip nop\n", 5, "an option is wanted", "mss" },
		{ "wire\n edit FIN sum good\n", 5, "bad is wanted", "docs" },
		{ "wire\n edit FIN win 1 ttl 1 ack +1 seq +1 sum bad\n", 5, "at most 4", "docs" },
		{ "wire\n answer SYN with S>C R. 0 ack 1\n", 5, "other direction", "answer C>S" },
		{ "wire\n answer C>S SYN with C>S R 0\n", 5, "other direction", "S>C" },
		{ "wire\n answer C>S SYN S>C R 0\n", 5, "\"with\"", "with S>C" },
		{ "wire\n answer SYN with icmp 3 from 10.9.0.9\n", 5, "TYPE/CODE", "docs" },
		{ "wire\n answer SYN with icmp 3/1 from ::1\n", 5, "other IP version", "10.9.0.9" },
		{ "wire\n inject from 10.9.0.9 C>S S 0\n", 5, "\"from ADDRESS:PORT\"", "[fd00" },
		{ "wire\n inject from [10.9.0.9:5 C>S S 0\n", 5, "\"from ADDRESS:PORT\"", "[fd00" },
		{ "wire\n inject from 10.9.0.9:0 C>S S 0\n", 5, "too small", "1" },
		{ "wire\n inject C>S Q 0\n", 5, "flags: each of", "docs/notation.md" },
		{ "wire\n inject 0.1 C>S S 0\n", 5, "direction: C>S or S>C", "without TIME" },
		{ "wire\n inject C>S S 0 lost\n", 5, "words for captures", "leave the word" },
		{ "wire\n inject to 5+ C>S S 0\n", 5, "nothing counts up", "times N" },
		{ "wire\n inject to 65530+ C>S S 0 times 9\n", 5, "beyond 65535", "lower" },
		{ "wire\n inject C>S S 0 every 1s\n", 5, "needs \"times N\"", "docs" },
		{ "wire\n inject C>S S 0 after 1s after 2s\n", 5, "should end here", "docs" },
		{ "wire\n reboot server\n", 5, "\"after\" and a condition", "docs" },
		{ "capture\n mis SYN\n", 5, "capture: \"mis\"", "\"miss\"" },
		{ "capture\n cut 0\n", 5, "too small", "1" },
		{ "capture\n cut 9\n cut 8\n", 6, "cut was said in line 5", "docs" },
		{ "wire\n drop SYN\nwire\n", 6, "a line with wire already", "take one" },
	};

	SAID(mistakes, "title t\nclient\n connect\n");
}

static void expectations_that_mean_nothing(void **state)
{
	(void)state;
	static const struct mistake mistakes[] = {
		{ "expect open.handshke\n", 4, "no verdict is called open.handshke",
		  "open.handshake" },
		{ "expect open.handshake conn A\n", 4, "\"A\" is no port", "conn 40001" },
		{ "expect open.handshake conn 70000\n", 4, "\"70000\" is no port", "conn 40001" },
		{ "expect open.handshake at home\n", 4, "found \"at\"", "docs" },
		{ "headline\n", 4, "a name is wanted", "docs" },
		{ "states client ESTABLISHD\n", 4, "a state such as", "docs" },
		{ "kernel client ESTABLISHD\n", 4, "state: \"ESTABLISHD\"", "\"ESTABLISHED\"" },
		{ "kernel client UNKNOWN\n", 4, "state: \"UNKNOWN\"", "CLOSED" },
		{ "kernel client\n", 4, "state: a word is wanted", "CLOSED" },
		{ "kernel host CLOSED\n", 4, "kernel: \"host\"", "client" },
		{ "frames\n", 4, "no segment follows", "C>S F." },
		{ "frames exact\n", 4, "should end here", "docs" },
		{ "frames\n C>S S 0\n S>C S. 0\n", 6, "ack: the flags have", "add \"ack N\"" },
		{ "count SYN 5\n", 4, "comparison: \"5\"", "<=" },
		{ "count SYN >= x\n", 4, "count: a number is wanted", "docs" },
		{ "claim\n no when found open.handshake\n", 4, "claim: words", "docs" },
		{ "claim c\n", 4, "it has no answer", "no when" },
		{ "claim c\n maybe when found open.handshake\n", 5, "yes, no or other", "no when" },
		{ "claim c\n no\n", 5, "\"when\" and a fact", "no when" },
		{ "claim c\n no when seen 5\n", 5, "fact: \"seen\"", "frame" },
		{ "claim c\n no when found open.handshke\n", 5, "\"open.handshke\"", "handshake" },
		{ "claim c\n no when call client conect ok\n", 5, "\"conect\"", "connect" },
		{ "claim c\n no when call client connect fine\n", 5, "error: \"fine\"", "EPERM" },
		{ "claim c\n \"\" when found open.handshake\n", 5, "words are empty", "docs" },
		{ "claim c\n \"\\x1b\" when found open.handshake\n", 5, "control", "docs" },
	};

	SAID(mistakes, "title t\nclient\n connect\n");
}

static void limits_are_told(void **state)
{
	(void)state;
	static const struct {
		const char *before, *line, *what;
		unsigned most, at;
	} limits[] = {
		{ "title t\nclient\n", " sleep 0\n", "more than 64 steps", 64, 2 },
		{ "title t\nwire\n", " drop SYN\n", "more than 64 rules", 64, 2 },
		{ "title t\ncapture\n", " miss SYN\n", "more than 16 flaws", 16, 2 },
		{ "title t\nframes\n", " C>S S 0\n", "more than 64 segments", 64, 2 },
		{ "title t\nclaim c\n", " no when count SYN = 0\n", "more than 4 answers", 4, 2 },
		{ "title t\n", "sysctl both ipv4.x 1\n", "more than 32 sysctls", 32, 1 },
		{ "title t\n", "forbid end\n", "more than 64 lines with expect", 64, 1 },
		{ "title t\n", "kernel client CLOSED\n", "more than 16 lines with kernel", 16, 1 },
		{ "title t\n", "count SYN = 0\n", "more than 32 lines with count", 32, 1 },
		{ "title t\n", "frames\n", "more than 16 blocks", 16, 1 },
		{ "title t\n", "claim c\n", "more than 16 claims", 16, 1 },
	};

	for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
		char buffer[8192];
		struct text text = text_over(buffer, sizeof(buffer));
		struct mistake mistake = { buffer, limits[i].at + limits[i].most + 1,
					   limits[i].what, "" };

		text_add(&text, "%s", limits[i].before);
		for (unsigned k = 0; k <= limits[i].most; k++)
			text_add(&text, "%s", limits[i].line);
		said(&mistake, "");
	}
}

static void long_lines_are_told(void **state)
{
	(void)state;
	char text[2048] = "title ";
	const struct mistake line = { text, 1, "the line has 1025 bytes", "at most 1024" };
	const struct mistake title = { text, 1, "title: 1018 bytes are too many", "at most 127" };

	memset(text + 6, 'x', 1019);
	said(&line, "");
	text[1024] = '\0';
	said(&title, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_that_stand_nowhere),
		cmocka_unit_test(heads_that_say_nothing),
		cmocka_unit_test(steps_that_are_misspelt),
		cmocka_unit_test(programs_that_cannot_run),
		cmocka_unit_test(conditions_that_never_hold),
		cmocka_unit_test(rules_that_mean_nothing),
		cmocka_unit_test(expectations_that_mean_nothing),
		cmocka_unit_test(limits_are_told),
		cmocka_unit_test(long_lines_are_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
