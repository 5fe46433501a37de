#!/usr/bin/env python3
"""traffic.py BIN_DIR SECONDS [POSTGRES_URL]: real clients work on a real server (uploads, new versions, restores, deletions, fresh
keys, downloads; compression and deduplication on) while the server and, now and then, a client are killed with SIGKILL at random
moments. What a client was told must be so; in the end every file reads back, and the books in the database agree with what is there.

With a POSTGRES_URL (a fresh database) two nodes, with data directories of their own, share database and blobs: after each kill the other
one takes over, and whatever was begun goes on there."""
import hashlib
import json
import os
import random
import shutil
import signal
import socket
import sqlite3
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

BIN, SECONDS = os.path.realpath(sys.argv[1]), float(sys.argv[2])
POSTGRES = sys.argv[3] if len(sys.argv) > 3 else ""
WORK = tempfile.mkdtemp(prefix="sealdrop-traffic-")
EMAIL, PASSWORD = "traffic@example.org", "what the traffic signs in with"
WORKERS, VERSIONS_MAX = 3, 4
seed = int(os.environ.get("TRAFFIC_SEED", random.randrange(1 << 30)))
results, done, lock = [], threading.Event(), threading.Lock()
counts = {"commands": 0, "server kills": 0, "client kills": 0, "again": 0, "files": 0}


def check(name, good, why=""):
    results.append(bool(good))
    print(("ok " if good else "not ok ") + name + ("" if good else f": {why}"), flush=True)


def count(what):
    with lock:
        counts[what] += 1


# ---- the server: one process at a time ----


class Nodes:
    def __init__(self):
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            self.port = s.getsockname()[1]
        self.url = f"https://localhost:{self.port}"
        self.data = [os.path.join(WORK, name) for name in (("a", "b") if POSTGRES else ("a",))]
        self.turn, self.process = 0, None
        self.fallen = []  # exit statuses without a kill
        self.env = dict(os.environ, SEALDROP_FILES_COMPRESS="on", SEALDROP_FILES_DEDUPE="owner", SEALDROP_LOG_LEVEL="warn",
                        SEALDROP_FILES_VERSIONS_MAX=str(VERSIONS_MAX), SEALDROP_SERVER_PUBLIC_URL=self.url,
                        SEALDROP_STORAGE_DIR=os.path.join(WORK, "blobs"))
        if POSTGRES:
            self.env["SEALDROP_DATABASE_URL"] = POSTGRES

    def admin(self, *args):
        subprocess.run([BIN + "/sealdropd", *args, "--data", self.data[0]], env=self.env, input=PASSWORD + "\n", text=True, check=True,
                       stdout=subprocess.DEVNULL)

    def start(self):
        data = self.data[self.turn % len(self.data)]
        self.turn += 1
        with open(os.path.join(WORK, "server.log"), "a") as log:
            self.process = subprocess.Popen([BIN + "/sealdropd", "serve", "--data", data, "--listen", f"127.0.0.1:{self.port}"],
                                            env=self.env, stdout=log, stderr=log)
        until = time.monotonic() + 60
        while time.monotonic() < until and self.process.poll() is None:
            try:
                urllib.request.urlopen(self.url + "/health/ready", context=tls(), timeout=5).read()
                return True
            except OSError:
                time.sleep(0.03)
        return False

    def kill(self):
        if self.process.poll() is not None:
            self.fallen.append(self.process.returncode)
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    # The other nodes have the same root key and certificate.
    def make_others(self):
        for other in self.data[1:]:
            shutil.copytree(self.data[0], other)


def tls():
    context = ssl.create_default_context(cafile=nodes.data[0] + "/tls/cert.pem")
    return context


# ---- the clients ----


