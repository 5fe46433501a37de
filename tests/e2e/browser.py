"""A headless Chromium for the end-to-end tests, driven through its DevTools protocol over a pair of pipes (no port, no library).

    with Browser(certificate) as browser:
        page = browser.page(url)
        page.fill("#email", "anna@example.com")     # real mouse and keyboard events
        page.click("button[type=submit]")
        page.wait("document.title == 'Done'")
"""
import base64
import hashlib
import json
import os
import pathlib
import select
import shutil
import subprocess
import tempfile
import time


class BrowserError(Exception):
    pass


def spki_hash(certificate):
    """SHA-256 of its public key: the one certificate the browser takes although nobody vouches for it."""
    key = subprocess.run(["openssl", "x509", "-in", certificate, "-noout", "-pubkey"], stdout=subprocess.PIPE, check=True).stdout
    der = subprocess.run(["openssl", "pkey", "-pubin", "-outform", "DER"], input=key, stdout=subprocess.PIPE, check=True).stdout
    return base64.b64encode(hashlib.sha256(der).digest()).decode()


class Browser:
    def __init__(self, certificate, dark=False):
        self.home = tempfile.mkdtemp(prefix="sealdrop-browser-")
        self.last, self.buffer, self.events = 0, b"", []
        to_read, self.out = os.pipe()
        self.into, to_write = os.pipe()
        command = ["chromium", "--headless=new", "--no-sandbox", "--remote-debugging-pipe", "--user-data-dir=" + self.home,
                   "--ignore-certificate-errors-spki-list=" + spki_hash(certificate), "--disable-gpu", "--disable-dev-shm-usage",
                   "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync",
                   "--host-resolver-rules=MAP other.example 127.0.0.1", "--hide-scrollbars", "about:blank"]
        if dark:
            command.insert(1, "--blink-settings=preferredColorScheme=0")
        # The browser reads from 3 and writes to 4.
        self.process = subprocess.Popen(["bash", "-c", 'exec "$@" 3<&%d 4>&%d' % (to_read, to_write), "browser", *command],
                                        pass_fds=(to_read, to_write), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                        stderr=open(self.home + "/log", "wb"), start_new_session=True)
        os.close(to_read)
        os.close(to_write)

    def __enter__(self):
        return self

    def __exit__(self, *error):
        try:
            self.call("Browser.close")
            self.process.wait(20)
        except (BrowserError, OSError, subprocess.TimeoutExpired):
            self.process.kill()
            self.process.wait()
        os.close(self.out)
        os.close(self.into)
        shutil.rmtree(self.home, ignore_errors=True)

    def receive(self, until):
        while b"\0" not in self.buffer:
            ready, _, _ = select.select([self.into], [], [], max(0, until - time.monotonic()))
            data = os.read(self.into, 1 << 16) if ready else b""
            if not data:
                raise BrowserError("the browser does not answer: " + pathlib.Path(self.home, "log").read_text()[-500:])
            self.buffer += data
        message, self.buffer = self.buffer.split(b"\0", 1)
        return json.loads(message)

    def call(self, method, params=None, session=None, timeout=60):
        self.last += 1
        message = {"id": self.last, "method": method, "params": params or {}}
        if session:
            message["sessionId"] = session
        data, until = json.dumps(message).encode() + b"\0", time.monotonic() + timeout
        while data:
            data = data[os.write(self.out, data):]
        while True:
            answer = self.receive(until)
            if answer.get("id") != self.last:
                self.events.append(answer)
                continue
            if "error" in answer:
                raise BrowserError("%s: %s" % (method, answer["error"]["message"]))
            return answer["result"]

    def page(self, url, width=1000, height=860):
        """A page with cookies of its own."""
        context = self.call("Target.createBrowserContext")["browserContextId"]
        target = self.call("Target.createTarget", {"url": "about:blank", "browserContextId": context, "width": width, "height": height})
        session = self.call("Target.attachToTarget", {"targetId": target["targetId"], "flatten": True})["sessionId"]
        return Page(self, session, url)

    def complaints(self):
        """What the console said of scripts, styles and policies (not of answers of the API)."""
        found = []
        for e in self.events:
            entry = e.get("params", {}).get("entry", {})
            if e.get("method") == "Log.entryAdded" and entry.get("level") == "error" and entry.get("source") != "network":
                found.append(entry["text"])
            if e.get("method") == "Runtime.exceptionThrown":
                found.append(e["params"]["exceptionDetails"]["text"])
        return found


