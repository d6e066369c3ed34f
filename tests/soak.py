#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""usage: soak.py PROGRAM --steady | --busy | --residue

Run by ./check --long: what the lab must hold over many runs.

--steady   20 runs of "lab --all" in a row, each must pass everything
--busy     the same, with every core kept busy by something else
--residue  100 runs, 10 of them killed or interrupted at random moments: five seconds later no
           process, namespace, socket, interface or file is left. SOAK_SEED repeats a run."""
import glob
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import time

import corpus
from lab_test import NOBODY, failed_part, lab, last_counts, need_wire

RUNS = 20
SHORT_RUNS = 100
STOPPED_RUNS = 10
# A slab has room for some namespaces that are free and yet counted: two slabs of eight. Ten runs
# that each left their three would be 30.
SLAB_SLACK = 16


def steady(checks, program):
    for run in range(RUNS):
        start = time.monotonic()
        status, out, err = lab(program, "--all", user=NOBODY if run % 2 else None)
        counts = last_counts(out)
        print("run %d: %s in %.1f s" % (run + 1, counts, time.monotonic() - start), flush=True)
        checks.that("run %d passes" % (run + 1), status == 0 and counts and counts[1] == 0,
                    failed_part(out) + err)


def busy(checks, program):
    # Each ends by itself when this process has gone.
    spin = "import os\nparent = os.getppid()\nwhile os.getppid() == parent: pass"
    spinners = [subprocess.Popen([sys.executable, "-c", spin])
                for _ in range(os.cpu_count() or 1)]
    try:
        steady(checks, program)
    finally:
        for spinner in spinners:
            spinner.kill()
            spinner.wait()


def read(path):
    try:
        with open(path, errors="replace") as file:
            return file.read()
    except OSError:
        return ""


def links(pattern):
    """What the symbolic links of /proc/PID/... point at; processes may end meanwhile."""
    found = {}
    for path in glob.glob(pattern):
        try:
            found.setdefault(os.readlink(path), path)
        except OSError:
            pass
    return found


class Census:
    """What is there of the lab: all that a run could leave behind."""

    def __init__(self, program, folder):
        exe = os.path.realpath(program)
        self.processes = {path for target, path in links("/proc/[0-9]*/exe").items()
                          if target.startswith(exe)}
        self.namespaces = set(links("/proc/[0-9]*/ns/net")) | set(links("/proc/[0-9]*/ns/user"))
        # A namespace may also live by a descriptor or a mount.
        self.namespaces |= {t for t in links("/proc/[0-9]*/fd/*") if t.startswith(("net:", "user:"))}
        self.namespaces |= set(re.findall(r"net:\[\d+\]", read("/proc/self/mountinfo")))
        self.interfaces = set(os.listdir("/sys/class/net"))
        self.sockets = {table: self.lines("/proc/net/" + table)
                        for table in ("tcp", "tcp6", "raw", "raw6", "packet")}
        # Of all namespaces, also of those that nothing but an orphan socket holds any more.
        sockstat = re.search(r"TCP: .*orphan (\d+) .*alloc (\d+)", read("/proc/net/sockstat"))
        self.orphans, self.allocated = map(int, sockstat.groups()) if sockstat else (0, 0)
        slab = re.search(r"^net_namespace +(\d+)", read("/proc/slabinfo"), re.M)
        self.slab = int(slab.group(1)) if slab else None
        self.files = {os.path.join(where, name) for where, dirs, names in os.walk(folder)
                      for name in dirs + names}
        for place in ("/tmp", "/var/tmp", "/dev/shm", "/run", "/run/netns"):
            self.files |= set(glob.glob(place + "/*tcpwhy*"))

    @staticmethod
    def lines(path):
        return len(read(path).splitlines())

    def compare(self, checks, before):
        for what in ("processes", "namespaces", "interfaces", "files"):
            new = getattr(self, what) - getattr(before, what)
            checks.that("no %s left" % what, not new, sorted(new)[:5])
        for table, count in self.sockets.items():
            checks.that("no socket left in " + table, count <= before.sockets[table],
                        (before.sockets[table], count))
        checks.that("no orphan left", self.orphans <= before.orphans,
                    (before.orphans, self.orphans))
        checks.that("no TCP socket left anywhere", self.allocated <= before.allocated,
                    (before.allocated, self.allocated))
        if self.slab is not None:
            print("network namespaces by the slab: %d before, %d after" % (before.slab, self.slab))
            checks.that("no network namespace left", self.slab <= before.slab + SLAB_SLACK,
                        (before.slab, self.slab))


def start(program, args, folder, user, output):
    def become():
        os.setpgid(0, 0)
        if user is not None and os.getuid() == 0:
            os.setgroups([])
            os.setgid(user)
            os.setuid(user)
    return subprocess.Popen([program, "lab", *args], stdout=output,
                            stderr=subprocess.STDOUT, preexec_fn=become, cwd=folder,
                            env=dict(os.environ, TMPDIR=folder))


def stop(process, how, chance):
    """End it at a random moment: as ctrl-C does, to the whole group, or only the one process."""
    time.sleep(chance.uniform(0, 0.8))
    if how == "interrupt":
        os.killpg(process.pid, signal.SIGINT)
    else:
        process.send_signal(signal.SIGKILL if how == "kill" else signal.SIGTERM)
    process.wait(timeout=60)


def census_can_see(checks, program, folder):
    """A census that sees nothing would find nothing left: leave one of each on purpose."""
    before = Census(program, folder)
    made = subprocess.Popen(["unshare", "-n", program, "server", "0.0.0.0:0"],
                            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    path = os.path.join(folder, "left")
    with open(path, "w"):
        time.sleep(1)
    after = Census(program, folder)
    checks.that("a process that is left is seen", after.processes - before.processes, made.poll())
    checks.that("a namespace that is left is seen", after.namespaces - before.namespaces)
    checks.that("a socket in it is seen", after.allocated > before.allocated,
                (before.allocated, after.allocated))
    checks.that("a file that is left is seen", after.files - before.files)
    os.unlink(path)
    made.kill()
    made.wait()


def residue(checks, program):
    seed = int(os.environ.get("SOAK_SEED") or random.randrange(1 << 30))
    print("SOAK_SEED=%d" % seed)
    chance = random.Random(seed)
    _, out, _ = corpus.run(program, "lab", "--all", "--format", "json")
    names = re.findall(r'^\{"type":"scenario","name":"([^"]+)"', out.decode(), re.M)
    checks.that("there are scenarios", len(names) > 60, len(names))
    stopped = dict(zip(chance.sample(range(SHORT_RUNS), STOPPED_RUNS),
                       ["kill", "interrupt", "terminate"] * STOPPED_RUNS))
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o777)
        if os.getuid() == 0:
            census_can_see(checks, program, folder)
        time.sleep(5)
        before = Census(program, folder)
        for run in range(SHORT_RUNS):
            how = stopped.get(run)
            args = ["--all"] if how or run % 25 == 0 else [chance.choice(names)]
            with tempfile.TemporaryFile("w+") as output:
                process = start(program, args, folder, NOBODY if run % 2 else None, output)
                if how:
                    stop(process, how, chance)
                    print("run %d: %s %s, status %s" % (run + 1, args[0], how, process.returncode))
                    continue
                process.wait(120)
                output.seek(0)
                checks.that("run %d %s passes" % (run + 1, args[0]), process.returncode == 0,
                            output.read())
        time.sleep(5)
        Census(program, folder).compare(checks, before)


def main():
    modes = {"--steady": steady, "--busy": busy, "--residue": residue}
    if len(sys.argv) != 3 or sys.argv[2] not in modes:
        sys.exit(__doc__)
    program = os.path.abspath(sys.argv[1])
    need_wire(program)
    checks = corpus.Checks()
    modes[sys.argv[2]](checks, program)
    checks.done()


if __name__ == "__main__":
    main()
