# SPDX-License-Identifier: BSD-2-Clause
"""What the tests in Python share: where the public captures are, how to skip, how to run."""
import os
import subprocess
import sys

SKIP = 77  # Meson's "skipped"

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def skip(reason):
    print("skipped: " + reason)
    sys.exit(SKIP)


def shared():
    """The folder with captures, truth and probes, or skip with the reason."""
    path = os.environ.get("TCPWHY_CORPUS") or os.path.join(os.path.dirname(ROOT), "shared")
    if not os.path.isdir(os.path.join(path, "captures")):
        skip("no public captures: set TCPWHY_CORPUS to a folder that holds captures/ and truth/")
    return path


def captures(folder):
    """(name, path) of every capture, by name."""
    where = os.path.join(folder, "captures")
    names = sorted(n for n in os.listdir(where) if not n.endswith((".tsv", ".md")))
    return [(n, os.path.join(where, n)) for n in names]


def run(program, *args, stdin=None, timeout=300):
    """(exit status, standard output, standard error) as bytes."""
    done = subprocess.run([program, *args], input=stdin, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, timeout=timeout)
    return done.returncode, done.stdout, done.stderr


class Checks:
    """Counts claims, prints those that fail, gives the exit status."""

    def __init__(self):
        self.held = 0
        self.broken = 0

    def that(self, claim, holds, found=""):
        if holds:
            self.held += 1
            return
        self.broken += 1
        if self.broken <= 40:
            print("not so: %s %s" % (claim, found))

    def done(self):
        print("%d held, %d did not" % (self.held, self.broken))
        sys.exit(1 if self.broken or not self.held else 0)
