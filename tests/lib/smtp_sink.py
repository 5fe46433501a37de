#!/usr/bin/env python3
"""A mail server for tests: smtp_sink.py DIR [--starttls CERT KEY] [--user NAME PASSWORD]. Listens on a free port of 127.0.0.1, prints it,
and writes each message it takes to DIR/N.eml, with the envelope in the first two lines (X-From, X-To). With --user it takes nothing from
whoever has not signed in; with --starttls nothing before TLS. Ends with its standard input."""
import argparse
import base64
import os
import pathlib
import socket
import ssl
import sys
import threading


class Client:
    def __init__(self, server, conn):
        self.server, self.conn = server, conn
        self.file = conn.makefile("rwb")
        self.tls = self.known = False
        self.sender, self.to = "", []

    def say(self, text):
        self.file.write(text.encode() + b"\r\n")
        self.file.flush()

    def start_tls(self):
        self.say("220 go on")
        self.conn = self.server.context.wrap_socket(self.conn, server_side=True)
        self.file = self.conn.makefile("rwb")
        self.tls = True

    def hello(self):
        extra = ["SIZE 10000000"]
        if self.server.context and not self.tls:
            extra.append("STARTTLS")
        elif self.server.user:
            extra.append("AUTH PLAIN")
        lines = ["sink"] + extra
        for i, line in enumerate(lines):
            self.say("250%s%s" % ("-" if i + 1 < len(lines) else " ", line))

    def sign_in(self, argument):
        if argument == "PLAIN":
            self.say("334 ")
            argument = "PLAIN " + self.file.readline().decode().strip()
        given = base64.b64decode(argument.split(" ", 1)[1]).split(b"\0")[1:]
        self.known = given == [self.server.user.encode(), self.server.password.encode()]
        self.say("235 welcome" if self.known else "535 wrong")

    def data(self):
        self.say("354 go on")
        lines = []
        while True:
            line = self.file.readline()
            if not line or line == b".\r\n":
                break
            lines.append(line[1:] if line.startswith(b".") else line)
        self.server.keep(self.sender, self.to, b"".join(lines))
        self.say("250 taken")

    def serve(self):
        self.say("220 sink")
        while True:
            line = self.file.readline().decode("utf-8", "replace").strip()
            verb, _, argument = line.partition(" ")
            verb = verb.upper()
            if not line or verb == "QUIT":
                return
            if verb in ("EHLO", "HELO"):
                self.hello()
            elif verb == "STARTTLS" and self.server.context and not self.tls:
                self.start_tls()
            elif self.server.context and not self.tls:
                self.say("530 TLS first")
            elif verb == "AUTH":
                self.sign_in(argument)
            elif self.server.user and not self.known:
                self.say("530 sign in first")
            elif verb == "MAIL":
                self.sender, self.to = argument.split(" ")[0], []
                self.say("250 fine")
            elif verb == "RCPT":
                self.to.append(argument.split(" ")[0])
                self.say("250 fine")
            elif verb == "DATA":
                self.data()
            else:
                self.say("250 fine")


class Server:
    def __init__(self, options):
        self.folder, self.count, self.lock = pathlib.Path(options.folder), 0, threading.Lock()
        self.user, self.password = options.user or (None, None)
        self.context = None
        if options.starttls:
            self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.context.load_cert_chain(*options.starttls)

    def keep(self, sender, to, message):
        head = "X-From: %s\nX-To: %s\n" % (sender, " ".join(to))
        with self.lock:
            self.count += 1
            path = self.folder / ("%d.eml" % self.count)
        path.with_suffix(".part").write_bytes(head.encode() + message)
        path.with_suffix(".part").rename(path)

    def client(self, conn):
        try:
            with conn:
                Client(self, conn).serve()
        except (OSError, ValueError, IndexError):
            pass

    def run(self, listener):
        while True:
            conn, _ = listener.accept()
            threading.Thread(target=self.client, args=(conn,), daemon=True).start()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder")
    parser.add_argument("--starttls", nargs=2, metavar=("CERT", "KEY"))
    parser.add_argument("--user", nargs=2, metavar=("NAME", "PASSWORD"))
    server = Server(parser.parse_args())
    listener = socket.create_server(("127.0.0.1", 0))
    print(listener.getsockname()[1], flush=True)
    threading.Thread(target=server.run, args=(listener,), daemon=True).start()
    sys.stdin.read()
    os._exit(0)


if __name__ == "__main__":
    main()
