#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""usage: read_test.py PROGRAM CRAFT GOLDEN-FOLDER

The command line of tcpwhy read and explain: exit statuses, messages, options. Captures are
compiled from golden texts by CRAFT, so no foreign file is needed."""
import json
import os
import shutil
import subprocess
import sys
import tempfile

import corpus


def records(out, kind):
    return [r for r in map(json.loads, out.decode().splitlines()) if r["type"] == kind]


def check_usage(checks, program, capture):
    for args, words in (
            (["read"], b"no capture named"),
            (["read", "--formt", "json", capture], b"--format"),
            (["read", "--format", "yaml", capture], b"yaml"),
            (["read", "--conn", "0", capture], b"conn"),
            (["read", "--fail-on", "end.rst.abrt", capture], b"end.rst.abort"),
            (["read", "--filter", "tcp and and", capture], b"filter"),
            (["read", "--peers", "ethereal", capture], b"ethereal"),
            (["explain", "end.fin.fourway"], b"end.fin.four-way"),
            (["raed"], b"read")):
        status, out, err = corpus.run(program, *args)
        checks.that("%s is a usage error" % args, status == 2 and words in err and out == b"",
                    (status, err))
    for args in (["--help"], ["read", "--help"], ["explain", "--help"], ["--version"], ["explain"]):
        status, out, err = corpus.run(program, *args)
        checks.that("%s explains itself" % args, status == 0 and len(out) > 10 and err == b"")
        wide = [line for line in out.decode().splitlines() if len(line) > 80]
        checks.that("%s within 80 columns" % args, not wide, wide[:1])


def check_input(checks, program, capture, folder):
    with open(capture, "rb") as f:
        whole = f.read()
    status, out, err = corpus.run(program, "read", os.path.join(folder, "absent.pcap"))
    checks.that("a missing file is the system's error", status == 4 and b"absent.pcap" in err,
                (status, err))
    empty = os.path.join(folder, "empty.pcap")
    open(empty, "w").close()
    status, out, err = corpus.run(program, "read", empty)
    checks.that("an empty file is an input error", status == 3 and b"try:" in err, (status, err))
    status, out, err = corpus.run(program, "read", folder)
    checks.that("a folder is no capture", status in (3, 4) and err != b"", (status, err))
    text = os.path.join(folder, "notes.txt")
    with open(text, "w") as f:
        f.write("no capture at all\n")
    for path in (empty, text):
        status, out, err = corpus.run(program, "read", "--format", "json", path)
        rows = [json.loads(line) for line in out.splitlines()]
        checks.that("records of what is no capture are one summary that says so",
                    status == 3 and [r["type"] for r in rows] == ["summary"]
                    and not rows[0]["complete"] and rows[0]["error"]["what"] in err.decode(),
                    (status, out))
    status, out, err = corpus.run(program, "read", "--format", "json", text, capture, empty)
    summary = records(out, "summary")[0]
    checks.that("what is no capture spares the other files",
                status == 3 and not summary["complete"] and summary["frames"] > 1
                and records(out, "connection") and b"notes.txt" in err, (status, err))
    status, out, err = corpus.run(program, "read", "--format", "json", text, empty)
    checks.that("several of them and nothing else are one error", status == 3
                and not records(out, "summary")[0]["complete"] and b"notes.txt" in err,
                (status, err))
    status, out, err = corpus.run(program, "read", "--interface", "eth9", capture)
    checks.that("an interface that is not there is a usage error, not a damaged input",
                status == 2 and out == b"" and b"eth9" in err, (status, out, err))
    odd = os.path.join(os.fsencode(folder), b"a\x1b[31m\xff\xc2\x9b.pcap")
    status, out, err = corpus.run(program, "read", odd)
    checks.that("a hostile file name is escaped in an error", status == 4
                and b"a\\x1b[31m\\xff\\xc2\\x9b.pcap" in err, (status, err))
    shutil.copy(empty, odd)
    status, out, err = corpus.run(program, "read", "--format", "json", odd)
    where = json.loads(out.decode())["error"]["where"]
    checks.that("and in a record", "a\x1b[31m\ufffd\x9b.pcap" in where
                and "\\u009b" in out.decode() and b"\x9b" not in out, out)
    cut = os.path.join(folder, "cut.pcap")
    with open(cut, "wb") as f:
        f.write(whole[:-10])
    status, out, err = corpus.run(program, "read", "--format", "json", cut)
    summary = records(out, "summary")[0]
    checks.that("a cut file is reported, and what came before it",
                status == 3 and b"in:" in err and not summary["complete"]
                and summary["error"]["what"] in err.decode() and summary["frames"] > 1,
                (status, err))


def check_selection(checks, program, capture):
    _, out, _ = corpus.run(program, "read", "--format", "json", capture)
    conns = records(out, "connection")
    checks.that("the capture holds several connections", len(conns) > 1, len(conns))
    one = conns[1]
    for args in (["--conn", str(one["conn"])], ["--frame", str(one["last_frame"])]):
        _, out, _ = corpus.run(program, "read", "--format", "json", *args, capture)
        found = records(out, "connection")
        checks.that("%s gives that connection" % args, [r["conn"] for r in found] == [one["conn"]],
                    [r["conn"] for r in found])
        status, out, _ = corpus.run(program, "read", *args, capture)
        checks.that("%s tells its story" % args,
                    status == 0 and out.startswith(b"#%d " % one["conn"])
                    and one["headline"].split()[0].encode() in out, out[:200])
    status, out, err = corpus.run(program, "read", "--conn", "999999", capture)
    checks.that("a connection that is not there is said", status == 2 and b"999999" in err,
                (status, err))
    port = str(one["client"]["port"])
    _, out, _ = corpus.run(program, "read", "--format", "json", "--filter", "tcp port " + port,
                           capture)
    found = records(out, "connection")
    checks.that("--filter keeps frame numbers", [r["conn"] for r in found] == [one["conn"]],
                [r["conn"] for r in found])


def check_packets(checks, program, capture):
    _, out, _ = corpus.run(program, "read", "--format", "json", capture)
    conns = {r["conn"] for r in records(out, "connection")}
    _, out, _ = corpus.run(program, "read", "--format", "packets", "--peers", "wireshark", capture)
    rows = records(out, "packet")
    checks.that("every packet names a connection of the JSON output",
                rows and all(r["conn"] is None or r["conn"] in conns for r in rows))
    checks.that("--peers wireshark adds its words", all("wireshark" in r for r in rows))
    _, out, _ = corpus.run(program, "read", "--format", "packets", "--absolute", capture)
    raw = records(out, "packet")
    first = [r for r in rows if r["flags"] == "S"][0]
    checks.that("a SYN moves its receiver too, provisionally",
                (first["client_state"], first["server_state"]) == ("SYN_SENT", "SYN_RECEIVED"),
                first)
    checks.that("an end of which nothing is known has no made-up state",
                all(r[end] != "UNKNOWN" for r in rows for end in ("client_state", "server_state")))
    checks.that("--absolute gives raw numbers", rows[0]["seq"] == 0 and raw[0]["seq"] != 0)


def check_output(checks, program, capture):
    _, out, _ = corpus.run(program, "read", "--format", "json", capture)
    some_id = records(out, "connection")[0]["open"]["id"]
    status, _, _ = corpus.run(program, "read", "--fail-on", some_id, capture)
    checks.that("--fail-on with a verdict that occurs", status == 1, status)
    status, _, _ = corpus.run(program, "read", "--fail-on", some_id.split(".")[0], capture)
    checks.that("--fail-on with its first part", status == 1, status)
    status, _, _ = corpus.run(program, "read", "--fail-on", "open.self-connect", capture)
    checks.that("--fail-on with one that does not", status == 0, status)
    status, _, _ = corpus.run(program, "read", "--fail-on", some_id, "--fail-on",
                              "open.self-connect", capture)
    checks.that("--fail-on twice means both", status == 1, status)
    for args in (["read", capture], ["read", "--format", "json", capture], ["explain"]):
        reader = subprocess.Popen([program, *args], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        reader.stdout.close()
        err = reader.stderr.read()
        status = reader.wait()
        checks.that("a closed pipe ends %s quietly" % args[:-1], status == 0 and err == b"",
                    (status, err))
    if os.path.exists("/dev/full"):
        with open("/dev/full", "w") as full:
            done = subprocess.run([program, "read", capture], stdout=full, stderr=subprocess.PIPE)
        checks.that("a full disk is the system's error", done.returncode == 4 and
                    b"No space" in done.stderr, (done.returncode, done.stderr))
    status, out, _ = corpus.run(program, "read", capture)
    checks.that("no escape sequence without a terminal", b"\033" not in out)


def check_overview(checks, program, craft, golden, folder):
    """What the default output must say of some golden captures, without any option."""
    for name, words in (
            ("open.refused.port-closed", ("refused: nothing listens on 10.0.0.2:9000",)),
            ("open.unanswered.black-hole", ("SYNs sent: 7 over 65.0 s", "Linux 3.1 to 6.4")),
            ("end.fin.four-way", ("closed by the client first", "FIN seq 6, acknowledged with one",
                                  "TIME_WAIT: the client until 2026-01-02 09:01:00 UTC")),
            ("end.fin.three-segment", ("the server answered with its own FIN at once",)),
            ("end.fin.simultaneous", ("closed by both ends at once", "the server until")),
            ("life.half-closed", ("still took 2000 bytes from the server: a half close",)),
            ("life.keepalive.ok", ("2 of 2 keep-alive probes answered",)),
            ("end.dead.keepalive-timeout", ("3 keep-alive probes 1.0 s apart, after 2.0 s",)),
            ("end.dead.host-gone", ("stopped answering", "repeated its data 5 times over 4.4 s")),
            ("life.zero-window", ("the server's receive window was zero, its program did not",)),
            ("end.rst.data-after-close", ("517 bytes", "answered with a reset", "LOOK")),
            ("end.rst.abort", ("aborted", "the wire cannot tell")),
            ("group.accept-queue-full", ("its accept queue is full", "EACH BY ITSELF")),
            ("group.scan.syn", ("21 connections, 1 kind",)), # theirs stand under the group alone
            ("group.idle-limit.reset", ("3 connections, 1 kind",)),
            ("group.health-check", ("a health check", "NOTHING NEEDS A LOOK"))):
        capture = os.path.join(folder, "overview.pcap")
        subprocess.run([craft, os.path.join(golden, name + ".txt"), capture], check=True,
                       stdout=subprocess.DEVNULL)
        status, out, _ = corpus.run(program, "read", capture)
        text = " ".join(out.decode().split())
        for word in words:
            checks.that("%s: the overview says '%s'" % (name, word), status == 0 and word in text,
                        out.decode())


def main():
    program, craft, golden = sys.argv[1:4]
    checks = corpus.Checks()
    with tempfile.TemporaryDirectory() as folder:
        capture = os.path.join(folder, "article.pcap")
        texts = sorted(os.path.join(golden, n) for n in os.listdir(golden)
                       if n.startswith("article-"))
        if not texts:
            corpus.skip("no tests/golden/article-*.txt")
        subprocess.run([craft, *texts, capture], check=True, stdout=subprocess.DEVNULL)
        check_usage(checks, program, capture)
        check_input(checks, program, capture, folder)
        check_selection(checks, program, capture)
        check_packets(checks, program, capture)
        check_output(checks, program, capture)
        check_overview(checks, program, craft, golden, folder)
    checks.done()


main()
