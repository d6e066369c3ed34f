#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""usage: make.py PROGRAM TEMPLATE OUTPUT

Fill the options section of the man page from the program's own --help, which is printed from its
option tables: the page cannot say something else than the program."""
import subprocess
import sys

program, template, output = sys.argv[1:4]
text = subprocess.run([program, "read", "--help"], stdout=subprocess.PIPE, check=True,
                      text=True).stdout
options = text.split("options:\n", 1)[1].split("\n\n", 1)[0]
roff = options.replace("\\", "\\e").replace("-", "\\-")
roff = "\n".join("\\&" + line if line[:1] in ".'" else line for line in roff.splitlines())
with open(template, encoding="utf-8") as f:
    page = f.read()
with open(output, "w", encoding="utf-8") as f:
    f.write(page.replace("@READ_OPTIONS@", roff))
