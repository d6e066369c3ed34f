#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""usage: ends_test.py PROGRAM

tcpwhy server and client on loopback: every action, each errno as the kernel gives it, and other
programs as the other end (curl, nc, iperf3, python3, node). Ports are chosen by the system; waiting
is for lines and ends of processes, never for time."""
import ctypes
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading

import corpus

LIMIT = 60  # seconds until something that never comes is a failure


class End:
    """A program that runs, its lines as they come."""

    def __init__(self, *args, stdin=subprocess.DEVNULL, **more):
        self.lines = []
        self.news = threading.Condition()
        self.process = subprocess.Popen(args, stdin=stdin, stdout=subprocess.PIPE,
                                        stderr=subprocess.STDOUT, **more)
        self.reader = threading.Thread(target=self.read)
        self.reader.start()
        self.guard = threading.Timer(LIMIT, self.process.kill)
        self.guard.start()

    def read(self):
        for line in self.process.stdout:
            with self.news:
                self.lines.append(line.decode(errors="replace").rstrip("\n"))
                self.news.notify_all()
        with self.news:
            self.lines.append(None)
            self.news.notify_all()

    def await_line(self, pattern, times=1):
        """The match of the line number `times` with the pattern; None: the program ended before."""
        def found():
            hits = [m for m in (re.search(pattern, x) for x in self.lines if x) if m]
            return hits[times - 1:] or (self.lines and self.lines[-1] is None)
        with self.news:
            self.news.wait_for(found, LIMIT)
            hits = found()
        return hits[0] if isinstance(hits, list) and hits else None

    def end(self, number=None):
        """(status, whole text), after a signal if wanted."""
        if number:
            self.process.send_signal(number)
        status = self.process.wait()
        self.guard.cancel()
        self.reader.join()
        self.process.stdout.close()
        return status, "\n".join(x for x in self.lines if x is not None)


def calls(text):
    """(connection, call, rest) of each line of a call."""
    found = []
    for line in text.splitlines():
        match = re.match(r"\s*\d+\.\d{4}  (?:#(\d+)|   )\s* (\S+)\s*(.*)$", line)
        if match:
            found.append((int(match.group(1) or 0), match.group(2), match.group(3)))
    return found


def names(text, number=1):
    return [name for conn, name, _ in calls(text) if conn == number]


def moved(text, name):
    """Bytes of all lines of send or recv."""
    return sum(int(m.group(1)) for _, call, rest in calls(text) if call == name
               for m in [re.match(r"(\d+) bytes?", rest)] if m)


class Case:
    def __init__(self, program, checks):
        self.program = program
        self.checks = checks

    def server(self, *args, place="127.0.0.1:0"):
        end = End(self.program, "server", place, *args)
        match = end.await_line(r"listen +\S*:(\d+),")
        end.port = match.group(1) if match else "1"
        return end

    def client(self, port, *args, host="127.0.0.1", stdin=b""):
        done = subprocess.run([self.program, "client", host, str(port), *args], input=stdin,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=LIMIT)
        return done.returncode, done.stdout.decode(), done.stderr.decode()

    def both(self, on_accept, then, *client_args):
        """(server's text, client's text) of one connection."""
        server = self.server("--count", "1", "--on-accept", on_accept)
        _, out, err = self.client(server.port, "--then", then, *client_args)
        return server.end()[1], out + err

    def that(self, claim, holds, found=""):
        self.checks.that(claim, holds, found)


def check_usage(case):
    for args, word in (
            (["server"], "no port named"),
            (["server", "99999"], "99999"),
            (["server", "9000", "--on-accept", "ehco"], "did you mean echo"),
            (["server", "9000", "--on-accept", "pipe"], "clients only"),
            (["server", "9000", "--set", "keepaliv 1 1 1"], "did you mean keepalive"),
            (["server", "9000", "--timeout", "5"], "300ms"),
            (["server", "-4", "-6", "9000"], "exclude"),
            (["server", "-6", "127.0.0.1:9000"], "other IP version"),
            (["client", "localhost"], "no host and port"),
            (["client", "localhost", "99999"], "65535"),
            (["client", "localhost", "0"], "65535"),
            (["client", "localhost", "--", "-1"], "65535"),
            (["client", "localhost", "9000", "--then", "close, send 5"], "after"),
            (["client", "localhost", "9000", "--keepalive", "1,1"], "IDLE INTERVAL COUNT"),
            (["client", "localhost", "9000", "--from", "x"], "--from"),
            (["client", "localhost", "9000", "-n", "2"], "--then"),
            (["clint"], "client")):
        status, out, err = corpus.run(case.program, *args)
        case.that("%s is a usage error" % args,
                  status == 2 and word in err.decode() and out == b"", (status, err))
    for command in ("server", "client"):
        status, out, err = corpus.run(case.program, command, "--help")
        wide = [line for line in out.decode().splitlines() if len(line) > 80]
        case.that("%s --help" % command, status == 0 and err == b"" and b"half-close" in out
                  and b"keepalive IDLE INTERVAL COUNT" in out and not wide, wide)
    status, out, err = corpus.run(case.program, "client", "no.such.host.invalid", "9000")
    case.that("an unknown host is the system's error", status == 4 and b"getent" in err, err)


def check_conversation(case):
    server, client = case.both("echo", 'send "hello", recv 5, half-close, recv-all')
    case.that("an echo, call by call",
              names(client) == ["connect", "send", "recv", "shutdown", "recv", "close"]
              and names(server) == ["accept", "recv", "send", "recv", "close"], (server, client))
    case.that("what was said is shown", 'send      5 bytes "hello"' in client
              and 'recv      5 bytes "hello"' in client, client)
    case.that("states in the words of the RFC", "[ESTABLISHED]" in client
              and re.search(r"\[(FIN_WAIT_[12]|TIME_WAIT|CLOSED)\]", client)  # as fast as it is read
              and "[CLOSE_WAIT]" in server, (server, client))
    lines = dict((name, rest) for _, name, rest in calls(server))
    ends = re.search(r"(\S+) -> (\S+)", client).groups()
    case.that("both ends name the same addresses in the same order",
              "%s -> %s" % ends in lines["accept"], (ends, lines))
    server, client = case.both("recv, close", "send 1000, recv, send 5, recv, send 5")
    case.that("a closed peer: end of file, then one send goes, then EPIPE",
              [n for n in names(client)] == ["connect", "send", "recv", "send", "recv", "send",
                                             "close"]
              and "EPIPE" in client.splitlines()[5], client)
    server, client = case.both("recv, half-close, recv, send 5", "send 5, recv, send 7, recv")
    case.that("after a half-close the peer's data still comes, and sending fails with EPIPE",
              "recv      7 bytes" in server and "send      EPIPE" in server
              and "recv      end of file" in client, (server, client))
    server, client = case.both("send 9, sleep 1ms, repeat 5", "recv-all")
    case.that("repeat", moved(client, "recv") == 45 == moved(server, "send"), (server, client))
    server, client = case.both("discard", "send 300000")
    case.that("discard takes everything", moved(server, "recv") == 300000, server)
    server, client = case.both("flood", "recv 100000, close")
    case.that("flood goes on until the connection fails", moved(client, "recv") == 100000
              and re.search(r"send +(ECONNRESET|EPIPE)", server), server)


def check_ends(case):
    server, client = case.both("recv 1, abort", "send 1, recv, send 5, recv")
    case.that("an abort: ECONNRESET once, then EPIPE, then end of file",
              [match.group() for match in (re.match(r"\w+ of file|[A-Z]+", rest)
                                           for _, name, rest in calls(client)
                                           if name in ("send", "recv")) if match]
              == ["ECONNRESET", "EPIPE", "end of file"], client)
    case.that("the meaning stands beside", "the peer reset the connection" in client, client)
    server, client = case.both("recv 2, close", "send 5, recv")
    case.that("unread data at close resets", "3 bytes unread: the kernel resets" in server
              and "recv      ECONNRESET" in client, (server, client))
    server = case.server("--on-accept", "recv, exit 3")
    _, client, _ = case.client(server.port, "--then", "send 2, recv")
    status, text = server.end()
    case.that("exit leaves the closing to the kernel", status == 3 and "exit" in names(text)
              and "close" not in names(text) and "end of file" in client, (status, text, client))
    server = case.server("--on-accept", "recv 1, exit")
    _, client, _ = case.client(server.port, "--then", "send 2, recv")
    case.that("exit with unread data resets", server.end()[0] == 0
              and "ECONNRESET" in client, client)
    server = case.server("--on-accept", "recv, crash")
    _, client, _ = case.client(server.port, "--then", "send 2, recv")
    status, text = server.end()
    case.that("a crash looks like a close to the peer", status == -signal.SIGKILL
              and "crash" in names(text) and "end of file" in client, (status, text, client))
    server, client = case.both("recv 1, abort", "send 1, hold")
    case.that("hold learns of a reset without reading", "wait      ECONNRESET" in client, client)
    server, client = case.both("close", "hold 1ms, hold 1ms")
    server, client = case.both("recv 1, half-close, recv-all", "send 1, hold 300ms, close")
    case.that("hold sees that the peer ended, and stays in CLOSE_WAIT",
              re.search(r"wait +the peer sends no more", client) and "[CLOSE_WAIT]" in client,
              client)


def closed_port(family=socket.AF_INET, host="127.0.0.1"):
    """A port on which nothing listens, and the socket that keeps it so."""
    keeper = socket.socket(family)
    keeper.bind((host, 0))
    return keeper.getsockname()[1], keeper


def check_failures(case):
    port, keeper = closed_port()
    status, out, err = case.client(port, "--then", "send 5")
    case.that("refused: shown, and no failure of the program", status == 0
              and "to 127.0.0.1:%d: ECONNREFUSED: the host answered: nothing listens there" % port in out
              and names(out) == ["connect"] and err == "", (status, out, err))
    status, out, err = case.client(port, "--fail", "--then", "send 5")
    case.that("--fail makes it one", status == 1, status)
    status, out, err = case.client(port)
    case.that("as a pipe the lines go to standard error", out == "" and "ECONNREFUSED" in err,
              (out, err))
    keeper.close()
    server = case.server("--backlog", "1", "--no-accept")
    held = []
    for _ in range(2):
        held.append(socket.create_connection(("127.0.0.1", int(server.port))))
    case.that("--no-accept shows the queue", server.await_line(r"queue +2 connections wait") is
              not None, server.lines)
    status, out, _ = case.client(server.port, "--connect-timeout", "100ms", "--then", "send 5")
    case.that("a full queue leaves SYNs unanswered; --connect-timeout gives up",
              "[SYN_SENT]" in out and "ECANCELED" in out, out)
    status, out, _ = case.client(server.port, "--user-timeout", "300ms", "--then", "send 5")
    case.that("the user timeout ends it with ETIMEDOUT",
              re.search(r"connect +to \S+: ETIMEDOUT", out), out)
    status, _, err = corpus.run(case.program, "server", "127.0.0.1:" + server.port)
    case.that("a port that is taken", status == 4 and b"EADDRINUSE" in err
              and b"ss -ltnp" in err, (status, err))
    for sock in held:
        sock.close()
    server.end(signal.SIGINT)
    status, _, err = corpus.run(case.program, "server", "192.0.2.1:0")
    case.that("an address of another host", status == 4 and b"EADDRNOTAVAIL" in err, err)
    status, out, _ = case.client(1, "--from", "192.0.2.1", "--then", "close")
    case.that("the same of the client's end", "bind      192.0.2.1:0: EADDRNOTAVAIL" in out, out)


def check_addresses(case):
    try:
        port, keeper = closed_port(socket.AF_INET6, "::1")
    except OSError as why:
        print("skipped: IPv6: %s" % why)
        return
    keeper.close()
    server = case.server("--count", "1", place="[::1]:0")
    _, out, _ = case.client(server.port, "--then", "send 3, recv 3", host="[::1]")
    case.that("over IPv6", re.search(r"\[::1\]:\d+ -> \[::1\]:%s" % server.port, out)
              and moved(out, "recv") == 3, out)
    server.end()
    server = case.server("--count", "2", place="0")
    for host in ("127.0.0.1", "::1"):
        _, out, _ = case.client(server.port, "--then", "send 3, recv 3", host=host)
        case.that("a server without address takes %s" % host, moved(out, "recv") == 3, out)
    text = server.end()[1]
    case.that("and shows IPv4 as IPv4", re.search(r"accept +127\.0\.0\.1:\d+ -> 127", text), text)
    server = case.server("-6", "--timeout", "20s", place="0")
    _, out, _ = case.client(server.port, "--then", "close")
    case.that("-6 takes no IPv4", "ECONNREFUSED" in out, out)
    server.end(signal.SIGINT)
    server = case.server("-4", "--count", "1", place="0")
    _, out, _ = case.client(server.port, "--then", "close", host="::1")
    case.that("-4 takes no IPv6", "ECONNREFUSED" in out, out)
    _, out, _ = case.client(server.port, "-4", "--then", "close", host="localhost")
    case.that("a name", "127.0.0.1:" in out, out)
    server.end()


def sockets_of(pid):
    """Duplicates of a child's sockets; none, with the reason printed, where that is refused."""
    pidfd_getfd = 438  # on every architecture
    libc = ctypes.CDLL(None, use_errno=True)
    pidfd = os.pidfd_open(pid)
    found = []
    for name in os.listdir("/proc/%d/fd" % pid):
        if not os.readlink("/proc/%d/fd/%s" % (pid, name)).startswith("socket:"):
            continue
        fd = libc.syscall(pidfd_getfd, pidfd, int(name), 0)
        if fd < 0:
            print("skipped: keep-alive read back: pidfd_getfd: " + os.strerror(ctypes.get_errno()))
            break
        found.append(socket.socket(fileno=fd))
    os.close(pidfd)
    return found


