"""JupyterLab from the portal: a tab and an origin of its own, shared and taken back, closed to everybody else."""

from __future__ import annotations

import contextlib
import json
import re
import secrets
import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
import requests
from playwright.sync_api import Error, Page, Request, WebSocket, expect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin

from tests.support.api_caller import ApiCaller, Json
from tests.support.browser import Visitor
from tests.support.composed import Installation, docker, docker_bytes
from tests.support.eventually import eventually
from tests.support.secrets_seen import SecretsSeen

Visit = Callable[..., Visitor]
REVOKED = 4403
ECHO = """
import http.server, json, os, time
class Echo(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        headers = {name.lower(): value for name, value in self.headers.items()}
        body = json.dumps(headers).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Set-Cookie", "taste=sweet; Path=/; Domain=localhost")
        self.send_header("Set-Cookie", "asci=stolen; Path=/")
        self.end_headers()
        self.wfile.write(body)
    do_POST = do_GET
    def log_message(self, *arguments): pass
http.server.ThreadingHTTPServer(("0.0.0.0", 8888), Echo).serve_forever()
"""
"""An application that tells what reached it."""


@dataclass
class AppTab:
    """A browser tab with an application, and everything that it asked for."""

    page: Page
    addresses: list[str] = field(default_factory=list)
    sockets: list[WebSocket] = field(default_factory=list)
    closed_at: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.page.on("request", self._asked)
        self.page.on("websocket", self._opened)

    def live_sockets(self) -> list[WebSocket]:
        self.page.wait_for_timeout(20)
        return [socket for socket in self.sockets if not socket.is_closed()]

    def _asked(self, request: Request) -> None:
        self.addresses.append(request.url)

    def _opened(self, socket: WebSocket) -> None:
        self.sockets.append(socket)
        self.addresses.append(socket.url)
        socket.on("close", self._closed)

    def _closed(self, socket: WebSocket) -> None:
        self.closed_at.setdefault(socket.url, time.monotonic())


@pytest.fixture(scope="module")
def jupyter(demo: ApiCaller) -> Iterator[str]:
    """A JupyterLab of demo's that runs."""
    name = demo.start("jupyter")["id"]
    demo.wait_state(name, "running", within=150)
    yield name
    if demo.instance(name)["state"] == "running":
        demo.stop(name)


@pytest.fixture(autouse=True)
def _nobody_else_stays_in(demo: ApiCaller, jupyter: str) -> Iterator[None]:
    yield
    demo.delete(f"/instances/{jupyter}/shares/mara")


def app_url(installation: Installation, instance: str) -> str:
    """The application's origin."""
    return f"http://{instance}.localhost:{installation.port}"


def open_app(window: Visitor, instance: str, seen: SecretsSeen) -> AppTab:
    """By the button on the session's page, as a person does; the tab once JupyterLab is there."""
    window.open(instance)
    button = window.page.get_by_role("button", name="Open JupyterLab")
    tabs: list[AppTab] = []
    window.context.once("page", lambda page: tabs.append(AppTab(page)))
    button.click()
    eventually(lambda: opened(window.page, tabs), within=10, what="a new tab")
    (tab,) = tabs
    tab.page.wait_for_url(re.compile(r"^http://[a-z0-9-]+\.localhost:\d+/lab"), timeout=30_000)
    # again in a workspace of its own: what an earlier tab had open is no part of this one
    address = f"{tab.page.url.partition('/lab')[0]}/lab/workspaces/{secrets.token_hex(4)}"
    tab.page.close()
    tab = AppTab(window.context.new_page(), tab.addresses)
    tab.page.goto(address)
    expect(tab.page.locator(".jp-Launcher").first).to_be_visible(timeout=60_000)
    for cookie in window.context.cookies(tab.page.url):
        if cookie.get("name") == "asci-app":
            seen.add(str(cookie["value"]), "cookie of a web application")
    return tab


def opened(page: Page, tabs: list[AppTab]) -> list[AppTab]:
    """The tabs that opened; what happened reaches Python only while it listens."""
    page.wait_for_timeout(20)
    return tabs


