#!/usr/bin/env python3
"""The pages of accounts, as people meet them: a mail arrives, its link is opened in a browser, a form is filled in.

pages.py BINARIES [SCREENSHOTS]: prints "ok NAME" or "not ok NAME" and closes with "N passed, N failed".
"""
import email
import email.policy
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time

from browser import Browser
from factors import OTHER, PASSWORD, Server, check, counts, now_step, totp

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
PICTURES = sys.argv[2] if len(sys.argv) > 2 else ""


class Mail:
    """The mail server of the tests, and what has arrived."""

    def __init__(self, folder):
        self.folder, key, self.ca = pathlib.Path(folder) / "mail", folder + "/mail.key", folder + "/mail.pem"
        self.folder.mkdir()
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                        "-subj", "/CN=mail", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", self.ca],
                       stderr=subprocess.DEVNULL, check=True)
        self.sink = subprocess.Popen([sys.executable, str(ROOT / "tests/lib/smtp_sink.py"), str(self.folder), "--starttls", self.ca, key],
                                     stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.settings = {"SEALDROP_MAIL_URL": "smtp://127.0.0.1:" + self.sink.stdout.readline().strip(),
                         "SEALDROP_MAIL_FROM": "Drop <drop@example.com>", "SEALDROP_MAIL_CA_FILE": self.ca}
        self.read = 0

    def close(self):
        self.sink.stdin.close()
        self.sink.wait(10)

    def link(self):
        """Of the next mail: where its button leads, which must be where its text leads."""
        self.read += 1
        path = self.folder / f"{self.read}.eml"
        for _ in range(200):
            if path.exists():
                break
            time.sleep(0.1)
        message = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
        text = re.search(r"https://\S+", message.get_body(("plain",)).get_content()).group()
        button = re.search(r'href="([^"]+)"', message.get_body(("html",)).get_content()).group(1)
        return button if button == text else f"{button} is not {text}"


def picture(page, name):
    if PICTURES:
        page.screenshot(f"{PICTURES}/{name}.png")


def focus(page):
    return page.evaluate("document.activeElement.id || document.activeElement.tagName")


def verify(s, browser, mail):
    body = {"email": "vera@example.com", "password": PASSWORD, "display_name": "Vera"}
    check("registration_is_taken", s.post("/auth/register", body).status == 201)
    link = mail.link()
    check("verify_link_is_mailed", "/verify#sdv_" in link, link)
    page = browser.page(link)
    check("verify_asks_first", page.sees("Confirm your address") and s.login("vera@example.com").status == 401, page.text())
    picture(page, "verify")
    page.press("Tab")
    page.press("Enter")
    check("verify_by_keyboard", page.sees("Your address is confirmed") and page.sees("vera@example.com"), page.text())
    picture(page, "verify-done")
    check("verify_made_the_account", s.login("vera@example.com").status == 200)
    check("verify_forgets_the_link", page.evaluate("location.hash") == "" and focus(page) == "H1", page.evaluate("location.href"))
    again = browser.page(link)
    again.click("button")
    check("verify_says_why_not", again.sees("This link was used already") and again.text("[role=alert]"), again.text())
    picture(again, "verify-used")
    cut = browser.page(link[:-4])
    check("a_link_cut_in_half_is_told", cut.sees("This link is not whole"), cut.text())


def join(s, browser, mail):
    token = s.login("root@example.com").json["access_token"]
    a = s.post("/admin/invites", {"email": "jana@example.com", "role": "user"}, token)
    check("invited", a.status == 201, a)
    link = mail.link()
    check("join_link_is_mailed", "/join#sdi_" in link, link)
    page = browser.page(link)
    check("join_begins_with_the_address", page.sees("Make your account") and focus(page) == "email", focus(page))
    # Without a mouse.
    for text in ("somebody@example.com", "Jana", "short"):
        page.type(text)
        page.press("Tab")
    page.press("Enter")
    check("join_with_another_address_is_refused", page.sees("is not the address that was invited") and focus(page) == "email", page.text())
    picture(page, "join-other-address")
    page.fill("#email", "jana@example.com")
    page.press("Enter")
    check("join_names_what_is_wrong", page.sees("must have at least 15 characters") and focus(page) == "password"
          and "not the address" not in page.text(), page.text())
    check("join_tells_it_to_screen_readers", page.evaluate(
        "(p => p.getAttribute('aria-invalid') === 'true' && "
        "document.getElementById(p.getAttribute('aria-describedby').split(' ')[0]).className === 'error')"
        "(document.getElementById('password'))"))
    picture(page, "join-wrong")
    page.fill("#password", PASSWORD)
    page.click("[data-reveal]")
    check("join_shows_the_password", page.evaluate("document.getElementById('password').type") == "text")
    picture(page, "join")
    page.click("button")
    check("join_is_done", page.sees("Your account is ready") and page.sees(f"sealdrop login {s.url}"), page.text())
    a = s.login("jana@example.com")
    check("joined", a.status == 200 and a.json["user"]["display_name"] == "Jana", a)


def reset(s, browser, mail):
    before = s.login("jana@example.com").json["access_token"]
    page = browser.page(s.url + "/reset")
    check("without_a_link_it_offers_one", page.sees("Forgot your password?"), page.text())
    picture(page, "forgot")
    page.fill("#email", "jana@example.com")
    page.press("Enter")
    check("forgot_is_taken", page.sees("Look into your mail"), page.text())
    link = mail.link()
    check("reset_link_is_mailed", "/reset#sdp_" in link, link)
    page.go(link)
    check("reset_asks_for_a_password", page.sees("Choose a new password") and focus(page) == "new_password", focus(page))
    page.type("passwordpassword")
    page.press("Enter")
    check("reset_names_what_is_wrong", page.wait("document.querySelector('form .error')?.offsetParent"), page.text())
    picture(page, "reset-wrong")
    page.fill("#new_password", OTHER)
    page.press("Enter")
    check("reset_is_done", page.sees("Your password is changed"), page.text())
    check("reset_took", s.login("jana@example.com").status == 401 and s.login("jana@example.com", OTHER).status == 200)
    check("reset_ended_sessions", s.me(before) == 401)


def client(s, binaries, home):
    env = {k: v for k, v in os.environ.items() if not k.startswith("XDG_")}
    return subprocess.Popen([f"{binaries}/sealdrop", "login", s.url, "--cacert", s.data + "/tls/cert.pem", "--device",
                             "--device-name", "build server"], env=dict(env, HOME=home), stdin=subprocess.DEVNULL,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def shown_code(process):
    for line in process.stderr:
        found = re.search(r"\b[B-Z]{4}-[B-Z]{4}\b", line)
        if found:
            return found.group()
    return ""


def device(s, browser, binaries, folder):
    token = s.login("vera@example.com").json["access_token"]
    secret = s.post("/auth/2fa/enable", {"password": PASSWORD}, token).json["secret"]
    s.post("/auth/2fa/verify", {"code": totp(secret, now_step() - 1)}, token)
    waiting = client(s, binaries, folder + "/first")
    code = shown_code(waiting)
    page = browser.page(f"{s.url}/device?code={code}")
    check("device_asks_who_you_are", page.sees("Sign a device in") and focus(page) == "email", page.text())
    picture(page, "device")
    page.fill("#email", "vera@example.com")
    page.fill("#password", OTHER)
    page.press("Enter")
    check("device_wrong_password", page.sees("The e-mail address or the password is wrong."), page.text())
    picture(page, "device-wrong")
    page.fill("#password", PASSWORD)
    page.press("Enter")
    check("device_asks_for_the_second_factor", page.sees("Second factor") and page.wait("document.activeElement.id == 'code'"), page.text())
    picture(page, "device-factor")
    page.type("000000")
    page.press("Enter")
    check("device_wrong_code", page.wait("document.querySelector('[data-step=factor] .alert').offsetParent"), page.text())
    page.fill("#code", totp(secret, now_step()))
    page.press("Enter")
    check("device_tells_who_asks", page.sees("Is this yours?") and all(t in page.text() for t in
          ("build server", "127.0.0.1", code, "vera@example.com")), page.text())
    picture(page, "device-decide")
    page.click("button[value=approve]")
    check("device_is_approved", page.sees("is signed in within a few seconds"), page.text())
    picture(page, "device-approved")
    out, _ = waiting.communicate(timeout=30)
    check("the_device_is_signed_in", waiting.returncode == 0 and "as vera@example.com" in out, out)
    waiting = client(s, binaries, folder + "/second")
    code = shown_code(waiting)
    page.go(s.url + "/device")
    check("the_browser_stays_signed_in", page.sees("Enter the code"), page.text())
    page.type("BBBB-BBBB")
    page.press("Enter")
    check("device_unknown_code", page.sees("No device waits with this code"), page.text())
    picture(page, "device-unknown")
    page.fill("#user_code", code.lower().replace("-", " "))
    page.press("Enter")
    page.sees("Is this yours?")
    page.click("button[value=refuse]")
    check("device_is_refused", page.sees("gets nothing"), page.text())
    _, err = waiting.communicate(timeout=30)
    check("the_device_hears_it", waiting.returncode == 2 and "This device was refused." in err, err)
    page.click("[data-step=refused] [data-logout]")
    check("signed_out", page.sees("Signed out") and page.evaluate("fetch('/api/v1/me').then(a => a.status)") == 401, page.text())
    page.go(s.url + "/device")
    check("and_has_to_sign_in_again", page.sees("First prove who you are"), page.text())


def strict(s, browser):
    """What the pages may not do, and may not need."""
    policy = s.call("GET", "/health").headers["Content-Security-Policy"]
    check("answers_of_the_api_load_nothing", policy.startswith("default-src 'none'") and "script-src" not in policy, policy)
    page = browser.page(s.url + "/verify")
    page.sees("This link is not whole")
    ran = page.evaluate("""(() => {
        const s = document.createElement('script');
        try { s.text = 'window.ran = 1'; document.head.append(s); } catch (e) {}
        try { document.body.insertAdjacentHTML('beforeend', '<img src=x onerror="window.ran = 2">'); } catch (e) {}
        return window.ran ?? 0;
    })()""")
    check("no_script_but_our_own_runs", ran == 0, ran)
    foreign = page.evaluate("performance.getEntriesByType('resource').map(r => r.name).filter(n => !n.startsWith(location.origin))")
    check("nothing_comes_from_elsewhere", foreign == [], foreign)
    narrow = browser.page(s.url + "/join#sdi_" + "A" * 43, 360, 740)
    narrow.sees("Make your account")
    wide = narrow.evaluate("document.documentElement.scrollWidth > innerWidth")
    check("fits_a_telephone", not wide)
    picture(narrow, "join-telephone")


def main():
    binaries = sys.argv[1]
    with tempfile.TemporaryDirectory(prefix="sealdrop-pages-") as folder:
        s, mail = Server(binaries, folder + "/data"), Mail(folder)
        s.env.update(mail.settings, SEALDROP_ACCOUNTS_REGISTRATION="open", SEALDROP_JOBS_WORKERS="2")
        for home in ("first", "second"):
            os.mkdir(f"{folder}/{home}")
        try:
            s.create("root@example.com", role="admin")
            s.start()
            with Browser(s.data + "/tls/cert.pem") as browser:
                verify(s, browser, mail)
                join(s, browser, mail)
                reset(s, browser, mail)
                device(s, browser, binaries, folder)
                complaints = browser.complaints()
                check("no_complaint_of_the_browser", not complaints, complaints)
                strict(s, browser)
        finally:
            s.stop()
            mail.close()
    print(f"{counts['ok']} passed, {counts['not ok']} failed")
    sys.exit(counts["not ok"] != 0)


if __name__ == "__main__":
    main()
