#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""usage: lab_test.py PROGRAM REFUSE [--all | --article | --broken | --busy | --catalogue | --kept | --late |
                                     --refused | --wrong]

tcpwhy lab on this machine's kernel. Skipped, with the reason, where no private namespace can be had.

--article  the six cases, as this user and as an ordinary one
--all      every scenario, as JSON held against docs/scenario.schema.json and docs/record.schema.json
--catalogue  every verdict has a scenario, or a reason why none makes it happen
--broken   PROGRAM has one transition of the state table wrong: the lab must find it out
--busy     a wire that the machine holds up: what fails is run again, and says so
--kept     kept captures: tshark opens them without complaint and gives the same flags; read agrees
--late     a wire that the machine holds up while it looks at the kernels: likewise
--wrong    scenarios with a mistake: line, words, what to do (tests/lab_wrong)
--refused  every step of the ladder of back ends, each refusal forced with REFUSE"""
import concurrent.futures
import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import corpus

NOBODY = 65534


def lab(program, *args, user=None, wrap=(), stdin=None):
    """(exit status, output, errors) of "tcpwhy lab", as an ordinary user where @user is given."""
    def become():
        if user is not None and os.getuid() == 0:
            os.setgroups([])
            os.setgid(user)
            os.setuid(user)
    done = subprocess.run([*wrap, program, "lab", *args], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, preexec_fn=become, cwd="/", timeout=300)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def need_wire(program):
    """Skip where only the loopback back end works."""
    status, out, err = lab(program, "--format", "json", "open.handshake")
    if status == 0 and json.loads(out.splitlines()[0])["skipped"]:
        corpus.skip(json.loads(out.splitlines()[0])["skipped"])
    return status, out, err


def last_counts(out):
    """(passed, failed, skipped) of the closing line."""
    found = re.search(r"^(\d+) scenarios? passed, (\d+) failed, (\d+) skipped", out, re.M)
    return tuple(map(int, found.groups())) if found else None


def failed_part(out):
    """The lines about scenarios that failed."""
    lines = out.splitlines()
    return "\n".join(line for at, line in enumerate(lines)
                     if any("  failed" in near for near in lines[max(0, at - 5):at + 1]))


def check_article(checks, program):
    for user in (None, NOBODY):
        start = time.monotonic()
        status, out, err = lab(program, "article", user=user)
        counts = last_counts(out)
        checks.that("article passes as user %s" % user, status == 0 and counts and counts[1] == 0,
                    failed_part(out) + err)
        checks.that("six cases are told", all(re.search(r"^%d  \S" % n, out, re.M)
                                              for n in range(1, 7)), out)
        checks.that("each case has variants", counts and counts[0] >= 15, counts)
        checks.that("what is said is answered", "WHAT IS SAID" in out, out[-500:])
        checks.that("80 columns", all(len(line) <= 80 for line in out.splitlines()),
                    [line for line in out.splitlines() if len(line) > 80])
        for line in re.findall("^  held up .*", out, re.M):
            print(line)
        print("article as %s: %s in %.1f s" % (user, counts, time.monotonic() - start))


def check_all(checks, program):
    import jsonschema
    folder = os.path.join(corpus.ROOT, "docs")
    with open(os.path.join(folder, "scenario.schema.json")) as file:
        schema = json.load(file)
    with open(os.path.join(folder, "record.schema.json")) as file:
        records = json.load(file)
    validator = jsonschema.Draft7Validator(schema)
    record = jsonschema.Draft7Validator(records)
    start = time.monotonic()
    status, out, err = lab(program, "--all", "--format", "json")
    print("--all: %.1f s" % (time.monotonic() - start))
    lines = out.splitlines()
    names = sorted(name[:-4] for name in os.listdir(os.path.join(corpus.ROOT, "scenarios"))
                   if name.endswith(".scn"))
    checks.that("every scenario of the folder is run once",
                sorted(json.loads(line)["name"] for line in lines) == names)
    compared = 0
    for line in lines:
        told = json.loads(line)
        checks.that("%s passes" % told["name"], told["passed"] in (True, None), told["failures"])
        if told["passed"] is None:
            print("skipped: %s: %s" % (told["name"], told["skipped"]))
        for problem in validator.iter_errors(told):
            checks.that("%s keeps the schema" % told["name"], False, problem.message[:200])
        for entry in told["connections"] + told["groups"]:
            for problem in record.iter_errors(entry):
                checks.that("%s keeps the record schema" % told["name"], False,
                            problem.message[:200])
        if told["runs"] > 1:
            print("run %d times: %s: %d ms held up" % (told["runs"], told["name"],
                                                       told["held_up_ns"] // 1000000))
        compared += told["states_compared"]
    checks.that("states were compared", compared > 1000, compared)
    checks.that("exit status 0", status == 0, err)
    print("%d looks at both kernels compared with the engine" % compared)


def check_catalogue(checks, program):
    """Every verdict has a scenario, or a reason why not, and explain shows it."""
    _, out, _ = corpus.run(program, "explain")
    ids = re.findall(r"^\s*((?:open|life|end|group)\.[a-z0-9.-]+)", out.decode(), re.M)
    reasons = {}
    with open(os.path.join(corpus.ROOT, "scenarios", "not-reproduced.tsv")) as file:
        for line in file:
            columns = line.rstrip("\n").split("\t")
            checks.that("a reason is ID, tab, words: %r" % line, len(columns) == 2)
            reasons[columns[0]] = columns[1]
    checks.that("reasons are for verdicts", not set(reasons) - set(ids), set(reasons) - set(ids))
    made = 0
    for verdict in ids:
        _, out, _ = corpus.run(program, "explain", verdict)
        page = out.decode()
        scenario = re.search(r"^in the lab +tcpwhy lab (\S+):", page, re.M)
        made += scenario is not None
        checks.that("%s has a scenario or a reason" % verdict,
                    (scenario is not None) != (verdict in reasons))
        checks.that("%s: explain shows it" % verdict,
                    scenario or re.search(r"^not in the lab", page, re.M), page[-400:])
        planned = re.search(r"^planned ", page, re.M)
        checks.that("%s: nobody plans what has a rule" % verdict,
                    planned or not reasons.get(verdict, "").startswith("Planned"),
                    reasons.get(verdict))
        checks.that("%s: no scenario without a rule" % verdict, not (planned and scenario))
    checks.that("at least 60 verdicts are made to happen", made >= 60, made)
    print("%d verdicts, %d made to happen" % (len(ids), made))


def check_wrong(checks, program):
    """Scenarios with one mistake each: the status, the line and the words of its first comment."""
    folder = os.path.join(corpus.ROOT, "tests", "lab_wrong")
    for name in sorted(os.listdir(folder)):
        path = os.path.join(folder, name)
        with open(path) as file:
            wanted = re.match(r"# wants: (\d) line (\d+) (.*)", file.readline())
        status, out, err = lab(program, path)
        told = " ".join((out[out.rfind("\nfailed\n"):] + err).split())
        checks.that("%s: exit status" % name, status == int(wanted.group(1)), status)
        checks.that("%s: its file is named" % name, path in told, told)
        checks.that("%s: line and words" % name,
                    re.search(r"line %s\b" % wanted.group(2), told) and wanted.group(3) in told,
                    told)
        checks.that("%s: what to do" % name, " try" in told, told)


def check_broken(checks, program):
    """One transition is wrong in PROGRAM: crossing FINs must not pass."""
    status, out, _ = lab(program, "article-5a-fins-cross")
    checks.that("a wrong transition fails the scenario", status == 1, status)
    checks.that("the kernel's word and the engine's are shown",
                re.search(r"kernel says CLOSING after frame \d+ .*, the engine says\s+TIME_WAIT",
                          " ".join(out.split())), out[-800:])
    status, out, _ = lab(program, "article-4a-client-closes")
    checks.that("scenarios without that transition pass", status == 0, out[-800:])


def children(pid):
    with open("/proc/%d/task/%d/children" % (pid, pid)) as file:
        return [int(word) for word in file.read().split()]


def lab_held_up(program, scenario):
    """JSON of a scenario whose process (its wire) rests 30 ms of every 32."""
    out = tempfile.TemporaryFile()
    process = subprocess.Popen([program, "lab", "--format", "json", scenario], cwd="/", stdout=out)
    while process.poll() is None:
        try:
            held = children(process.pid)
            for number, pause in ((signal.SIGSTOP, 0.03 if held else 0), (signal.SIGCONT, 0.002)):
                for pid in held:
                    os.kill(pid, number)
                time.sleep(pause)
        except (FileNotFoundError, ProcessLookupError):
            pass  # it has just ended
    out.seek(0)
    return process.returncode, json.loads(out.read())


@contextlib.contextmanager
def scenario_of(lines):
    """The path of a scenario with these lines, for as long as it is needed."""
    with tempfile.NamedTemporaryFile("w", suffix=".scn") as file:
        file.write("\n".join(lines) + "\n")
        file.flush()
        yield file.name


def check_busy(checks, program):
    """What fails on a wire that was held up is run again, and says so."""
    lines = (["title    half a second of segments", "server", "    listen", "    accept"] +
             ["    recv 5 -> 5"] * 20 + ["    close", "client", "    connect"] +
             ["    send \"hello\"", "    sleep 25ms"] * 20 +
             ["    recv -> end", "    close", "expect end.rst.unread-data"])
    with scenario_of(lines) as path:
        status, told = lab_held_up(program, path)
    checks.that("it still fails", status == 1 and told["passed"] is False and told["failures"], told)
    checks.that("it was run three times", told["runs"] == 3, told["runs"])
    checks.that("the time is told", told["held_up_ns"] >= 10e6, told["held_up_ns"])
    status, out, _ = lab(program, "--format", "json", "open.handshake")
    told = json.loads(out)
    checks.that("what passes at once is run once", told["runs"] == 1 or told["held_up_ns"] >= 10e6,
                told)


def check_late(checks, program):
    """The same where no packet waits, but the kernels' states are read late: strace holds up some
    of the questions for them, in the silence of the first run."""
    lines = ["title    a second of silence", "server", "    listen", "    accept", "    recv -> end",
             "    close", "client", "    connect", "    sleep 1500ms", "    close",
             "expect end.rst.unread-data"]
    late = ["strace", "-f", "-q", "-o", "/dev/null", "-e", "trace=sendto",
            "-e", "inject=sendto:delay_enter=20000:when=100..110"]
    try:
        tried = subprocess.run([*late, "true"], stderr=subprocess.PIPE)
    except FileNotFoundError:
        corpus.skip("no strace to hold a system call up with")
    if tried.returncode:
        corpus.skip("strace may not trace here: %s" % tried.stderr.decode().strip())
    # The search for leaks traces, too: two can't.
    os.environ["ASAN_OPTIONS"] = os.environ.get("ASAN_OPTIONS", "") + ":detect_leaks=0"
    with scenario_of(lines) as path:
        status, out, err = lab(program, "--format", "json", path, wrap=late)
    told = json.loads(out)
    checks.that("it fails in the end", status == 1 and told["failures"], (told, err))
    checks.that("it was run again", told["runs"] >= 2, told["runs"])
    checks.that("the time is told", told["held_up_ns"] >= 10e6, told["held_up_ns"])


WORDS = {  # tshark's field: the note of ours that says the same
    "tcp.analysis.retransmission": "retransmission",
    "tcp.analysis.fast_retransmission": "fast_retransmission",
    "tcp.analysis.spurious_retransmission": "spurious_retransmission",
    "tcp.analysis.out_of_order": "out_of_order",
    "tcp.analysis.duplicate_ack": "duplicate_ack",
    "tcp.analysis.lost_segment": "lost_segment",
    "tcp.analysis.ack_lost_segment": "ack_lost_segment",
    "tcp.analysis.keep_alive": "keep_alive",
    "tcp.analysis.keep_alive_ack": "keep_alive_ack",
    "tcp.analysis.zero_window": "zero_window",
    "tcp.analysis.zero_window_probe": "zero_window_probe",
    "tcp.analysis.zero_window_probe_ack": "zero_window_probe_ack",
    "tcp.analysis.window_full": "window_full",
    "tcp.analysis.window_update": "window_update",
    "tcp.analysis.reused_ports": "reused_ports",
}


def tshark_flags(path):
    """{frame: set of flags} as tshark says, with what it complained of."""
    done = subprocess.run(["tshark", "-n", "-r", path, "-T", "fields", "-e", "frame.number"] +
                          [x for field in WORDS for x in ("-e", field)],
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    flags = {}
    for line in done.stdout.decode().splitlines():
        columns = line.split("\t")
        flags[int(columns[0])] = {word for word, value in zip(WORDS.values(), columns[1:])
                                  if value}
    complaints = [line for line in done.stderr.decode().splitlines() if "Running as user" not in line]
    return flags, done.returncode, complaints


def our_flags(program, path):
    status, out, err = corpus.run(program, "read", "--format", "packets", "--peers", "wireshark",
                                  path)
    flags = {}
    for line in out.decode().splitlines():
        packet = json.loads(line)
        if packet["type"] == "packet" and not packet.get("quoted"):
            flags[packet["frame"]] = set(packet["wireshark"]["analysis"]) & set(WORDS.values())
    return flags, status, err.decode()


def check_kept(checks, program):
    with tempfile.TemporaryDirectory() as folder:
        status, out, err = lab(program, "--all", "--keep", folder)
        checks.that("--keep works", status == 0, failed_part(out) + err)
        if status:
            print(*(line for line in out.splitlines() if "failed" in line), sep="\n")
        kept = sorted(name for name in os.listdir(folder) if name.endswith(".pcapng"))
        checks.that("captures are kept", len(kept) > 50, len(kept))
        for name in kept:
            path = os.path.join(folder, name)
            with open(path[:-7] + ".json") as file:
                told = json.load(file)
            check_reread(checks, program, path, told)
        if shutil.which("tshark"):
            paths = [os.path.join(folder, name) for name in kept]
            with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
                for path, theirs in zip(paths, pool.map(tshark_flags, paths)):
                    check_tshark(checks, program, path, theirs)
        if not shutil.which("tshark"):
            corpus.skip("no tshark: its flags were not compared")


def check_reread(checks, program, path, told):
    """read --interface finds in the file what the lab told."""
    status, out, err = corpus.run(program, "read", "--format", "json", "--interface",
                                  told["read"], path)
    found = [json.loads(line) for line in out.decode().splitlines()]
    again = [r for r in found if r["type"] == "connection"]
    name = os.path.basename(path)
    checks.that("%s is read back" % name, status == 0, err)
    checks.that("%s gives the same connections" % name, again == told["connections"],
                [(a.get("open"), b.get("open")) for a, b in zip(again, told["connections"])
                 if a != b][:1])


def check_tshark(checks, program, path, told):
    theirs, status, complaints = told
    ours, own_status, err = our_flags(program, path)
    name = os.path.basename(path)
    checks.that("tshark opens %s" % name, status == 0 and not complaints, complaints)
    checks.that("we read %s" % name, own_status == 0, err)
    for frame, flags in ours.items():
        checks.that("%s frame %d" % (name, frame), theirs.get(frame) == flags,
                    "tshark %s, we %s" % (theirs.get(frame), flags))


def check_refused(checks, program, refuse):
    if not os.access("/proc/self/ns/user", os.R_OK):
        corpus.skip("no user namespaces here")
    def backend(*args, user=None, wrap=()):
        status, out, err = lab(program, "--format", "json", *args, user=user, wrap=wrap)
        told = json.loads(out.splitlines()[0]) if out else {}
        return status, told, err
    status, told, err = backend("article-3b-killed-unread", user=NOBODY)
    checks.that("an ordinary user gets veth", told.get("backend") == "veth", (told, err))
    status, told, err = backend("article-1a-port-closed", user=NOBODY,
                                wrap=(refuse, "unshare", "--"))
    checks.that("without namespaces: loopback", told.get("backend") == "loopback", (told, err))
    checks.that("what needs no wire passes there", told.get("passed") is True, told)
    status, told, err = backend("article-5a-fins-cross", user=NOBODY,
                                wrap=(refuse, "unshare", "--"))
    checks.that("what needs a wire is skipped with the reason",
                status == 0 and told.get("passed") is None and "loopback only" in told["skipped"],
                (status, told))
    status, out, err = lab(program, "article-1a-port-closed", user=NOBODY,
                           wrap=(refuse, "unshare", "--"))
    checks.that("the limit is said to people", "segments are not seen" in out, out)
    status, out, err = lab(program, "--backend", "veth", "article-1a-port-closed", user=NOBODY,
                           wrap=(refuse, "unshare", "--"))
    checks.that("a wished back end that can't be had fails", status == 1, status)
    if os.getuid() == 0 and not os.access("/dev/net/tun", os.R_OK | os.W_OK):
        return
    status, out, err = lab(program, "--backend", "tun", "article-1a-port-closed",
                           user=NOBODY if os.getuid() == 0 else None)
    mode = os.stat("/dev/net/tun").st_mode if os.path.exists("/dev/net/tun") else 0
    if not mode & 0o002:
        checks.that("a closed /dev/net/tun is named", "/dev/net/tun" in out, out)


def main():
    program, refuse = map(os.path.abspath, sys.argv[1:3])
    mode = sys.argv[3] if len(sys.argv) > 3 else "--article"
    # The broken program lies deeper than the true one, which finds them by itself.
    os.environ.setdefault("TCPWHY_SCENARIOS", os.path.join(corpus.ROOT, "scenarios"))
    checks = corpus.Checks()
    if mode == "--refused":
        check_refused(checks, program, refuse)
        checks.done()
    if mode == "--catalogue":
        check_catalogue(checks, program)
        checks.done()
    need_wire(program)
    {"--article": check_article, "--all": check_all, "--broken": check_broken,
     "--busy": check_busy, "--kept": check_kept, "--late": check_late,
     "--wrong": check_wrong}[mode](checks, program)
    checks.done()


if __name__ == "__main__":
    main()
