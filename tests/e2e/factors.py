#!/usr/bin/env python3
"""Second factors, passwords, sessions, API keys and the admin commands, against a real sealdropd over TLS.

factors.py BINARIES: the folder of sealdropd. The TOTP here is written from RFC 6238 with Python's hmac: a second implementation.
Prints "ok NAME" or "not ok NAME" and closes with "N passed, N failed".
"""
import base64
import concurrent.futures
import hashlib
import hmac
import json
import os
import pathlib
import signal
import socket
import sqlite3
import ssl
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request

PASSWORD = "a stroll along the river"
OTHER = "a walk through the forest"
counts = {"ok": 0, "not ok": 0}


def check(name, good, note=""):
    word = "ok" if good else "not ok"
    counts[word] += 1
    print(word, name, "" if good else f"({note})", flush=True)


def totp(secret, step):
    key = base64.b32decode(secret + "=" * (-len(secret) % 8))
    mac = hmac.new(key, step.to_bytes(8, "big"), hashlib.sha1).digest()
    at = mac[19] & 15
    return "%06d" % ((int.from_bytes(mac[at:at + 4], "big") & 0x7FFFFFFF) % 10**6)


def now_step():
    """The present step, with at least ten seconds of it left, so that what follows happens within it."""
    if time.time() % 30 > 20:
        time.sleep(30.1 - time.time() % 30)
    return int(time.time()) // 30


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.text = status, headers, body.decode("utf-8", "replace")
        try:
            self.json = json.loads(self.text) if self.text else {}
        except ValueError:
            self.json = {}

    @property
    def code(self):
        return self.json.get("code", "")

    def is_problem(self, status, code):
        return self.status == status and self.code == code

    def __str__(self):
        return f"{self.status} {self.text[:300]}"


class Server:
    def __init__(self, binaries, data):
        self.program, self.data, self.process = str(pathlib.Path(binaries) / "sealdropd"), data, None
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            self.port = s.getsockname()[1]
        self.url = f"https://localhost:{self.port}"
        self.tls = ssl._create_unverified_context()
        self.env = dict(os.environ, SEALDROP_SECURITY_PASSWORD_MEMORY="19M", SEALDROP_SECURITY_PASSWORD_PASSES="1",
                        SEALDROP_SERVER_PUBLIC_URL=self.url)

    def start(self, **settings):
        env = dict(self.env, **settings)
        log = open(self.data + ".log", "ab")
        self.process = subprocess.Popen([self.program, "serve", "--data", self.data, "--listen", f"127.0.0.1:{self.port}"],
                                        env=env, stdout=log, stderr=log)
        for _ in range(200):
            try:
                if self.call("GET", "/health").status == 200:
                    return
            except OSError:
                pass
            time.sleep(0.05)
        raise SystemExit("the server did not start: " + open(self.data + ".log").read()[-2000:])

    def stop(self):
        if self.process:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(30)
            self.process = None

    def restart(self, **settings):
        self.stop()
        self.start(**settings)

    def admin(self, *arguments, stdin=""):
        return subprocess.run([self.program, "admin", *arguments, "--data", self.data], input=stdin.encode(), env=self.env,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60, check=False)

    def sql(self, text, *values):
        with sqlite3.connect(self.data + "/sealdrop.db", timeout=10) as db:
            return db.execute(text, values).fetchall()

    def call(self, method, path, body=None, token=None, headers=None):
        if path.startswith("/") and not path.startswith(("/api/", "/health", "/tus")):
            path = "/api/v1" + path
        request = urllib.request.Request(f"https://127.0.0.1:{self.port}{path}", method=method,
                                         data=None if body is None else json.dumps(body).encode())
        if body is not None:
            request.add_header("Content-Type", "application/json")
        if token:
            request.add_header("Authorization", "Bearer " + token)
        for name, value in (headers or {}).items():
            request.add_header(name, value)
        try:
            with urllib.request.urlopen(request, context=self.tls, timeout=60) as answer:
                return Answer(answer.status, answer.headers, answer.read())
        except urllib.error.HTTPError as error:
            return Answer(error.code, error.headers, error.read())

    def post(self, path, body, token=None):
        return self.call("POST", path, body, token)

    def login(self, email, password=PASSWORD, **more):
        return self.post("/auth/login", {"email": email, "password": password, **more})

    def verify(self, mfa_token, code):
        return self.post("/auth/2fa/verify", {"mfa_token": mfa_token, "code": code})

    def me(self, token):
        return self.call("GET", "/me", token=token).status

    def create(self, email, password=PASSWORD, role="user"):
        made = self.admin("create", email, "--role", role, "--password-stdin", stdin=password)
        if made.returncode:
            raise SystemExit(made.stdout.decode())


