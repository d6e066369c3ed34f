# SPDX-License-Identifier: BSD-2-Clause
# Sourced by ./demo and ./check: install the Debian packages that are missing.

# To build and run.
SETUP_BUILD="gcc meson ninja-build pkg-config libpcap-dev zlib1g-dev libzstd-dev liblz4-dev libssl-dev"
# To test and analyse.
SETUP_CHECK="libcmocka-dev clang-14 clang clang-tidy clang-format libclang-rt-14-dev cppcheck tshark python3 python3-jsonschema g++ git curl netcat-openbsd iperf3 nodejs iproute2 strace"

# Print those of the packages that are not installed.
setup_missing() {
    for package in $1; do
        dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null | grep -q '^installed$' ||
            printf '%s ' "$package"
    done
}

# Install what is missing: as root, or through sudo where that asks nothing or there is a terminal.
setup_packages() {
    if ! command -v dpkg-query >/dev/null 2>&1; then
        echo "not a Debian-like system: please see that these are there: $1" >&2
        return 0
    fi
    missing=$(setup_missing "$1")
    [ -z "$missing" ] && return 0
    echo "installing: $missing"
    as_root=""
    if [ "$(id -u)" -ne 0 ]; then
        if ! command -v sudo >/dev/null 2>&1; then
            echo "missing packages; as root: apt-get install $missing" >&2
            return 1
        fi
        as_root="sudo"
    fi
    $as_root apt-get update -qq </dev/null &&
        $as_root env DEBIAN_FRONTEND=noninteractive \
            apt-get install -y -qq --no-install-recommends $missing </dev/null >/dev/null
    missing=$(setup_missing "$1")
    [ -z "$missing" ] && return 0
    echo "could not install: $missing" >&2
    echo "  try: apt-get install $missing" >&2
    return 1
}
