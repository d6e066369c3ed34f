#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""usage: truth_test.py PROGRAM

The agreement with tshark, Zeek and tcptrace over the public captures must not fall below what
was promised; the figures are printed."""
import os
import re
import subprocess
import sys

import corpus

# field: least share in percent, or (least agreeing, of how many)
PROMISED = {
    "matched": 99.5,
    "all counts": 99.5,
    "retransmission": 99.0, "fast_retransmission": 99.0, "spurious_retransmission": 99.0,
    "out_of_order": 99.0, "duplicate_ack": 99.0, "lost_segment": 99.0, "ack_lost_segment": 99.0,
    "keep_alive": 99.0, "keep_alive_ack": 99.0, "zero_window": 99.0, "zero_window_probe": 99.0,
    "zero_window_probe_ack": 99.0, "window_full": 99.0, "window_update": 99.0,
    "reused_ports": 99.0,
    "zeek conn_state": 100.0 * 27 / 28,
    "zeek history": 100.0 * 26 / 28,
    "own resent = tcptrace": 95.0,
}


def main():
    program = sys.argv[1]
    folder = corpus.shared()
    tool = os.path.join(folder, "tools", "compare-truth.py")
    if not os.path.exists(tool):
        corpus.skip("no tools/compare-truth.py beside the captures")
    done = subprocess.run([sys.executable, tool, "--program", program,
                           "--captures", os.path.join(folder, "captures"),
                           "--truth", os.path.join(folder, "truth")],
                          stdout=subprocess.PIPE, text=True, timeout=900, check=True)
    print(done.stdout)
    shares = {m.group(1).strip(): float(m.group(2)) for m in
              re.finditer(r"^(\S.*?)\s+[\d.]+ / [\d.]+\s+([\d.]+) %$", done.stdout, re.M)}
    checks = corpus.Checks()
    for field, least in PROMISED.items():
        share = shares.get(field)
        checks.that("%s agrees in at least %.1f %%" % (field, least),
                    share is not None and share >= least - 1e-3, share)
    checks.that("no capture ends with another status than 0 or 3",
                "NOT CLEAN" not in done.stdout)
    checks.done()


main()