def forgive(s, email):
    """The pauses after wrong codes and passwords are over."""
    s.sql("UPDATE users SET mfa_blocked_until = 1 WHERE email = ? AND mfa_blocked_until IS NOT NULL", email)
    s.sql("UPDATE login_tries SET blocked_until = 1 WHERE blocked_until IS NOT NULL")


def enrolment(s):
    """Enrols anna; gives her secret, recovery codes and the last step used."""
    token, other = s.login("anna@example.com").json["access_token"], s.login("anna@example.com").json["access_token"]
    a = s.post("/auth/2fa/enable", {"password": OTHER}, token)
    check("enable_wants_the_password", a.is_problem(403, "wrong_password"), a)
    check("enable_wants_a_session", s.post("/auth/2fa/enable", {"password": PASSWORD}).status == 401)
    a = s.post("/auth/2fa/verify", {"code": "000000"}, token)
    check("nothing_to_confirm", a.is_problem(404, "no_enrolment"), a)
    a = s.post("/auth/2fa/enable", {"password": PASSWORD}, token)
    check("enable", a.status == 200 and len(base64.b32decode(a.json.get("secret", ""))) == 20, a)
    uri = urllib.parse.urlparse(a.json["otpauth_uri"])
    query = urllib.parse.parse_qs(uri.query)
    check("otpauth_uri", uri.scheme == "otpauth" and uri.netloc == "totp" and query["secret"] == [a.json["secret"]]
          and urllib.parse.unquote(uri.path) == "/Sealdrop:anna@example.com" and query["issuer"] == ["Sealdrop"], a.json["otpauth_uri"])
    check("qr_code", a.json["qr_svg"].startswith("<svg ") and "script" not in a.json["qr_svg"])
    check("not_in_force_yet", "access_token" in s.login("anna@example.com").json)
    secret, step = a.json["secret"], now_step()
    for far in (-2, 2):
        a = s.post("/auth/2fa/verify", {"code": totp(secret, step + far)}, token)
        check(f"step_{far}_refused", a.is_problem(403, "wrong_code"), a)
    a = s.post("/auth/2fa/verify", {"code": totp(secret, step - 1)}, token)
    codes = a.json.get("recovery_codes", [])
    check("confirmed_by_the_step_before", a.status == 200 and len(set(codes)) == 10, a)
    check("recovery_codes_have_80_bits", all(len(c) == 16 and set(c) <= set("0123456789ABCDEFGHJKMNPQRSTVWXYZ") for c in codes))
    check("own_session_stays", s.me(token) == 200)
    check("other_sessions_end", s.me(other) == 401)
    a = s.post("/auth/2fa/enable", {"password": PASSWORD}, token)
    check("a_new_secret_wants_the_old_factor", a.is_problem(403, "code_required"), a)
    stored = s.sql("SELECT wrapped FROM totp")[0][0] + b"".join(r[0] for r in s.sql("SELECT hash FROM recovery_codes"))
    check("nothing_stored_in_clear", base64.b32decode(secret) not in stored and codes[0].encode() not in stored)
    return secret, codes, step


