#!/usr/bin/env python3
"""./dev bench: Sealdrop and others side by side in one run, over the same TLS, on the same machine and file system: nginx, and for
signing in and calls with a token a small service with FastAPI, for uploads @tus/server too.

run.py [--runs N] [--size 1G] [--large 1G] [--small 1000] [--only GROUP[,GROUP…]] [--write]
groups: transfer small finish memory idle login search uploads; --large and --small are the size and the number of files of uploads.
BENCH_DIR (build/bench) holds the data, BENCH_BIG (10G) is the size for the finish latency. Runs are interleaved, figures are
medians. --write puts the tables into docs/PERFORMANCE.md, each group into its own place there. Without build/release/bin/sealdropd only nginx is measured.
Client and servers share the machine: trust the CPU column, and the ratios, more than the GB/s.
"""
import argparse
import datetime
import itertools
import os
import pathlib
import re
import shutil
import subprocess
import sys

import measures
import servers
import uploads

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
PROGRAMS = ROOT / "build/release/bin"
DOC = ROOT / "docs/PERFORMANCE.md"
GROUPS = ["transfer", "small", "finish", "memory", "idle", "login", "search", "uploads"]
IDLE = 10000
SMALL = 10 << 10


def parse_size(text):
    unit = {"K": 1 << 10, "M": 1 << 20, "G": 1 << 30}.get(text[-1:].upper())
    return int(text[:-1]) * unit if unit else int(text)


def own_certificate(directory):
    cert, key = directory / "cert.pem", directory / "key.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30",
                    "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", str(key),
                    "-out", str(cert)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
    return cert, key


class OnPostgres:
    name = "Sealdrop on PostgreSQL"


