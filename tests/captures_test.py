#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""usage: captures_test.py PROGRAM [--no-schema]

Every public capture, the malformed ones too: a result or an error of the house form, the same
through a pipe; JSON valid by docs/record.schema.json (which takes most of the time); default output
within 80 columns."""
import json
import os
import re
import sys

import corpus

ERROR = re.compile(rb"\Atcpwhy read: [^\n]+\n(  in:  [^\n]+\n)?(  try: [^\n]+\n)?\Z")


def validator():
    try:
        import jsonschema
    except ImportError:
        return None
    with open(os.path.join(corpus.ROOT, "docs", "record.schema.json")) as f:
        schema = json.load(f)
    return jsonschema.Draft7Validator(schema)


def check_records(checks, name, text, schema):
    kinds = []
    for line in text.decode("utf-8").splitlines():  # strict: invalid UTF-8 raises
        record = json.loads(line)
        kinds.append(record["type"])
        if schema:
            wrong = next(iter(schema.iter_errors(record)), None)
            checks.that(name + ": record by the schema", wrong is None,
                        wrong and "%s at %s in %s" % (wrong.message[:200], list(wrong.absolute_path),
                                                      line[:120]))
    checks.that(name + ": one summary, last", kinds.count("summary") == 1 and kinds[-1] == "summary")
    order = [k for k in kinds if k != "summary"]
    checks.that(name + ": connections before groups", order == sorted(order))
    return kinds.count("connection")


def check_capture(checks, program, name, path, schema):
    status, out, err = corpus.run(program, "read", "--format", "json", path)
    checks.that(name + ": exit status 0 or 3", status in (0, 3), status)
    checks.that(name + ": damaged means an error of the house form",
                bool(ERROR.match(err)) if status else err == b"", err)
    if out or status == 0:
        check_records(checks, name, out, schema)
    with open(path, "rb") as f:
        piped = corpus.run(program, "read", "--format", "json", "-", stdin=f.read())
    checks.that(name + ": a pipe gives the same", piped[0] == status and piped[1].replace(
        b"standard input", path.encode()) == out or status == 3, piped[0])
    status, out, err = corpus.run(program, "read", path)
    wide = [line for line in out.decode("utf-8").splitlines()[1:] if len(line) > 80]
    checks.that(name + ": default output within 80 columns", not wide, wide[:2])
    for form in ("packets", "csv", "ladder", "mermaid", "wireshark", "zeek"):
        status, out, err = corpus.run(program, "read", "--format", form, path)
        checks.that("%s: --format %s: exit status 0 or 3" % (name, form), status in (0, 3), status)
        out.decode("utf-8")


def main():
    program = sys.argv[1]
    checks = corpus.Checks()
    wanted = "--no-schema" not in sys.argv[2:]
    schema = validator() if wanted else None
    if wanted and schema is None:
        print("python3-jsonschema is not installed: records are parsed, not validated")
    for name, path in corpus.captures(corpus.shared()):
        check_capture(checks, program, name, path, schema)
    checks.done()


main()