def launch(tab: AppTab, category: str) -> None:
    """Press the first card of a category in JupyterLab's launcher."""
    tab.page.locator(f'.jp-LauncherCard[data-category="{category}"]').first.click(timeout=20_000)


def run_cell(tab: AppTab, code: str) -> str:
    """Type into the last cell, run it, and give what it printed."""
    page, notebook = tab.page, tab.page.locator(".jp-NotebookPanel:not(.lm-mod-hidden)")
    idle = notebook.locator(".jp-Notebook-ExecutionIndicator[data-status=idle]")
    expect(idle).to_be_visible(timeout=60_000)
    notebook.locator(".jp-Cell").last.locator(".cm-content").click()
    page.keyboard.type(code, delay=10)
    ran = notebook.locator(f".jp-CodeCell:has-text('{code}')").first
    expect(ran).to_be_visible()
    output = ran.locator(".jp-OutputArea-output").last
    for _ in range(3):  # JupyterLab may change a new notebook's kernel at once, and drops what the first was asked
        page.keyboard.press("Shift+Enter")
        with contextlib.suppress(Error):
            output.wait_for(timeout=20_000)
            break
        ran.locator(".cm-content").click()
    return output.inner_text().strip()


def enter(caller: ApiCaller, installation: Installation, instance: str, seen: SecretsSeen) -> str:
    """What the page's form does, by a program: the cookie of the application's host."""
    ticket: Json = caller.connect(instance)
    host = f"{instance}.localhost:{installation.port}"
    answer = requests.post(
        f"http://127.0.0.1:{installation.port}/.asci/enter",
        data={"connection": ticket["id"], "password": ticket["password"]},
        headers={"Host": host, "Origin": installation.url},
        allow_redirects=False,
        timeout=10,
    )
    assert answer.status_code == 303, answer.text
    assert "password" not in answer.headers["Location"]
    set_cookie = answer.headers["Set-Cookie"]
    assert "httponly" in set_cookie.lower()
    assert "domain" not in set_cookie.lower()
    return seen.add(set_cookie.split(";")[0].partition("=")[2], "cookie of a web application")


def ask(installation: Installation, instance: str, path: str, cookie: str = "", **options: Any) -> requests.Response:
    """A request to the application's host."""
    headers = {"Host": f"{instance}.localhost:{installation.port}", **options.pop("headers", {})}
    if cookie:
        headers["Cookie"] = f"asci-app={cookie}" + (f"; {headers['Cookie']}" if "Cookie" in headers else "")
    return requests.request(
        options.pop("method", "GET"), f"http://127.0.0.1:{installation.port}{path}", headers=headers, timeout=10,
        allow_redirects=False, **options,
    )  # fmt: skip


def socket_to(installation: Installation, instance: str, path: str, cookie: str, origin: str) -> ClientConnection:
    """A WebSocket to the application."""
    host = f"{instance}.localhost:{installation.port}"
    return connect(
        f"ws://{host}{path}", sock=_door(installation), additional_headers={"Cookie": f"asci-app={cookie}"},
        origin=Origin(origin), proxy=None, open_timeout=10,
    )  # fmt: skip


def _door(installation: Installation) -> socket.socket:
    return socket.create_connection(("127.0.0.1", installation.port), 10)


