#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""usage: send_test.py PROGRAM [--network]

tcpwhy send: what it shows, what it writes (held against tshark where there is one), what it refuses.
With --network: what it really sends, on the loopback interface of a network namespace made for
it, and what the kernel answers. Skipped where such a namespace is not allowed."""
import fcntl
import json
import os
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import threading

import corpus

SIOCSIFFLAGS = 0x8914
IFF_UP = 1


def send(program, *args):
    """(exit status, standard output, standard error) as text."""
    status, out, err = corpus.run(program, "send", *args)
    return status, out.decode(), err.decode()


def flat(text):
    return " ".join(text.split())


def packets(program, path):
    _, out, _ = corpus.run(program, "read", "--format", "packets", "--absolute", path)
    return [r for r in map(json.loads, out.splitlines()) if r["type"] == "packet"]


def check_text(checks, program):
    status, out, _ = send(program, "--src", "192.0.2.7:4660", "--dst", "198.51.100.8:80", "--flags",
                          "syn,ece", "--seq", "4294967295", "--window", "513", "--options",
                          "mss 1400,nop,ws 9", "--ttl", "17", "--ip-id", "48879", "--tos", "2",
                          "--no-df", "--urgent", "5", "--reserved", "4", "--payload", r'a\r\n"b"')
    text = flat(out)
    checks.that("a field-by-field segment is crafted", status == 0, status)
    for words in ("192.0.2.7:4660 > 198.51.100.8:80, 54 bytes",
                  "0 45 version and header length: version 4",
                  "1 02 type of service: differentiated services 0 (RFC 2474); ECN 2, ECT(0)",
                  "2 00 36 total length: 54 octets",
                  "4 be ef identification: 48879",
                  "6 00 00 flags and fragment offset: DF clear",
                  "8 11 time to live: 17", "9 06 protocol: 6, TCP",
                  "12 c0 00 02 07 source address: 192.0.2.7",
                  "16 c6 33 64 08 destination address: 198.51.100.8",
                  "20 12 34 source port number: 4660", "22 00 50 destination port number: 80",
                  "24 ff ff ff ff sequence number: 4294967295. SYN is set, so this is the initial",
                  "28 00 00 00 00 acknowledgment number: 0; the ACK bit is not set",
                  "32 78 data offset and reserved bits: offset 7",
                  "Reserved for future use: 4, must be zero",
                  "33 42 control bits: ECE, ECN-echo; SYN, synchronize sequence numbers",
                  "34 02 01 window: 513,", "38 00 05 urgent pointer: 5; the URG bit is not set",
                  "40 02 04 05 78 option mss 1400: maximum segment size",
                  "44 01 option nop:", "45 03 03 09 option ws 9: window scale", "times 512",
                  '48 61 0d 0a 22 data: 6 octets, "a\\r\\n\\"b\\""',
                  "zero, protocol 6 0006", "TCP length 34 0022", "fold the carry in",
                  "right: a receiver adds everything"):
        checks.that("the explanation says '%s'" % words, words in text, out)
    checks.that("80 columns", max(map(len, out.splitlines())) <= 80)


def check_notation(checks, program):
    _, by_line, _ = send(program, 'S>C P. 1:6(5) ack 9 <nop,nop,ts 5 6> raw-win 7 payload "hello"')
    _, by_options, _ = send(program, "--src", "10.0.0.2:9000", "--dst", "10.0.0.1:50001", "--flags",
                            "P.", "--seq", "1", "--ack", "9", "--options", "<nop,nop,ts 5 6>",
                            "--window", "7", "--payload-hex", "68656c6c6f", "--ip-id", "8205")
    checks.that("a line and options say the same", by_line.split("IPv4 header", 1)[1] ==
                by_options.split("IPv4 header", 1)[1], by_line + by_options)
    checks.that("the line is told again", by_line.startswith("S>C P. 1:6(5) ack 9 <nop,nop,ts 5 6> raw-win 7\n"),
                by_line)
    _, out, _ = send(program, "--isn", "1000", "--peer-isn", "5000", "C>S . 1 ack 1 <sack 10:20>")
    checks.that("numbers are relative to the ISNs", "sequence number: 1001," in out and
                "acknowledgment number: 5001," in out and "option sack 5010:5020" in out, out)
    _, out, _ = send(program, "--ttl", "9", "--flags", "R", "C>S S 0 ttl 3 sum bad")
    checks.that("options hold over the line", "time to live: 9" in out and
                "control bits: RST" in out and "WRONG" in out, out)
    _, out, _ = send(program, "--checksum", "good", "C>S S 0 sum bad")
    checks.that("also over its checksum", "WRONG" not in out, out)
    _, out, _ = send(program, "--flags", "-", "--options", "")
    checks.that("no flags, no options", "control bits: none" in out and "40 bytes" in out, out)
    _, out, _ = send(program, "--dst", "[2001:db8::7]:443", "--ip-length", "9")
    checks.that("IPv6", "IPv6 header, 40 bytes" in out and "zero, next header 6" in out and
                "It lies: there are 40" in out, out)
    _, out, _ = send(program, "--payload-length", "1000")
    checks.that("long data is cut where it is shown", "and 936 more" in out and
                "more words" in out, out)


def check_usage(checks, program, folder):
    for args, words in (
            (["--flags", "X"], "no set of flags"),
            (["--flags", "S "], "no set of flags"),
            (["--flags", ""], "no set of flags"),
            (["--flags", "SS"], "no set of flags"),
            (["--options", "mss 70000"], "too large"),
            (["--options", "nonsense"], "no such option"),
            (["--options", "nop> nop"], "nothing may follow"),
            (["--options", "nop nop"], "a comma or >"),
            (["C>S X 0"], "column 5"),
            (["0 C>S X 0"], "column 7"),
            (["C>S", "S", "0"], "in quotes"),
            (["C>S S 0 vlan 7"], "no part of a segment"),
            (["C>S S 0 icmp 3/1 from 10.0.0.1"], "no part of a segment"),
            (["C>S S 0 win 70000"], "does not fit"),
            (["--payload", "a", "--payload-hex", "61"], "exclude each other"),
            (["--payload-hex", "6g"], "in pairs"),
            (["--payload", "a" * 257], "too many bytes"),
            (["--payload", "abc", "--payload-length", "2"], "--payload-length says 2"),
            (["--payload-length", "65495"], "longer than its IP length field"),
            (["--doff", "21"], "words of 4"),
            (["--seq", "4294967296"], "--seq"),
            (["--src", "[::1]:1", "--dst", "10.0.0.1:2"], "IPv6"),
            (["--dst", "10.0.0.1"], "no address with a port"),
            (["--dst", "localhost:1"], "not looked up"),
            (["--to", "127.0.0.1:1", "--dst", "127.0.0.1:1"], "exclude each other"),
            (["--to", "127.0.0.1:1", "--wait", "-1"], "--wait"),
            (["--to", "127.0.0.1:1", "--wait", "4000"], "--wait"),
            (["--wait", "1"], "goes with --to"),
            (["--beyond-this-host"], "goes with --to"),
            (["--to", "127.0.0.1:1", "--ip-checksum", "bad"], "cannot be sent"),
            (["--to", "127.0.0.1:1", "--ip-length", "0"], "cannot be sent")):
        status, out, err = send(program, *args)
        checks.that("refused with 2: %s" % " ".join(args)[:60], status == 2 and out == "" and
                    words in err and "\n  try: " in err, (status, out[:80], err))
    status, _, err = send(program, "--write", os.path.join(folder, "none", "x.pcap"))
    checks.that("a file that cannot be written is the system's error", status == 4 and
                "none/x.pcap" in err and "try:" in err, (status, err))
    if os.path.exists("/dev/full"):
        status, _, err = send(program, "--write", "/dev/full")
        checks.that("a full disk too", status == 4 and "No space" in err, (status, err))


def check_round_trip(checks, program, folder):
    path = os.path.join(folder, "segment.pcap")
    status, out, _ = send(program, "--write", path, "--seq", "77", "--ack", "99", "--flags", "FP.",
                          "--window", "600", "--payload", "hello", "--options", "")
    checks.that("--write explains and writes", status == 0 and "Wrote 1 packet to " in out and
                "sequence number: 77" in out, out)
    rows = packets(program, path)
    checks.that("read takes it back", len(rows) == 1 and
                {k: rows[0][k] for k in ("flags", "seq", "ack", "len")} ==
                {"flags": "FP.", "seq": 77, "ack": 99, "len": 5}, rows)
    status, out, err = corpus.run(program, "send", "--write", "-", "--seq", "78")
    with open(path, "wb") as f:
        f.write(out)
    rows = packets(program, path)
    checks.that("--write - gives the capture and nothing else", status == 0 and err == b"" and
                len(rows) == 1 and rows[0]["seq"] == 78, (out[:40], rows))


TSHARK_FIELDS = ("ip.src", "ip.dst", "ip.ttl", "ip.id", "ip.len", "ip.flags.df", "ip.dsfield",
                 "ip.checksum.status", "tcp.srcport", "tcp.dstport", "tcp.seq_raw", "tcp.ack_raw",
                 "tcp.hdr_len", "tcp.flags", "tcp.window_size_value", "tcp.urgent_pointer",
                 "tcp.checksum", "tcp.checksum.status", "tcp.options.mss_val", "tcp.payload")


def tshark(path):
    command = ["tshark", "-r", path, "-o", "tcp.check_checksum:TRUE", "-o", "ip.check_checksum:TRUE",
               "-T", "fields", "-E", "separator=|"]
    for field in TSHARK_FIELDS:
        command += ["-e", field]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    return dict(zip(TSHARK_FIELDS, done.stdout.rstrip("\n").split("|")))


def check_tshark(checks, program, folder):
    if not shutil.which("tshark"):
        print("without tshark: what is written is not held against it")
        return
    path = os.path.join(folder, "tshark.pcap")
    given = ["--src", "192.0.2.7:4660", "--dst", "198.51.100.8:80", "--flags", "FUe.", "--seq",
             "3000000000", "--ack", "77", "--window", "513", "--options", "mss 1400", "--ttl", "17",
             "--ip-id", "48879", "--tos", "184", "--no-df", "--urgent", "5", "--reserved", "5",
             "--payload", "odd", "--write", path]
    _, out, _ = send(program, *given)
    found = tshark(path)
    expected = {"ip.src": "192.0.2.7", "ip.dst": "198.51.100.8", "ip.ttl": "17", "ip.id": "0xbeef",
                "ip.len": "47", "ip.flags.df": "0", "ip.dsfield": "0xb8", "ip.checksum.status": "1",
                "tcp.srcport": "4660", "tcp.dstport": "80", "tcp.seq_raw": "3000000000",
                "tcp.ack_raw": "77", "tcp.hdr_len": "24", "tcp.flags": "0x0b31",
                "tcp.window_size_value": "513", "tcp.urgent_pointer": "5",
                "tcp.checksum.status": "1", "tcp.options.mss_val": "1400",
                "tcp.payload": "6f6464"}
    for field, value in expected.items():
        checks.that("tshark: %s is %s" % (field, value), found.get(field) in
                    (value, {"0": "False", "1": "True"}.get(value)), found.get(field))
    checks.that("tshark finds the checksum that is explained",
                "checksum: %s," % found["tcp.checksum"] in out, found["tcp.checksum"])
    for args, field in ((["--checksum", "bad"], "tcp.checksum.status"),
                        (["--ip-checksum", "bad"], "ip.checksum.status")):
        _, out, _ = send(program, *given, *args)
        checks.that("tshark says bad with " + " ".join(args), tshark(path)[field] == "0" and
                    "WRONG" in out, tshark(path)[field])
    send(program, *given, "--checksum", "partial")
    done = subprocess.run(["tshark", "-r", path, "-V", "-o", "tcp.check_checksum:TRUE"],
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    checks.that("tshark says partial", "checksum offload" in done.stdout.lower(),
                [l for l in done.stdout.splitlines() if "hecksum" in l])


def check_privilege(checks, program, folder):
    """As nobody, without capabilities: whatever is broken, nothing can leave this host."""
    os.chmod(folder, 0o755)
    copy = os.path.join(folder, "tcpwhy")
    shutil.copy(program, copy)

    def become_nobody():
        if os.geteuid() == 0:
            os.setgroups([])
            os.setgid(65534)
            os.setuid(65534)

    for words, status, *args in (
            ("CAP_NET_RAW", 4, "--to", "127.0.0.1:1"),
            ("sudo", 4, "--to", "[::1]:1"),
            # Addresses for documentation: no machine has them.
            ("--beyond-this-host", 2, "--to", "192.0.2.77:1"),
            ("--beyond-this-host", 2, "--to", "[2001:db8::77]:1"),
            ("--beyond-this-host", 2, "--to", "127.0.0.1:1", "--src", "192.0.2.77:1"),
            ("CAP_NET_RAW", 4, "--to", "192.0.2.77:1", "--src", "127.0.0.1:1",
             "--beyond-this-host")):
        done = subprocess.run([copy, "send", *args], preexec_fn=become_nobody,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        checks.that("as nobody: %s gives %d and says what to do" % (" ".join(args), status),
                    done.returncode == status and done.stdout == "" and words in done.stderr and
                    "\n  try: " in done.stderr, (done.returncode, done.stderr))


def loopback_up():
    with socket.socket() as any_socket:
        fcntl.ioctl(any_socket, SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", IFF_UP))


def exchange(program, path, *args):
    """(what was printed, flattened; the packets of the capture)."""
    status, out, err = send(program, "--wait", "0.3", "--write", path, *args)
    if status != 0:
        return flat(out + err), []
    return flat(out), packets(program, path)


def check_answers(checks, program, folder):
    """What RFC 9293, section 3.10.7.1, asks of a host for segments without a connection."""
    path = os.path.join(folder, "exchange.pcap")
    for host in ("127.0.0.1", "[::1]"):
        to = ["--to", host + ":9"]
        text, rows = exchange(program, path, *to, "--flags", "S", "--seq", "1000")
        checks.that(host + ": a SYN to a closed port: SEQ=0, ACK=SEG.SEQ+SEG.LEN",
                    len(rows) == 2 and (rows[1]["flags"], rows[1]["seq"], rows[1]["ack"]) ==
                    ("R.", 0, 1001) and "S>C R. 0 ack 1001 win 0" in text, (text, rows))
        text, rows = exchange(program, path, *to, "--flags", ".", "--seq", "77", "--ack", "518")
        checks.that(host + ": an ACK without a connection: SEQ=SEG.ACK, no ACK",
                    len(rows) == 2 and (rows[1]["flags"], rows[1]["seq"], rows[1]["ack"]) ==
                    ("R", 518, None) and "S>C R 518 win 0 RFC 9293, section 3.10.7.1" in text,
                    (text, rows))
        text, rows = exchange(program, path, *to, "--flags", "F", "--seq", "1000", "--payload",
                              "hello")
        checks.that(host + ": FIN and data without ACK: SEG.LEN counts both",
                    len(rows) == 2 and (rows[1]["flags"], rows[1]["ack"]) == ("R.", 1006),
                    (text, rows))
        text, rows = exchange(program, path, *to, "--flags", "R", "--seq", "1000")
        checks.that(host + ": a RST is discarded", len(rows) == 1 and
                    "nothing: a reset is never answered" in text, (text, rows))
        text, rows = exchange(program, path, *to, "--checksum", "bad")
        checks.that(host + ": a wrong checksum is dropped", len(rows) == 1 and
                    "nothing: the checksum is wrong" in text, (text, rows))


def check_listener(checks, program, folder):
    path = os.path.join(folder, "listener.pcap")
    with socket.create_server(("127.0.0.1", 9000)):
        text, rows = exchange(program, path, "--to", "127.0.0.1:9000", "--seq", "1000")
    checks.that("a SYN to a listener: SYN-ACK, then this host's own reset",
                [r["flags"] for r in rows[:3]] == ["S", "S.", "R"] and rows[1]["ack"] == 1001 and
                rows[2]["seq"] == 1001 and "something listens there" in text and
                "from this host itself" in text, (text, rows))


def check_wire(checks, program):
    """What arrives is what was explained: a raw socket of our own looks."""
    heard = []
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_TCP) as raw:
        raw.settimeout(5)

        def listen():
            try:
                heard.append(raw.recv(65536))
            except socket.timeout:
                pass

        thread = threading.Thread(target=listen)
        thread.start()
        _, out, _ = send(program, "--to", "127.0.0.1:9", "--wait", "0.1", "--ip-id", "7")
        thread.join()
    shown = []
    for line in out.split("\nHow the TCP", 1)[0].splitlines():
        if line[:6].strip().isdigit() and line[6:8] == "  ":
            shown += line[8:19].split()
    checks.that("the bytes that arrive are those explained", heard and
                heard[0].hex() == "".join(shown), (heard, shown))


def check_beyond(checks, program):
    for command in ("link add near type veth peer name far", "addr add 10.9.9.1/24 dev near",
                    "link set near up", "link set far up"):
        subprocess.run(["ip", *command.split()], check=True)
    status, out, err = send(program, "--to", "10.9.9.7:80")
    checks.that("a neighbour is beyond this host", status == 2 and out == "", (status, err))
    status, out, err = send(program, "--to", "10.9.9.7:80", "--beyond-this-host", "--wait", "0.1")
    checks.that("--beyond-this-host lets it through", status == 0 and
                "10.9.9.1:50001 > 10.9.9.7:80" in out, (status, err))
    status, out, err = send(program, "--to", "10.9.9.1:80", "--wait", "0.1")
    checks.that("an address of an interface is this host", status == 0 and "S>C R." in out,
                (status, err))
    status, _, err = send(program, "--to", "192.0.2.1:80", "--beyond-this-host")
    checks.that("no route: 4, and where to look", status == 4 and "ip route get" in err,
                (status, err))


def inside(program):
    """In a user and network namespace of our own."""
    checks = corpus.Checks()
    status, _, err = send(program, "--to", "127.0.0.1:9")
    checks.that("a loopback that is down: 4, and what to do", status == 4 and
                "ip link set lo up" in err, (status, err))
    loopback_up()
    with tempfile.TemporaryDirectory() as folder:
        check_answers(checks, program, folder)
        check_listener(checks, program, folder)
    check_wire(checks, program)
    if shutil.which("ip"):
        try:
            check_beyond(checks, program)
        except subprocess.CalledProcessError:
            print("no veth interface here: --beyond-this-host is not tried")
    checks.done()


def network(program):
    inner = ["unshare", "-Urn", sys.executable, os.path.abspath(__file__), program, "--inside"]
    if not shutil.which("unshare"):
        corpus.skip("no unshare")
    probe = subprocess.run(["unshare", "-Urn", "true"], stderr=subprocess.PIPE, text=True)
    if probe.returncode != 0:
        corpus.skip("no user and network namespace here: " + probe.stderr.strip())
    sys.exit(subprocess.run(inner).returncode)


def main():
    program = os.path.abspath(sys.argv[1])
    if "--inside" in sys.argv:
        inside(program)
    if "--network" in sys.argv:
        network(program)
    checks = corpus.Checks()
    check_text(checks, program)
    check_notation(checks, program)
    with tempfile.TemporaryDirectory() as folder:
        check_usage(checks, program, folder)
        check_round_trip(checks, program, folder)
        check_tshark(checks, program, folder)
        check_privilege(checks, program, folder)
    checks.done()


main()
