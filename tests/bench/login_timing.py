#!/usr/bin/env python3
"""Whether answers or their time tell who has an account (not in any suite: it takes minutes and a quiet machine).

login_timing.py [--samples N] [--only PAIR[,PAIR…]] [--programs DIR]        the criterion is 20,000 samples each, |Welch t| < 4.5

Each pair is two kinds of request that nobody may tell apart. They are sent interleaved in random order, one at a time, over open
connections, at the lowest password cost that sealdropd takes (where a difference shows best). Compared are: the logarithms of the
times from sending to the whole answer, by Welch's t; and status, names of headers, and length of the body. The second t leaves out
the slowest fifth of both, which sees small differences better on a noisy machine; the verdict is by the first.

Limits that have no setting are kept by spreading: over accounts (10 wrong passwords in a row cost nothing), over links (4 of 5
tries). Links are known by 256-bit tokens: that one exists may show. "mixed" has hashes of two kinds, half the accounts each, of which
bcrypt takes another time: what must look the same is all accounts and all addresses of nobody, each of those tried once, since the
kind of one address shows by design.
"""
import argparse
import collections
import gc
import json
import math
import os
import pathlib
import random
import shutil
import socket
import ssl
import statistics
import subprocess
import sys
import tempfile
import time

import servers

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
PASSWORD, WRONG = "correct horse battery staple", "incorrect horse battery stap"
BCRYPT_6 = "$2b$06$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy"
TRIES_ACCOUNT, TRIES_LINK = 9, 4
ADDRESSES = 60
KINDS_S = 40  # until every kind of hash is known to the server
SETTLE_S = 0.012  # for the background job that a request leaves behind
T_MAX = 4.5


class Pair:
    """Two makers of requests: (path, body) of the n-th sample."""

    def __init__(self, what, known, unknown, settle=False):
        self.what, self.makers, self.settle = what, (known, unknown), settle
        self.times, self.answers = ([], []), (collections.Counter(), collections.Counter())


class Admin(servers.Sealdrop):
    role = "admin"


