#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""usage: run.py [--rounds N] [--peers] [--growth] [--memory] [--no-speed] [--save FILE]
       [--compare FILE] BUILD

Measure "tcpwhy read" of a build against other programs, in one run and taking turns, on captures
that generate makes (kept in out/bench). BUILD is a build folder (meson setup build).

--rounds N      how often each command runs (default 5); the least time counts
--peers         also nfpcapd, argus, tcptrace and tshark, once each: minutes
--growth        time per packet by connections in the capture (up to 10^7) and by connections live at
                once, memory under a SYN flood: ten minutes a round
--no-speed      only what the other options ask for
--memory        bytes by live connection
--save FILE     keep the figures as JSON
--compare FILE  show them beside those of an earlier run

"processor" is user and system time of the whole process, which another program's work disturbs
little; "elapsed" is what counts for several threads. Ratios, to tcpdump's, are the thing to look
at.

The first touch of memory is measured beside: as much as reading the default mix takes. The host of
a virtual machine may take memory back that is free for some seconds; then the first touch of it,
system time of whatever program comes next, takes many times as long as where it was in use just
before: a reason for some of what differs between runs."""
import argparse
import concurrent.futures
import json
import mmap
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
FOLDER = os.path.join(ROOT, "out", "bench")

MIX = []  # generate's defaults: 5 million packets of up to 96 bytes
FULL = ["--snap", "65535", "--connections", "113000", "--live", "30000", "--payload", "700"]
HELD = ["--reset", "0", "--refused", "0", "--unanswered", "0", "--idle", "0", "--loss", "0",
        "--reorder", "0", "--open", "1000"]
TOUCHED_BYTES = 160 << 20  # about what the default mix needs
PAUSE_S = 4  # a host hears of free memory after two


def capture(build, name, options):
    """(path, packets) of a capture that generate makes; made once."""
    os.makedirs(FOLDER, exist_ok=True)
    path = os.path.join(FOLDER, name + ".pcap")
    told = path + ".json"
    if os.path.exists(told) and os.path.exists(path):
        with open(told) as file:
            kept = json.load(file)
        if kept["options"] == options:
            return path, kept["packets"]
    done = subprocess.run([os.path.join(build, "tests/bench/generate"), *options, path],
                          stderr=subprocess.PIPE, text=True, check=True)
    packets = int(done.stderr.split()[0])
    with open(told, "w") as file:
        json.dump({"options": options, "packets": packets}, file)
    return path, packets


def measure(command):
    """(processor seconds, elapsed seconds, peak memory in bytes) of one run."""
    with tempfile.TemporaryDirectory() as where, open(os.devnull, "w") as null:
        begin = time.monotonic()
        process = subprocess.Popen(command, stdout=null, stderr=null, cwd=where)
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode not in (0, 1):
            sys.exit("%s: exit status %d" % (" ".join(command), process.returncode))
        return used.ru_utime + used.ru_stime, time.monotonic() - begin, used.ru_maxrss * 1024


def table(title, packets, rows, base):
    """rows: name -> least (seconds, elapsed, bytes)."""
    print("\n%s, %d packets" % (title, packets))
    print("%-28s %9s %9s %10s %9s %9s %9s" % ("", "processor", "elapsed", "packets/s", "peak MB",
                                              "x " + base, "elapsed"))
    for name, (seconds, elapsed, peak) in rows.items():
        print("%-28s %7.2f s %7.2f s %8.2f M %9.1f %9.2f %9.2f" %
              (name, seconds, elapsed, packets / elapsed / 1e6, peak / 1e6,
               seconds / rows[base][0], elapsed / rows[base][1]))
    sys.stdout.flush()


def take_turns(commands, rounds):
    """The least figures of each command over the rounds, which alternate between them."""
    least = {}
    for _ in range(rounds):
        for name, command in commands.items():
            new = measure(command)
            old = least.get(name, new)
            least[name] = tuple(min(pair) for pair in zip(old, new))
    return least


def speed(build, rounds, peers):
    figures = {}
    program = os.path.join(build, "tcpwhy")
    for title, name, options in (("default mix, up to 96 bytes", "mix", MIX),
                                 ("full-size packets", "full", FULL)):
        path, packets = capture(build, name, options)
        commands = {"tcpdump": ["tcpdump", "-r", path, "-w", "/dev/null"],
                    "floor": [os.path.join(build, "tests/bench/floor"), path],
                    "tcpwhy": [program, "read", path],
                    "tcpwhy --jobs 2": [program, "read", "--jobs", "2", path]}
        for form in ("json", "wireshark", "zeek"):
            commands["tcpwhy --format " + form] = [program, "read", "--format", form, path]
        rows = take_turns(commands, rounds)
        if peers and name == "mix":
            for peer, command in (("nfpcapd", ["nfpcapd", "-r", path, "-w", "."]),
                                  ("argus", ["argus", "-r", path, "-w", "/dev/null"]),
                                  ("tcptrace", ["tcptrace", "-n", path]),
                                  ("tshark", ["tshark", "-r", path, "-q", "-z", "conv,tcp"])):
                if shutil.which(command[0]):
                    rows[peer] = measure(command)
                else:
                    print("skipped: %s is not installed" % peer)
        table(title, packets, rows, "tcpdump")
        figures[name] = {"packets": packets, "rows": rows}
    return figures


def measure_piped(build, options):
    """(packets, processor seconds, peak memory) of reading what generate makes, without a file."""
    with open(os.devnull, "w") as null:
        maker = subprocess.Popen([os.path.join(build, "tests/bench/generate"), *options, "-"],
                                 stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        reader = subprocess.Popen([os.path.join(build, "tcpwhy"), "read", "-"],
                                  stdin=maker.stdout, stdout=null, stderr=null)
        maker.stdout.close()
        said = maker.stderr.read()
        _, status, used = os.wait4(reader.pid, 0)
        reader.returncode = os.waitstatus_to_exitcode(status)
        if maker.wait() or reader.returncode:
            sys.exit("generate %s | tcpwhy read -: failed" % " ".join(options))
        return int(said.split()[0]), used.ru_utime + used.ru_stime, used.ru_maxrss * 1024


GROWTH = (
    ("connections in the capture, 10,000 live",
     [("10^5", ["--connections", "100000", "--live", "10000"]),
      ("10^4", ["--connections", "10000", "--live", "10000"]),
      ("10^6", ["--connections", "1000000", "--live", "10000"]),
      ("10^7", ["--connections", "10000000", "--live", "10000"])]),
    ("connections live at once",
     [("10^3", ["--connections", "1000000", "--live", "1000"]),
      ("10^5", ["--connections", "1000000", "--live", "100000"]),
      ("10^6", ["--connections", "2000000", "--live", "1000000"])]))


def growth(build, rounds):
    """Each grown case beside the one that it is compared with, taking turns."""
    figures = {}
    print("\ntime per packet, through a pipe, the least of %d" % rounds)
    for title, cases in GROWTH:
        runs = {name: [] for name, _ in cases}
        for _ in range(rounds):
            for name, options in cases:
                runs[name].append(measure_piped(build, options))
        base = None
        for name, _ in cases:
            times = sorted(seconds / packets * 1e9 for packets, seconds, _ in runs[name])
            peak = min(peak for _, _, peak in runs[name])
            base = base or times[0]
            print("%-40s %-5s %6.0f ns a packet (to %4.0f), %5.2f x %s, %7.1f MB" %
                  (title, name, times[0], times[-1], times[0] / base, cases[0][0], peak / 1e6))
            sys.stdout.flush()
            figures[title + " " + name] = {"ns": times[0], "peak": peak}
    return figures


def flood(build):
    """Half-open connections beyond --max-connections: memory stays, and they are counted."""
    options = ["--connections", "1000", "--live", "1000", "--flood", "10000000"]
    limit = ["read", "--max-connections", "100000"]
    print("\n10^7 SYNs of a flood, --max-connections 100000")
    with open(os.devnull, "w") as null:
        maker = subprocess.Popen([os.path.join(build, "tests/bench/generate"), *options, "-"],
                                 stdout=subprocess.PIPE, stderr=null)
        reader = subprocess.Popen([os.path.join(build, "tcpwhy"), *limit, "--format", "json", "-"],
                                  stdin=maker.stdout, stdout=subprocess.PIPE, stderr=null)
        maker.stdout.close()
        last = b""
        for line in reader.stdout:
            last = line
        _, _, used = os.wait4(reader.pid, 0)
        maker.wait()
    summary = json.loads(last)
    print("%d connections told, %d of them pushed out by the limit, %.1f MB" %
          (summary["connections"], summary["evicted"], used.ru_maxrss * 1024 / 1e6))
    return {"connections": summary["connections"], "evicted": summary["evicted"],
            "peak": used.ru_maxrss * 1024}


def touch():
    """Seconds that the first touch of fresh memory takes, in huge pages where there are any."""
    ones = b"1" * (TOUCHED_BYTES // mmap.PAGESIZE)
    with mmap.mmap(-1, TOUCHED_BYTES, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS) as fresh:
        if hasattr(mmap, "MADV_HUGEPAGE"):
            fresh.madvise(mmap.MADV_HUGEPAGE)
        begin = time.monotonic()
        fresh[::mmap.PAGESIZE] = ones
        return time.monotonic() - begin


def first_touch():
    time.sleep(PAUSE_S)
    with concurrent.futures.ProcessPoolExecutor(1) as other:  # its peak is no command's
        paused, again = other.submit(touch).result(), other.submit(touch).result()
    print("first touch of %d MB: %.0f ms after a pause, %.0f ms at once again" %
          (TOUCHED_BYTES >> 20, paused * 1e3, again * 1e3))
    return {"paused": paused, "again": again}


def memory(build):
    figures = {}
    program = os.path.join(build, "tcpwhy")
    few, _ = capture(build, "held-1000", HELD + ["--connections", "1000", "--live", "1000"])
    many, _ = capture(build, "held-1000000",
                      HELD + ["--connections", "1000000", "--live", "1000000"])
    print("\npeak memory of a million open connections, less that of a thousand")
    for form in ("text", "json"):
        peaks = [measure([program, "read", "--format", form, path])[2] for path in (few, many)]
        figures[form] = (peaks[1] - peaks[0]) / 999000
        print("--format %-6s %6.0f bytes by connection" % (form, figures[form]))
    return figures


def compare(new, old):
    print("\nbeside the earlier run")
    for name in new.get("speed", {}):
        for row, (seconds, _, peak) in new["speed"][name]["rows"].items():
            before = old.get("speed", {}).get(name, {}).get("rows", {}).get(row)
            if before:
                print("%-6s %-28s time %+6.1f %%, memory %+6.1f %%" %
                      (name, row, (seconds / before[0] - 1) * 100, (peak / before[2] - 1) * 100))


def main():
    parser = argparse.ArgumentParser(add_help=False)
    for flag in ("peers", "growth", "memory", "no-speed"):
        parser.add_argument("--" + flag, action="store_true")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--save")
    parser.add_argument("--compare")
    parser.add_argument("-h", "--help", action="store_true")
    parser.add_argument("build", nargs="?")
    args = parser.parse_args()
    if args.help or not args.build:
        print(__doc__)
        sys.exit(0 if args.help else 2)
    build = os.path.abspath(args.build)
    with open("/proc/cpuinfo") as file:
        cpu = next((line.split(":")[1].strip() for line in file if line.startswith("model name")),
                   "unknown processor")
    print("Linux %s, %s, %d cores" % (platform.release(), cpu, os.cpu_count()))
    figures = {"first touch": first_touch()}
    if not args.no_speed:
        figures["speed"] = speed(build, args.rounds, args.peers)
    if args.growth:
        figures["growth"] = growth(build, args.rounds)
        figures["flood"] = flood(build)
    if args.memory:
        figures["memory"] = memory(build)
    if args.save:
        with open(args.save, "w") as file:
            json.dump(figures, file, indent=1)
    if args.compare:
        with open(args.compare) as file:
            compare(figures, json.load(file))


if __name__ == "__main__":
    main()
