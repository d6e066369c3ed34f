#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Run the whole lab on Debian 12's own kernel (6.1), under an emulator: usage tests/kernel.sh PROGRAM
#
# No privilege and no KVM is needed: QEMU runs the kernel's image from its Debian package with an
# initramfs of busybox, PROGRAM with its libraries, and the scenarios. The clock of the guest is as
# fast as the emulator lets it be, so one scenario runs at a time. The last lines and the exit status
# are the lab's own.
set -eu
program=$(realpath "$1")
cd "$(dirname "$0")/.."
. tests/setup.sh
setup_packages "qemu-system-x86 busybox-static cpio kmod"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# The kernel: its package is unpacked, not installed.
name=$(apt-cache depends linux-image-cloud-amd64 | sed -n 's/.*Depends: \(linux-image-6\.1[^ ]*\).*/\1/p' | head -n 1)
[ -n "$name" ] || { echo "no linux-image-6.1 package: is this Debian 12?" >&2; exit 77; }
(cd "$work" && apt-get download "$name" >/dev/null 2>&1 && dpkg-deb -x "$name"_*.deb kernel)
image=$(echo "$work"/kernel/boot/vmlinuz-*)
release=${image##*/vmlinuz-}

# The initramfs.
root=$work/root
mkdir -p "$root/bin" "$root/proc" "$root/sys" "$root/dev" "$root/tmp" "$root/modules"
cp /bin/busybox "$root/bin/"
cp "$program" "$root/bin/tcpwhy"
cp -r scenarios "$root/scenarios"
ldd "$program" | grep -o '/[^ ]*' | while read -r library; do
    mkdir -p "$root$(dirname "$library")"
    cp -L "$library" "$root$library"
done
for module in veth inet_diag tcp_diag tun; do
    find "$work/kernel/lib/modules/$release" -name "$module.ko*" -exec cp {} "$root/modules/" \;
done
cat >"$root/init" <<'INIT'
#!/bin/busybox sh
/bin/busybox --install -s /bin
mount -t proc none /proc
mount -t sysfs none /sys
mount -t devtmpfs none /dev
mkdir -p /dev/net
for module in inet_diag tcp_diag veth tun; do
    [ -f /modules/$module.ko ] && insmod /modules/$module.ko
done
ip link set lo up
export TCPWHY_SCENARIOS=/scenarios
uname -r
tcpwhy lab --all --jobs 1
echo "exit status $?"
poweroff -f
INIT
chmod +x "$root/init"
(cd "$root" && find . | cpio -o -H newc --quiet | gzip -1) >"$work/initramfs"

qemu-system-x86_64 -accel tcg -cpu max -smp 1 -m 512 -nographic -no-reboot \
    -kernel "$image" -initrd "$work/initramfs" \
    -append "console=ttyS0 quiet panic=-1 random.trust_cpu=on" </dev/null | tr -d '\r' |
    tee "$work/said"
grep -qx 'exit status 0' "$work/said"