def second_factor(s, secret, codes, step):
    a = s.login("anna@example.com")
    mfa = a.json.get("mfa_token", "")
    check("sign_in_asks_for_the_factor", a.json.get("mfa_required") is True and "access_token" not in a.json
          and a.json["methods"] == ["totp", "recovery"] and mfa.startswith("sdm_"), a)
    refused = [r for r in routes(s) if r[1] and s.call(r[0], r[2], {} if r[0] != "GET" else None, mfa).status != 401]
    check("pre_mfa_token_is_no_bearer", not refused, refused)
    a = s.call("GET", "/me", headers={"Cookie": "__Host-sd_at=" + mfa})
    check("pre_mfa_token_is_no_cookie", a.status == 401, a)
    a = s.post("/auth/password", {"mfa_token": mfa, "new_password": OTHER})
    check("pre_mfa_token_changes_no_password", a.status == 401, a)
    check("pre_mfa_token_enrols_nothing", s.post("/auth/2fa/enable", {"mfa_token": mfa}).status == 401)
    check("pre_mfa_token_is_no_refresh_token", s.post("/auth/refresh", {"refresh_token": mfa}).status == 401)
    a = s.verify(mfa, totp(secret, step - 1))
    check("the_confirming_code_is_used_up", a.is_problem(401, "wrong_code"), a)
    a = s.verify(mfa[:-3] + "AAA", totp(secret, step))
    check("a_forged_mfa_token_is_refused", a.is_problem(401, "unauthorized"), a)
    a = s.verify(mfa, totp(secret, step))
    access = a.json.get("access_token", "")
    check("signed_in_with_the_code", a.status == 200 and s.me(access) == 200, a)
    a = s.verify(mfa, totp(secret, step))
    check("a_code_works_once", a.is_problem(401, "wrong_code"), a)
    with concurrent.futures.ThreadPoolExecutor(100) as pool:
        got = list(pool.map(lambda _: s.verify(mfa, totp(secret, step + 1)).status, range(100)))
    check("of_100_parallel_posts_one_succeeds", got.count(200) == 1 and got.count(401) == 99, sorted(set(got)))
    a = s.verify(mfa, codes[0].lower()[:8] + "-" + codes[0].lower()[8:])
    check("recovery_code_as_people_type_it", a.status == 200, a)
    a = s.verify(mfa, codes[0])
    check("recovery_code_works_once", a.is_problem(401, "wrong_code"), a)
    with concurrent.futures.ThreadPoolExecutor(20) as pool:
        got = list(pool.map(lambda _: s.verify(mfa, codes[1]).status, range(20)))
    check("recovery_code_once_in_parallel", got.count(200) == 1, got)
    return access, mfa


def limits(s, secret, codes, mfa):
    got = [s.verify(mfa, "000000").status for _ in range(5)]
    a = s.verify(mfa, codes[2])
    check("five_wrong_codes_lock", got == [401] * 5 and a.is_problem(423, "mfa_locked") and int(a.headers["Retry-After"]) > 600, a)
    s.restart()
    a = s.verify(s.login("anna@example.com").json["mfa_token"], codes[2])
    check("the_lock_outlives_a_restart_and_a_new_sign_in", a.is_problem(423, "mfa_locked"), a)
    forgive(s, "anna@example.com")
    s.verify(mfa, "000000")
    a = s.verify(mfa, codes[2])
    check("the_next_lock_is_longer", a.status == 423 and int(a.headers["Retry-After"]) > 1200, a)
    forgive(s, "anna@example.com")
    check("a_right_code_ends_it", s.verify(mfa, codes[2]).status == 200)
    fails = s.sql("SELECT mfa_fails FROM users WHERE email = 'anna@example.com'")[0][0]
    check("and_resets_the_count", fails == 0, fails)


