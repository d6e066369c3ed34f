#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Fail when a folder of src/ includes a header from a folder on its right (ARCHITECTURE.md).
# Tests (*_test.c) are exempt; lab/ and cmd/ may include everything, and nobody includes them.
cd "$(dirname "$0")/.." || exit 2
status=0
allowed=""
for layer in base tcp source decode craft track peers judge report kernel; do
    allowed="$allowed|$layer"
    [ -d "src/$layer" ] || continue
    if grep -rnE '^#include "[a-z_]+/' "src/$layer" --include='*.[ch]' |
        grep -vE '^[^:]*_test\.c:' |
        grep -vE "#include \"(${allowed#|})/"; then
        status=1
    fi
done
if grep -rnE '^#include "(cmd|lab)/' src --include='*.[ch]' | grep -vE '^src/(cmd|lab|main\.c)'; then
    status=1
fi
exit $status
