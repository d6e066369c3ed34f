/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "peers/zeek_world.h"

struct zeek_case {
	const char *what;
	const char *segments;
	const char *rows;
	uint16_t port; /* of S, where it is not 9999 */
	bool checksums;
};

static void run_case(const struct zeek_case *c)
{
	struct zeek_options options = { .checksums = c->checksums };
	struct world *world = world_new(c->port, &options);

	world_add(world, c->segments);
	zeek_finish(world->zeek);
	world_expect(world, c->what, c->rows);
	world_free(world);
}

static void run_cases(const struct zeek_case *cases, size_t count)
{
	for (size_t i = 0; i < count; i++)
		run_case(&cases[i]);
}

static const struct zeek_case opening_cases[] = {
	{ .what = "refused, and each retry a row of its own",
	  "0 C S 0; 0.1 S RA 0 1; 1 C S 0; 1.1 S RA 0 1; 2 C S 777; 2.1 S RA 0 778",
	  "C REJ Sr 0/0 1/1; C REJ Sr; C REJ Sr" },
	{ .what = "SYN at 0 1 3 7 s, silence",
	  "0 C S 0; 1 C S 0; 3 C S 0; 7 C S 0",
	  "C S0 S 0/0 3/0; C S0 S 0/0 1/0" },
	{ .what = "SYN+ACK only 6 s later, ACK",
	  "0 C S 0; 6 S SA 0 1; 6.1 C A 1 1",
	  "C S0 S; C OTH ^hA" },
	{ .what = "the same from a likely port",
	  "0 C S 0; 6 S SA 0 1; 6.1 C A 1 1",
	  "C S0 S; C S1 ^hA",
	  .port = 80 },
	{ .what = "SYN, SYN with other ISN, SYN+ACK, ACK",
	  "0 C S 0; 1 C S 70000; 1.1 S SA 0 70001; 1.2 C A 70001 1",
	  "C S0 S; C S1 ShA" },
	{ .what = "lone RST", "0 C R 1", "C OTH R 0/0 1/0" },
	{ .what = "lone RST from port 80", "0 S R 1", "C RSTRH ^r", .port = 80 },
	{ .what = "RST first, SYN later",
	  "0 C R 1; 1 C S 0; 1.1 S SA 0 1; 1.2 C A 1 1",
	  "C OTH R; C S1 ShA" },
	{ .what = "forged RST answers the SYN, then the real SYN+ACK, ACK, data",
	  "0 C S 0; 0.1 S RA -4000 1; 0.2 S SA 0 1; 0.3 C A 1 1; 0.4 C PA 1+175 1; 0.5 S A 1 176",
	  "C REJ SrhADa 175/0 3/3" },
	{ .what = "SYN+ACK alone", "0 S SA 0 1", "S OTH H" },
	{ .what = "SYN+ACK alone from a likely port", "0 S SA 0 1", "C OTH ^h", .port = 80 },
	{ .what = "SYN+ACK, RST", "0 S SA 0 1; 0.1 C R 1", "S REJ Hr" },
	{ .what = "SYN+ACK from a likely port, RST",
	  "0 S SA 0 1; 0.1 C R 1",
	  "C RSTO ^hR",
	  .port = 80 },
	{ .what = "SYN+ACK, ACK, data, both FIN",
	  "0 S SA 0 1; 0.1 C A 1 1; 0.2 C PA 1+10 1; 0.3 S FA 1 11; 0.4 C FA 11 2",
	  "C SF ^hADfF 10/0" },
	{ .what = "SYN+ACK, ACK, data", "0 S SA 0 1; 0.1 C A 1 1; 0.2 C PA 1+10 1", "C OTH ^hAD" },
	{ .what = "SYN+ACK from a likely port, ACK, data",
	  "0 S SA 0 1; 0.1 C A 1 1; 0.2 C PA 1+10 1",
	  "C S1 ^hAD",
	  .port = 80 },
	{ .what = "SYN+ACK first, its SYN after, ACK",
	  "0 S SA 0 1; 0.1 C S 0; 0.2 C A 1 1",
	  "C S1 Hs^A" },
	{ .what = "the same with a likely port",
	  "0 S SA 0 1; 0.1 C S 0; 0.2 C A 1 1",
	  "C OTH ^hSA",
	  .port = 80 },
	{ .what = "SYN+ACK, then data of its own sender",
	  "0 S SA 0 1; 0.1 S PA 1+10 1",
	  "C OTH ^hd 0/10 0/2" },
	{ .what = "SYN+ACK, ACK, the SYN+ACK again",
	  "0 S SA 0 1; 0.1 C A 1 1; 0.2 S SA 0 1",
	  "C OTH ^hAh" },
	{ .what = "simultaneous open",
	  "0 C S 0; 0.1 S S 0; 0.2 C SA 0 1; 0.2 S SA 0 1; 0.3 C A 1 1; 0.3 S A 1 1",
	  "C S0 S; S S1 ShaA" },
	{ .what = "split handshake",
	  "0 C S 0; 0.1 S A 0 1; 0.2 S S 0; 0.3 C SA 0 1; 0.4 S A 1 1",
	  "C S0 Sa; S S1 ShA" },
	{ .what = "SYN, challenge ACK, RST, SYN",
	  "0 C S 0; 0.1 S A 4000 90000; 0.2 C R 90000; 1 C S 0; 1.1 S SA 0 1; 1.2 C A 1 1",
	  "C RSTOS0 SaR 0/0; C S1 ShA" },
	{ .what = "SYN on an established connection, challenge ACK, RST, SYN",
	  HANDSHAKE "10 C S 70000; 10.1 S A 1 1; 10.2 C R 1; 11 C S 70000; 11.1 S SA 90000 70001; "
		    "11.2 C A 70001 90001",
	  "C S1 ShA; C RSTOS0 SaR; C S1 ShA" },
	{ .what = "SYN with payload, acknowledged",
	  "0 C S 0+10; 0.1 S SA 0 11; 0.2 C A 11 1",
	  "C S1 SThA 10/0" },
	{ .what = "SYN+ACK with payload",
	  "0 C S 0; 0.1 S SA 0+10 1; 0.2 C A 1 11",
	  "C S1 ShtA 0/10" },
	{ .what = "bad checksum on the SYN, then a good SYN",
	  "0 C S 0 bad; 1 C S 0; 1.1 S SA 0 1; 1.2 C A 1 1",
	  "C OTH C 0/0 0/0; C S1 ShA",
	  .checksums = true },
	{ .what = "bad checksum, not looked at", "0 C S 0 bad; 0.1 S SA 0 1", "C S1 Sh" },
};