def step_up(s, access, codes):
    s.sql("UPDATE sessions SET auth_at = 1")
    a = s.post("/auth/reauthenticate", {"password": PASSWORD}, access)
    check("reauthentication_wants_the_factor_too", a.is_problem(403, "code_required"), a)
    a = s.post("/auth/reauthenticate", {"password": OTHER, "code": codes[3]}, access)
    check("and_the_password", a.is_problem(403, "wrong_password"), a)
    a = s.post("/auth/reauthenticate", {"password": PASSWORD, "code": codes[3]}, access)
    check("reauthenticated", a.status == 200 and s.me(a.json["access_token"]) == 200 and "refresh_token" not in a.json, a)
    access = a.json["access_token"]
    a = s.post("/auth/2fa/recovery", {"password": PASSWORD, "code": codes[4]}, access)
    fresh = a.json.get("recovery_codes", [])
    check("new_recovery_codes", a.status == 200 and len(fresh) == 10 and not set(fresh) & set(codes), a)
    mfa = s.login("anna@example.com").json["mfa_token"]
    check("the_old_set_is_void", s.verify(mfa, codes[5]).status == 401 and s.verify(mfa, fresh[0]).status == 200)
    s.restart(SEALDROP_SECURITY_MFA_REQUIRED="all")
    a = s.post("/auth/2fa/disable", {"password": PASSWORD, "code": fresh[1]}, access)
    check("a_required_factor_stays", a.is_problem(403, "mfa_required"), a)
    s.restart()
    a = s.post("/auth/2fa/disable", {"password": PASSWORD, "code": "000000"}, access)
    check("disable_wants_a_code", a.is_problem(403, "wrong_code"), a)
    a = s.post("/auth/2fa/disable", {"password": PASSWORD, "code": fresh[1]}, access)
    check("disabled", a.status == 204 and "access_token" in s.login("anna@example.com").json, a)


def required(s):
    s.create("berta@example.com")
    s.restart(SEALDROP_SECURITY_MFA_REQUIRED="all")
    a = s.login("berta@example.com")
    mfa = a.json.get("mfa_token", "")
    check("policy_asks_for_enrolment", a.json.get("mfa_enrolment_required") is True and "access_token" not in a.json, a)
    check("enrolment_token_opens_nothing_else", s.me(mfa) == 401 and s.verify(mfa, "000000").status in (401, 404))
    a = s.post("/auth/2fa/enable", {"mfa_token": mfa})
    secret = a.json.get("secret", "")
    check("enrol_without_a_session", a.status == 200 and secret, a)
    a = s.verify(mfa, totp(secret, now_step()))
    check("signed_in_with_the_first_code", s.me(a.json.get("access_token")) == 200 and len(a.json["recovery_codes"]) == 10, a)
    check("from_now_on_the_code_is_asked", s.login("berta@example.com").json.get("mfa_required") is True)
    for password, good in (("kn8vqz1", False), ("kn8vqz1p", True)):
        made = s.admin("create", f"c{len(password)}@example.com", "--password-stdin", "--role", "user", stdin=password)
        # The command reads the settings of its environment, as the server does.
        check(f"without_policy_{len(password)}_characters_refused", made.returncode != 0, made.stdout)
        s.env["SEALDROP_SECURITY_MFA_REQUIRED"] = "all"
        made = s.admin("create", f"c{len(password)}@example.com", "--password-stdin", "--role", "user", stdin=password)
        check(f"with_policy_{len(password)}_characters", (made.returncode == 0) == good, made.stdout)
        del s.env["SEALDROP_SECURITY_MFA_REQUIRED"]
    s.restart()