def keepalive_of(sock):
    with sock:
        return [sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)] + [
            sock.getsockopt(socket.IPPROTO_TCP, option) for option in
            (socket.TCP_KEEPIDLE, socket.TCP_KEEPINTVL, socket.TCP_KEEPCNT)]


def check_options(case):
    port, keeper = closed_port()
    keeper.close()
    server = case.server("--count", "1", "--on-accept", "recv-all", "--keepalive", "71,72,73")
    client = End(case.program, "client", "127.0.0.1", server.port, "--from", str(port), "--set",
                 "nodelay", "--keepalive", "61,62,63", "--then",
                 "send 1, set rcvbuf 4096, hold 20s")
    match = client.await_line(r"connect +127\.0\.0\.1:(\d+) ->")
    case.that("--from chooses the local port", match and match.group(1) == str(port),
              client.lines)
    client.await_line(r"set +rcvbuf 4096")
    server.await_line("recv +1 byte")
    for who, end, want in (("a client's", client, [1, 61, 62, 63]),
                           ("an accepted", server, [1, 71, 72, 73])):
        found = [keepalive_of(sock) for sock in sockets_of(end.process.pid)]
        if found:
            case.that("%s socket has the wanted keep-alive" % who,
                      all(f == want for f in found), found)
    if shutil.which("ss"):
        text = subprocess.run(["ss", "-Htno", "sport = :%d" % port], stdout=subprocess.PIPE,
                              text=True).stdout
        case.that("keep-alive is on in the kernel", "timer:(keepalive,1min" in text, text)
        text = subprocess.run(["ss", "-Htno", "sport = :" + server.port], stdout=subprocess.PIPE,
                              text=True).stdout
        case.that("accepted sockets inherit it", "timer:(keepalive,1min1" in text, text)
    else:
        print("skipped: keep-alive as ss shows it: no ss (iproute2)")
    client.end(signal.SIGTERM)
    server.end()
    server = case.server("--count", "1", "--fast-open", "--on-accept", "recv, close")
    status, out, err = case.client(server.port, "--fast-open", "--then", "send 5, recv")
    case.that("fast open connects, with or without a cookie", "end of file" in out, (out, err))
    server.end()
    status, out, err = case.client(1, "--mptcp", "--then", "close")
    case.that("Multipath TCP, or why not", "ECONNREFUSED" in out or "EPROTONOSUPPORT" in out
              or "ENOPROTOOPT" in out, (out, err))