static void a_row_opens_as_zeek_has_it(void **state)
{
	(void)state;
	run_cases(opening_cases, sizeof(opening_cases) / sizeof(opening_cases[0]));
}

static const struct zeek_case half_cases[] = {
	{ .what = "only the client's half: SYN, ACK, data",
	  "0 C S 0; 0.1 C A 1 1; 0.2 C PA 1+10 1; 6 C PA 11+10 1",
	  "C S0 SAD 10/0; C OTH D" },
	{ .what = "only the client's half, with FIN",
	  "0 C S 0; 0.1 C A 1 1; 0.2 C PA 1+10 1; 0.3 C FA 11 1",
	  "C SH SADF 10/0" },
	{ .what = "only the server's half, likely port, with FIN",
	  "0 S SA 0 1; 0.1 S A 1 11; 0.2 S PA 1+10 11; 0.3 S FA 11 11",
	  "C SHR ^hadf 0/10",
	  .port = 80 },
	{ .what = "client's half and server data, no SYN+ACK",
	  "0 C S 0; 0.1 C A 1 1; 0.2 C PA 1+10 1; 0.3 S PA 1+20 11",
	  "C OTH SADd 10/20" },
	{ .what = "data mid-stream", "0 C PA 1+10 1; 0.1 S A 1 11", "C OTH Da 10/0" },
	{ .what = "data mid-stream, likely server first",
	  "0 S PA 1+10 1; 0.1 C A 1 11",
	  "C OTH ^dA 0/10",
	  .port = 80 },
	{ .what = "mid-stream, both FIN", "0 C FA 1 1; 0.1 S FA 1 2; 0.2 C A 2 2", "C SF FfA" },
	{ .what = "mid-stream, one FIN", "0 C PA 1+10 1; 0.1 C A 11 1; 0.2 C FA 11 1", "C SH DAF" },
	{ .what = "SYN+FIN answered by RST+ACK", "0 C SF 0; 0.1 S RA 0 2", "C RSTR Qr" },
	{ .what = "null scan, answered by RST", "0 C - 0; 0.1 S RA 0 0", "C RSTRH r" },
	{ .what = "null scan, unanswered", "0 C - 0", "C OTH - 0/0 1/0" },
	{ .what = "Xmas scan, answered by RST", "0 C FPU 0; 0.1 S RA 0 1", "C RSTR Fr" },
	{ .what = "FIN scan, unanswered", "0 C F 0", "C SH F" },
	{ .what = "ACK scan, answered by RST", "0 C A 1 1; 0.1 S R 1", "C RSTRH Ar" },
	{ .what = "SYN scan of an open port", "0 C S 0; 0.1 S SA 0 1; 0.2 C R 1", "C RSTO ShR" },
};