def test_a_cell_is_run_in_jupyterlab(
    visit: Visit, installation: Installation, jupyter: str, secrets_seen: SecretsSeen, demo: ApiCaller
) -> None:
    window = visit("demo")
    window.open(jupyter)
    expect(window.page.locator("#room")).to_contain_text("is running")
    window.picture("6-web-session-page")
    assert window.axe() == []
    tab = open_app(window, jupyter, secrets_seen)
    assert tab.page.url.startswith(f"{app_url(installation, jupyter)}/lab")
    launch(tab, "Notebook")
    expect(tab.page.locator(".jp-NotebookPanel")).to_be_visible(timeout=30_000)
    assert run_cell(tab, "print(6*7)") == "42"
    assert run_cell(tab, "import numpy; print(numpy.arange(4).sum())") == "6"
    tab.page.screenshot(path=window.picture("6-jupyterlab").with_name("6-jupyterlab.png"))
    eventually(lambda: demo.instance(jupyter)["connections"], within=15, what="her presence")
    # its script reaches no cookie of the portal's host, nor sets one there
    tab.page.evaluate("document.cookie = 'tossed=1; domain=localhost; path=/'")
    assert "tossed" not in {cookie.get("name") for cookie in window.context.cookies(installation.url)}
    assert "asci" not in tab.page.evaluate("document.cookie")
    asked = "\n".join(tab.addresses)
    assert secrets_seen.found_in(asked.encode()) == [], "a secret stands in an address"
    own = (f"{app_url(installation, jupyter)}/", f"ws://{jupyter}.localhost:{installation.port}/", "data:", "blob:")
    foreign = [address for address in tab.addresses if not address.startswith(own)]
    assert foreign == [], "the application fetches from elsewhere"


def test_a_terminal_works_as_the_person_in_her_home(
    visit: Visit, installation: Installation, jupyter: str, secrets_seen: SecretsSeen
) -> None:
    tab = open_app(visit("demo"), jupyter, secrets_seen)
    launch(tab, "Other")
    terminal = tab.page.locator(".jp-Terminal").last
    expect(terminal).to_be_visible(timeout=20_000)
    tab.page.wait_for_timeout(1500)
    terminal.click()
    tab.page.keyboard.type("echo $USER > ~/from-jupyter-terminal")
    tab.page.keyboard.press("Enter")
    eventually(
        lambda: (installation.home_file("demo", "from-jupyter-terminal") or "").strip() == "demo",
        within=15,
        what="the terminal's file",
    )


def test_a_guest_comes_in_and_is_out_within_a_second(
    visit: Visit, installation: Installation, demo: ApiCaller, jupyter: str, secrets_seen: SecretsSeen
) -> None:
    owner, guest = visit("demo"), visit("mara")
    own = open_app(owner, jupyter, secrets_seen)
    owner.page.bring_to_front()
    owner.page.locator("#share").click()
    owner.page.get_by_role("combobox", name="Find a person by name").fill("Mara Lee")
    owner.page.get_by_role("option", name=re.compile("Mara Lee")).wait_for()
    assert owner.page.get_by_role("radio", name="View").count() == 0
    owner.page.get_by_role("combobox").press("Enter")
    owner.page.locator("#person-mara").wait_for()
    owner.picture("6-web-share-dialog")
    assert demo.instance(jupyter)["shares"][0]["mode"] == "control"

    hers = open_app(guest, jupyter, secrets_seen)
    eventually(hers.live_sockets, within=20, what="her WebSockets")
    assert hers.page.evaluate("fetch('/api/status').then(r => r.status)") == 200
    sockets = hers.live_sockets()

    owner.page.bring_to_front()
    removed = time.monotonic()
    owner.page.locator("#remove-mara").click()
    eventually(lambda: not set(sockets) & set(hers.live_sockets()), within=5, what="the end of her WebSockets")
    print(f"removed to her last WebSocket closed: {max(hers.closed_at.values()) - removed:.2f} s")
    # 403 once, with which the cookie goes; the page may have asked by itself before
    assert hers.page.evaluate("fetch('/api/status').then(r => r.status)") in {401, 403}
    expect(guest.page.locator("#over")).to_contain_text("ended your access to this application", timeout=10_000)
    answer = hers.page.goto(app_url(installation, jupyter))
    assert answer is not None
    assert answer.status in {401, 403}
    expect(hers.page.locator("body")).to_contain_text("portal")
    hers.page.screenshot(path=owner.picture("6-web-guest-out").with_name("6-web-guest-out.png"))

    # the secret of the application is another one by now, and its owner has felt nothing
    assert own.page.evaluate("fetch('/api/status').then(r => r.status)") == 200
    own.page.bring_to_front()
    launch(own, "Notebook")
    expect(own.page.locator(".jp-NotebookPanel").last).to_be_visible(timeout=30_000)
    assert run_cell(own, "print(40 + 2)") == "42"


