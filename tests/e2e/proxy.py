#!/usr/bin/env python3
"""A TCP proxy for the end-to-end tests: proxy.py LISTEN_PORT TARGET_PORT DIR

Forwards bytes, counts them (DIR/up, DIR/down), holds them to DIR/rate bytes a second in each direction (no file: unlimited), and
cuts every connection on SIGUSR1. Writes DIR/ready when it listens.
"""
import os
import pathlib
import signal
import socket
import sys
import threading
import time

PORT, TARGET, DIR = int(sys.argv[1]), int(sys.argv[2]), pathlib.Path(sys.argv[3])
lock = threading.Lock()
open_sockets = set()
counts = {"up": 0, "down": 0}
debt = {"up": 0.0, "down": 0.0}


def rate():
    try:
        return int((DIR / "rate").read_text())
    except (OSError, ValueError):
        return 0


def account(way, n):
    with lock:
        counts[way] += n
        now = time.monotonic()
        limit = rate()
        debt[way] = max(debt[way], now) + (n / limit if limit else 0)
        pause = debt[way] - now
    if limit and pause > 0:
        time.sleep(pause)


def pump(way, source, sink):
    try:
        while data := source.recv(65536):
            account(way, len(data))
            sink.sendall(data)
    except OSError:
        pass
    for s in (source, sink):
        try:
            s.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass


def serve(client):
    try:
        server = socket.create_connection(("127.0.0.1", TARGET))
    except OSError:
        client.close()
        return
    with lock:
        open_sockets.update((client, server))
    back = threading.Thread(target=pump, args=("down", server, client), daemon=True)
    back.start()
    pump("up", client, server)
    back.join()
    with lock:
        open_sockets.difference_update((client, server))
    client.close()
    server.close()


def cut(*_):
    for s in list(open_sockets):
        try:
            s.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass


def write_counts():
    while True:
        for way, n in counts.items():
            temp = DIR / (way + ".new")
            temp.write_text(str(n))
            os.replace(temp, DIR / way)
        time.sleep(0.05)


signal.signal(signal.SIGUSR1, cut)
listener = socket.create_server(("127.0.0.1", PORT), backlog=64)
threading.Thread(target=write_counts, daemon=True).start()
(DIR / "ready").write_text("")
while True:
    peer, _ = listener.accept()
    threading.Thread(target=serve, args=(peer,), daemon=True).start()
