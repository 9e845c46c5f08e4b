"""Drives headless Chromium through its DevTools protocol, with the standard library alone.

The protocol runs over a pipe (descriptors 3 and 4, messages end in a NUL byte), so that no port is
opened. Clicks and keys are real input events, not calls of handlers.

    with devtools.Browser() as browser:
        page = browser.open("/tmp/page.html")
        page.click("#button")
        print(page.value("document.title"))

`find()` is None where there is no Chromium; a test then exits with SKIPPED.
"""
import base64
import json
import os
import pathlib
import select
import shutil
import subprocess
import tempfile
import time

SKIPPED = 77
TIMEOUT_S = 60
# key: (code, virtual key code, text)
KEYS = {
    "Tab": ("Tab", 9, ""), "Enter": ("Enter", 13, "\r"), "Escape": ("Escape", 27, ""),
    " ": ("Space", 32, " "), "End": ("End", 35, ""), "Home": ("Home", 36, ""),
    "ArrowLeft": ("ArrowLeft", 37, ""), "ArrowUp": ("ArrowUp", 38, ""),
    "ArrowRight": ("ArrowRight", 39, ""), "ArrowDown": ("ArrowDown", 40, ""),
}


def find():
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if path := shutil.which(name):
            return path
    return None


class Browser:
    def __init__(self):
        self.folder = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        self.downloads = pathlib.Path(self.folder.name) / "downloads"
        self.downloads.mkdir()
        to_browser, self._write = os.pipe()
        self._read, from_browser = os.pipe()
        # Chromium takes 3 and 4; a shell moves whatever numbers the pipes have there.
        command = (f'exec 3<&{to_browser} 4>&{from_browser}; exec "$0" "$@"')
        self._process = subprocess.Popen(
            ["bash", "-c", command, find(), "--headless", "--remote-debugging-pipe", "--no-sandbox",
             "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
             "--disable-background-networking", "--disable-component-update", "--disable-sync",
             f"--user-data-dir={self.folder.name}/profile", "about:blank"],
            pass_fds=(to_browser, from_browser), stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL)
        os.close(to_browser)
        os.close(from_browser)
        self._rest = b""
        self._last = 0
        self.events = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        os.close(self._write)  # Chromium ends when its pipe does
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        os.close(self._read)
        self.folder.cleanup()

    def _message(self, until):
        while b"\0" not in self._rest:
            ready, _, _ = select.select([self._read], [], [], max(0, until - time.monotonic()))
            if not ready:
                raise TimeoutError("Chromium does not answer")
            part = os.read(self._read, 1 << 20)
            if not part:
                raise ConnectionError("Chromium has ended")
            self._rest += part
        message, self._rest = self._rest.split(b"\0", 1)
        return json.loads(message)

    def call(self, method, session=None, **params):
        """The result of one command. Events that come meanwhile are kept in `events`."""
        self._last += 1
        request = {"id": self._last, "method": method, "params": params}
        if session:
            request["sessionId"] = session
        os.write(self._write, json.dumps(request).encode() + b"\0")
        until = time.monotonic() + TIMEOUT_S
        while True:
            message = self._message(until)
            if "method" in message:
                self.events.append(message)
            elif message.get("id") == self._last:
                if "error" in message:
                    raise RuntimeError(f"{method}: {message['error']}")
                return message["result"]

    def wait(self, method, session=None):
        """The next event of this name, also one that has come already."""
        until = time.monotonic() + TIMEOUT_S
        while True:
            for event in self.events:
                if event["method"] == method and event.get("sessionId") == session:
                    self.events.remove(event)
                    return event["params"]
            self.events.append(self._message(until))

    def open(self, path, width=1280, height=900, **media):
        """A page of a file. Keywords are media features: prefers_color_scheme="dark"."""
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        page = Page(self, session)
        for domain in ("Page", "Runtime", "Network", "Log"):
            page.call(f"{domain}.enable")
        page.call("Emulation.setDeviceMetricsOverride", width=width, height=height,
                  deviceScaleFactor=1, mobile=False)
        page.prefer(**media)
        self.call("Browser.setDownloadBehavior", behavior="allow",
                  downloadPath=str(self.downloads), eventsEnabled=True)
        page.call("Page.navigate", url=pathlib.Path(path).resolve().as_uri())
        self.wait("Page.loadEventFired", session)
        return page


class Page:
    def __init__(self, browser, session):
        self.browser = browser
        self.session = session

    def call(self, method, **params):
        return self.browser.call(method, self.session, **params)

    def prefer(self, **media):
        features = [{"name": k.replace("_", "-"), "value": v} for k, v in media.items()]
        self.call("Emulation.setEmulatedMedia", features=features)

    def value(self, script):
        """What a JavaScript expression is, as Python has it."""
        found = self.call("Runtime.evaluate", expression=script, returnByValue=True,
                          awaitPromise=True)
        if "exceptionDetails" in found:
            raise RuntimeError(f"{script}: {found['exceptionDetails']}")
        return found["result"].get("value")

    def _middle(self, selector):
        return self.value(
            f"""(() => {{
              const e = document.querySelector({json.dumps(selector)});
              e.scrollIntoView({{block: "center", inline: "center"}});
              const b = e.getBoundingClientRect();
              return [(b.left + b.right) / 2, (b.top + b.bottom) / 2];
            }})()""")

    def hover(self, selector):
        x, y = self._middle(selector)
        self.call("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)

    def click(self, selector):
        x, y = self._middle(selector)
        self.call("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)
        for kind in ("mousePressed", "mouseReleased"):
            self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    def press(self, key, times=1):
        code, number, text = KEYS[key]
        event = {"key": key, "code": code, "windowsVirtualKeyCode": number, "text": text}
        for _ in range(times):
            self.call("Input.dispatchKeyEvent", type="keyDown" if text else "rawKeyDown", **event)
            self.call("Input.dispatchKeyEvent", type="keyUp", **event)

    def screenshot(self, path, whole=True):
        shot = self.call("Page.captureScreenshot", captureBeyondViewport=whole)
        pathlib.Path(path).write_bytes(base64.b64decode(shot["data"]))

    def download(self, selector):
        """Clicks, and returns the file that is then saved: its name and text."""
        self.click(selector)
        begun = self.browser.wait("Browser.downloadWillBegin")
        while True:
            progress = self.browser.wait("Browser.downloadProgress")
            if progress["guid"] == begun["guid"] and progress["state"] != "inProgress":
                break
        assert progress["state"] == "completed", progress
        file = self.browser.downloads / begun["suggestedFilename"]
        text = file.read_bytes().decode()
        file.unlink()
        return file.name, text

    def requests(self):
        """URLs that this page has asked for so far."""
        self.value("0")  # events up to now
        return [e["params"]["request"]["url"] for e in self.browser.events
                if e["method"] == "Network.requestWillBeSent" and e.get("sessionId") == self.session]

    def faults(self):
        """Exceptions of scripts, and what the console shows as errors."""
        self.value("0")
        faults = []
        for event in self.browser.events:
            if event.get("sessionId") != self.session:
                continue
            if event["method"] == "Runtime.exceptionThrown":
                faults.append(event["params"]["exceptionDetails"])
            if event["method"] == "Log.entryAdded" and event["params"]["entry"]["level"] == "error":
                faults.append(event["params"]["entry"])
        return faults
