#!/usr/bin/env python3
"""`sealdrop login` on a terminal of its own, answered as a person would.

login.py BINARIES: prints "ok NAME" or "not ok NAME" and closes with "N passed, N failed".
"""
import json
import os
import pathlib
import pty
import select
import sqlite3
import subprocess
import sys
import tempfile
import time

from factors import OTHER, PASSWORD, Server, check, counts, forgive, now_step, totp


class Terminal:
    """A command on a pseudo-terminal."""

    def __init__(self, command, home):
        env = {k: v for k, v in os.environ.items() if not k.startswith("XDG_")}
        self.shown = ""
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.execve(command[0], command, dict(env, HOME=home))

    def read(self, seconds):
        ready, _, _ = select.select([self.fd], [], [], max(0, seconds))
        if not ready:
            return False
        try:
            data = os.read(self.fd, 4096)
        except OSError:  # the other side is gone
            data = b""
        self.shown += data.decode("utf-8", "replace").replace("\r", "")
        return bool(data)

    def asked(self, question, seconds=20):
        """Whether the question shows; what showed before it is forgotten."""
        until = time.monotonic() + seconds
        while question not in self.shown:
            if not self.read(until - time.monotonic()):
                return False
        self.shown = self.shown.split(question, 1)[1]
        return True

    def answer(self, text):
        os.write(self.fd, text.encode() + b"\n")

    def end(self):
        """(status, what showed since the last question)"""
        while self.read(20):
            pass
        os.close(self.fd)  # hangs up on a command that still waits for an answer
        _, status = os.waitpid(self.pid, 0)
        return os.waitstatus_to_exitcode(status), self.shown


class Person:
    def __init__(self, s, binaries, home):
        self.s, self.program, self.home = s, f"{binaries}/sealdrop", home
        os.makedirs(home)

    def login(self, *answers, questions=("Password: ", "Code of your second factor")):
        """Types each answer at its question (the last question comes again); (all were asked, status, what showed at the end)."""
        terminal = Terminal([self.program, "login", self.s.url, "--cacert", self.s.data + "/tls/cert.pem", "--email",
                             "anna@example.com"], self.home)
        asked = True
        for i, answer in enumerate(answers):
            asked = terminal.asked(questions[min(i, len(questions) - 1)]) and asked
            terminal.answer(answer)
        return (asked, *terminal.end())

    def account(self):
        path = pathlib.Path(self.home, ".config/sealdrop/account.json")
        return json.loads(path.read_text()) if path.exists() else None

    def forget(self):
        pathlib.Path(self.home, ".config/sealdrop/account.json").unlink(missing_ok=True)


def password_only(s, p):
    asked, status, shown = p.login(OTHER)
    check("wrong_password", asked and status == 3 and "password is wrong" in shown and not p.account(), (status, shown))
    asked, status, shown = p.login(PASSWORD)
    check("password", asked and status == 0 and "Signed in to" in shown and "second factor" not in shown, (status, shown))
    check("the_password_is_not_echoed", PASSWORD not in shown and PASSWORD not in json.dumps(p.account()), shown)
    p.forget()


def with_a_factor(s, p):
    token = s.login("anna@example.com").json["access_token"]
    secret = s.post("/auth/2fa/enable", {"password": PASSWORD}, token).json["secret"]
    recovery = s.post("/auth/2fa/verify", {"code": totp(secret, now_step() - 1)}, token).json["recovery_codes"]
    asked, status, shown = p.login(PASSWORD, totp(secret, now_step()))
    check("code", asked and status == 0 and "Signed in to" in shown, (status, shown))
    check("signed_in_with_it", s.me(p.account()["access_token"]) == 200)
    amr = s.sql("SELECT amr FROM sessions ORDER BY created_at DESC, id DESC LIMIT 1")[0][0]
    check("the_session_knows_how", amr == "pwd otp", amr)
    p.forget()
    asked, status, shown = p.login(PASSWORD, totp(secret, now_step()), recovery[0].lower()[:8] + "-" + recovery[0].lower()[8:])
    check("a_used_code_is_asked_for_again", asked and status == 0 and p.account(), (status, shown))
    left = s.sql("SELECT COUNT(*) FROM recovery_codes WHERE used_at IS NULL")[0][0]
    check("a_recovery_code_does", left == 9, left)
    p.forget()
    asked, status, shown = p.login(PASSWORD, recovery[0], " " + recovery[1] + " ")
    check("each_once_and_blanks_do_not_matter", asked and status == 0 and p.account(), (status, shown))
    p.forget()
    asked, status, shown = p.login(PASSWORD, "000000", "111111", "abcdef")
    check("three_wrong_codes_end_it", asked and status == 3 and not p.account(), (status, shown))
    check("in_words", "code" in shown.lower() and "Signed in" not in shown, shown)
    p.login(PASSWORD, "000000", "000000", "000000")
    asked, status, shown = p.login(PASSWORD, recovery[2])
    check("after_five_the_factor_is_locked", status == 3 and not p.account() and "Code of your" not in shown, (status, shown))
    forgive(s, "anna@example.com")


def without_a_terminal(s, p):
    made = subprocess.run(["setsid", p.program, "login", s.url, "--cacert", s.data + "/tls/cert.pem", "--email", "anna@example.com",
                           "--password-stdin"], input=PASSWORD, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          env=dict(os.environ, HOME=p.home), timeout=60, check=False)
    check("without_a_terminal_it_names_the_other_ways", made.returncode == 3 and "--device" in made.stdout, made.stdout)


def other_obstacles(s, p):
    user = s.sql("SELECT id FROM users WHERE email = 'anna@example.com'")[0][0]
    made = s.admin("reset-mfa", "anna@example.com")
    with sqlite3.connect(s.data + "/sealdrop.db", timeout=10) as db:
        db.execute("INSERT INTO passkeys (id, user_id, name, credential_id, alg, public_key, sign_count, created_at) "
                   "VALUES (?, ?, 'key', x'01', -7, x'02', 0, 1)", (os.urandom(16), user))
    asked, status, shown = p.login(PASSWORD, questions=("Password: ",))
    check("a_passkey_alone_wants_a_browser", made.returncode == 0 and asked and status == 3 and "--device" in shown
          and "Code of" not in shown, (status, shown))
    s.sql("DELETE FROM passkeys")
    s.sql("UPDATE users SET must_change_password = 1")
    asked, status, shown = p.login(PASSWORD, questions=("Password: ",))
    check("a_password_that_must_change_is_told", asked and status == 3 and f"{s.url}/reset" in shown, (status, shown))
    s.sql("UPDATE users SET must_change_password = 0")
    s.restart(SEALDROP_SECURITY_MFA_REQUIRED="all")
    asked, status, shown = p.login(PASSWORD, questions=("Password: ",))
    check("a_factor_that_must_be_is_told", asked and status == 3 and "must have a second factor" in shown, (status, shown))


def main():
    with tempfile.TemporaryDirectory(prefix="sealdrop-login-") as folder:
        s = Server(sys.argv[1], folder + "/data")
        try:
            s.create("anna@example.com")
            s.start()
            p = Person(s, sys.argv[1], folder + "/home")
            password_only(s, p)
            with_a_factor(s, p)
            without_a_terminal(s, p)
            other_obstacles(s, p)
        finally:
            s.stop()
    print(f"{counts['ok']} passed, {counts['not ok']} failed")
    sys.exit(counts["not ok"] != 0)


if __name__ == "__main__":
    main()