static void half_of_a_connection_is_told_as_zeek_has_it(void **state)
{
	(void)state;
	run_cases(half_cases, sizeof(half_cases) / sizeof(half_cases[0]));
}

static const struct zeek_case ending_cases[] = {
	{ .what = "normal close",
	  HANDSHAKE "0.3 C PA 1+100 1; 0.4 S PA 1+200 101; 0.5 C FA 101 201; 0.6 S FA 201 102; "
		    "0.7 C A 102 202",
	  "C SF ShADdFf 100/200 5/3 0" },
	{ .what = "FIN+RST in one segment", HANDSHAKE "1 C FR 1", "C RSTO ShAI" },
	{ .what = "FIN then RST of the same side, other side silent",
	  HANDSHAKE "1 C FA 1 1; 1.1 C R 2",
	  "C RSTO ShAFR" },
	{ .what = "... data of the other side before the expire tick",
	  HANDSHAKE "1 C FA 1 1; 1.1 C R 2; 4 S PA 1+10 1",
	  "C RSTO ShAFRd" },
	{ .what = "... and after it",
	  HANDSHAKE "1 C FA 1 1; 1.1 C R 2; 20 S PA 1+10 1",
	  "C RSTO ShAFR; S OTH D" },
	{ .what = "FIN by one, RST by the other",
	  HANDSHAKE "1 C FA 1 1; 1.1 S R 1",
	  "C RSTR ShAFr" },
	{ .what = "both FIN, then RST",
	  HANDSHAKE "1 C FA 1 1; 1.1 S FA 1 2; 1.2 C R 2",
	  "C SF ShAFfR" },
	{ .what = "FIN, RST of the same side, then the other's FIN",
	  HANDSHAKE "1 C FA 1 1; 1.1 C R 2; 1.2 S FA 1 1",
	  "C SF ShAFRf" },
	{ .what = "RST with payload", HANDSHAKE "1 S R 1+10", "C RSTR ShArt 0/0" },
	{ .what = "both sides RST after an empty handshake",
	  HANDSHAKE "1 C R 1; 1.1 S R 1",
	  "C REJ ShARr" },
	{ .what = "RST answered by RST", "0 C S 0; 0.1 S RA 0 1; 0.2 C R 1", "C REJ SrR" },
	{ .what = "second RST with another number",
	  HANDSHAKE "1 S R 1; 1.1 S R 11",
	  "C RSTR ShArr" },
	{ .what = "second RST with the same number",
	  HANDSHAKE "1 S R 1; 1.1 S R 1",
	  "C RSTR ShAr" },
	{ .what = "FIN repeated, same number",
	  HANDSHAKE "1 C FA 1 1; 1.5 C FA 1 1",
	  "C S2 ShAF 0/0" },
	{ .what = "FIN repeated, higher number",
	  HANDSHAKE "1 C FA 1 1; 1.5 C FA 2 1",
	  "C S2 ShAFF 1/0" },
	{ .what = "ACK 6 s after the close",
	  HANDSHAKE "1 C FA 1 1; 1.1 S FA 1 2; 1.2 C A 2 2; 7.2 C A 2 2",
	  "C SF ShAFf; C OTH A" },
	{ .what = "same ports, new SYN 1 s after the close",
	  HANDSHAKE "1 C FA 1 1; 1.1 S FA 1 2; 1.2 C A 2 2; 2.2 C S 70000",
	  "C SF ShAFf; C S0 S" },
	{ .what = "the same number again after the close",
	  HANDSHAKE "1 C FA 1 1; 1.1 S FA 1 2; 1.2 C A 2 2; 2.2 C S 0",
	  "C SF ShAFf; C S0 S" },
	{ .what = "RST 4.9 kB ahead of the data: deferred, not removed after 5 s",
	  HANDSHAKE "1 C R 4900; 20 S A 1 1",
	  "C RSTO ShARa 4899/0" },
	{ .what = "RST more than 1 MiB away", HANDSHAKE "1 S R 3000000", "C RSTR ShAr 0/0" },
	{ .what = "a close waits while the other side's data is not acknowledged",
	  HANDSHAKE "1 S PA 1+10 1; 2 C FA 1 1; 2.1 S FA 11 2; 10 C A 2 1",
	  "C SF ShAdFf 0/10 4/3" },
	{ .what = "... but not for 16 KiB of which nothing ever was",
	  HANDSHAKE "1 S PA 1+10000 1; 1.1 S PA 10001+10000 1; 2 C FA 1 1; 2.1 S FA 20001 2; "
		    "10 C A 2 1",
	  "C SF ShAdFf 0/20000 3/4; C OTH A" },
	{ .what = "the first acknowledgement of a row from the middle leaves its data missing",
	  "0 C A 1 1; 0.1 S A 1 2; 0.2 C FA 2 2; 0.3 S FA 1 3; 10 C A 3 2",
	  "C SF AaFf * 3/2" },
	{ .what = "... also where the answer to it is a SYN+ACK",
	  "0 C A 1 1; 0.1 S SA 0 2; 0.2 C FA 2 1; 0.3 S FA 1 3; 10 C A 3 2",
	  "C SF AhFf * 3/2" },
};

