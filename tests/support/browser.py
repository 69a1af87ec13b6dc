"""Real Chromium for tests and benchmarks: people with a browser each, and what went wrong in their pages.

The pages' content security policy stays in force. Everything that a test looks at goes through the developer tools' own
door (CDP), which the policy does not concern: pixels of the desktop's canvas, axe-core.
"""

from __future__ import annotations

import base64
import io
import json
import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Error,
    Frame,
    Page,
    Playwright,
    Response,
    WebSocket,
    expect,
)

from tests.support.desktop_picture import missing_parts
from tests.support.eventually import eventually
from tests.support.secrets_seen import SecretsSeen

ROOT = Path(__file__).resolve().parents[2]
AXE = ROOT / ".build/npm/node_modules/axe-core/axe.min.js"
PICTURES = Path(os.environ.get("ASCI_TEST_PICTURES", ROOT / ".build/screenshots"))
PROGRAM = "/usr/bin/chromium"
ARGUMENTS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
AXE_RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
WIDE, PHONE = (1280, 800), (390, 844)


def launch(playwright: Playwright) -> Browser:
    """The machine's own Chromium, headless."""
    return playwright.chromium.launch(executable_path=PROGRAM, args=ARGUMENTS, headless=True)


class Visitor:
    """One person in front of one browser window."""

    def __init__(
        self,
        browser: Browser,
        url: str,
        seen: SecretsSeen,
        *,
        size: tuple[int, int] = WIDE,
        theme: str = "light",
        cookies: Any = (),
    ) -> None:
        self.url = url
        self.complaints: list[str] = []
        self.sockets: list[WebSocket] = []
        self.sockets_closed: dict[str, float] = {}
        self.username = ""
        self._seen = seen
        self._tolerated: list[re.Pattern[str]] = []
        self.context: BrowserContext = browser.new_context(
            viewport={"width": size[0], "height": size[1]},
            color_scheme="dark" if theme == "dark" else "light",
            permissions=["clipboard-read", "clipboard-write"],
            base_url=url,
        )
        if cookies:
            self.context.add_cookies(cookies)
        self.page: Page = self.context.new_page()
        self.page.on("console", self._on_console)
        self.page.on("pageerror", lambda error: self._complain(f"error in the page's script: {error}"))
        self.page.on("websocket", self._on_socket)
        self.page.on("response", self._on_response)
        self.page.on("framenavigated", self._on_navigated)
        self._tools = self.context.new_cdp_session(self.page)

    # -- what a person does

    def sign_in(self, username: str, password: str) -> None:
        """Through the form; ends on the page "My sessions"."""
        self.page.goto("/sign-in")
        self.page.get_by_label("User name").fill(username)
        self.page.get_by_label("Password").fill(password)
        self.page.get_by_role("button", name="Sign in").click()
        expect(self.page.get_by_role("heading", name="My sessions", level=1)).to_be_visible()
        self.username = username
        for cookie in self.context.cookies():
            if cookie.get("name") in {"asci", "__Host-asci"}:
                self._seen.add(str(cookie["value"]), f"sign-in cookie of {username}")

    def start(self, environment: str) -> str:
        """Clicks Start of an environment on the home page; gives the new instance's id."""
        self.page.goto("/")
        self.page.locator(f"#e-{environment}").get_by_role("button").click()
        self.page.wait_for_url(re.compile(r"/s/[a-z0-9-]+$"), wait_until="commit")
        return self.page.url.rsplit("/", 1)[1]

    def open(self, instance: str) -> None:
        """Goes to a session's page."""
        self.page.goto(f"/s/{instance}")

    def focus_desktop(self) -> None:
        """Gives the keyboard to the desktop, by a click where nothing is."""
        self.page.locator("#screen canvas").click(position={"x": 640, "y": 420})

    def type_line(self, text: str) -> None:
        """Types into the desktop and presses Return."""
        self.page.keyboard.type(text, delay=4)
        self.page.keyboard.press("Enter")

    # -- what a person sees

    def screen(self) -> Image.Image | None:
        """The desktop's own pixels, as the canvas holds them; None while there is no canvas."""
        url = self.evaluate("document.querySelector('#screen canvas')?.toDataURL('image/png') ?? ''")
        if not isinstance(url, str) or not url.startswith("data:image/"):  # a canvas without size gives "data:,"
            return None
        return Image.open(io.BytesIO(base64.b64decode(url.split(",", 1)[1]))).convert("RGB")

    def wait_desktop(self, *, within: float = 60.0) -> Image.Image:
        """Until the canvas shows a complete MATE desktop."""
        missing: list[str] = ["a canvas"]

        def look() -> Image.Image | None:
            picture = self.screen()
            missing[:] = missing_parts(picture) if picture is not None and picture.width > 300 else ["a canvas"]
            return picture if not missing else None

        try:
            return eventually(look, within=within, what="a complete desktop", pause=0.15)
        except TimeoutError:
            words = " | ".join(self.page.locator("#room, #over, #state").all_inner_texts())
            raise TimeoutError(
                f"no complete desktop within {within:g} s, missing {', '.join(missing)}; the page says: {words}"
            ) from None

    def wait_window(self, before: Image.Image, *, least: float, within: float = 30.0) -> Image.Image:
        """Until a window covers at least that part of what was there before, and the picture rests."""
        last: list[Image.Image] = [before]

        def look() -> Image.Image | None:
            picture = self.screen()
            if picture is None:
                return None
            rests = changed_part(last[0], picture) < 0.001
            last[0] = picture
            return picture if rests and changed_part(before, picture) > least else None

        return eventually(look, within=within, what="a window on the desktop", pause=0.3)

    def wait_picture_moves(self, before: Image.Image, *, within: float = 10.0) -> None:
        """Until any pixel differs from before."""

        def look() -> bool:
            picture = self.screen()
            return picture is not None and picture.tobytes() != before.tobytes()

        eventually(look, within=within, what="the picture to change")

    def live_sockets(self, path: str = "/connect/") -> list[WebSocket]:
        """Its open WebSockets to desktops."""
        self.page.wait_for_timeout(20)  # what happened reaches Python only while it listens
        return [s for s in self.sockets if path in s.url and not s.url.endswith("/events") and not s.is_closed()]

    def axe(self) -> list[str]:
        """What axe-core finds on the page as it stands, one line each; empty is good."""
        self._tools.send("Runtime.evaluate", {"expression": AXE.read_text()})
        options = json.dumps({"runOnly": {"type": "tag", "values": AXE_RULES}, "resultTypes": ["violations"]})
        found = self.evaluate(
            f"axe.run(document, {options}).then(r => r.violations.flatMap(v => v.nodes.map("
            "n => `${v.impact} ${v.id}: ${n.target.join(' ')}: ${n.failureSummary}`)))"
        )
        return [str(line) for line in found]

    def evaluate(self, expression: str) -> Any:
        """An expression's value in the page, promises awaited; by CDP, so that the page's policy does not matter."""
        answer = self._tools.send(
            "Runtime.evaluate", {"expression": expression, "returnByValue": True, "awaitPromise": True}
        )
        if "exceptionDetails" in answer:
            raise RuntimeError(
                f"{expression[:80]}: {answer['exceptionDetails'].get('exception', {}).get('description')}"
            )
        return answer["result"].get("value")

    def picture(self, name: str) -> Path:
        """Keeps a picture of the window in the ignored folder of screenshots."""
        path = PICTURES / f"{name}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            self.page.screenshot(path=path)
        except Error as error:  # Chromium on a busy machine: no frame in time, and the next one comes
            if "Unable to capture" not in str(error):
                raise
            self.page.wait_for_timeout(500)
            self.page.screenshot(path=path)
        return path

    # -- what went wrong

    @contextmanager
    def tolerating(self, *patterns: str) -> Iterator[None]:
        """Complaints that match are what the test is about, inside."""
        compiled = [re.compile(pattern) for pattern in patterns]
        self._tolerated += compiled
        try:
            yield
            self.page.wait_for_timeout(50)
        finally:
            self._tolerated = [pattern for pattern in self._tolerated if pattern not in compiled]

    def close(self) -> None:
        self.context.close()

    def _complain(self, words: str) -> None:
        if not any(pattern.search(words) for pattern in self._tolerated):
            self.complaints.append(words)

    def _on_console(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self._complain(f"console {message.type}: {message.text} ({message.location.get('url')})")

    def _on_socket(self, opened: WebSocket) -> None:
        self.sockets.append(opened)
        opened.on("close", self._on_socket_closed)

    def _on_navigated(self, frame: Frame) -> None:
        if frame.parent_frame is None:  # of the page that was left, nobody tells that its sockets are closed
            self.sockets.clear()

    def _on_socket_closed(self, closed: WebSocket) -> None:
        self.sockets_closed.setdefault(closed.url, time.monotonic())

    def _on_response(self, response: Response) -> None:
        if response.request.method != "POST" or not response.url.endswith("/connections"):
            return
        try:
            ticket = response.json()
        except (Error, ValueError):
            return
        if "password" in ticket:
            self._seen.add(ticket["password"], f"one-time password of {self.username}'s page")


def changed_part(before: Image.Image, after: Image.Image) -> float:
    """Which part of the pixels differs, 0 to 1; all of them when the sizes do."""
    if before.size != after.size:
        return 1.0
    one, other = before.convert("L").resize((160, 100)).tobytes(), after.convert("L").resize((160, 100)).tobytes()
    return sum(abs(a - b) > 6 for a, b in zip(one, other, strict=True)) / len(one)
