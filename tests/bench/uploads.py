"""The same files by every client to every server: throughput, CPU seconds of server and client, and the server's peak memory. Each
measurement has a server of its own, with empty storage, that has taken a few small files before."""
import os
import pathlib
import shutil
import subprocess
import typing

import measures
import servers

AT_ONCE = 16
FORM_FILES = 1000
LARGE = [("GB/s", "GB/s", "%.2f", True), ("cpu", "server CPU s/GiB", "%.2f", False),
         ("client cpu", "client CPU s/GiB", "%.2f", False), ("MiB", "server's peak MiB", "%.0f", False)]
SMALL = [("files/s", "files/s", "%.0f", True), ("ms", "server CPU ms/file", "%.2f", False),
         ("client ms", "client CPU ms/file", "%.2f", False), ("MiB", "server's peak MiB", "%.0f", False)]
# Which way of Sealdrop's is set against which of the others.
LARGE_PAIRS = [("`sealdrop upload`", "PUT by curl"), ("one-shot by curl", "PUT by curl"), ("`sealdrop upload`", "tus-js-client"),
               ("/tus by tus-js-client", "tus-js-client"), ("/tus by curl", "tus by curl")]
SMALL_PAIRS = [("`sealdrop upload`", "PUT by curl"), ("forms by curl", "PUT by curl"), ("one-shot by curl", "PUT by curl"),
               ("`sealdrop upload`", "tus-js-client"), ("/tus by tus-js-client", "tus-js-client")]
HERE = pathlib.Path(__file__).resolve().parent


class Way(typing.NamedTuple):
    server: type
    arguments: tuple  # of a new one
    send: typing.Callable  # (server, files of equal size, all that is in their folder)
    name: str


def by_client(server, files):
    command, env = server.client()
    subprocess.run([command, "upload", "--quiet", str(files[0].parent)], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                   check=True, env=env)


def curl_each(place, *options):
    """A request for each file, over connections that stay open, by one curl."""
    def send(server, files):
        config = server.home / "curl.conf"
        config.write_text("".join('upload-file = "%s"\nurl = "%s%s"\noutput = /dev/null\n' % (f, server.url, place.format(f.name))
                                  for f in files))
        measures.curls(server, [["curl", *server.auth, *(o.format(files[0].stat().st_size) for o in options), "--parallel",
                                 "--parallel-max", str(AT_ONCE), "-K", str(config)]])
    return send


def curl_form(server, files):
    """Forms of up to a thousand files, one after the other."""
    for i in range(0, len(files), FORM_FILES):
        config = server.home / "curl.conf"
        config.write_text("".join('form = "file=@%s"\n' % f for f in files[i:i + FORM_FILES]))
        measures.curls(server, [["curl", *server.auth, "-K", str(config), server.url + "/api/v1/files/upload"]])


def tus_js(server, files):
    env = dict(os.environ, NODE_EXTRA_CA_CERTS=str(server.cert), TOKEN=server.token() if server.auth else "")
    subprocess.run(["node", str(HERE / "tus_client.mjs"), str(servers.npm_modules()), server.url + "/tus", str(AT_ONCE)],
                   input="\n".join(map(str, files)), text=True, check=True, env=env)


tus_curl = curl_each("/tus", "-X", "POST", "-H", "Tus-Resumable: 1.0.0", "-H", "Upload-Length: {}",
                     "-H", "Content-Type: application/offset+octet-stream")


def ways(home, programs, cert, key):
    sealdrop, nginx, tus = ((kind, (home / ("uploads-" + name), *more)) for kind, name, *more in (
        (servers.Sealdrop, "sealdrop", programs), (servers.Nginx, "nginx", cert, key), (servers.TusServer, "tus", cert, key)))
    return {way.name: way for way in (
        Way(*sealdrop, by_client, "`sealdrop upload`"),
        Way(*sealdrop, curl_each("/api/v1/files/upload?name={}"), "one-shot by curl"),
        Way(*sealdrop, curl_form, "forms by curl"),
        Way(*sealdrop, tus_curl, "/tus by curl"),
        Way(*sealdrop, tus_js, "/tus by tus-js-client"),
        Way(*nginx, curl_each("/put/{}"), "PUT by curl"),
        Way(*tus, tus_curl, "tus by curl"),
        Way(*tus, tus_js, "tus-js-client"))}


def measure(way, files, warm):
    server = way.server(*way.arguments)
    server.start()
    try:
        way.send(server, warm)
        server.wait_until_quiet()
        before, cpu, size = server.stored_bytes(), server.cpu_seconds(), len(files) * files[0].stat().st_size
        with measures.PeakMemory(server) as memory, measures.Cost(server) as cost:
            way.send(server, files)
        if server.stored_bytes() - before != size:
            raise RuntimeError("%s: %d bytes were sent, %d are there" % (way.name, size, server.stored_bytes() - before))
        server.wait_until_quiet()  # what it put off counts too
        cpu = server.cpu_seconds() - cpu
    finally:
        server.stop()
        shutil.rmtree(server.home)
    gib = size / measures.GIB
    return {"GB/s": size / cost.wall / 1e9, "cpu": cpu / gib, "client cpu": cost.client / gib, "MiB": memory.peak / (1 << 20),
            "files/s": len(files) / cost.wall, "ms": cpu / len(files) * 1e3, "client ms": cost.client / len(files) * 1e3}