static void a_row_ends_as_zeek_has_it(void **state)
{
	(void)state;
	run_cases(ending_cases, sizeof(ending_cases) / sizeof(ending_cases[0]));
}

static const struct zeek_case life_cases[] = {
	{ .what = "idle 299 s, then data", HANDSHAKE "299.2 C PA 1+10 1", "C S1 ShAD" },
	{ .what = "idle 301 s, then data", HANDSHAKE "301.2 C PA 1+10 1", "C S1 ShA; C OTH D" },
	{ .what = "half closed, idle 301 s, data",
	  HANDSHAKE "1 C FA 1 1; 1.1 S A 1 2; 302.2 S PA 1+10 2",
	  "C S2 ShAFa; S OTH D" },
	{ .what = "keep-alive without payload, answered",
	  HANDSHAKE "10 C A 0 1; 10.1 S A 1 1; 20 C A 0 1; 20.1 S A 1 1",
	  "C S1 ShAa" },
	{ .what = "keep-alive with 1 byte",
	  HANDSHAKE "1 C PA 1+10 1; 1.1 S A 1 11; 60 C A 10+1 1; 60.1 S A 1 11",
	  "C S1 ShADaT" },
	{ .what = "zero window, then open, nine times",
	  HANDSHAKE "1 C PA 1+10 1; 2 S A 1 11 w0; 3 S A 1 11 w0; 4 S A 1 11 w0; 5 S A 1 11 w0; "
		    "6 S A 1 11 w0; 7 S A 1 11 w0; 8 S A 1 11 w0; 9 S A 1 11 w0; 10 S A 1 11 w0; "
		    "11 S A 1 11",
	  "C S1 ShADaw" },
	{ .what = "the tenth zero window adds the next letter",
	  HANDSHAKE "1 C PA 1+10 1; 2 S A 1 11 w0; 3 S A 1 11 w0; 4 S A 1 11 w0; 5 S A 1 11 w0; "
		    "6 S A 1 11 w0; 7 S A 1 11 w0; 8 S A 1 11 w0; 9 S A 1 11 w0; 10 S A 1 11 w0; "
		    "11 S A 1 11 w0",
	  "C S1 ShADaww" },
	{ .what = "hole, acknowledged",
	  HANDSHAKE "1 C PA 1+10 1; 2 C PA 21+10 1; 2.1 S A 1 31",
	  "C S1 ShADaG 30/0 4/2 10" },
	{ .what = "hole before a FIN",
	  HANDSHAKE "1 C PA 1+10 1; 2 C FA 21 1; 2.1 S A 1 22",
	  "C S2 ShADFaG 20/0 4/2 10" },
	{ .what = "two segments swapped",
	  HANDSHAKE "1 C PA 11+10 1; 1.1 C PA 1+10 1; 1.2 S A 1 21",
	  "C S1 ShADTa 20/0 4/2 0" },
	{ .what = "bad checksum on data",
	  HANDSHAKE "1 C PA 1+10 1 bad",
	  "C S1 ShAC 0/0 2/1",
	  .checksums = true },
	{ .what = "payload that was not captured is missing",
	  HANDSHAKE "1 C PA 1+10 1 cut; 1.1 S A 1 11",
	  "C S1 ShADaG 10/0 3/2 10" },
	{ .what = "no hole is shown where a row began in the middle",
	  "0 C PA 1+10 1; 1 C PA 21+10 1; 1.1 S A 1 31",
	  "C OTH Da 30/0 2/1 0" },
	{ .what = "two holes below one acknowledgement",
	  HANDSHAKE "1 C PA 11+10 1; 1.1 C PA 31+10 1; 1.2 S A 1 41",
	  "C S1 ShADaG 40/0 4/2 20" },
	{ .what = "no W where the peer has sent its FIN",
	  HANDSHAKE "1 C FA 1 1; 2 S A 1 2 w0",
	  "C S2 ShAFa" },
	{ .what = "10 MiB beyond a hole are not followed",
	  HANDSHAKE "1 C PA 1+10 1; 1.1 S A 1 11; 2 C PA 21+6000000 1; 2.1 C PA 6000021+6000000 1; "
		    "2.2 S A 1 12000021",
	  "C S1 ShADa 12000020/0 5/3 0" },
	{ .what = "only SYN and FIN of more than 2 GB",
	  HANDSHAKE "1 C FA 3000000000 1",
	  "C S2 ShAF 2999999999/0" },
	{ .what = "a reordered handshake is no beginning in the middle",
	  "0 S SA 0 1; 0.1 C S 0; 0.2 C A 1 1; 0.3 S A 1 2",
	  "C S1 Hs^AaG 1/0 2/2 1" },
};

