#!/usr/bin/env python3
"""How long /health takes while 200 sign-ins run at once: hashing passwords must not stall a server (AUTH-05: p99 under 50 ms).

login_health.py [--logins N] [--programs DIR]        each from its own loopback address, over and over for 10 s, at the default cost
"""
import argparse
import http.client
import json
import pathlib
import ssl
import statistics
import tempfile
import threading
import time

import servers

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
SECONDS = 10


def sign_in_again_and_again(server, context, number, until, answers):
    c = http.client.HTTPSConnection("127.0.0.1", server.port, timeout=60, context=context,
                                    source_address=("127.0.%d.%d" % (2 + number // 250, 1 + number % 250), 0))
    while time.monotonic() < until:
        # An account takes 20 a minute; an address of nobody costs a hash as well, and there are enough of them.
        body = json.dumps({"email": "nobody%d.%d@example.com" % (number, len(answers)), "password": server.password})
        c.request("POST", "/api/v1/auth/login", body, {"Content-Type": "application/json"})
        r = c.getresponse()
        r.read()
        answers.append(r.status)
    c.close()


def health(server, context, until, times):
    c = http.client.HTTPSConnection("127.0.0.1", server.port, timeout=60, context=context, source_address=("127.0.1.1", 0))
    while time.monotonic() < until:
        begin = time.monotonic()
        c.request("GET", "/health")
        r = c.getresponse()
        r.read()
        if r.status != 200:
            raise RuntimeError("health: %d" % r.status)
        times.append((time.monotonic() - begin) * 1e3)
        time.sleep(0.005)
    c.close()


def p99(times):
    return statistics.quantiles(times, n=100)[98]


def main():
    cli = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    cli.add_argument("--logins", type=int, default=200, help="at once")
    cli.add_argument("--programs", default=str(ROOT / "build/release/bin"))
    args = cli.parse_args()
    with tempfile.TemporaryDirectory(prefix="sealdrop-health-") as home:
        server = servers.Sealdrop(pathlib.Path(home) / "sealdrop", pathlib.Path(args.programs), servers.NO_TRY_LIMITS)
        server.start()
        context = ssl.create_default_context(cafile=str(server.cert))
        context.check_hostname = False
        try:
            idle, busy, answers = [], [], []
            health(server, context, time.monotonic() + 2, idle)
            until = time.monotonic() + SECONDS
            threads = [threading.Thread(target=sign_in_again_and_again, args=(server, context, i, until, answers))
                       for i in range(args.logins)]
            for t in threads:
                t.start()
            health(server, context, until, busy)
            for t in threads:
                t.join()
        finally:
            server.stop()
    kinds = {s: answers.count(s) for s in sorted(set(answers))}
    print("/health alone: p50 %.1f ms, p99 %.1f ms; with %d sign-ins at once: p50 %.1f ms, p99 %.1f ms; sign-ins answered: %s"
          % (statistics.median(idle), p99(idle), args.logins, statistics.median(busy), p99(busy), kinds))


if __name__ == "__main__":
    main()
