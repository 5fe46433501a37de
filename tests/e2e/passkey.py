#!/usr/bin/env python3
"""Passkeys as a browser makes and uses them: registering, as a second factor, as the only one; and what must be refused.

passkey.py BINARIES: prints "ok NAME" or "not ok NAME" and closes with "N passed, N failed". The authenticator is Chromium's virtual
one: what it signs is what a real one would.
"""
import http.server
import json
import ssl
import sys
import tempfile
import threading

from browser import Browser
from factors import PASSWORD, Server, check, counts

# What the web app would do.
SCRIPT = """
const post = async (path, body, token) => {
  const headers = {'Content-Type': 'application/json', ...(token && {Authorization: 'Bearer ' + token})};
  const answer = await fetch('/api/v1' + path, {method: 'POST', headers, body: body && JSON.stringify(body)});
  return {status: answer.status, ...JSON.parse(await answer.text() || '{}')};
};
const register = async (token, name) => {
  const options = (await post('/auth/passkeys/options', null, token)).public_key;
  const made = await navigator.credentials.create({publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(options)});
  const answer = made.toJSON().response;
  return post('/auth/passkeys', {name, client_data_json: answer.clientDataJSON, attestation_object: answer.attestationObject}, token);
};
const assertion = async options => {
  const got = await navigator.credentials.get({publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(options)});
  const {rawId, response: r} = got.toJSON();
  return {credential_id: rawId, client_data_json: r.clientDataJSON, authenticator_data: r.authenticatorData, signature: r.signature,
          ...(r.userHandle && {user_handle: r.userHandle})};
};
const options = async body => (await post('/auth/passkeys/login/options', body ?? {})).public_key;
"""


def run(page, body):
    """The value of an asynchronous function's body, or {"error": its exception's name}."""
    return page.evaluate("(async () => { %s %s })().catch(e => ({error: e.name, message: e.message}))" % (SCRIPT, body))


def refused(answer):
    return answer.get("status") == 401 and answer.get("code") == "passkey_refused"


def enrol(s, page):
    token = s.login("anna@example.com").json["access_token"]
    other = s.login("anna@example.com").json["access_token"]
    key = page.authenticator()
    a = run(page, f"return register('{token}', 'laptop');")
    check("registered", a.get("status") == 201 and a["passkey"]["name"] == "laptop", a)
    held = page.call("WebAuthn.getCredentials", {"authenticatorId": key})["credentials"]
    check("the_authenticator_holds_it", len(held) == 1 and held[0]["rpId"] == "localhost" and held[0]["isResidentCredential"], held)
    check("other_sessions_end", s.me(other) == 401 and s.me(token) == 200)
    a = run(page, f"return register('{token}', 'again');")
    check("one_authenticator_one_passkey", a.get("error") == "InvalidStateError", a)
    a = run(page, f"return post('/auth/passkeys', {{name: 'x', client_data_json: 'e30', attestation_object: 'oA'}}, '{token}');")
    check("nonsense_is_refused", a.get("status") == 403 and a["code"] == "passkey_refused", a)
    return key


def second_factor(s, page):
    """On the page where devices are approved, as a person does it."""
    a = s.login("anna@example.com")
    check("the_password_alone_no_longer_does", a.json.get("methods") == ["passkey"] and "access_token" not in a.json, a)
    page.go(s.url + "/device")
    page.sees("First prove who you are")
    page.fill("#email", "anna@example.com")
    page.fill("#password", PASSWORD)
    page.press("Enter")
    check("the_page_asks_for_the_passkey", page.sees("Use your passkey") and not page.text("#code"), page.text())
    page.click("[data-passkey=second]")
    check("signed_in_with_password_and_passkey", page.sees("Enter the code"), page.text())
    amr = s.sql("SELECT amr FROM sessions ORDER BY created_at DESC, id DESC LIMIT 1")[0][0]
    check("the_session_knows_how", amr == "pwd passkey", amr)
    mfa = s.login("anna@example.com").json["mfa_token"]
    a = run(page, f"const o = await options({{mfa_token: '{mfa}'}}); return post('/auth/passkeys/login', await assertion(o));")
    check("a_second_factors_answer_is_no_sign_in", refused(a), a)


