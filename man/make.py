#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""usage: make.py PROGRAM TEMPLATE OUTPUT

Fill the options sections of the man page (@COMMAND_OPTIONS@) from the program's own --help,
which is printed from its option tables: the page cannot say something else than the program."""
import re
import subprocess
import sys


def options(command):
    """The options part of a command's --help, as roff."""
    text = subprocess.run([program, command, "--help"], stdout=subprocess.PIPE, check=True,
                          text=True).stdout
    rows = text.split("options:\n", 1)[1].split("\n\n", 1)[0]
    roff = rows.replace("\\", "\\e").replace("-", "\\-")
    return "\n".join("\\&" + line if line[:1] in ".'" else line for line in roff.splitlines())


program, template, output = sys.argv[1:4]
with open(template, encoding="utf-8") as f:
    page = f.read()
page = re.sub("@([A-Z]+)_OPTIONS@", lambda found: options(found.group(1).lower()), page)
with open(output, "w", encoding="utf-8") as f:
    f.write(page)