def contents():
    """Some that shrink, some that do not; they are used again and again, so that equal ones meet."""
    rng = random.Random(seed)
    made = []
    for i, size in enumerate([3000, 40_000, 200_000, 900_000, 1_500_000, 3_200_000]):
        words = b"said again and again: %d; " % i
        made.append(rng.randbytes(size) if i % 2 else (words * (size // len(words) + 1))[:size])
    return made


class Worker(threading.Thread):
    def __init__(self, number):
        super().__init__()
        self.number, self.rng = number, random.Random(seed * 31 + number)
        self.home = os.path.join(WORK, f"home{number}")
        self.files = {}  # id: the contents it may have now; one, unless a command that changes it was never answered
        self.trouble = []
        os.makedirs(self.home)
        self.env = dict(os.environ, HOME=self.home)
        for name in ("XDG_CONFIG_HOME", "XDG_STATE_HOME", "SSL_CERT_FILE", "https_proxy", "HTTPS_PROXY", "ALL_PROXY", "all_proxy"):
            self.env.pop(name, None)

    def sd(self, *args, text=None):
        """One run of the client. Exit status and output; a status below 0: it was killed."""
        count("commands")
        p = subprocess.Popen([BIN + "/sealdrop", *args], env=self.env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        doomed = text is None and not done.is_set() and self.rng.random() < 0.12
        try:
            out, err = p.communicate(text, timeout=self.rng.uniform(0.02, 0.5) if doomed else 120)
        except subprocess.TimeoutExpired:
            p.kill()
            out, err = p.communicate()
            count("client kills")
        return p.returncode, out, err.decode(errors="replace")

    def until_done(self, *args, fine=(0,)):
        """The same command until it is answered, as people do; None when the time is up before that."""
        while True:
            status, out, err = self.sd(*args)
            if status in fine:
                return status, out
            if status not in (6, 1) and status >= 0 and "begin it again" not in err:
                self.trouble.append(f"{' '.join(args)}: exit {status}: {err.strip()[-300:]}")
                return None
            if done.is_set():
                return None
            count("again")
            time.sleep(0.05)

    def sign_in(self):
        return self.sd("login", nodes.url, "--email", EMAIL, "--password-stdin", "--cacert", nodes.data[0] + "/tls/cert.pem",
                       text=PASSWORD.encode() + b"\n")[0] == 0

    def pick(self):
        return self.rng.choice(sorted(self.files)) if self.files else None

    def source(self, content):
        path = os.path.join(WORK, f"source{self.number}")
        with open(path, "wb") as f:
            f.write(content)
        return path

    def put_new(self):
        content = self.rng.choice(CONTENTS)
        name = f"w{self.number}-{len(self.files)}-{self.rng.randrange(1 << 30)}"
        answer = self.until_done("upload", self.source(content), "--name", name, "--folder", f"/w{self.number}", "--json")
        if answer:
            self.files[json.loads(answer[1])["files"][0]["id"]] = {content}
            count("files")

    def put_version(self, file):
        content = self.rng.choice(CONTENTS)
        self.files[file] = self.files[file] | {content}
        if self.until_done("upload", self.source(content), "--version-of", file, "--json"):
            self.files[file] = {content}

    def read(self, file):
        answer = self.until_done("download", file, "--stdout")
        if answer and answer[1] not in self.files[file]:
            self.trouble.append(f"{file}: {len(answer[1])} bytes that it does not have")

    def versions(self, file):
        answer = self.until_done("versions", file, "--json")
        return [v["version"] for v in json.loads(answer[1])["items"]] if answer else []

    def restore(self, file):
        old = self.versions(file)[1:]
        if not old:
            return
        number = str(self.rng.choice(old))
        before = self.until_done("download", file, "--version", number, "--stdout")
        if not before:
            return
        self.files[file] = self.files[file] | {before[1]}
        if self.until_done("versions", file, "--restore", number):
            self.files[file] = {before[1]}

    def drop_version(self, file):
        old = self.versions(file)[1:]
        if old:  # 4: the try before was not answered, and did it
            self.until_done("versions", file, "--delete", str(self.rng.choice(old)), fine=(0, 4))

    def remove(self, file):
        maybe = self.files.pop(file)
        if not self.until_done("rm", file, "--purge", fine=(0, 4)):
            self.undecided.append((file, maybe))

    undecided = []

    def encrypt(self, file):
        with open(self.home + "/.config/sealdrop/account.json") as f:
            token = json.load(f)["access_token"]
        request = urllib.request.Request(f"{nodes.url}/api/v1/files/{file}/encrypt", method="POST",
                                         headers={"authorization": "Bearer " + token})
        try:
            urllib.request.urlopen(request, context=tls(), timeout=10).read()
        except OSError:
            pass  # not there at the moment, or the token is over: there is a next time

    def run(self):
        try:
            while not done.is_set():
                file = self.pick()
                if not file or (len(self.files) < 6 and self.rng.random() < 0.3):
                    self.put_new()
                else:
                    act = self.rng.choices([self.put_version, self.read, self.restore, self.drop_version, self.remove, self.encrypt],
                                           [4, 4, 2, 1, 1, 3])[0]
                    act(file)
        except Exception as e:  # pylint: disable=broad-except
            self.trouble.append(repr(e))


# ---- the end ----

BOOKS = {
    "contents are counted as they are held":
        "SELECT COUNT(*) FROM contents c WHERE refs < 1 OR wrapped_key IS NULL OR refs <> (SELECT COUNT(*) FROM file_versions v WHERE "
        "v.content_id = c.id) + (SELECT COUNT(*) FROM uploads u WHERE u.content_id = c.id AND u.state = 'partial')",
    "files show their newest version":
        "SELECT COUNT(*) FROM files f WHERE NOT EXISTS (SELECT 1 FROM file_versions v WHERE v.file_id = f.id AND v.version = f.version "
        "AND v.content_id = f.content_id AND v.size = f.size AND v.replaced_at IS NULL)",
    "the quota is the sum of what is there":
        "SELECT COUNT(*) FROM users u WHERE used_bytes <> (SELECT COALESCE(SUM(v.size), 0) FROM file_versions v JOIN files f ON f.id = "
        "v.file_id WHERE f.owner_id = u.id) + (SELECT COALESCE(SUM(reserved_bytes), 0) FROM uploads p WHERE p.owner_id = u.id AND "
        "p.state <> 'complete') OR used_files <> (SELECT COUNT(*) FROM files f WHERE f.owner_id = u.id) + (SELECT COUNT(*) FROM uploads "
        "p WHERE p.owner_id = u.id AND p.state <> 'complete' AND p.adds_version = 0)",
    "files and versions have their records":
        "SELECT COUNT(*) FROM files f WHERE (SELECT COUNT(*) FROM audit a WHERE a.object_id = f.id AND a.event = 'file.create') <> 1 OR "
        "(SELECT COUNT(*) FROM audit a WHERE a.object_id = f.id AND a.event IN ('version.create', 'version.restore')) <> f.version - 1 OR "
        "(SELECT COUNT(*) FROM audit a WHERE a.object_id = f.id AND a.event = 'version.delete') <> f.version - (SELECT COUNT(*) FROM "
        "file_versions v WHERE v.file_id = f.id)",
    "no job was given up": "SELECT COUNT(*) FROM jobs WHERE state = 'dead'",
}
STORED = "SELECT {}, sealed_size FROM contents"


def query(sql):
    if not POSTGRES:
        with sqlite3.connect(nodes.data[0] + "/sealdrop.db") as db:
            return [[str(v) for v in row] for row in db.execute(sql)]
    out = subprocess.run(["psql", "-XAtq", "-F", " ", "-c", sql, POSTGRES], check=True, capture_output=True, text=True).stdout
    return [line.split(" ") for line in out.splitlines()]


def blob_sizes():
    """By id, as hex digits; a blob is called by its id with dashes."""
    sizes = {}
    for path, _, names in os.walk(WORK + "/blobs"):
        if os.path.basename(path) not in ("tmp", "trash"):
            sizes.update({n.replace("-", ""): os.path.getsize(os.path.join(path, n)) for n in names})
    return sizes


def check_end(workers):
    check("the server comes back in the end", nodes.start())
    wrong = []
    for w in workers:
        for file, maybe in [*w.files.items(), *w.undecided]:
            status, out, err = w.sd("download", file, "--stdout")
            while status != 0 and "begin it again" in err:
                status, out, err = w.sd("download", file, "--stdout")
            gone = status == 4 and (file, maybe) in w.undecided
            if not gone and (status != 0 or out not in maybe):
                wrong.append(f"{file}: exit {status}, {len(out)} bytes, {hashlib.sha256(out).hexdigest()[:8]}: {err.strip()[-200:]}")
    check("every file is what its owner was told", not wrong, "; ".join(wrong))
    trouble = [t for w in workers for t in w.trouble]
    check("no command was refused", not trouble, "; ".join(trouble[:3]))
    nodes.kill()
    for name, sql in BOOKS.items():
        n = query(sql)[0][0]
        check(name, n == "0", n)
    sizes = blob_sizes()
    lost = [row for row in query(STORED.format("encode(id, 'hex')" if POSTGRES else "lower(hex(id))")) if str(sizes.get(row[0])) != row[1]]
    check("every content has its bytes", not lost, str(lost))
    with open(os.path.join(WORK, "server.log"), errors="replace") as log:
        said = [line.strip() for line in log if "free()" in line or "Sanitizer" in line or "assert" in line or "corrupt" in line]
    check("no server ended by itself, or met bytes that do not verify", not nodes.fallen and not said, f"{nodes.fallen} {said[:3]}")


def main():
    rng = random.Random(seed)
    print(f"# seed {seed}, {'two nodes on PostgreSQL' if POSTGRES else 'SQLite'}, {SECONDS:g} s", flush=True)
    nodes.admin("admin", "create", EMAIL, "--role", "user", "--password-stdin")
    check("the server starts", nodes.start())
    nodes.make_others()
    workers = [Worker(i) for i in range(WORKERS)]
    check("the clients sign in", all(w.sign_in() for w in workers))
    for w in workers:
        w.undecided = []
        w.start()
    until, back = time.monotonic() + SECONDS, True
    while time.monotonic() < until and back:
        time.sleep(rng.uniform(0.1, 1.2))
        nodes.kill()
        count("server kills")
        back = nodes.start()
    done.set()
    for w in workers:
        w.join()
    check("the server comes back after every kill", back)
    nodes.kill()
    check_end(workers)
    print("# " + ", ".join(f"{n} {what}" for what, n in counts.items()))


nodes = Nodes()
CONTENTS = contents()
try:
    main()
except Exception as error:  # pylint: disable=broad-except
    check("it went through", False, repr(error))
finally:
    if nodes.process and nodes.process.poll() is None:
        nodes.kill()
    if not all(results):
        with open(os.path.join(WORK, "server.log")) as file_log:
            print("".join("# " + line for line in file_log.readlines()[-30:]))
    shutil.rmtree(WORK, ignore_errors=True)
print(f"{sum(results)} passed, {len(results) - sum(results)} failed")
sys.exit(not all(results))