def passwords(s):
    s.create("carl@example.com")
    token, other = s.login("carl@example.com").json["access_token"], s.login("carl@example.com").json["access_token"]

    def change(new, old=PASSWORD):
        return s.post("/auth/password", {"current_password": old, "new_password": new}, token)

    for name, bad, word in (("short", "kn8vqz1pwm4xsd", "at least 15"), ("common", "12345678900987654321", "common"),
                            ("common_in_capitals", "QazWsxEdcRfvTgb", "common"), ("own_name", "carl@example.com2026!", "own name"),
                            ("product", "sealdrop-sealdrop-1", "own name"), ("long", "x" * 1025, "")):
        a = change(bad)
        check("password_refused_" + name, a.status == 400 and word in a.text and a.json["errors"][0]["field"] == "new_password", a)
    check("password_refused_wrong_current", change(OTHER, OTHER).is_problem(403, "wrong_password"))
    a = change("кирпичная стена")
    check("fifteen_code_points_do", a.status == 200, a)
    check("other_sessions_end_with_the_password", s.me(token) == 200 and s.me(other) == 401)
    check("the_old_one_is_over", s.login("carl@example.com").is_problem(401, "invalid_credentials"))
    a = change("z" * 255 + "y", "кирпичная стена")
    check("256_characters_do", a.status == 200, a)
    check("all_of_them_count", s.login("carl@example.com", "z" * 255 + "x").status == 401
          and s.login("carl@example.com", "z" * 255 + "y").status == 200)
    s.sql("UPDATE users SET must_change_password = 1 WHERE email = 'carl@example.com'")
    a = s.login("carl@example.com", "z" * 255 + "y")
    check("forced_change", a.json.get("password_change_required") is True and "access_token" not in a.json, a)
    mfa = a.json["mfa_token"]
    check("its_token_is_for_nothing_else", s.me(mfa) == 401 and s.verify(mfa, "000000").status == 401)
    a = s.post("/auth/password", {"mfa_token": mfa, "new_password": OTHER})
    check("changed_and_signed_in", a.status == 200 and s.me(a.json["access_token"]) == 200, a)
    check("the_token_was_for_once", s.post("/auth/password", {"mfa_token": mfa, "new_password": PASSWORD}).status == 401)
    s.restart(SEALDROP_SECURITY_PASSWORD_MAX_AGE="1d", SEALDROP_SECURITY_PASSWORD_CLASSES="3")
    check("young_enough", "access_token" in s.login("carl@example.com", OTHER).json)
    s.sql("UPDATE users SET password_changed_at = 1000 WHERE email = 'carl@example.com'")
    a = s.login("carl@example.com", OTHER)
    check("age_limit_as_compliance_switch", a.json.get("password_change_required") is True, a)
    a = s.post("/auth/password", {"mfa_token": a.json["mfa_token"], "new_password": PASSWORD})
    check("classes_as_compliance_switch", a.status == 400 and "three of" in a.text, a)
    s.restart()


def sessions(s):
    s.create("dora@example.com")
    mine = s.login("dora@example.com", device_name="laptop").json["access_token"]
    two = [s.login("dora@example.com", device_name=f"phone {i}").json["access_token"] for i in range(3)]
    a = s.call("GET", "/auth/sessions", token=mine)
    items = a.json.get("items", [])
    check("sessions_are_listed", len(items) == 4 and [i["device_name"] for i in items if i["current"]] == ["laptop"]
          and all(i["ip"] == "127.0.0.1" and i["methods"] == ["pwd"] for i in items), a)
    victim = [i["id"] for i in items if i["device_name"] == "phone 0"][0]
    stranger = s.login("carl@example.com", OTHER).json.get("access_token")
    a = s.call("DELETE", "/auth/sessions/" + victim, token=stranger)
    check("a_strangers_session_is_absent", a.is_problem(404, "not_found"), a)
    check("one_session_ends", s.call("DELETE", "/auth/sessions/" + victim, token=mine).status == 204
          and s.me(two[0]) == 401 and s.me(two[1]) == 200)
    s.sql("UPDATE sessions SET auth_at = 1")
    check("all_others_end", s.call("DELETE", "/auth/sessions", token=mine).status == 204
          and s.me(two[1]) == s.me(two[2]) == 401 and s.me(mine) == 200)
    audited = {r[0] for r in s.sql("SELECT event FROM audit")}
    check("all_of_it_is_in_the_audit_table", {"auth.login", "auth.mfa", "auth.mfa.enable", "auth.mfa.disable", "auth.mfa.recovery",
                                              "auth.password.change", "auth.reauthenticate", "session.end", "session.end_others"}
          <= audited, audited)
    pii = s.sql("SELECT entry, pii FROM audit WHERE event = 'auth.login' AND result = 'failed'")
    check("failed_sign_ins_name_nobody_in_the_entry", pii and all("example.com" not in e for e, _ in pii))


