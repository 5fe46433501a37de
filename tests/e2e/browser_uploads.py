#!/usr/bin/env python3
"""Uploads from a page, as a web app makes them: tus-js-client and Uppy in Chromium, signed in by cookie, through nginx. Connections are
cut, the page is reloaded, the server is killed; what was acknowledged is never sent again, and what arrives is what was chosen.

browser_uploads.py BINARIES PAGE: the folders of the programs and of the bundled page. Prints "ok NAME" or "not ok NAME" and closes with
"N passed, N failed".
"""
import hashlib
import json
import os
import pathlib
import random
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request

from browser import Browser
from factors import PASSWORD, Server, check, counts

HERE = pathlib.Path(__file__).resolve().parent
MIB = 1 << 20
SIZE = 9 * MIB + 12345
# Two ways to stand in front: as it comes out of the package, which takes bodies of 1 MB and collects them; and as OPERATIONS.md says.
NGINX = """
daemon off;
{user}
worker_processes 1;
pid {home}/pid;
error_log {home}/error.log warn;
events {{ worker_connections 500; }}
http {{
  access_log off; types {{ text/html html; text/javascript js; }}
  client_body_temp_path {home}/body; proxy_temp_path {home}/t1; fastcgi_temp_path {home}/t2;
  uwsgi_temp_path {home}/t3; scgi_temp_path {home}/t4;
  ssl_certificate {cert}; ssl_certificate_key {key};
  server {{
    listen 127.0.0.1:{streaming} ssl http2;
    client_max_body_size 0; proxy_request_buffering off; proxy_http_version 1.1;
    location /page/ {{ alias {page}/; }}
    location / {{ proxy_pass https://127.0.0.1:{server}; }}
  }}
  server {{
    listen 127.0.0.1:{plain} ssl http2;
    location /page/ {{ alias {page}/; }}
    location / {{ proxy_pass https://127.0.0.1:{server}; }}
  }}
}}
"""


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Front:
    """What stands between browser and server: a proxy that cuts connections, and nginx behind it."""

    def __init__(self, s, folder, page):
        self.port, self.plain_port, streaming = free_port(), free_port(), free_port()
        self.url, self.plain_url = f"https://localhost:{self.port}", f"https://localhost:{self.plain_port}"
        self.cutter_home, home = pathlib.Path(folder, "cutter"), pathlib.Path(folder, "nginx")
        self.cutter_home.mkdir()
        home.mkdir()
        self.config = NGINX.format(user="user root;" if os.getuid() == 0 else "", home=home, page=page, server=s.port, streaming=streaming,
                                   plain=self.plain_port, cert=s.data + "/tls/cert.pem", key=s.data + "/tls/key.pem")
        pathlib.Path(home, "nginx.conf").write_text(self.config)
        self.nginx = subprocess.Popen(["/usr/sbin/nginx", "-c", f"{home}/nginx.conf", "-p", str(home), "-e", f"{home}/error.log"])
        self.cutter = subprocess.Popen([sys.executable, str(HERE / "proxy.py"), str(self.port), str(streaming), str(self.cutter_home)])
        for _ in range(200):
            if (self.cutter_home / "ready").exists() and (home / "pid").exists():
                return
            time.sleep(0.05)
        raise SystemExit("no proxy: " + (home / "error.log").read_text())

    def close(self):
        for process in (self.cutter, self.nginx):
            process.terminate()
            process.wait(10)

    def rate(self, bytes_per_second):
        (self.cutter_home / "rate").write_text(str(bytes_per_second))

    def cut(self):
        self.cutter.send_signal(signal.SIGUSR1)

    def sent(self):
        time.sleep(0.15)
        return int((self.cutter_home / "up").read_text())