def alone(s, page, key):
    page.call("Network.clearBrowserCookies")
    page.go(s.url + "/device")
    page.sees("First prove who you are")
    page.click("[data-passkey=alone]")
    check("signed_in_with_the_passkey_alone", page.sees("Enter the code"), page.text())
    me = page.evaluate("fetch('/api/v1/me').then(a => a.json())")
    check("as_its_owner", me["user"]["email"] == "anna@example.com", me)
    a = run(page, """const given = await assertion(await options());
        const first = await post('/auth/passkeys/login', given), second = await post('/auth/passkeys/login', given);
        return {first: first.status, token: first.access_token, second};""")
    check("a_program_gets_tokens", a.get("first") == 200 and s.me(a["token"]) == 200, a)
    check("an_answer_is_good_once", refused(a["second"]), a)
    a = run(page, """const given = await assertion(await options()), other = await assertion(await options());
        return post('/auth/passkeys/login', {...given, signature: other.signature});""")
    check("another_answers_signature_is_refused", refused(a), a)
    a = run(page, """const given = await assertion(await options());
        const said = JSON.parse(atob(given.client_data_json.replaceAll('-', '+').replaceAll('_', '/')));
        said.crossOrigin = true;
        given.client_data_json = btoa(JSON.stringify(said)).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
        return post('/auth/passkeys/login', given);""")
    check("changed_client_data_is_refused", refused(a), a)
    page.call("WebAuthn.setUserVerified", {"authenticatorId": key, "isUserVerified": False})
    a = run(page, "return post('/auth/passkeys/login', await assertion(await options()));")
    check("alone_it_must_know_its_owner", a.get("error") == "NotAllowedError", a)
    a = run(page, """const o = await options(); o.userVerification = 'discouraged';
        return post('/auth/passkeys/login', await assertion(o));""")
    check("and_the_server_insists_on_it", refused(a), a)
    mfa = s.login("anna@example.com").json["mfa_token"]
    a = run(page, f"""const o = await options({{mfa_token: '{mfa}'}}); o.userVerification = 'discouraged';
        return post('/auth/passkeys/login', {{...await assertion(o), mfa_token: '{mfa}'}});""")
    check("after_a_password_it_need_not", a.get("status") == 200, a)
    page.call("WebAuthn.setUserVerified", {"authenticatorId": key, "isUserVerified": True})


class Blank(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b"<title>other</title>")

    def log_message(self, *args):
        pass


def other_origins(s, browser, page, key):
    """The same name at another port is another origin, but may use the same passkeys: only the server can tell."""
    site = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Blank)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(s.data + "/tls/cert.pem", s.data + "/tls/key.pem")
    site.socket = tls.wrap_socket(site.socket, server_side=True)
    threading.Thread(target=site.serve_forever, daemon=True).start()
    credential = page.call("WebAuthn.getCredentials", {"authenticatorId": key})["credentials"][0]

    def answer_there(host, options):
        there = browser.page(f"https://{host}:{site.server_address[1]}/")
        theirs = there.authenticator()
        there.call("WebAuthn.addCredential", {"authenticatorId": theirs, "credential": credential})
        return run(there, f"return assertion({json.dumps(options)});")

    options = run(page, "return options();")
    answer = answer_there("localhost", options)
    check("the_neighbour_gets_an_answer", "signature" in answer, answer)
    a = s.post("/auth/passkeys/login", answer)
    check("but_not_one_for_here", a.is_problem(401, "passkey_refused"), a)
    answer = answer_there("other.example", options)
    check("another_name_gets_none", answer.get("error") == "SecurityError", answer)
    site.shutdown()
    a = run(page, "return post('/auth/passkeys/login', await assertion(await options()));")
    check("here_it_goes_on", a.get("status") == 200, a)


def clones_noted(s):
    return s.sql("SELECT COUNT(*) FROM audit WHERE event = 'auth.login' AND entry LIKE '%counter did not grow%'")[0][0]


def clone(s, page, key):
    credential = page.call("WebAuthn.getCredentials", {"authenticatorId": key})["credentials"][0]
    page.call("WebAuthn.removeCredential", {"authenticatorId": key, "credentialId": credential["credentialId"]})
    count = s.sql("SELECT sign_count FROM passkeys")[0][0]
    check("the_counter_is_kept", count == credential["signCount"] > 1, (count, credential["signCount"]))
    page.call("WebAuthn.addCredential", {"authenticatorId": key, "credential": dict(credential, signCount=1)})
    before = clones_noted(s)
    a = run(page, "return post('/auth/passkeys/login', await assertion(await options()));")
    check("a_clone_is_refused", refused(a), a)
    check("and_recorded", clones_noted(s) == before + 1, before)
    page.call("WebAuthn.removeCredential", {"authenticatorId": key, "credentialId": credential["credentialId"]})
    page.call("WebAuthn.addCredential", {"authenticatorId": key, "credential": dict(credential, signCount=count + 10)})


def removed(s, page):
    a = run(page, "return post('/auth/passkeys/login', await assertion(await options()));")
    token = a.get("access_token")
    items = s.call("GET", "/auth/passkeys", token=token).json["items"]
    check("listed_with_its_last_use", len(items) == 1 and items[0]["last_used_at"], items)
    a = s.call("DELETE", "/auth/passkeys/" + items[0]["id"], token=token)
    check("removed", a.status == 204, a)
    a = run(page, "return post('/auth/passkeys/login', await assertion(await options()));")
    check("a_removed_passkey_is_refused", refused(a), a)
    check("the_password_does_again", "access_token" in s.login("anna@example.com").json)


def main():
    with tempfile.TemporaryDirectory(prefix="sealdrop-passkey-") as folder:
        s = Server(sys.argv[1], folder + "/data")
        try:
            s.create("anna@example.com")
            s.start()
            with Browser(s.data + "/tls/cert.pem") as browser:
                page = browser.page(s.url + "/device")
                key = enrol(s, page)
                second_factor(s, page)
                alone(s, page, key)
                other_origins(s, browser, page, key)
                clone(s, page, key)
                removed(s, page)
                complaints = browser.complaints()
                check("no_complaint_of_the_browser", not complaints, complaints)
        finally:
            s.stop()
    print(f"{counts['ok']} passed, {counts['not ok']} failed")
    sys.exit(counts["not ok"] != 0)


if __name__ == "__main__":
    main()
