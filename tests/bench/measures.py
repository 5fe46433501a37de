"""What is measured, each on any of the servers of servers.py. Wall time and server CPU (user + system, from /proc) of one run."""
import http.client
import json
import os
import pathlib
import re
import resource
import socket
import ssl
import statistics
import subprocess
import threading
import time

GIB = 1 << 30


def clients_cpu():
    """CPU seconds of the processes that have been started and waited for."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


class Cost:
    """Wall seconds, and CPU seconds of the server and of the clients, of a `with` block, writeback of earlier work excluded."""

    def __init__(self, server):
        self.server = server

    def __enter__(self):
        os.sync()
        self.client, self.cpu, self.wall = clients_cpu(), self.server.cpu_seconds(), time.monotonic()
        return self

    def __exit__(self, *error):
        self.wall = time.monotonic() - self.wall
        self.cpu = self.server.cpu_seconds() - self.cpu
        self.client = clients_cpu() - self.client


def curls(server, commands):
    """Runs curl commands at once; all must succeed."""
    extra = ["-sSf", "--http1.1", "-o", "/dev/null", "--cacert", str(server.cert)]
    running = [subprocess.Popen(c + extra, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) for c in commands]
    errors = [p.communicate()[1] for p in running]
    if any(p.returncode for p in running):
        raise RuntimeError("%s: curl failed: %s" % (server.name, "; ".join(filter(None, errors))))


def upload(server, source, streams, run):
    names = ["up-%d-%d-%d.bin" % (streams, run, i) for i in range(streams)]
    with Cost(server) as cost:
        curls(server, [server.upload(source, n) for n in names])
    for n in names:
        server.after_upload(n)
    return transfer(cost, source, streams)


def download(server, source, streams, form):
    with Cost(server) as cost:
        curls(server, [server.download(form)] * streams)
    return transfer(cost, source, streams)


def transfer(cost, source, streams):
    size = source.stat().st_size * streams
    return {"GB/s": size / cost.wall / 1e9, "cpu": cost.cpu / (size / GIB)}


def send_with_client(server, source):
    """`sealdrop send`: parts, and the link at the end."""
    client, env = server.client()
    with Cost(server) as cost:
        subprocess.run([client, "send", str(source)], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL, check=True, env=env)
    return transfer(cost, source, 1)


def small(server, protocol, requests=60000, clients=64):
    """Small answers over keep-alive connections with h2load."""
    how = ["--h1"] if protocol == "h1" else ["-m", "10"]
    command = ["h2load", "-n", str(requests), "-c", str(clients), "-t", "1", *how, *server.auth, server.url + server.small]
    with Cost(server) as cost:
        out = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout
    if "status codes: %d 2xx" % requests not in out:
        raise RuntimeError("%s: not every request succeeded:\n%s" % (server.name, out))
    per_second = float(re.search(r"([\d.]+) req/s", out).group(1))
    return {"req/s": per_second, "us": cost.cpu / requests * 1e6}


def logins(server, emails, each=20, at_once=8):
    """POST /auth/login, `each` for every account and as many from each of `at_once` loopback addresses, over open connections. A server
    takes 20 a minute for an account, also after a restart: each run wants accounts of its own."""
    context = ssl.create_default_context(cafile=str(server.cert))
    todo, lock, errors = emails * each, threading.Lock(), []
    total = len(todo)

    def work(connection):
        while True:
            with lock:
                if not todo or errors:
                    return
                email = todo.pop()
            try:
                connection.request("POST", "/api/v1/auth/login", json.dumps({"email": email, "password": server.password}),
                                   {"Content-Type": "application/json"})
                answer = connection.getresponse()
                text = answer.read()
                if answer.status != 200:
                    raise RuntimeError("login: %d %s" % (answer.status, text[:300]))
            except (OSError, RuntimeError) as e:
                errors.append(e)

    connections = [http.client.HTTPSConnection("127.0.0.1", server.port, timeout=60, context=context,
                                               source_address=("127.0.1.%d" % (1 + i), 0)) for i in range(at_once)]
    for c in connections:
        c.connect()
    with Cost(server) as cost:
        run_threads([threading.Thread(target=work, args=(c,)) for c in connections])
    if errors:
        raise errors[0]
    return {"logins/s": total / cost.wall, "ms": cost.cpu / total * 1e3}


def run_threads(threads):
    for t in threads:
        t.start()
    for t in threads:
        t.join()


def finish_latency(server, size):
    """Uploads `size` bytes of zeros in parts, four at a time, then times the call that completes the upload."""
    up = server.call("POST", "/uploads", {"name": "big.bin", "size": size})
    part, todo, lock, errors = up["part_size"], list(range(up["part_count"])), threading.Lock(), []
    block = bytes(1 << 20)

    def body(n):
        left = min(part, size - n * part)
        while left > 0:
            yield block[:left] if left < len(block) else block
            left -= len(block)

    def work():
        connection = server.connect()
        while True:
            with lock:
                if not todo or errors:
                    return
                n = todo.pop(0)
                token = server.token()
            try:
                connection.request("PUT", "/api/v1/uploads/%s/parts/%d" % (up["upload_id"], n), body(n),
                                   {"Authorization": "Bearer " + token,
                                    "Content-Length": str(max(0, min(part, size - n * part)))})
                answer = connection.getresponse()
                text = answer.read()
                if answer.status != 204:
                    raise RuntimeError("part %d: %d %s" % (n, answer.status, text[:300]))
            except (OSError, RuntimeError) as e:
                errors.append(e)

    begin = time.monotonic()
    run_threads([threading.Thread(target=work) for _ in range(4)])
    if errors:
        raise errors[0]
    uploaded = time.monotonic()
    server.token()
    connection = server.connect()
    connection.connect()
    begin_complete = time.monotonic()
    server.call("POST", "/uploads/%s/complete" % up["upload_id"], {}, connection=connection)
    return {"ms": (time.monotonic() - begin_complete) * 1e3, "GB/s": size / (uploaded - begin) / 1e9}


class PeakMemory:
    """The highest resident size of a server while a `with` block runs."""

    def __init__(self, server):
        self.server = server

    def __enter__(self):
        self.peak, self.on = 0, True
        self.thread = threading.Thread(target=self.watch)
        self.thread.start()
        return self

    def watch(self):
        while self.on:
            self.peak = max(self.peak, self.server.rss_bytes())
            time.sleep(0.02)

    def __exit__(self, *error):
        self.on = False
        self.thread.join()


def memory_per_transfer(server, source, direction, many=32):
    """(peak of `many` at once - peak of one) / (many - 1). Uploads as fast as they go; downloads to slow readers."""
    server.restart()
    peaks = []
    for n in (1, many):
        if direction == "upload":
            commands = [server.upload(source, "mem-%d-%d.bin" % (n, i)) for i in range(n)]
        else:
            commands = [server.download("download") + ["--limit-rate", "4M", "--max-time", "4"] for _ in range(n)]
        with PeakMemory(server) as memory:
            try:
                curls(server, commands)
            except RuntimeError as e:
                if "timed out" not in str(e):  # the slow readers are cut off on purpose
                    raise
        peaks.append(memory.peak)
    return {"MiB": (peaks[1] - peaks[0]) / (many - 1) / (1 << 20)}


def idle_connections(server, count):
    """Opens `count` TLS connections, makes one request on each, and keeps them: resident bytes for each."""
    context = ssl.create_default_context(cafile=str(server.cert))
    context.set_alpn_protocols(["http/1.1"])
    request = b"GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n" % (b"/health" if server.name == "Sealdrop" else b"/small")
    server.restart()
    open_sockets, before = [], server.rss_bytes()
    try:
        for i in range(count):
            # One source address has too few ports to be careless with; loopback has many addresses.
            raw = socket.create_connection(("127.0.0.1", server.port), 30, ("127.0.0.%d" % (2 + i % 8), 0))
            s = context.wrap_socket(raw, server_hostname="127.0.0.1")
            open_sockets.append(s)
            s.sendall(request)
            answer = s.recv(4096)
            if not answer.startswith(b"HTTP/1.1 200"):
                raise RuntimeError("%s: idle connection %d: %r" % (server.name, i, answer[:80]))
        time.sleep(1)
        return {"KiB": (server.rss_bytes() - before) / count / 1024, "cipher": open_sockets[0].cipher()[0]}
    finally:
        for s in open_sockets:
            s.close()


def allow_many_files():
    """Servers started after this inherit it."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard


def disk(directory):
    """The file system's type, and how fast a gigabyte becomes durable there."""
    kind = subprocess.run(["stat", "-f", "-c", "%T", str(directory)], stdout=subprocess.PIPE, text=True).stdout.strip()
    path = pathlib.Path(directory) / "sync-probe"
    os.sync()
    begin = time.monotonic()
    with open(path, "wb") as f:
        for _ in range(256):
            f.write(bytes(1 << 20))
        f.flush()
        os.fdatasync(f.fileno())
    speed = 256 * (1 << 20) / (time.monotonic() - begin) / 1e6
    path.unlink()
    return kind, speed


def medians(runs):
    """[{…}, …] to one dict of medians."""
    return {k: statistics.median(r[k] for r in runs) if isinstance(v, (int, float)) else v for k, v in runs[0].items()}
