#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""usage: make.py PROGRAM TEMPLATE OUTPUT

Fill the lists of the man page (@COMMAND_OPTIONS@, @SERVER_ACTIONS@, @SERVER_SOCKET_OPTIONS@) from the
program's own --help, which is printed from its tables: the page cannot say something else than the
program."""
import re
import subprocess
import sys


HEADINGS = {"OPTIONS": "\noptions:\n", "ACTIONS": "\nactions, [^\n]*:\n",
            "SOCKET_OPTIONS": "\nsocket options:\n"}


def part(command, name):
    """The part of a command's --help under a heading, as roff."""
    text = subprocess.run([program, command, "--help"], stdout=subprocess.PIPE, check=True,
                          text=True).stdout
    rows = re.split(HEADINGS[name], text, maxsplit=1)[1].split("\n\n", 1)[0]
    roff = rows.replace("\\", "\\e").replace("-", "\\-")
    return "\n".join("\\&" + line if line[:1] in ".'" else line for line in roff.splitlines())


program, template, output = sys.argv[1:4]
with open(template, encoding="utf-8") as f:
    page = f.read()
page = re.sub("@([A-Z]+)_(OPTIONS|ACTIONS|SOCKET_OPTIONS)@",
              lambda found: part(found.group(1).lower(), found.group(2)), page)
with open(output, "w", encoding="utf-8") as f:
    f.write(page)