def check_many(case):
    server = case.server("--timeout", "50s")
    _, out, _ = case.client(server.port, "--count", "60", "--at-once", "20", "--then",
                            "send 200000, half-close, recv-all")
    each = [sum(int(m.group(1)) for conn, call, rest in calls(out)
                if call == "recv" and conn == number
                for m in [re.match(r"(\d+) bytes?", rest)] if m) for number in range(1, 61)]
    case.that("60 connections, 20 at once, are all echoed", each == [200000] * 60, each)
    case.that("and summed up", "60 connections, 0 still open; 12000000 bytes received, 12000000 "
              "sent" in out, out[-300:])
    idle = socket.create_connection(("127.0.0.1", int(server.port)))
    _, out, _ = case.client(server.port, "--then", "send 3, recv 3")
    case.that("one that is silent does not hold up another", moved(out, "recv") == 3, out)
    server.await_line(r"#62\s+close")
    status, text = server.end(signal.SIGINT)
    idle.close()
    case.that("Ctrl-C ends with a summary", status == 0 and "62 connections, 1 still open" in
              text.splitlines()[-1], text[-300:])
    server = case.server("--timeout", "1ms")
    status, text = server.end()
    case.that("--timeout ends like Ctrl-C", status == 0 and "0 connections" in text, text)