def api_keys(s):
    token = s.login("dora@example.com").json["access_token"]
    a = s.post("/api-keys", {"name": "ci", "scopes": ["files:read", "files:fly"]}, token)
    check("unknown_scope", a.status == 400, a)
    a = s.post("/api-keys", {"name": "ci", "scopes": ["admin:read"]}, token)
    check("scope_beyond_the_role", a.is_problem(403, "denied"), a)
    a = s.post("/api-keys", {"name": "ci", "scopes": ["files:read"], "expires_in": 3600}, token)
    key, ident = a.json["api_key"]["key"], a.json["api_key"]["id"]
    check("api_key", a.status == 201 and key.startswith(f"sdk_{ident}_"), a)
    check("it_reads_files", s.call("GET", "/files", token=key).status == 200)
    check("it_writes_none", s.call("POST", "/uploads", {"name": "a", "size": 1}, key).is_problem(403, "scope"))
    refused = [p for m, p in (("GET", "/api-keys"), ("GET", "/auth/sessions"), ("DELETE", "/auth/sessions")) if s.call(m, p, token=key).status != 403]
    refused += [p for p, b in (("/auth/2fa/enable", {"password": PASSWORD}), ("/auth/password", {"new_password": OTHER}),
                               ("/api-keys", {"name": "x", "scopes": ["files:read"]})) if s.post(p, b, key).status != 403]
    check("it_manages_no_account", not refused, refused)
    a = s.call("GET", "/api-keys", token=token)
    item = a.json["items"][0]
    check("listed_without_the_secret", len(a.json["items"]) == 1 and "key" not in item and item["scopes"] == ["files:read"]
          and item["last_used_at"], a)
    check("strangers_cannot_revoke_it", s.call("DELETE", "/api-keys/" + ident, token=s.login("anna@example.com").json["access_token"]).status == 404)
    check("revoked_at_once", s.call("DELETE", "/api-keys/" + ident, token=token).status == 204
          and s.call("GET", "/files", token=key).status == 401)


def delays(s):
    s.create("emil@example.com")
    got = {}
    for email in ("emil@example.com", "nobody@example.com"):
        got[email] = [(a.status, a.code, a.text.replace(a.json.get("request_id", "-"), "")) for a in
                      (s.login(email, OTHER) for _ in range(11))]
    check("ten_wrong_passwords_cost_a_pause", [g[0] for g in got["emil@example.com"]] == [401] * 10 + [429], got["emil@example.com"][-2:])
    same = [a[:2] == b[:2] and len(a[2]) == len(b[2]) for a, b in zip(*got.values())]
    check("unknown_addresses_look_the_same", all(same), [g[-2:] for g in got.values()])
    s.restart()
    a = s.login("emil@example.com")
    check("the_pause_outlives_a_restart", a.is_problem(429, "rate_limited") and 0 < int(a.headers["Retry-After"]) <= 31, a)
    check("of_unknown_ones_too", s.login("nobody@example.com").status == 429)
    forgive(s, "")
    s.login("emil@example.com", OTHER)
    a = s.login("emil@example.com")
    check("the_pause_grows", a.status == 429 and 31 < int(a.headers["Retry-After"]) <= 61, a)
    forgive(s, "")
    check("the_right_one_ends_it", s.login("emil@example.com").status == 200
          and s.sql("SELECT COUNT(*) FROM login_tries WHERE user_id IS NOT NULL AND fails > 5")[0][0] == 0)
    s.sql("INSERT OR REPLACE INTO login_tries (key, user_id, fails, wrong, blocked_until, last_at) "
          "SELECT id, id, 100, 100, NULL, 1 FROM users WHERE email = 'emil@example.com'")
    a = s.login("emil@example.com")
    check("after_100_only_a_new_password_helps", a.is_problem(423, "account_locked"), a)
    made = s.admin("password", "emil@example.com", "--password-stdin", stdin=OTHER)
    check("such_as_one_by_the_administrator", made.returncode == 0 and s.login("emil@example.com", OTHER).status == 200, made.stdout)


