"""The servers of a bench run: nginx with its best sensible settings, sealdropd with its defaults, a service with FastAPI, and
@tus/server from npm. Same certificate, same file system. Each has: url, start(), stop(), cpu_seconds(), rss_bytes()."""
import http.client
import json
import os
import pathlib
import secrets
import shutil
import signal
import socket
import ssl
import subprocess
import time
import urllib.parse

HERE = pathlib.Path(__file__).resolve().parent
TICKS = os.sysconf("SC_CLK_TCK")
# The lowest cost of passwords that sealdropd takes.
LOWEST_COST = {"SEALDROP_SECURITY_PASSWORD_MEMORY": "19M", "SEALDROP_SECURITY_PASSWORD_PASSES": "1"}
# Those of one account stay.
NO_TRY_LIMITS = {"SEALDROP_LIMITS_LOGINS": "1000000", "SEALDROP_LIMITS_LOGINS_PER_ADDRESS": "100000",
                 "SEALDROP_LIMITS_TRIES_PER_ADDRESS": "100000"}


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def wait_for_port(port, process, log):
    for _ in range(600):
        if process.poll() is not None:
            raise RuntimeError("server ended at once:\n" + log.read_text()[-2000:])
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.05)
    raise RuntimeError("server does not listen:\n" + log.read_text()[-2000:])


def folder_bytes(folder):
    return sum(f.stat().st_size for f in folder.iterdir())


def text_of(path):
    """Nothing when the process or thread has ended."""
    try:
        return path.read_text()
    except (FileNotFoundError, ProcessLookupError):
        return ""


def npm_modules():
    """The packages of package.json, at exactly its versions."""
    wanted, folder = HERE / "package.json", HERE.parent.parent / "build/npm-bench"
    done = folder / "installed.json"
    if not done.exists() or done.read_text() != wanted.read_text():
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copy(wanted, folder / "package.json")
        subprocess.run(["npm", "install", "--no-audit", "--no-fund", "--silent"], cwd=folder, check=True)
        shutil.copy(wanted, done)
    return folder


class Server:
    """A process and its children, and what they cost."""

    def __init__(self, home):
        self.home = home
        self.home.mkdir(parents=True, exist_ok=True)
        self.port = free_port()
        self.url = "https://127.0.0.1:%d" % self.port
        self.process = self.command = None
        self.settings = {}

    def spawn(self, command):
        self.command = command
        log = self.home / "server.log"
        with open(log, "wb") as out:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                                            env=dict(os.environ, **self.settings))
        wait_for_port(self.port, self.process, log)

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def restart(self):
        """A process that has not yet kept memory from earlier work."""
        self.stop()
        self.spawn(self.command)

    def told(self, what):
        """/proc/PID/`what` of the process and of its children, whichever thread started them."""
        tasks = pathlib.Path("/proc/%d/task" % self.process.pid).glob("*/children")
        children = " ".join(map(text_of, tasks)).split()
        return filter(None, (text_of(pathlib.Path("/proc/%s/%s" % (pid, what))) for pid in [self.process.pid, *children]))

    def cpu_seconds(self):
        """Their own, and of children that have ended."""
        return sum(sum(map(int, stat.rsplit(")", 1)[1].split()[11:15])) for stat in self.told("stat")) / TICKS

    def wait_until_quiet(self):
        before = -1
        while self.cpu_seconds() > before:
            before = self.cpu_seconds()
            time.sleep(1)

    def rss_bytes(self):
        return sum(int(line.split()[1]) * 1024 for status in self.told("status") for line in status.split("\n")
                   if line.startswith("VmRSS:"))