def test_rights_are_checked_at_every_request(
    installation: Installation, demo: ApiCaller, mara: ApiCaller, jupyter: str, secrets_seen: SecretsSeen
) -> None:
    assert mara.post(f"/instances/{jupyter}/connections", {"mode": "control"}).status_code == 404
    assert demo.post(f"/instances/{jupyter}/connections", {"mode": "view"}).status_code == 422
    assert demo.put(f"/instances/{jupyter}/shares/mara", {"mode": "view"}).status_code == 422
    assert ask(installation, jupyter, "/api/status").status_code == 401
    assert ask(installation, jupyter, "/api/status", "x" * 43).status_code == 401
    assert demo.put(f"/instances/{jupyter}/shares/mara", {"mode": "control"}).status_code == 200
    own, hers = (enter(one, installation, jupyter, secrets_seen) for one in (demo, mara))
    for cookie in (own, hers):
        assert ask(installation, jupyter, "/api/status", cookie).status_code == 200
    origin = app_url(installation, jupyter)
    with socket_to(installation, jupyter, "/api/events/subscribe", hers, origin) as socket:
        removed = time.monotonic()
        assert demo.delete(f"/instances/{jupyter}/shares/mara").status_code == 204
        with pytest.raises(ConnectionClosed) as closed:
            socket.recv(timeout=5)
        print(f"revoked to WebSocket closed: {(time.monotonic() - removed) * 1000:.0f} ms")
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == REVOKED
    assert ask(installation, jupyter, "/api/status", hers).status_code == 403
    for _ in range(20):  # before, while and after the application gets its next secret
        assert ask(installation, jupyter, "/api/status", own).status_code == 200
        time.sleep(0.1)


def test_signing_out_closes_the_application(
    installation: Installation, people: Any, demo: ApiCaller, jupyter: str, secrets_seen: SecretsSeen
) -> None:
    assert demo.put(f"/instances/{jupyter}/shares/mara", {"mode": "control"}).status_code == 200
    another = ApiCaller.signed_in(installation.url, secrets_seen, "mara", people.passwords["mara"])
    cookie = enter(another, installation, jupyter, secrets_seen)
    with socket_to(installation, jupyter, "/api/events/subscribe", cookie, app_url(installation, jupyter)) as socket:
        assert another.delete("/sessions/current").status_code == 204
        with pytest.raises(ConnectionClosed):
            socket.recv(timeout=5)
    assert ask(installation, jupyter, "/api/status", cookie).status_code == 401


@pytest.mark.parametrize("origin", ["http://evil.example", "{portal}", "http://other.localhost:{port}", "null"])
def test_a_foreign_page_opens_no_websocket(
    installation: Installation, demo: ApiCaller, jupyter: str, secrets_seen: SecretsSeen, origin: str
) -> None:
    cookie = enter(demo, installation, jupyter, secrets_seen)
    foreign = origin.format(portal=installation.url, port=installation.port)
    with pytest.raises(InvalidStatus) as refused:
        socket_to(installation, jupyter, "/api/events/subscribe", cookie, foreign)
    assert refused.value.response.status_code == 403


def test_past_the_proxy_nobody_comes_in(installation: Installation, jupyter: str) -> None:
    address, port = installation.published(jupyter)
    url = f"http://{address}:{port}"
    for path in ("/lab", "/api/status", "/static/lab/package.json", "/login", "/api/events/subscribe"):
        assert requests.get(f"{url}{path}", timeout=10).status_code == 403, path
        assert requests.get(f"{url}{path}", headers={"X-ASCI-Upstream": "x" * 43}, timeout=10).status_code == 403, path
    answers = {
        generation: requests.get(
            f"{url}/api/status",
            headers={"X-ASCI-Upstream": installation.upstream_secret(jupyter, generation)},
            timeout=10,
        ).status_code
        for generation in range(1, 9)
    }
    assert list(answers.values()).count(200) == 2, f"the present secret and the next: {answers}"
    file = docker("exec", installation.instance(jupyter) or "", "cat", "/run/asci/upstream")
    assert re.fullmatch(r"([0-9a-f]{64}\n){2}", file)