class Page:
    def __init__(self, browser, session, url):
        self.browser, self.session = browser, session
        for domain in ("Page", "Runtime", "Log"):
            self.call(domain + ".enable")
        self.go(url)

    def call(self, method, params=None, timeout=60):
        return self.browser.call(method, params, self.session, timeout)

    def go(self, url):
        failed = self.call("Page.navigate", {"url": url}).get("errorText")
        if failed:
            raise BrowserError("%s: %s" % (url, failed))
        self.wait("document.readyState == 'complete' && location.href != 'about:blank'")

    def evaluate(self, expression):
        """The value of a JavaScript expression; a promise is waited for."""
        got = self.call("Runtime.evaluate", {"expression": expression, "awaitPromise": True, "returnByValue": True, "userGesture": True})
        if "exceptionDetails" in got:
            details = got["exceptionDetails"]
            raise BrowserError(details.get("exception", {}).get("description") or details["text"])
        return got["result"].get("value")

    def wait(self, expression, timeout=15):
        until = time.monotonic() + timeout
        while time.monotonic() < until:
            try:
                if self.evaluate("!!(%s)" % expression):
                    return True
            except BrowserError:
                pass  # between two documents
            time.sleep(0.05)
        return False

    def text(self, selector="main"):
        """What a person sees there; empty where there is nothing."""
        return self.evaluate("[...document.querySelectorAll(%s)].map(e => e.innerText).join('\\n').trim()" % json.dumps(selector))

    def sees(self, text, timeout=15):
        return self.wait("document.body.innerText.includes(%s)" % json.dumps(text), timeout)

    def click(self, selector):
        """In the middle of the first visible match."""
        at = self.evaluate("""(() => {
            const e = [...document.querySelectorAll(%s)].find(e => e.offsetParent);
            if (!e) return null;
            e.scrollIntoView({block: 'center'});
            const r = e.getBoundingClientRect();
            return [r.x + r.width / 2, r.y + r.height / 2];
        })()""" % json.dumps(selector))
        if not at:
            raise BrowserError("nothing to click at: " + selector)
        for kind in ("mousePressed", "mouseReleased"):
            self.call("Input.dispatchMouseEvent", {"type": kind, "x": at[0], "y": at[1], "button": "left", "clickCount": 1})

    def type(self, text):
        self.call("Input.insertText", {"text": text})

    def fill(self, selector, text):
        self.click(selector)
        self.evaluate("document.activeElement.select()")
        self.type(text)

    def choose(self, selector, *paths):
        """Files, or one folder, for a file input."""
        node = self.call("Runtime.evaluate", {"expression": "document.querySelector(%s)" % json.dumps(selector)})["result"]["objectId"]
        self.call("DOM.setFileInputFiles", {"files": [str(p) for p in paths], "objectId": node})

    def press(self, key):
        codes = {"Enter": (13, "\r"), "Tab": (9, ""), " ": (32, " ")}
        code, text = codes[key]
        event = {"key": key, "code": "Space" if key == " " else key, "windowsVirtualKeyCode": code, "text": text}
        for kind in ("keyDown" if text else "rawKeyDown", "keyUp"):
            self.call("Input.dispatchKeyEvent", {"type": kind, **event})

    def screenshot(self, path):
        data = self.call("Page.captureScreenshot", {"format": "png"})["data"]
        pathlib.Path(path).write_bytes(base64.b64decode(data))

    def authenticator(self, **options):
        """A virtual one, built in, that knows its owner; gives its id."""
        self.call("WebAuthn.enable")
        options = {"protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True,
                   "isUserVerified": True, "automaticPresenceSimulation": True, **options}
        return self.call("WebAuthn.addVirtualAuthenticator", {"options": options})["authenticatorId"]