class Connection:
    """Keep-alive HTTP/1.1 from one loopback address; times one request at a time."""

    def __init__(self, server, number):
        self.server, self.source, self.socket = server, "127.0.1.%d" % (1 + number), None
        self.tls = ssl.create_default_context(cafile=str(server.cert))

    def open(self):
        raw = socket.create_connection(("127.0.0.1", self.server.port), 30, (self.source, 0))
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket = self.tls.wrap_socket(raw, server_hostname="localhost")

    def wake(self):
        """Open, and not idle."""
        request = b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n"
        try:
            self.exchange(request)
        except (OSError, AttributeError, ValueError):
            self.open()
            self.exchange(request)

    def exchange(self, request):
        begin = time.perf_counter_ns()
        self.socket.sendall(request)
        data, need = b"", None
        while need is None or len(data) < need:
            more = self.socket.recv(65536)
            if not more:
                raise ConnectionResetError
            data += more
            end = data.find(b"\r\n\r\n")
            if need is None and end >= 0:
                head = data[:end].decode("latin-1").split("\r\n")
                fields = [line.split(":", 1) for line in head[1:]]
                length = [int(v) for k, v in fields if k.lower() == "content-length"]
                need = end + 4 + (length[0] if length else 0)
        took = time.perf_counter_ns() - begin
        return took, int(head[0].split()[1]), tuple(k.lower() for k, _ in fields), len(data) - end - 4, data[end + 4:]

    def post(self, path, body):
        payload = json.dumps(body).encode()
        return self.exchange(b"POST /api/v1%s HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                             b"Content-Length: %d\r\n\r\n%s" % (path.encode(), len(payload), payload))


def login(kind, tries=TRIES_ACCOUNT):
    return lambda n: ("/auth/login", {"email": "%s-%06d@example.com" % (kind, n // tries), "password": WRONG})


def mixed(kinds):
    return lambda n: login(kinds[n % len(kinds)])(n // len(kinds))


def register(kind, many):
    return lambda n: ("/auth/register", {"email": "%s-%06d@example.com" % (kind, n % many), "password": PASSWORD})


def forgot(kind, many):
    return lambda n: ("/auth/password/forgot", {"email": "%s-%06d@example.com" % (kind, n % many)})


def guess(links, text):
    return lambda n: ("/share/%s/verify" % links[n // TRIES_LINK], {"password": text})


def make_accounts(server, kind, many, password):
    for n in range(many):
        body = {"email": "%s-%06d@example.com" % (kind, n), "role": "user"}
        if password:
            body["password"] = password
        server.call("POST", "/admin/users", body)


def import_accounts(server, kind, many):
    table = server.home / "import.json"
    table.write_text(json.dumps({"users": [{"email": "%s-%06d@example.com" % (kind, n), "password_hash": BCRYPT_6}
                                           for n in range(many)]}))
    subprocess.run([str(server.programs / "sealdropd"), "admin", "import-users", str(table), "--data", str(server.data)],
                   stdout=subprocess.DEVNULL, check=True, env=dict(os.environ, **server.settings))


def make_links(server, many):
    source = server.home / "shared.txt"
    source.write_text("shared")
    server.serve_file(source)
    transfer = server.call("POST", "/transfers", {"title": "timing", "file_ids": [server.file_id]})["transfer"]["id"]
    return [server.call("POST", "/transfers/%s/share" % transfer, {"password": PASSWORD})["link"]["token"] for _ in range(many)]


def with_mail(server, n, wanted):
    many = -(-n // TRIES_ACCOUNT)
    pairs = {}
    if wanted & {"login", "register", "forgot"}:
        make_accounts(server, "user", many, PASSWORD)
    if "login" in wanted:
        pairs["login"] = Pair("sign-in: wrong password of an account / of nobody", login("user"), login("none"))
    if "passwordless" in wanted:
        make_accounts(server, "open", many, None)
        pairs["passwordless"] = Pair("sign-in: account without a password / nobody", login("open"), login("nope"))
    if "register" in wanted:
        pairs["register"] = Pair("registration (open, with mail): taken address / free", register("user", many), register("free", n),
                                 settle=True)
    if "forgot" in wanted:
        pairs["forgot"] = Pair("forgotten password (with mail): account / nobody", forgot("user", many), forgot("none", many),
                               settle=True)
    if "link" in wanted:
        links = make_links(server, 2 * -(-n // TRIES_LINK))
        pairs["link"] = Pair("link password: all but the last letter right / nothing right", guess(links[0::2], PASSWORD[:-1] + "x"),
                             guess(links[1::2], "X" * len(PASSWORD)))
    return list(pairs.values())


def without_mail(server, n, wanted):
    many, pairs = -(-n // TRIES_ACCOUNT), []
    if wanted & {"register-local", "forgot-local"}:
        make_accounts(server, "user", many, PASSWORD)
    if "register-local" in wanted:
        pairs.append(Pair("registration (open, no mail): taken address / free", register("user", many), register("free", n),
                          settle=True))
    if "forgot-local" in wanted:
        pairs.append(Pair("forgotten password (no mail): account / nobody", forgot("user", many), forgot("none", many), settle=True))
    return pairs


def with_imported(server, n, wanted):
    if "mixed" not in wanted:
        return []
    many = -(-n // TRIES_ACCOUNT // 2) + 1
    make_accounts(server, "user", many - 1, PASSWORD)  # and the administrator
    import_accounts(server, "impo", many)
    time.sleep(KINDS_S)
    return [Pair("sign-in: half the accounts imported with bcrypt / nobody", mixed(["user", "impo"]), login("none", 1))]


RUNS = {with_mail: ["login", "passwordless", "register", "forgot", "link"], without_mail: ["register-local", "forgot-local"],
        with_imported: ["mixed"]}
PAIRS = sum(RUNS.values(), [])


def sample(server, pairs, count):
    connections = [Connection(server, i) for i in range(ADDRESSES)]
    gc.disable()
    for n in range(count):
        connection = connections[n % ADDRESSES]
        todo = [(p, side) for p in pairs for side in (0, 1)]
        random.shuffle(todo)
        for p, side in todo:
            connection.wake()
            path, body = p.makers[side](n)
            took, status, headers, length, text = connection.post(path, body)
            if status == 429 or status == 423 or status >= 500:
                raise SystemExit("%s: %d %s" % (p.what, status, text[:300]))
            p.times[side].append(math.log(took))
            p.answers[side][(status, headers, length)] += 1
            if p.settle:
                time.sleep(SETTLE_S)
        if n % 200 == 199:
            print("%d of %d" % (n + 1, count), file=sys.stderr, flush=True)
            gc.collect()


def welch(a, b):
    if len(a) < 2 or len(b) < 2:
        return math.inf
    spread = math.sqrt(statistics.variance(a) / len(a) + statistics.variance(b) / len(b))
    return abs(statistics.fmean(a) - statistics.fmean(b)) / spread


def report(pair):
    a, b = pair.times
    border = sorted(a + b)[len(a + b) * 4 // 5]
    t = welch(a, b)
    trimmed = welch([x for x in a if x < border], [x for x in b if x < border])
    alike = set(pair.answers[0]) == set(pair.answers[1])
    if not alike:
        print("%s: the answers differ:\n  %s\n  %s" % (pair.what, *pair.answers), file=sys.stderr)
    medians = [math.exp(statistics.median(x)) / 1e3 for x in (a, b)]
    good = t < T_MAX and alike
    print("| %s | %d | %.0f / %.0f | %.2f | %.2f | %s | %s |" % (pair.what, len(a), *medians, t, trimmed, "yes" if alike else "NO",
                                                                 "pass" if good else "FAIL"), flush=True)
    return good


def run(home, args, wanted, make):
    settings = dict(servers.LOWEST_COST, SEALDROP_ACCOUNTS_REGISTRATION="open", SEALDROP_SECURITY_LINK_BCRYPT_COST="4",
                    SEALDROP_LOG_LEVEL="warn", SEALDROP_LIMITS_TRIES_PER_ADDRESS="1000000",
                    SEALDROP_LIMITS_LOGINS_PER_ADDRESS="1000000", SEALDROP_LIMITS_LOGINS="10000000")
    sink = None
    if make is with_mail:
        (home / "mail").mkdir()
        sink = subprocess.Popen([sys.executable, str(ROOT / "tests/lib/smtp_sink.py"), str(home / "mail")], stdin=subprocess.PIPE,
                                stdout=subprocess.PIPE, text=True)
        settings.update(SEALDROP_MAIL_URL="smtp://127.0.0.1:" + sink.stdout.readline().strip(), SEALDROP_MAIL_STARTTLS="no",
                        SEALDROP_MAIL_FROM="Sealdrop <drop@example.com>")
    server = Admin(home / make.__name__, args.programs, settings)
    try:
        server.start()
        pairs = make(server, args.samples, wanted)
        if pairs:
            sample(server, pairs, args.samples)
        return all([report(p) for p in pairs])
    finally:
        server.stop()
        if sink:
            sink.stdin.close()
            sink.wait()


def main():
    cli = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    cli.add_argument("--samples", type=int, default=2000, help="of each side of a pair")
    cli.add_argument("--only", default=",".join(PAIRS), help="any of: %s" % " ".join(PAIRS))
    cli.add_argument("--programs", type=pathlib.Path, default=ROOT / "build/release/bin")
    args = cli.parse_args()
    wanted = set(args.only.split(","))
    if wanted - set(PAIRS):
        cli.error("pairs are: " + " ".join(PAIRS))
    home = pathlib.Path(tempfile.mkdtemp(prefix="sealdrop-timing-"))
    try:
        print("| what must look the same | samples each | medians, µs | Welch t | t without the slowest fifth | answers alike "
              "| verdict |\n|---|---|---|---|---|---|---|")
        good = [run(home, args, wanted, make) for make, some in RUNS.items() if wanted & set(some)]
    finally:
        shutil.rmtree(home, ignore_errors=True)
    sys.exit(0 if all(good) else 1)


if __name__ == "__main__":
    main()
