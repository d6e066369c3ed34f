#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""usage: generate_test.py PROGRAM GENERATE

The captures that the benchmark measures on are what their options say."""
import json
import os
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import corpus  # noqa: E402

CALM = ["--reset", "0", "--refused", "0", "--unanswered", "0", "--idle", "0", "--open", "0",
        "--loss", "0", "--reorder", "0"]


class Made:
    def __init__(self, program, generate, folder):
        self.program, self.generate, self.folder = program, generate, folder

    def bytes(self, *options):
        path = os.path.join(self.folder, "made.pcap")
        status, _, err = corpus.run(self.generate, "--connections", "300", "--live", "50", *options,
                                    path)
        if status:
            sys.exit(err.decode())
        with open(path, "rb") as file:
            return file.read()

    def records(self, *options):
        self.bytes(*options)
        _, out, _ = corpus.run(self.program, "read", "--format", "json",
                               os.path.join(self.folder, "made.pcap"))
        rows = [json.loads(line) for line in out.splitlines()]
        return [r for r in rows if r["type"] == "connection"], rows[-1]


def main():
    checks = corpus.Checks()
    with tempfile.TemporaryDirectory() as folder:
        made = Made(os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2]), folder)
        checks.that("the same seed, the same bytes", made.bytes() == made.bytes())
        checks.that("another seed, others", made.bytes() != made.bytes("--seed", "2"))
        conns, _ = made.records()
        checks.that("all connections are there", len(conns) == 300, len(conns))
        as_pcapng, _ = made.records("--format", "pcapng")
        checks.that("pcapng says the same", as_pcapng == conns)
        checks.that("frames are cut at the snap length",
                    max(len(made.bytes("--snap", s)) for s in ("60", "96")) <
                    len(made.bytes("--snap", "65535")))
        calm, _ = made.records(*CALM)
        opens = {c["open"]["id"] for c in calm}
        ends = {c["end"]["id"] for c in calm if c["end"]}
        checks.that("a calm mix opens by handshakes", opens == {"open.handshake"}, opens)
        checks.that("and ends by FINs", all(e.startswith("end.fin.") for e in ends) and ends, ends)
        checks.that("nothing is sent again in it",
                    not any("resent_segments" in c["client"] or "resent_segments" in c["server"]
                            for c in calm))
        lossy, _ = made.records(*CALM[:-4], "--loss", "50", "--reorder", "0")
        checks.that("with loss it is", sum("resent_segments" in c["client"] for c in lossy) > 10)
        swapped, _ = made.records(*CALM[:-4], "--loss", "0", "--reorder", "300")
        checks.that("pairs change places",
                    any(v["id"] == "life.reordered" for c in swapped for v in c["life"]))
        flood, _ = made.records("--flood", "500")
        checks.that("the flood's SYNs are connections of their own", len(flood) == 800, len(flood))
        for option, verdict in (("--reset", "end.rst."), ("--refused", "open.refused."),
                                ("--unanswered", "open.")):
            found, _ = made.records(*[x for i in range(0, len(CALM), 2) if CALM[i] != option
                                      for x in CALM[i:i + 2]], option, "1000")
            ids = {(c["end"] or c["open"])["id"] for c in found}
            checks.that("all %s" % option, all(i.startswith(verdict) for i in ids), ids)
        six, _ = made.records(*CALM, "--ipv6", "1000")
        checks.that("all over IPv6", all(":" in c["client"]["ip"] for c in six))
    checks.done()


main()