def admin_commands(s):
    s.create("fred@example.com")
    token = s.login("fred@example.com").json["access_token"]
    check("suspended", s.admin("suspend", "fred@example.com").returncode == 0 and s.login("fred@example.com").status == 401)
    time.sleep(1)
    check("suspension_ends_sessions", s.me(token) == 401)
    check("back_again", s.admin("unsuspend", "fred@example.com").returncode == 0 and s.login("fred@example.com").status == 200)
    made = s.admin("role", "fred@example.com", "guest")
    role = s.login("fred@example.com").json["user"]["role"]
    check("role", made.returncode == 0 and role == "guest", role)
    made = s.admin("suspend", "root@example.com")
    check("the_last_administrator_stays", made.returncode != 0 and s.login("root@example.com").status == 200, made.stdout)
    check("unknown_account", s.admin("suspend", "nobody@example.com").returncode != 0)
    made = s.admin("reset-mfa", "berta@example.com")
    check("reset_mfa", made.returncode == 0 and "access_token" in s.login("berta@example.com").json, made.stdout)


def imports(s):
    accounts = [{"email": "gina@example.com", "role": "user", "display_name": "Gina",
                 "password_hash": "$2b$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"},
                {"email": "hugo@example.com", "password_hash":
                 "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc"},
                {"email": "gina@example.com", "password_hash": "$2b$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"},
                {"email": "ivan@example.com", "password_hash": "$1$md5$notaccepted"}]
    path = pathlib.Path(s.data + ".import.json")
    path.write_text(json.dumps({"users": accounts}))
    made = s.admin("import-users", str(path))
    check("import_tells_what_it_left_out", made.returncode != 0 and b"2 imported, 2 refused" in made.stdout, made.stdout)
    check("wrong_passwords_stay_wrong", s.login("gina@example.com", "U*U*X").status == 401)
    check("imported_bcrypt_signs_in", s.login("gina@example.com", "U*U").status == 200)
    check("imported_argon2_signs_in", s.login("hugo@example.com", "password").status == 200)
    hashes = [r[0] for r in s.sql("SELECT password_hash FROM users WHERE email IN ('gina@example.com', 'hugo@example.com')")]
    check("and_is_hashed_anew", all(h.startswith("$argon2id$v=19$m=19456,t=1,p=1$") for h in hashes), hashes)
    check("and_again", s.login("gina@example.com", "U*U").status == 200 and s.login("hugo@example.com", "password").status == 200)
    path = pathlib.Path(s.data + ".import.csv")
    path.write_text('email,display_name,role,password_hash\njana@example.com,"Jana, the ""first""",guest,' + accounts[0]["password_hash"] + "\n")
    made = s.admin("import-users", str(path))
    a = s.login("jana@example.com", "U*U")
    check("csv", made.returncode == 0 and a.json.get("user", {}).get("display_name") == 'Jana, the "first"', made.stdout)


def routes(s):
    """(method, needs a signed-in caller, path with made-up parameters) of every route, from the server's own document."""
    got = []
    for path, operations in s.call("GET", "/api/v1/openapi.json").json["paths"].items():
        filled = "/".join("019aa000-0000-7000-8000-000000000000" if part.startswith("{") else part for part in path.split("/"))
        for method, operation in operations.items():
            got.append((method.upper(), operation["security"] == [{"bearer": []}], filled))
    return got


def main():
    with tempfile.TemporaryDirectory(prefix="sealdrop-factors-") as folder:
        s = Server(sys.argv[1], folder + "/data")
        try:
            s.create("root@example.com", role="admin")
            s.create("anna@example.com")
            s.start()
            secret, codes, step = enrolment(s)
            access, mfa = second_factor(s, secret, codes, step)
            limits(s, secret, codes, mfa)
            step_up(s, access, codes)
            required(s)
            passwords(s)
            sessions(s)
            api_keys(s)
            delays(s)
            admin_commands(s)
            imports(s)
        finally:
            s.stop()
    print(f"{counts['ok']} passed, {counts['not ok']} failed")
    sys.exit(counts["not ok"] != 0)


if __name__ == "__main__":
    main()