def test_what_reaches_an_application_and_comes_back(
    installation: Installation, demo: ApiCaller, people: Any, secrets_seen: SecretsSeen
) -> None:
    installation.add_environment(
        {
            "name": "echo", "title": "Echo", "description": "Echo, for tests.", "icon": "box", "tags": ["trial"],
            "kind": "web", "port": 8888, "needs": {"cpus": 0.2, "memory": "128 MiB"},
        },
        f"CMD {json.dumps(['python3', '-c', ECHO])}",
        base="env-jupyter",
    )  # fmt: skip
    eventually(
        lambda: "echo" in {one["name"] for one in demo.get("/environments").json()["items"]},
        within=30,
        what="the echo in the catalogue",
    )
    echo = demo.start("echo")["id"]
    demo.wait_state(echo, "running", within=60)
    cookie = enter(demo, installation, echo, secrets_seen)
    answer = ask(
        installation, echo, "/", cookie,
        headers={"Cookie": f"asci={demo.token}; taste=sour", "X-ASCI-Upstream": "forged", "X-Forwarded-For": "1.2.3.4"},
    )  # fmt: skip
    heard = answer.json()
    assert heard["cookie"] == "taste=sour"
    assert heard["x-asci-upstream"] == installation.upstream_secret(echo)
    assert heard["host"] == f"{echo}.localhost:{installation.port}"
    assert "1.2.3.4" not in answer.text
    assert cookie not in answer.text
    assert demo.token not in answer.text
    given = "; ".join(answer.raw.headers.getlist("Set-Cookie"))
    assert "taste=sweet" in given
    assert "domain" not in given.lower()
    assert "asci=" not in given
    demo.stop(echo)


def test_its_end_is_told_on_both_pages(
    visit: Visit, installation: Installation, demo: ApiCaller, jupyter: str, secrets_seen: SecretsSeen
) -> None:
    window = visit("demo")
    tab = open_app(window, jupyter, secrets_seen)
    window.page.bring_to_front()
    container = installation.instance(jupyter) or ""
    assert secrets_seen.found_in(docker_bytes("logs", container) + docker_bytes("inspect", container)) == []
    demo.stop(jupyter)
    expect(window.page.locator("#room")).to_contain_text("has ended", timeout=10_000)
    answer = tab.page.goto(app_url(installation, jupyter))
    assert answer is not None
    assert answer.status in {401, 410}
    expect(tab.page.locator("body")).to_contain_text("in the portal")
    tab.page.screenshot(path=window.picture("6-web-ended").with_name("6-web-ended.png"))


def test_a_service_shows_its_log_as_it_grows_and_is_stopped(
    visit: Visit, installation: Installation, demo: ApiCaller
) -> None:
    installation.add_environment(
        {
            "name": "counting", "title": "Counting", "description": "A service, for tests.", "icon": "box",
            "tags": ["trial"], "kind": "service", "needs": {"cpus": 0.2, "memory": "64 MiB"},
        },
        f"CMD {json.dumps(['bash', '-c', 'for ((i = 1; ; i++)); do echo frame $i; sleep 0.5; done'])}",
        base="base-web",
    )  # fmt: skip
    eventually(
        lambda: "counting" in {one["name"] for one in demo.get("/environments").json()["items"]},
        within=30,
        what="the service in the catalogue",
    )
    window = visit("demo")
    name = window.start("counting")
    log = window.page.locator("#live-log")
    expect(log).to_contain_text("frame 2", timeout=30_000)
    expect(log).to_contain_text("frame 6", timeout=15_000)
    assert window.axe() == []
    window.picture("6-service-session-page")
    assert demo.post(f"/instances/{name}/connections", {"mode": "control"}).status_code == 422
    window.page.locator("#room").get_by_role("link", name="Stop…").click()
    window.page.get_by_role("button", name="Stop session").click()
    demo.wait_state(name, "stopped", within=20)
    last = demo.get(f"/instances/{name}/logs").json()
    assert last["from"] == "record"
    assert any(line.startswith("frame ") for line in last["lines"])
    assert "asci: told to stop" in last["lines"]