class Bed:
    def __init__(self, s, front, browser, folder):
        self.s, self.front, self.browser, self.folder = s, front, browser, pathlib.Path(folder)
        self.token = s.login("anna@example.com").json["access_token"]
        self.page = browser.page(front.url + "/page/page.html")

    def source(self, name, size):
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(random.randbytes(size))
        return path

    def sign_in(self):
        body = {"email": "anna@example.com", "password": PASSWORD, "session": "cookie"}
        return self.page.evaluate("session('/auth/login', %s)" % json.dumps(body))

    def start(self, what, **options):
        self.page.evaluate("void %s(%s)" % (what, json.dumps(options)))

    def wait_sent(self, n):
        return self.page.wait(f"run && (run.sent >= {n} || run.done)", 30) and not self.page.evaluate("run.done")

    def ends(self, timeout=40):
        return self.page.wait("run.done", timeout) and not self.seen("errors") and not self.seen("wrong")

    def seen(self, what):
        return self.page.evaluate("run." + what)

    def state(self):
        return self.page.evaluate("JSON.stringify({...run, upload: null, told: [...run.told], first: [...run.first]})")

    def same(self, file_id, path):
        for _ in range(100):  # "scanning", as long as its type is looked at
            if self.s.call("GET", f"/files/{file_id}", token=self.token).json["file"]["state"] == "ready":
                break
            time.sleep(0.1)
        request = urllib.request.Request(f"https://127.0.0.1:{self.s.port}/api/v1/files/{file_id}/download",
                                         headers={"Authorization": "Bearer " + self.token})
        with urllib.request.urlopen(request, context=self.s.tls, timeout=60) as answer:
            return hashlib.sha256(answer.read()).digest() == hashlib.sha256(path.read_bytes()).digest()

    def arrived(self, name, path):
        """The upload at hand has ended well, with this file."""
        good = self.ends() and len(self.seen("files")) > 0
        check(name, good and self.same(self.seen("files[run.files.length - 1]"), path), self.state())

    def acknowledged(self):
        """Address and offset of each upload that the page would find again. That the server tells it is its word."""
        urls = self.page.evaluate("""Object.keys(localStorage).filter(k => k.startsWith('tus'))
            .map(k => JSON.parse(localStorage[k])).flatMap(u => u.parallelUploadUrls ?? [u.uploadUrl])""")
        self.page.evaluate("location.href = 'about:blank'")
        heads = {u: self.s.call("HEAD", u[len(self.front.url):], token=self.token, headers={"Tus-Resumable": "1.0.0"}) for u in urls}
        return {u: int(a.headers["Upload-Offset"]) for u, a in heads.items()}

    def kill_server(self):
        self.s.process.send_signal(signal.SIGKILL)
        self.s.process.wait()
        time.sleep(0.3)
        self.s.start()

    def reload(self):
        """A new page, as after the key F5; nothing but cookies and localStorage is left of the old one."""
        self.page.go(self.front.url + "/page/page.html?" + str(time.monotonic()))
        self.page.wait("window.refresh")
        return self.page.evaluate("refresh()")


def straight(bed):
    path = bed.source("straight.bin", SIZE)
    check("signed_in_by_cookie", bed.sign_in() == 200)
    bed.page.choose("#files", path)
    bed.start("upload", forgery=True)
    refused = bed.page.wait("run?.done") and bed.seen("errors[0]")
    check("without_the_csrf_token_it_is_refused", "did not come from the web app" in (refused or ""), refused)
    for name, options in (("plain", {}), ("parallel", {"parallelUploads": 4}), ("chunks", {"chunkSize": 700001})):
        bed.start("upload", **options)
        bed.arrived(f"{name}_upload_arrives", path)


def cut(bed):
    path = bed.source("cut.bin", SIZE)
    bed.page.choose("#files", path)
    for name, options in (("plain", {}), ("parallel", {"parallelUploads": 3})):
        bed.front.rate(4_500_000)
        before = bed.front.sent()
        bed.start("upload", **options)
        cuts = 0
        for share in (0.15, 0.4, 0.7):
            cuts += bed.wait_sent(share * SIZE)
            bed.front.cut()
        bed.front.rate(0)
        bed.arrived(f"{name}_upload_arrives_after_cuts", path)
        check(f"{name}_upload_was_cut", cuts == 3 and bed.seen("retries") >= 3, bed.state())
        # A cut loses what is between the browser and the server: buffers of sockets and of nginx, and records that are not whole.
        streams = options.get("parallelUploads", 1)
        sent = bed.front.sent() - before
        print(f"# {name}: {sent} bytes sent for {SIZE}")
        check(f"{name}_upload_sends_nothing_again", sent < SIZE * 1.02 + cuts * (500_000 + streams * 300_000), f"{sent} of {SIZE}")