def check_pipe(case):
    data = os.urandom(3000000)
    server = case.server("--count", "1")
    done = subprocess.run([case.program, "client", "127.0.0.1", server.port], input=data,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=LIMIT)
    case.that("a pipe gives back every byte of an echo", done.stdout == data, len(done.stdout))
    server.end()
    server = case.server("--count", "1", "--on-accept", "send 5000000")
    client = subprocess.Popen([case.program, "client", "127.0.0.1", server.port],
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE)
    client.stdout.read(10)
    client.stdout.close()
    case.that("a reader that goes away ends a client quietly", client.wait(LIMIT) == 0 and
              b"tcpwhy client:" not in client.stderr.read(), client.returncode)
    client.stderr.close()
    server.end()
    server = subprocess.Popen([case.program, "server", "127.0.0.1:0", "--on-accept", "echo"],
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    port = int(re.search(rb"listen +\S*:(\d+),", server.stdout.readline()).group(1))
    server.stdout.close()
    for _ in range(50): # each makes the server write until it notices
        try:
            with socket.create_connection(("127.0.0.1", port)) as sock:
                sock.sendall(b"x")
                sock.recv(1)
        except OSError:
            break
    case.that("a closed output ends a server quietly", server.wait(LIMIT) == 0,
              server.returncode)


def check_bulk(case):
    server = case.server("--count", "1", "--on-accept", "discard")
    block = bytes(1 << 20)
    with socket.create_connection(("127.0.0.1", int(server.port))) as sock:
        for _ in range(50):
            sock.sendall(block)
    text = server.end()[1]
    case.that("50 MB into discard", moved(text, "recv") == 50 << 20, text[-300:])
    case.that("in few lines", len(text.splitlines()) < 100, len(text.splitlines()))
    server = case.server("--count", "1", "--on-accept", "recv-all", "--every-call")
    with socket.create_connection(("127.0.0.1", int(server.port))) as sock:
        sock.sendall(block)
    text = server.end()[1]
    case.that("--every-call has a line for each", "calls" not in text
              and moved(text, "recv") == 1 << 20 and len(text.splitlines()) > 10, text[-300:])


def tool(name):
    path = shutil.which(name)
    if not path:
        print("skipped: with %s: it is not installed" % name)
    return path


def check_curl(case):
    if not tool("curl"):
        return
    server = case.server("--count", "1", "--on-accept", 'recv, send "HTTP/1.0 200 OK\\r\\n'
                         'Content-Length: 6\\r\\n\\r\\nhello\\n", close')
    done = subprocess.run(["curl", "-s", "--noproxy", "*", "-m", "20",
                           "http://127.0.0.1:%s/x" % server.port], stdout=subprocess.PIPE)
    text = server.end()[1]
    case.that("curl takes an answer written with send", done.returncode == 0
              and done.stdout == b"hello\n" and "GET /x" in text, (done, text))
    server = case.server("--count", "1", "--on-accept", "recv, abort")
    done = subprocess.run(["curl", "-s", "--noproxy", "*", "-m", "20",
                           "http://127.0.0.1:%s/" % server.port], stdout=subprocess.PIPE)
    case.that("curl sees an abort as a failed receive (56)", done.returncode == 56, done)
    server.end()
    server = case.server("--count", "1", "--on-accept", "recv, close")
    done = subprocess.run(["curl", "-s", "--noproxy", "*", "-m", "20",
                           "http://127.0.0.1:%s/" % server.port], stdout=subprocess.PIPE)
    case.that("curl sees a close without answer as an empty reply (52)", done.returncode == 52,
              done)
    server.end()


def check_nc(case):
    nc = tool("nc")
    if not nc:
        return
    about = subprocess.run([nc, "-h"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                           text=True).stdout
    if "OpenBSD" not in about:
        print("skipped: with nc: it is not netcat-openbsd")
        return
    server = case.server("--count", "1")
    done = subprocess.run([nc, "-N", "127.0.0.1", server.port], input=b"from nc\n",
                          stdout=subprocess.PIPE, timeout=LIMIT)
    case.that("nc is echoed", done.stdout == b"from nc\n", done)
    server.end()
    data = os.urandom(1000000)
    listener = End(nc, "-v", "-N", "-n", "-l", "127.0.0.1", "0")
    match = listener.await_line(r"Listening on \S+ (\d+)")
    port = match.group(1) if match else "1"
    status, out, err = case.client(port, "--then", 'send "to nc\\n", half-close, recv-all')
    case.that("nc gets what a client sends", "to nc" in listener.end()[1], (out, err))
    server = case.server("--count", "1", "--on-accept", "discard")
    subprocess.run([nc, "-N", "127.0.0.1", server.port], input=data, stdout=subprocess.DEVNULL,
                   timeout=LIMIT)
    text = server.end()[1]
    case.that("a megabyte from nc into discard", moved(text, "recv") == len(data), text)


def check_iperf3(case):
    iperf3 = tool("iperf3")
    if not iperf3:
        return
    port, keeper = closed_port()
    keeper.close()
    server = End(iperf3, "-s", "-p", str(port), "-B", "127.0.0.1", "--forceflush")
    server.await_line("listening")
    # Its protocol: the client's cookie of 36 letters and a NUL, then the server asks for the
    # parameters (state 9). Source: iperf_api.h, PARAM_EXCHANGE.
    _, out, err = case.client(port, "--then",
                              'send "%s\\x00", recv 1, close' % ("c" * 36))
    case.that("iperf3 -s answers a cookie", "send      37 bytes" in out
              and re.search(r"recv +1 byte\b", out), (out, err))
    server.end(signal.SIGTERM)


def check_http_server(case):
    with tempfile.TemporaryDirectory() as folder:
        server = End(sys.executable, "-u", "-m", "http.server", "0", "--bind", "127.0.0.1",
                     cwd=folder)
        match = server.await_line(r"port (\d+)")
        port = match.group(1) if match else "1"
        status, out, err = case.client(port, stdin=b"GET /none HTTP/1.0\r\n\r\n")
        case.that("python3 -m http.server answers a request from standard input",
                  "404" in out and "shutdown" in err, (out, err))
        _, out, _ = case.client(port, "--then", 'send "GET / HTTP/1.0\\r\\n\\r\\n", recv-all')
        case.that("and one written with send", '"HTTP/1.0 200 OK' in out and "end of file" in out,
                  out)
        server.end(signal.SIGTERM)


NODE = """
const net = require('net');
const s = net.createServer(c => {
  c.on('data', d => { if (d.toString() == 'reset') c.resetAndDestroy(); else c.end('bye'); });
  c.on('error', () => {});
});
s.listen(0, '127.0.0.1', () => console.log('port ' + s.address().port));
"""


def check_node(case):
    node = tool("node")
    if not node:
        return
    server = End(node, "-e", NODE)
    match = server.await_line(r"port (\d+)")
    port = match.group(1) if match else "1"
    _, out, err = case.client(port, "--then", "send 3, recv 3, recv")
    case.that("node answers and ends", '"bye"' in out and "end of file" in out, (out, err))
    _, out, err = case.client(port, "--then", 'send "reset", recv')
    if "resetAndDestroy" in server.lines:
        print("skipped: node's reset: too old")
    case.that("node resets", re.search(r"recv +(ECONNRESET|end of file)", out), (out, err))
    server.end(signal.SIGTERM)


def main():
    checks = corpus.Checks()
    case = Case(sys.argv[1], checks)
    for name in [n for n in os.environ if n.lower().endswith("_proxy")]:
        del os.environ[name]
    wanted = sys.argv[2:]
    for check in (check_usage, check_conversation, check_ends, check_failures, check_addresses,
                  check_options, check_many, check_pipe, check_bulk, check_curl, check_nc,
                  check_iperf3, check_http_server, check_node):
        if not wanted or check.__name__ in wanted:
            check(case)
    checks.done()


main()