static void a_row_lives_as_zeek_has_it(void **state)
{
	(void)state;
	run_cases(life_cases, sizeof(life_cases) / sizeof(life_cases[0]));
}

static const struct zeek_case timer_cases[] = {
	{ .what = "silent for 400 s", HANDSHAKE "400 C PA 1+10 1", "C S1 ShA; C OTH D" },
	{ .what = "silent for 400 s, with port 22",
	  HANDSHAKE "400 C PA 1+10 1",
	  "C S1 ShAD",
	  .port = 22 },
	{ .what = "silent for an hour, with port 22",
	  HANDSHAKE "3601 C PA 1+10 1",
	  "C S1 ShA; C OTH D",
	  .port = 22 },
	{ .what = "any frame moves the clock", "0 C S 0; 5 X; 5.5 S SA 0 1", "C S0 S; S OTH H" },
	{ .what = "an answer in time", "0 C S 0; 4.9 S SA 0 1; 5 X", "C S1 Sh" },
	{ .what = "a clock that goes back does not undo time",
	  "0 C S 0; 6 X; 1 S SA 0 1",
	  "C S0 S; S OTH H" },
	{ .what = "a bad checksum alone goes at the first expire tick",
	  "0 C S 0 bad; 5 X; 10 X; 10.1 C S 0 bad",
	  "C OTH C; C OTH C",
	  .checksums = true },
	{ .what = "packets that keep coming keep FIN-RST alive",
	  HANDSHAKE "1 C FA 1 1; 1.1 C R 2; 6 S A 1 1; 11 S A 1 1; 16 S A 1 1; 22 S A 1 1",
	  "C RSTO ShAFRa 0/0 4/4; S OTH A" },
};

static void time_acts_as_zeek_has_it(void **state)
{
	(void)state;
	run_cases(timer_cases, sizeof(timer_cases) / sizeof(timer_cases[0]));
}

static const struct zeek_case tunnel_cases[] = {
	{ .what = "five changes of the tunnel are nothing, the sixth is X",
	  HANDSHAKE
	  "1 C A 1 1 tunnel7; 2 C A 1 1; 3 C A 1 1 tunnel7; 4 C A 1 1; 5 C A 1 1 tunnel7; "
	  "6 C A 1 1 tunnel7; 7 C A 1 1; 8 C A 1 1 tunnel7",
	  "C S1 ShAX" },
	{ .what = "five changes",
	  HANDSHAKE "1 C A 1 1 tunnel7; 2 C A 1 1; 3 C A 1 1 tunnel7; 4 C A 1 1; 5 C A 1 1 tunnel7",
	  "C S1 ShA" },
};

static void changes_of_the_tunnel_are_limited(void **state)
{
	(void)state;
	run_cases(tunnel_cases, sizeof(tunnel_cases) / sizeof(tunnel_cases[0]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_row_opens_as_zeek_has_it),
		cmocka_unit_test(half_of_a_connection_is_told_as_zeek_has_it),
		cmocka_unit_test(a_row_ends_as_zeek_has_it),
		cmocka_unit_test(a_row_lives_as_zeek_has_it),
		cmocka_unit_test(time_acts_as_zeek_has_it),
		cmocka_unit_test(changes_of_the_tunnel_are_limited),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
