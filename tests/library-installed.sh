#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# The example builds against what is installed, with what pkg-config says, shared and static; the
# shared library exports the header's functions and nothing else.
# Arguments: build folder, examples/explain.c, include/tcpwhy.h.
set -e
if ! command -v pkg-config >/dev/null || ! pkg-config --exists libpcap; then
    echo "skipped: pkg-config or libpcap.pc is missing"
    exit 77
fi
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT

meson install -C "$1" --no-rebuild --quiet --destdir "$out"
pc=$(find "$out" -name tcpwhy.pc)
PKG_CONFIG_PATH=$(dirname "$pc")${PKG_CONFIG_PATH:+:$PKG_CONFIG_PATH}
export PKG_CONFIG_PATH
prefix=$out$(pkg-config --variable=prefix tcpwhy)
flags=$(pkg-config --define-variable=prefix="$prefix" --cflags --libs tcpwhy libpcap)
lib=$(dirname "$(dirname "$pc")")

# shellcheck disable=SC2086 # flags are words
${CC:-cc} "$2" $flags -o "$out/explain"
LD_LIBRARY_PATH=$lib "$out/explain" 2>/dev/null && exit 1 # no argument: usage
# shellcheck disable=SC2046
${CC:-cc} "$2" -I"$prefix/include" "$lib/libtcpwhy.a" -lpcap -o "$out/explain-static"

nm -D --defined-only "$lib/libtcpwhy.so" | sed -n 's/.* [A-Z] //p' | sort >"$out/exported"
sed -n 's/.*\(tcpwhy_[a-z_]*\)(.*/\1/p' "$3" | grep -v '^tcpwhy_$' | sort -u >"$out/declared"
diff "$out/declared" "$out/exported"