def reloaded(bed):
    """The page goes away in mid-upload, the server is killed, and the next page finds the upload in localStorage."""
    path = bed.source("reload.bin", SIZE)
    for name, options in (("plain", {}), ("parallel", {"parallelUploads": 3})):
        bed.page.choose("#files", path)
        bed.front.rate(4_500_000)
        bed.start("upload", **options)
        midway = bed.wait_sent(SIZE // 2)
        told = bed.acknowledged()
        bed.kill_server()
        check(f"{name}_reload_keeps_the_session", midway and bed.reload() == 200)
        bed.front.rate(0)
        bed.page.choose("#files", path)
        bed.start("upload", resume=True, **options)
        bed.arrived(f"{name}_upload_arrives_after_a_reload", path)
        check(f"{name}_upload_is_found_again", bed.seen("previous") == 1 and sum(told.values()) > SIZE // 4, told)
        resumed = dict(bed.page.evaluate("[...run.first]"))
        check(f"{name}_upload_goes_on_where_it_was_told", resumed and all(told.get(u) == n for u, n in resumed.items()), (told, resumed))
    left = bed.page.evaluate("Object.keys(localStorage).filter(k => k.startsWith('tus')).length")
    check("nothing_is_left_in_local_storage", left == 0, left)


def killed(bed):
    path = bed.source("kill.bin", SIZE)
    bed.page.choose("#files", path)
    bed.front.rate(4_500_000)
    bed.start("upload")
    kills = 0
    for share in (0.25, 0.6):
        kills += bed.wait_sent(share * SIZE)
        bed.kill_server()
    bed.front.rate(0)
    bed.arrived("upload_arrives_after_kills_of_the_server", path)
    check("server_was_killed_in_mid_upload", kills == 2, bed.state())


def session_ends(bed):
    """The access cookie lives ten minutes: as if they were over."""
    path = bed.source("session.bin", SIZE)
    bed.page.choose("#files", path)
    bed.front.rate(4_500_000)
    bed.start("upload", chunkSize=1_000_000)
    midway = bed.wait_sent(SIZE // 3)
    bed.page.call("Network.deleteCookies", {"name": "__Host-sd_at", "url": bed.front.url})
    bed.front.rate(0)
    bed.arrived("upload_goes_on_with_a_refreshed_session", path)
    check("session_had_ended", midway and bed.seen("retries") > 0, bed.state())


def listing(bed, folder_id, prefix=""):
    """Path and id of every file of a folder and those in it."""
    items = bed.s.call("GET", f"/files?folder={folder_id}", token=bed.token).json["items"]
    found = {prefix + i["name"]: i["id"] for i in items}
    for f in bed.s.call("GET", f"/folders?parent={folder_id}", token=bed.token).json["items"]:
        found.update(listing(bed, f["id"], prefix + f["name"] + "/"))
    return found


def uppy_many(bed):
    names = ["one.bin", "zwei ünï.txt", "三.pdf", "empty.txt", "five.bin", "six.bin"]
    sizes = [2 * MIB, 5, 70_000, 0, 1 * MIB, 16384]
    paths = [bed.source("many/" + n, k) for n, k in zip(names, sizes)]
    tree = {n: bed.source("Ordner/" + n, 3000 + len(n)) for n in ("a.txt", "b/a.txt", "b/c ö/d.bin")}
    made = bed.s.post("/folders", {"name": "Uppy"}, bed.token).json
    bed.page.choose("#files", *paths)
    bed.page.choose("#folder", bed.folder / "Ordner")
    bed.page.wait("document.getElementById('folder').files.length == 3")  # the browser reads folders in the background
    bed.front.rate(2_000_000)
    bed.start("uppy", folder="/Uppy")
    cuts = bed.wait_sent(30)
    bed.front.cut()
    bed.front.rate(0)
    check("uppy_uploads_end", bed.ends() and bed.seen("result") == {"good": 9, "bad": 0}, bed.state())
    there = listing(bed, made["folder"]["id"])
    want = {p.name: p for p in paths} | {"Ordner/" + n: p for n, p in tree.items()}
    check("uppy_was_cut", cuts and bed.seen("retries") > 0, bed.state())
    check("uppy_keeps_names_and_folders", sorted(there) == sorted(want), there)
    wrong = [n for n, p in want.items() if n not in there or not bed.same(there[n], p)]
    check("uppy_files_are_the_sources", not wrong, wrong)


def uppy_pause(bed):
    path = bed.source("pause.bin", SIZE)
    bed.reload()
    bed.page.choose("#files", path)
    bed.front.rate(4_500_000)
    bed.start("uppy")
    midway = bed.wait_sent(40)
    bed.page.evaluate("run.upload.pauseAll()")
    before = bed.front.sent()
    time.sleep(0.4)
    quiet = bed.front.sent() - before
    bed.front.rate(0)
    bed.page.evaluate("run.upload.resumeAll()")
    bed.arrived("uppy_upload_arrives_after_a_pause", path)
    check("uppy_pause_is_one", midway and quiet < 400_000, f"{quiet} bytes")


def uppy_refused(bed):
    bed.reload()
    bed.page.choose("#files", bed.source("virus.exe", 10), bed.source("good.txt", 10), bed.source("large.bin", 65 * MIB))
    bed.start("uppy")
    bed.page.wait("run.done", 30)
    errors = sorted(bed.seen("errors"))
    check("uppy_sends_the_others", bed.seen("result") == {"good": 1, "bad": 2}, bed.state())
    check("uppy_tells_the_type", len(errors) == 2 and "virus.exe" in errors[1] and ".exe" in errors[1].split(":", 1)[1], errors)
    check("uppy_tells_the_quota", len(errors) == 2 and "large.bin" in errors[0] and "quota" in errors[0].lower(), errors)
    check("refused_is_not_tried_again", bed.seen("retries") == 2, bed.state())


def behind_defaults(bed):
    """nginx as it comes: no body over 1 MB, and each is collected before it goes on."""
    path = bed.source("plain.bin", 3 * MIB)
    bed.page = bed.browser.page(bed.front.plain_url + "/page/page.html")
    bed.sign_in()
    bed.page.choose("#files", path)
    bed.start("upload", chunkSize=MIB, parallelUploads=2)
    bed.arrived("upload_behind_a_plain_nginx_arrives", path)
    bed.start("uppy", chunkSize=MIB)
    bed.arrived("uppy_behind_a_plain_nginx_arrives", path)
    bed.s.restart(SEALDROP_LIMITS_REQUEST_SIZE="1M")
    bed.start("parts")
    bed.arrived("parts_fit_through_a_plain_nginx", path)
    check("parts_are_as_large_as_was_set", bed.seen("partSize") == MIB, bed.state())


def other_origin(bed):
    """Of a page of another origin the browser takes no answers, and the server no changes. Cookies do go along: ports are one site."""
    before = len(bed.s.call("GET", "/files", token=bed.token).json["items"])
    tries = {"reads_nothing": ("/api/v1/me", {"mode": "no-cors"}),
             "begins_no_upload": ("/tus", {"method": "POST", "headers": {"Tus-Resumable": "1.0.0", "Upload-Length": "0"}}),
             "sends_no_file": ("/api/v1/files/upload?name=forged", {"mode": "no-cors", "method": "POST", "body": "x"})}
    for name, (path, options) in tries.items():
        got = bed.page.evaluate("fetch(%s, %s).then(a => a.type + a.status, e => e.name)" % (
            json.dumps(bed.front.url + path), json.dumps(dict(options, credentials="include"))))
        check(f"another_origin_{name}", got == "TypeError", got)
    check("nothing_came_of_it", len(bed.s.call("GET", "/files", token=bed.token).json["items"]) == before)


def main():
    binaries, page = sys.argv[1:3]
    with tempfile.TemporaryDirectory(prefix="sealdrop-browser-uploads-") as folder:
        s = Server(binaries, folder + "/data")
        s.env.update(SEALDROP_TYPES_DENY=".exe", SEALDROP_LIMITS_QUOTA="160M")
        front = None
        try:
            s.create("anna@example.com")
            s.start()
            front = Front(s, folder, page)
            s.env["SEALDROP_SERVER_PUBLIC_URL"] = front.url
            s.restart()
            with Browser(s.data + "/tls/cert.pem") as browser:
                bed = Bed(s, front, browser, folder + "/sources")
                for part in (straight, cut, reloaded, killed, session_ends, uppy_many, uppy_pause, uppy_refused, behind_defaults):
                    begin = time.monotonic()
                    part(bed)
                    print(f"# {part.__name__}: {time.monotonic() - begin:.1f} s", flush=True)
                complaints = browser.complaints()
                check("no_complaint_of_the_browser", not complaints, complaints)
                other_origin(bed)
        finally:
            if front:
                front.close()
            s.stop()
    print(f"{counts['ok']} passed, {counts['not ok']} failed")
    sys.exit(counts["not ok"] != 0)


if __name__ == "__main__":
    main()