class Nginx(Server):
    name = "nginx"
    small = "/small"
    auth = []

    CONF = """
daemon off;
{user}
worker_processes 2;
worker_rlimit_nofile 30000;
pid {home}/nginx.pid;
error_log {home}/error.log warn;
events {{ worker_connections 15000; }}
http {{
  access_log off; types {{ }} default_type application/octet-stream;
  sendfile on; tcp_nopush on; tcp_nodelay on;
  keepalive_timeout 600s; keepalive_requests 100000000;
  client_max_body_size 0; client_body_buffer_size 512k;
  client_body_temp_path {home}/body; proxy_temp_path {home}/t1; fastcgi_temp_path {home}/t2;
  uwsgi_temp_path {home}/t3; scgi_temp_path {home}/t4;
  open_file_cache max=100;
  server {{
    listen 127.0.0.1:{port} ssl http2 reuseport;
    server_name localhost;
    ssl_certificate {cert}; ssl_certificate_key {key};
    ssl_protocols TLSv1.3; ssl_conf_command Ciphersuites TLS_AES_256_GCM_SHA384;
    root {home}/root;
    location = /small {{ default_type application/json; return 200 '{body}'; }}
    location /put/ {{ dav_methods PUT; create_full_put_path on; }}
  }}
}}
"""

    def __init__(self, home, cert, key):
        super().__init__(home)
        self.cert, self.key = cert, key

    def start(self):
        (self.home / "root/put").mkdir(parents=True, exist_ok=True)
        conf = self.home / "nginx.conf"
        # About as many bytes as the answer of /api/v1/me.
        body = json.dumps({"id": "0190a2b4-0000-7000-8000-000000000000", "email": "bench@example.com", "role": "user",
                           "display_name": "bench", "quota_bytes": 0, "used_bytes": 0})
        conf.write_text(self.CONF.format(user="user root;" if os.getuid() == 0 else "", home=self.home, port=self.port,
                                         cert=self.cert, key=self.key, body=body))
        self.spawn(["/usr/sbin/nginx", "-c", str(conf), "-p", str(self.home), "-e", str(self.home / "error.log")])

    def upload(self, source, name):
        return ["curl", "-T", str(source), "%s/put/%s" % (self.url, name)]

    def stored_bytes(self):
        return folder_bytes(self.home / "root/put")

    def after_upload(self, name):
        (self.home / "root/put" / name).unlink()

    def serve_file(self, source):
        os.link(source, self.home / "root/get.bin")

    def download(self, _form):
        return ["curl", self.url + "/get.bin"]


class Sealdrop(Server):
    name = "Sealdrop"
    small = "/api/v1/me"
    email = "bench@example.com"
    role = "user"

    def __init__(self, home, programs, settings=None):
        super().__init__(home)
        self.programs, self.settings = programs, settings or {}
        self.data = home / "data"
        self.cert = self.data / "tls/cert.pem"
        self.key = self.data / "tls/key.pem"
        self.password = secrets.token_urlsafe(18)
        self.tokens, self.tokens_at, self.file_id = None, 0, None

    def start(self):
        self.spawn([str(self.programs / "sealdropd"), "serve", "--data", str(self.data),
                    "--listen", "127.0.0.1:%d" % self.port])
        self.create_account(self.email)

    def create_account(self, email):
        subprocess.run([str(self.programs / "sealdropd"), "admin", "create", email, "--role", self.role,
                        "--password-stdin", "--data", str(self.data)], input=self.password + "\n", text=True,
                       stdout=subprocess.DEVNULL, check=True, env=dict(os.environ, **self.settings))

    def connect(self):
        return http.client.HTTPSConnection("127.0.0.1", self.port, timeout=600,
                                           context=ssl.create_default_context(cafile=str(self.cert)))

    def call(self, method, path, body=None, token=True, connection=None):
        """One JSON call; raises unless 2xx."""
        headers = {"Content-Type": "application/json"}
        if token:
            headers["Authorization"] = "Bearer " + self.token()
        c = connection or self.connect()
        c.request(method, "/api/v1" + path, json.dumps(body) if body is not None else None, headers)
        r = c.getresponse()
        data = r.read()
        if not 200 <= r.status < 300:
            raise RuntimeError("%s %s: %d %s" % (method, path, r.status, data[:400]))
        return json.loads(data) if data else None

    def token(self):
        """An access token with minutes left."""
        if time.time() - self.tokens_at > 240:
            if self.tokens:
                self.tokens = self.call("POST", "/auth/refresh", {"refresh_token": self.tokens["refresh_token"]}, False)
            else:
                self.tokens = self.call("POST", "/auth/login", {"email": self.email, "password": self.password}, False)
            self.tokens_at = time.time()
        return self.tokens["access_token"]

    def client(self):
        """The command-line client, signed in, and its environment."""
        program, home = str(self.programs / "sealdrop"), self.home / "client"
        env = dict(os.environ, XDG_CONFIG_HOME=str(home), XDG_STATE_HOME=str(home))
        if not home.exists():
            subprocess.run([program, "login", self.url, "--email", self.email, "--password-stdin", "--cacert", str(self.cert)],
                           input=self.password + "\n", text=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True,
                           env=env)
        return program, env

    def stored_bytes(self):
        return self.call("GET", "/me")["user"]["used_bytes"]

    @property
    def auth(self):
        return ["-H", "Authorization: Bearer " + self.token()]

    def upload(self, source, name):
        return ["curl", *self.auth, "-X", "POST", "-T", str(source),
                "%s/api/v1/files/upload?name=%s" % (self.url, urllib.parse.quote(name))]

    def after_upload(self, name):
        """Left until the end: deleting overwrites the bytes, which would cost in the next measurement."""

    def serve_file(self, source):
        answer = subprocess.run(self.upload(source, "get.bin") + ["-sSf", "--cacert", str(self.cert)],
                                stdout=subprocess.PIPE, check=True).stdout
        self.file_id = json.loads(answer)["file"]["id"]

    def download(self, form):
        return ["curl", *self.auth, "%s/api/v1/files/%s/%s" % (self.url, self.file_id, form)]


