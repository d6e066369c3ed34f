#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""usage: readme_test.py PROGRAM CRAFT README GOLDEN-FOLDER

Every `$ tcpwhy ...` block of the README shows just what the program prints."""
import os
import re
import shlex
import subprocess
import sys
import tempfile

import corpus


def blocks(text):
    """(arguments, expected output) of each block."""
    for match in re.finditer(r"^    \$ tcpwhy (.*)\n((?:    .*\n|\n)*)", text, re.M):
        lines = [line[4:] for line in match.group(2).rstrip("\n").split("\n")]
        yield shlex.split(match.group(1)), "\n".join(lines).rstrip("\n") + "\n"


def main():
    program, craft, readme, golden = [os.path.abspath(a) for a in sys.argv[1:5]]
    checks = corpus.Checks()
    with open(readme, encoding="utf-8") as f:
        text = f.read()
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([craft, os.path.join(golden, "end.rst.data-after-close.txt"),
                        os.path.join(folder, "example.pcap")], check=True,
                       stdout=subprocess.DEVNULL)
        for args, expected in blocks(text):
            done = subprocess.run([program, *args], cwd=folder, stdout=subprocess.PIPE, text=True,
                                  env=dict(os.environ, LC_ALL="C.UTF-8"))
            checks.that("README: tcpwhy " + " ".join(args), done.stdout == expected,
                        "prints:\n" + done.stdout)
    checks.done()


main()
