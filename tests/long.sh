# SPDX-License-Identifier: BSD-2-Clause
# Sourced by ./check --long: what takes longer than a coffee.

fuzz_seconds=${TCPWHY_FUZZ_SECONDS:-600}

# One target for its time, from its seed corpus; a finding fails the check and stays in the folder.
fuzz_one() {
    target=$1
    mkdir -p "out/fuzz/$target"
    "build-fuzz/tests/fuzz/$target" -max_total_time="$fuzz_seconds" -timeout=20 -entropic=0 -rss_limit_mb=4096 \
        -artifact_prefix="out/fuzz/$target-" -print_final_stats=1 \
        "out/fuzz/$target" "tests/fuzz/corpus/$target" 2>"out/fuzz/$target.log"
    status=$?
    grep -E 'stat::number_of_executed_units|ERROR|SUMMARY' "out/fuzz/$target.log"
    return $status
}

step "every frame of every capture against tshark" meson test -C build --no-rebuild --suite long
CC=gcc step "gcc, address and undefined sanitizers" \
    build build-gcc-sanitized -Db_sanitize=address,undefined
[ -f build-gcc-sanitized/build.ninja ] && run_tests build-gcc-sanitized --timeout-multiplier 10
CC=clang step "fuzz targets" build build-fuzz -Dfuzz=true -Db_lundef=false
mkdir -p out/fuzz
for program in build-fuzz/tests/fuzz/fuzz_*; do
    [ -f "$program" ] && [ -x "$program" ] || continue
    step "fuzz $(basename "$program") for $fuzz_seconds s" fuzz_one "$(basename "$program")"
done

# The lab over many runs, on this kernel and on Debian 12's own.
for mode in steady busy residue; do
    step "soak $mode" python3 tests/soak.py build/tcpwhy --$mode
done
step "every scenario on Linux 6.1, emulated" tests/kernel.sh build/tcpwhy