class FastApi(Server):
    """fastapi_peer.py under uvicorn, a worker for each core: as Debian's python3-uvicorn installs it, or with the faster loop and
    parser that are packages of their own."""
    PLAIN = ("asyncio", "h11")
    FAST = ("uvloop", "httptools")
    name = "FastAPI"
    PYTHON = "/usr/bin/python3"  # Debian's packages are there

    def __init__(self, home, cert, key, small, parts):
        super().__init__(home)
        self.cert, self.key, self.small, self.parts, self.token = cert, key, small, parts, None

    def start(self):
        self.settings = {"PEER_HOME": str(self.home), "PYTHONPATH": str(HERE), "PYTHONDONTWRITEBYTECODE": "1"}
        self.token = subprocess.run([self.PYTHON, str(HERE / "fastapi_peer.py")], stdout=subprocess.PIPE, text=True, check=True,
                                    env=dict(os.environ, **self.settings)).stdout.strip()
        self.spawn([self.PYTHON, "-m", "uvicorn", "fastapi_peer:app", "--host", "127.0.0.1", "--port", str(self.port),
                    "--workers", str(os.cpu_count()), "--loop", self.parts[0], "--http", self.parts[1], "--no-access-log",
                    "--log-level", "warning", "--ssl-certfile", str(self.cert), "--ssl-keyfile", str(self.key)])
        self.wait_until_quiet()

    def wait_until_quiet(self):
        """The port is open before the workers have loaded their code, which is not to count."""
        subprocess.run(["h2load", "--h1", "-n", "64", "-c", "64", *self.auth, self.url + self.small], stdout=subprocess.DEVNULL,
                       check=True)
        super().wait_until_quiet()

    @property
    def auth(self):
        return ["-H", "Authorization: Bearer " + self.token]


class TusServer(Server):
    """tus_peer.mjs: @tus/server with its file store."""
    name = "@tus/server"
    auth = []

    def __init__(self, home, cert, key):
        super().__init__(home)
        self.cert, self.key = cert, key

    def start(self):
        (self.home / "files").mkdir()
        self.spawn(["node", str(HERE / "tus_peer.mjs"), str(npm_modules()), str(self.port), str(self.cert), str(self.key),
                    str(self.home / "files")])

    def stored_bytes(self):
        return folder_bytes(self.home / "files")
