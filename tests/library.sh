#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# The library explains a crafted capture through the example, which knows only its public header.
# Arguments: craft-capture, explain, the folder of the golden captures.
set -e
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT

"$1" "$3/article-1a-closed-port.txt" "$3/article-4a-four-segments.txt" "$out/two.pcap"
"$2" "$out/two.pcap" >"$out/said"
cat "$out/said"
grep -q '^#1 10.0.0.1:50101 -> 10.0.0.2:8888: ' "$out/said"
grep -q '^  open.refused.port-closed, likely$' "$out/said"
grep -q '^#4 10.0.0.1:50401 -> 10.0.0.2:8888: ' "$out/said"
grep -q '^  end.fin.four-way, proved$' "$out/said"
grep -q '^2 connections, libtcpwhy ' "$out/said"
! grep -q '{' "$out/said" # a placeholder that nobody filled
