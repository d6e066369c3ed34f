#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""usage: jobs_test.py PROGRAM GENERATE [--captures] [--draws N] [--jobs LIST]

The same output to the byte, the same messages and exit status for --jobs 1, 2, 3 and 4, or those of
LIST (with commas): on generated captures with options drawn at random, whole, cut and through a slow
pipe; with --captures on every public capture."""
import argparse
import os
import random
import subprocess
import sys
import tempfile
import time

import corpus

FORMATS = ["text", "json", "csv", "packets", "ladder", "mermaid", "wireshark", "zeek"]


said = []  # by each run with the first number of jobs: how much


def same(checks, program, jobs_list, name, *args):
    one = corpus.run(program, "read", "--jobs", jobs_list[0], *args)
    said.append(len(one[1]))
    for jobs in jobs_list[1:]:
        other = corpus.run(program, "read", "--jobs", jobs, *args)
        for what, a, b in zip(("exit status", "output", "messages"), one, other):
            checks.that("%s: read %s: %s with --jobs %s" % (name, " ".join(args), what, jobs),
                        a == b, "%.200s" % (b,))


def drawn_capture(rnd, generate, folder):
    """A capture of some thousand packets; sometimes damaged at its end."""
    path = os.path.join(folder, "drawn")
    draw = {
        "--seed": rnd.randrange(1 << 30), "--connections": rnd.randrange(50, 1500),
        "--live": rnd.choice([1, 20, 400]), "--snap": rnd.choice([60, 96, 1500]),
        "--loss": rnd.choice([0, 5, 100]), "--reorder": rnd.choice([0, 5, 100]),
        "--reset": rnd.choice([0, 30, 500]), "--unanswered": rnd.choice([0, 5, 200]),
        "--idle": rnd.choice([0, 2, 50]), "--open": rnd.choice([0, 3, 300]),
        "--flood": rnd.choice([0, 0, 2000]), "--ipv6": rnd.choice([0, 100, 1000]),
        "--vlan": rnd.choice([0, 50]), "--format": rnd.choice(["pcap", "pcapng"]),
        "--exchanges": rnd.choice([1, 2, 12]), "--lifetime": rnd.choice([200, 16000]),
    }
    words = [str(w) for item in draw.items() for w in item]
    subprocess.run([generate, *words, path], check=True, stderr=subprocess.DEVNULL)
    if rnd.random() < 0.2:
        os.truncate(path, os.path.getsize(path) - rnd.randrange(1, 40))
    return path


def drawn_options(rnd):
    options = ["--format", rnd.choice(FORMATS)]
    if rnd.random() < 0.3:
        options += ["--max-connections", str(rnd.choice([1, 30, 300, 5000]))]
    if rnd.random() < 0.2:
        options += ["--filter", rnd.choice(["ip", "tcp port 443", "tcp[13] & 2 != 0"])]
    if rnd.random() < 0.2:
        options += [rnd.choice(["--conn", "--frame"]), str(rnd.randrange(1, 300))]
    if rnd.random() < 0.2:
        options += ["--fail-on", rnd.choice(["end.rst", "open.refused,open.unanswered"])]
    for flag in ("--all", "--absolute", "--zeek-checksums", "--peers=wireshark"):
        if rnd.random() < 0.15:
            options.append(flag)
    return options


def slow_pipe(program, path, jobs):
    """Output for an input that comes in pieces, with pauses."""
    with open(path, "rb") as file:
        data = file.read()
    with tempfile.TemporaryFile() as out:  # a pipe nobody reads meanwhile would fill and block
        done = subprocess.Popen([program, "read", "--jobs", jobs, "--format", "json", "-"],
                                stdin=subprocess.PIPE, stdout=out)
        step = len(data) // 20 + 1
        for at in range(0, len(data), step):
            done.stdin.write(data[at:at + step])
            done.stdin.flush()
            time.sleep(0.01)
        done.communicate()
        out.seek(0)
        return out.read()


def check_generated(checks, program, generate, draws, jobs_list):
    rnd = random.Random(4)
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(draws):
            path = drawn_capture(rnd, generate, folder)
            for _ in range(2):
                same(checks, program, jobs_list, "generated", *drawn_options(rnd), path)
        piped = [slow_pipe(program, path, jobs) for jobs in jobs_list]
        checks.that("a slow pipe: the same", piped[0] and piped.count(piped[0]) == len(piped))
        reader_goes_away(checks, program, path, jobs_list)


def reader_goes_away(checks, program, path, jobs_list):
    """A reader that has enough, as head: the end, and no error."""
    for jobs in jobs_list:
        done = subprocess.Popen([program, "read", "--jobs", jobs, "--format", "packets", path],
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        done.stdout.read(100)
        done.stdout.close()
        checks.that("nobody reads on, --jobs " + jobs, done.stderr.read() == b"")
        checks.that("... exit status", done.wait(60) == 0, done.returncode)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program", type=os.path.abspath)
    parser.add_argument("generate", type=os.path.abspath)
    parser.add_argument("--captures", action="store_true")
    parser.add_argument("--draws", type=int, default=40)
    parser.add_argument("--jobs", default="1,2,3,4")
    args = parser.parse_args()
    jobs_list = args.jobs.split(",")
    checks = corpus.Checks()
    if args.captures:
        rnd = random.Random(5)
        for name, path in corpus.captures(corpus.shared()):
            for options in (["--format", "json"], [], drawn_options(rnd)):
                same(checks, args.program, jobs_list, name, *options, path)
    else:
        check_generated(checks, args.program, args.generate, args.draws, jobs_list)
    checks.that("most say something", sum(n > 0 for n in said) > 0.8 * len(said),
                "%d of %d" % (sum(n > 0 for n in said), len(said)))
    checks.done()


if __name__ == "__main__":
    sys.exit(main())