class Bench:
    def __init__(self, args, home):
        self.args, self.home = args, home
        self.group, self.rows = "", {}
        self.sealdrop = self.nginx = None

    def say(self, text):
        print(text, file=sys.stderr, flush=True)

    def servers(self):
        return [s for s in (self.sealdrop, self.nginx) if s]

    def start(self):
        measures.allow_many_files()
        if (PROGRAMS / "sealdropd").exists():
            self.sealdrop = servers.Sealdrop(self.home / "sealdrop", PROGRAMS)
            self.sealdrop.start()
            cert, key = self.sealdrop.cert, self.sealdrop.key
        else:
            self.say("no build/release/bin/sealdropd: nginx alone")
            cert, key = own_certificate(self.home)
        self.nginx = servers.Nginx(self.home / "nginx", cert, key)
        self.nginx.start()

    def stop(self):
        for s in self.servers():
            s.stop()

    def medians(self, what, cases, runs=None):
        """cases: {server: function of the run's number}. Interleaved. Returns {server: medians}."""
        found = {s: [] for s in cases}
        for run in range(runs or self.args.runs):
            for s, f in cases.items():
                self.say("%s, run %d: %s" % (what, run + 1, s.name))
                found[s].append(f(run))
        return {s: measures.medians(r) for s, r in found.items()}

    def compare(self, what, cases, columns, *budgets, peer=None):
        """One row a column, with its budget; ratio is Sealdrop to its peer (nginx), turned so that more than 1 is better."""
        m = self.medians(what, cases)
        self.ratios(what, m.get(self.sealdrop, {}), m.get(peer or self.nginx, {}), columns, *budgets, peer=peer)

    def ratios(self, what, mine, others, columns, *budgets, peer=None):
        for (column, unit, form, more_is_better), budget in itertools.zip_longest(columns, budgets, fillvalue=""):
            ours = mine.get(column)
            theirs = others.get(column)
            ratio = None
            if ours and theirs:
                ratio = ours / theirs if more_is_better else theirs / ours
            self.row("%s, %s" % (what, unit), form % ours if ours is not None else "-",
                     form % theirs if theirs is not None else "-", "%.2f" % ratio if ratio else "-", budget, peer=peer)

    def row(self, *cells, peer=None):
        self.rows.setdefault(self.group, {}).setdefault((peer or self.nginx).name, []).append(cells)
        self.say("  " + " | ".join(cells))

    def transfer(self):
        source, quarter = self.home / "source.bin", self.home / "source4.bin"
        make_random(source, self.args.size)
        make_random(quarter, self.args.size // 2)
        columns = [("GB/s", "GB/s", "%.2f", True), ("cpu", "server CPU s/GiB", "%.2f", False)]
        for s in self.servers():
            s.serve_file(source)
        for streams, file in ((1, source), (4, quarter)):
            self.compare("upload, %d stream%s" % (streams, "s" * (streams > 1)),
                         {s: lambda run, s=s: measures.upload(s, file, streams, run) for s in self.servers()}, columns,
                         *(["ratio >= 1"] * 2 if streams == 1 else []))
        if self.sealdrop:
            self.compare("`sealdrop send` (nginx: one-stream PUT)",
                         {self.sealdrop: lambda run: measures.send_with_client(self.sealdrop, source),
                          self.nginx: lambda run: measures.upload(self.nginx, source, 1, run)}, columns)
        for form, budgets in (("content", ["ratio >= 1.5"] * 2), ("download", [])):
            for streams in (1, 4):
                label = "download %s, %d stream%s" % ("sealed" if form == "content" else "opened by the server", streams,
                                                      "s" * (streams > 1))
                self.compare(label, {s: lambda run, s=s: measures.download(s, source, streams, form)
                                     for s in self.servers()}, columns, *budgets)

    def small(self):
        for protocol in ("h1", "h2"):
            self.compare("small call, 64 connections, %s" % ("HTTP/1.1" if protocol == "h1" else "HTTP/2, 10 streams each"),
                         {s: lambda run, s=s: measures.small(s, protocol) for s in self.servers()},
                         [("req/s", "requests/s", "%.0f", True), ("us", "server CPU µs/request", "%.1f", False)],
                         "", "<= 125")

    def finish(self):
        if not self.sealdrop:
            return
        size = parse_size(os.environ.get("BENCH_BIG", "10G"))
        m = self.medians("finish", {self.sealdrop: lambda run: measures.finish_latency(self.sealdrop, size)}, 1)
        self.row("complete after %.0f GiB in parts, ms" % (size / measures.GIB), "%.1f" % m[self.sealdrop]["ms"], "-", "-",
                 "< 100 ms")

    def memory(self):
        source = self.home / "memory.bin"
        make_random(source, 64 << 20)
        for s in self.servers():
            if s is self.nginx:
                (s.home / "root/get.bin").unlink(missing_ok=True)
            s.serve_file(source)
        for direction in ("upload", "download"):
            self.compare("memory per active %s (32 at once)" % direction,
                         {s: lambda run, s=s: measures.memory_per_transfer(s, source, direction) for s in self.servers()},
                         [("MiB", "MiB", "%.2f", False)], "<= 2 MiB")
        if self.sealdrop:
            self.packed_memory()

    def packed_memory(self):
        """Of downloads of compressed content: header files, as long as the other source."""
        source = self.home / "headers.tar"
        subprocess.run("find /usr/include -name '*.h' | sort | tar -cf - -T - 2>/dev/null | head -c %d >'%s'" % (64 << 20, source),
                       shell=True, check=True)
        server = servers.Sealdrop(self.home / "compressing", PROGRAMS, {"SEALDROP_FILES_COMPRESS": "on"})
        server.start()
        try:
            server.serve_file(source)
            server.wait_until_quiet()
            self.compare("memory per active download of compressed content (32 at once)",
                         {self.sealdrop: lambda run: measures.memory_per_transfer(server, source, "download")},
                         [("MiB", "MiB", "%.2f", False)], "<= 2 MiB")
        finally:
            server.stop()

    def idle(self):
        self.compare("one of %d idle TLS connections" % IDLE,
                     {s: lambda run, s=s: measures.idle_connections(s, IDLE) for s in self.servers()},
                     [("KiB", "KiB", "%.1f", False)], "<= 60 KiB")

    def login(self):
        if not self.sealdrop:
            return
        for what, settings, accounts in (("default", {}, 6), ("lowest", servers.LOWEST_COST, 30)):
            server = servers.Sealdrop(self.home / ("login-" + what), PROGRAMS, dict(settings, **servers.NO_TRY_LIMITS))
            emails = [["login%d.%d@example.com" % (run, i) for i in range(accounts)] for run in range(self.args.runs)]
            server.start()
            try:
                for email in sum(emails, []):
                    server.create_account(email)
                m = self.medians("login", {server: lambda run: measures.logins(server, emails[run])})[server]
            finally:
                server.stop()
            for column, unit in (("logins/s", "logins/s"), ("ms", "server CPU ms/login")):
                self.row("POST /auth/login, %s Argon2id cost, 8 at once, %s" % (what, unit), "%.1f" % m[column], "-", "-", "")
        self.token_calls()

    def token_calls(self):
        columns = [("req/s", "requests/s", "%.0f", True), ("us", "server CPU µs/request", "%.1f", False)]
        plain, fast = servers.FastApi.PLAIN, servers.FastApi.FAST
        for i, (path, parts, note, budgets) in enumerate((
                ("/api/v1/me", plain, "", ["", "ratio >= 10"]),
                ("/api/v1/me", fast, " (FastAPI with uvloop and httptools)", []),
                ("/api/v1/me-remembered", fast, " (the same, told to keep checked tokens)", []))):
            peer = servers.FastApi(self.home / ("fastapi-%d" % i), self.sealdrop.cert, self.sealdrop.key, path, parts)
            peer.start()
            try:
                self.compare("GET /api/v1/me with a token, 64 connections, HTTP/1.1" + note,
                             {self.sealdrop: lambda run: measures.small(self.sealdrop, "h1"),
                              peer: lambda run: measures.small(peer, "h1", 10000)}, columns, *budgets, peer=peer)
            finally:
                peer.stop()

    def search(self):
        """Lists and searches among 100,000 files of one owner: whole requests in one process, fastest and median of 15; bulks once."""
        found = {}
        for backend, within in (("files", []), ("postgres", [str(ROOT / "tools/with-postgres")])):
            self.say("search: " + backend)
            out = subprocess.run(within + [str(PROGRAMS / "bench_search")], env=dict(os.environ, SEALDROP_LOOP=backend),
                                 stdout=subprocess.PIPE, text=True, check=True).stdout
            found[backend] = [line.split("\t") for line in out.splitlines() if line.startswith(("search\t", "bulk\t"))]
        for ours, theirs in zip(found["files"], found["postgres"]):
            if ours[0] == "bulk":
                self.row("bulk: %s; ms on SQLite, on PostgreSQL" % ours[1], ours[2], theirs[2], "-", "< 300 ms", peer=OnPostgres)
                continue
            self.row("list: %s; ms on SQLite, on PostgreSQL" % ours[1], "%s (%s)" % tuple(ours[2:4]), "%s (%s)" % tuple(theirs[2:4]),
                     "-", "< 20 ms", peer=OnPostgres)

    def uploads(self):
        """The same bytes by every client to every server, in one file and in many."""
        if not self.sealdrop:
            return
        ways = uploads.ways(self.home, PROGRAMS, self.sealdrop.cert, self.sealdrop.key)
        warm = make_files(self.home / "warm", 20, SMALL)
        for label, count, size, columns, pairs in (
                ("1 file of %s" % self.args.large, 1, parse_size(self.args.large), uploads.LARGE, uploads.LARGE_PAIRS),
                ("%d files of 10 KiB" % self.args.small, self.args.small, SMALL, uploads.SMALL, uploads.SMALL_PAIRS)):
            files = make_files(self.home / label.replace(" ", "-"), count, size)
            m = self.medians(label, {ways[name]: lambda run, way=ways[name]: uploads.measure(way, files, warm)
                                     for name in dict.fromkeys(name for pair in pairs for name in pair)})
            for pair in pairs:
                ours, theirs = (ways[name] for name in pair)
                self.ratios("%s, %s (%s)" % (label, *pair), m[ours], m[theirs], columns, peer=theirs.server)
            shutil.rmtree(files[0].parent)

    def measure(self, group):
        self.group = group
        getattr(self, group)()

    def table(self, group):
        """One for each peer."""
        lines = []
        for peer, rows in self.rows[group].items():
            lines += ["", "| what | Sealdrop | %s | ratio (more is better) | budget |" % peer, "|---|---|---|---|---|"]
            lines += ["| %s |" % " | ".join(r) for r in rows]
        return "\n".join(lines[1:])


def make_random(path, size):
    if path.exists() and path.stat().st_size == size:
        return
    with open(path, "wb") as f:
        for at in range(0, size, 1 << 20):
            f.write(os.urandom(min(size - at, 1 << 20)))


def make_files(folder, count, size):
    folder.mkdir()
    files = [folder / ("%s-%05d.bin" % (folder.name, i)) for i in range(count)]
    for f in files:
        make_random(f, size)
    return files


def machine(home):
    model = re.search(r"model name\s*: (.*)", pathlib.Path("/proc/cpuinfo").read_text())
    kind, speed = measures.disk(home)
    version = subprocess.run(["/usr/sbin/nginx", "-v"], stderr=subprocess.PIPE, text=True).stderr.strip().split("/")[-1]
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / measures.GIB
    durable = "a RAM disk" if kind in ("tmpfs", "ramfs") else "where a synced write reaches %.0f MB/s" % speed
    return ("%s; %d cores of %s, %.0f GiB; nginx %s; data on %s, %s. Sealdrop acknowledges only what is synced, "
            "the others do not." % (datetime.date.today(), os.cpu_count(), model.group(1) if model else "?", memory, version,
                                      kind, durable))


def write_document(group, text):
    document = DOC.read_text()
    begin, end = "<!-- bench: %s -->" % group, "<!-- end of %s -->" % group
    head, rest = document.split(begin, 1)
    DOC.write_text(head + begin + "\n" + text + "\n" + end + rest.split(end, 1)[1])


def main():
    cli = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    cli.add_argument("--runs", type=int, default=3)
    cli.add_argument("--size", type=parse_size, default=parse_size("1G"))
    cli.add_argument("--large", default="1G")
    cli.add_argument("--small", type=int, default=1000)
    cli.add_argument("--only", default=",".join(GROUPS))
    cli.add_argument("--write", action="store_true")
    args = cli.parse_args()
    groups = args.only.split(",")
    if set(groups) - set(GROUPS):
        cli.error("groups are: " + " ".join(GROUPS))
    home = pathlib.Path(os.environ.get("BENCH_DIR", ROOT / "build/bench")).resolve() / ("run-%d" % os.getpid())
    home.mkdir(parents=True)
    bench = Bench(args, home)
    try:
        facts = machine(home)
        bench.start()
        for group in groups:
            bench.measure(group)
    finally:
        bench.stop()
        shutil.rmtree(home, ignore_errors=True)
    command = "./dev bench " + " ".join(a for a in sys.argv[1:])
    for group in bench.rows:
        report = "%s\n\nMade by `%s` (runs: %d; medians).\n\n%s" % (facts, command.strip(), args.runs, bench.table(group))
        print(report + "\n")
        if args.write:
            write_document(group, report)


if __name__ == "__main__":
    main()
