#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Print "passed failed skipped" of a Meson test log in JSON Lines.
exec awk '
    /"result": "(OK|EXPECTEDFAIL)"/ { passed++; next }
    /"result": "SKIP"/ { skipped++; next }
    { failed++ }
    END { print passed + 0, failed + 0, skipped + 0; exit NR == 0 }
' "$1"
