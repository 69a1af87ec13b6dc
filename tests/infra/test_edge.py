"""The edge's image, before a service that tells what reached it, and before none."""

from __future__ import annotations

import http.client
import json
import re
import ssl
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.infra.containers import TAG, container, eventually, free_port, inspect, must, network, run

# A service that answers with the request line and headers that it got.
ECHO = """
import http.server, json, time
class Echo(http.server.BaseHTTPRequestHandler):
    def answer(self):
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        headers = {name.lower(): value for name, value in self.headers.items()}
        body = json.dumps({"path": self.path, "headers": headers}).encode()
        self.send_response(404 if self.path.startswith("/missing") else 200)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("X-Content-Type-Options", "doubled")
        self.send_header("Content-Security-Policy", "default-src 'none'")
        self.end_headers()
        self.wfile.write(body)
    def do_GET(self):
        if self.path != "/connect/slow":
            return self.answer()
        self.send_response(200)
        self.send_header("Content-Length", "6")
        self.end_headers()
        self.wfile.write(b"one")
        time.sleep(2)
        self.wfile.write(b"two")
    do_POST = do_PUT = answer
    def log_message(self, *arguments): pass
http.server.ThreadingHTTPServer(("0.0.0.0", PORT), Echo).serve_forever()
"""
HARDENED = ("--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges")


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: dict[str, str]
    body: bytes
    repeated: list[str] = field(default_factory=list)

    def json(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.body)
        return found


@dataclass(frozen=True)
class Edge:
    """A running edge on a port of its own."""

    id: str
    port: int
    host: str
    network: str
    tls_port: int = 0

    def ask(self, method: str, path: str, body: bytes = b"", tls: bool = False, **headers: str) -> Answer:
        """One request on a connection of its own. Header names: X_Y for X-Y."""
        if tls:
            context = ssl._create_unverified_context()  # noqa: S323 - the certificate is the test's own
            connection: http.client.HTTPConnection = http.client.HTTPSConnection(
                "127.0.0.1", self.tls_port, timeout=10, context=context
            )
        else:
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        sent = {"Host": self.host, **{name.replace("_", "-"): value for name, value in headers.items()}}
        connection.request(method, path, body or None, sent)
        response = connection.getresponse()
        names = [name.lower() for name, _ in response.getheaders()]
        found = Answer(
            response.status,
            {name.lower(): value for name, value in response.getheaders()},
            response.read(),
            sorted({name for name in names if names.count(name) > 1}),
        )
        connection.close()
        return found


def start_edge(stack: ExitStack, *options: str, host: str = "", tls_port: int = 0) -> Edge:
    """An edge on a network of its own, answering."""
    net = stack.enter_context(network())
    port = free_port()
    host = host or f"localhost:{port}"
    scheme = "https" if tls_port else "http"
    name = stack.enter_context(
        container(
            f"asci/edge:{TAG}",
            *HARDENED,
            "--tmpfs",
            "/tmp:uid=10004,mode=0700",
            "--network",
            net,
            "--publish",
            f"127.0.0.1:{port}:8080",
            "--env",
            f"ASCI_PUBLIC_URL={scheme}://{host}",
            *options,
        )
    )
    eventually(lambda: run("docker", "exec", name, "healthy", "8081", "/health/live").returncode == 0, "the edge lives")
    return Edge(name, port, host, net, tls_port)


def start_echo(stack: ExitStack, edge: Edge, alias: str, port: int) -> str:
    program = ECHO.replace("PORT", str(port))
    name = stack.enter_context(
        container(
            f"asci/api:{TAG}", "--network", edge.network, "--network-alias", alias, command=("python", "-c", program)
        )
    )
    eventually(lambda: run("docker", "exec", name, "healthy", str(port), "/").returncode == 0, "the echo answers")
    return name


@pytest.fixture(scope="module")
def alone() -> Iterator[Edge]:
    """An edge whose services are all away."""
    with ExitStack() as stack:
        yield start_edge(stack)


@pytest.fixture(scope="module")
def edge() -> Iterator[Edge]:
    """An edge before services that echo."""
    with ExitStack() as stack:
        started = start_edge(stack)
        for alias, port in (("api", 8000), ("webui", 8020), ("adminui", 8030), ("proxy", 8010)):
            start_echo(stack, started, alias, port)
        yield started


def log_of(edge: Edge, request_id: str) -> dict[str, Any]:
    """The access log's line of one request."""
    found: list[dict[str, Any]] = []

    def look() -> bool:
        lines = run("docker", "logs", edge.id).stdout.splitlines()
        found[:] = [
            line
            for text in lines
            if text.startswith("{") and (line := json.loads(text))["http.request.id"] == request_id
        ]
        return bool(found)

    eventually(look, f"a line about {request_id}")
    return found[0]


def test_the_image_holds_a_right_configuration_and_no_root() -> None:
    must("docker", "run", "--rm", *HARDENED, "--network", "none", "--tmpfs", "/tmp", f"asci/edge:{TAG}", "edge", "test")
    assert inspect(f"asci/edge:{TAG}")["Config"]["User"] == "10004:10004"


@pytest.mark.parametrize("url", ["javascript:alert(1)", "http://x/path", 'http://x";', "https://UPPER"])
def test_a_wrong_address_is_refused_at_start(url: str) -> None:
    done = run(
        "docker",
        "run",
        "--rm",
        "--tmpfs",
        "/tmp",
        "--env",
        f"ASCI_PUBLIC_URL={url}",
        f"asci/edge:{TAG}",
        "edge",
        "test",
    )
    assert done.returncode == 64
    assert "ASCI_PUBLIC_URL must be an address such as" in done.stderr


@pytest.mark.parametrize(
    ("path", "door"),
    [
        ("/", "webui"),
        ("/s/abc", "webui"),
        ("/administrators", "webui"),
        ("/admin", "adminui"),
        ("/admin/nodes", "adminui"),
        ("/api/v1/me", "api"),
        ("/connect/events", "proxy"),
    ],
)
def test_paths_lead_to_their_service_unchanged(edge: Edge, path: str, door: str) -> None:
    answer = edge.ask("GET", f"{path}?q=a%20b")
    assert answer.status == 200
    assert answer.json()["path"] == f"{path}?q=a%20b"
    upstream = log_of(edge, answer.headers["x-request-id"])["asci"]["upstream"]
    assert upstream.endswith({"webui": ":8020", "adminui": ":8030", "api": ":8000", "proxy": ":8010"}[door])


@pytest.mark.parametrize("path", ["/", "/api/v1/me", "/static/none.js", "/metrics", "/connect/x"])
def test_every_answer_carries_the_security_headers_once(edge: Edge, path: str) -> None:
    answer = edge.ask("GET", path)
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "same-origin"
    assert answer.headers["cross-origin-opener-policy"] == "same-origin"
    assert "clipboard-read=(self)" in answer.headers["permissions-policy"]
    assert "fullscreen=(self)" in answer.headers["permissions-policy"]
    assert "camera=()" in answer.headers["permissions-policy"]
    assert answer.headers["server"] == "nginx"
    assert "strict-transport-security" not in answer.headers
    assert answer.repeated == []


def test_a_services_own_policy_and_errors_pass(edge: Edge) -> None:
    answer = edge.ask("GET", "/missing")
    assert answer.status == 404
    assert answer.json()["path"] == "/missing"
    assert answer.headers["content-security-policy"] == "default-src 'none'"


@pytest.mark.parametrize("path", ["/", "/api/v1/me", "/connect/x", "/connect/events"])
def test_request_id_is_the_edges_and_addresses_are_not_believed(edge: Edge, path: str) -> None:
    answer = edge.ask(
        "GET",
        path,
        X_Request_Id="forged",
        X_Forwarded_For="1.2.3.4",
        X_Forwarded_Host="evil",
        Forwarded="for=1.2.3.4",
        X_Real_IP="1.2.3.4",
    )
    seen = answer.json()["headers"]
    assert re.fullmatch("[0-9a-f]{32}", seen["x-request-id"])
    assert answer.headers["x-request-id"] == seen["x-request-id"]
    assert "1.2.3.4" not in json.dumps(seen)
    assert re.fullmatch(r"\d+\.\d+\.\d+\.\d+", seen["x-forwarded-for"])
    assert seen["x-forwarded-host"] == seen["host"] == edge.host
    assert seen["x-forwarded-proto"] == "http"


def test_upgrades_reach_the_proxy_only(edge: Edge) -> None:
    relayed = edge.ask("GET", "/connect/x", Upgrade="websocket", Connection="Upgrade").json()["headers"]
    assert (relayed["upgrade"], relayed["connection"]) == ("websocket", "upgrade")
    heard = edge.ask("GET", "/connect/events", Upgrade="websocket", Connection="Upgrade").json()["headers"]
    assert (heard["upgrade"], heard["connection"]) == ("websocket", "upgrade")
    assert "upgrade" not in edge.ask("GET", "/api/v1/me", Upgrade="websocket", Connection="Upgrade").json()["headers"]


@pytest.mark.parametrize("host", ["127.0.0.1:{port}", "evil.example:{port}", "localhost", "localhost:1"])
def test_other_hosts_are_led_to_the_portals_address(edge: Edge, host: str) -> None:
    answer = edge.ask("GET", "/s/abc?x=1", Host=host.format(port=edge.port))
    assert answer.status == 307
    assert answer.headers["location"] == f"http://{edge.host}/s/abc?x=1"


def app_host(edge: Edge, label: str = "k3v9x2mq") -> str:
    """The host of a web application on this edge."""
    return f"{label}.{edge.host}"


@pytest.mark.parametrize(
    "path", ["/", "/api/v1/me", "/static/lab/main.js", "/metrics", "/connect/events", "/-/x", "/.asci/enter"]
)
def test_an_applications_host_is_the_proxys_whole(edge: Edge, path: str) -> None:
    answer = edge.ask(
        "GET",
        f"{path}?a=b%2Fc",
        Host=app_host(edge),
        X_Forwarded_For="1.2.3.4",
        X_Request_Id="forged",
        X_ASCI_Upstream="forged",
    )
    seen = answer.json()
    assert seen["path"] == f"{path}?a=b%2Fc"
    assert seen["headers"]["host"] == seen["headers"]["x-forwarded-host"] == app_host(edge)
    assert re.fullmatch("[0-9a-f]{32}", seen["headers"]["x-request-id"])
    assert seen["headers"]["x-request-id"] == answer.headers["x-request-id"]
    assert "1.2.3.4" not in json.dumps(seen)
    assert "x-asci-upstream" not in seen["headers"]
    assert log_of(edge, answer.headers["x-request-id"])["asci"]["upstream"].endswith(":8010")


def test_an_applications_answer_carries_its_own_headers_only(edge: Edge) -> None:
    answer = edge.ask("GET", "/", Host=app_host(edge))
    assert answer.headers["x-content-type-options"] == "doubled"
    assert answer.headers["content-security-policy"] == "default-src 'none'"
    for name in ("permissions-policy", "cross-origin-opener-policy", "referrer-policy", "strict-transport-security"):
        assert name not in answer.headers
    assert answer.repeated == []


def test_an_applications_upgrades_and_large_bodies_pass(edge: Edge) -> None:
    seen = edge.ask("GET", "/ws", Host=app_host(edge), Upgrade="websocket", Connection="Upgrade").json()["headers"]
    assert (seen["upgrade"], seen["connection"]) == ("websocket", "upgrade")
    assert edge.ask("POST", "/upload", b"x" * (3 * 1024 * 1024), Host=app_host(edge)).status == 200


@pytest.mark.parametrize(
    "host", ["a.b.{host}", "k3v9x2mq.localhost", "k3v9x2mq.localhost:1", "-x.{host}", "k3v9x2mq.evil.example"]
)
def test_what_is_no_applications_host_is_led_to_the_portal(edge: Edge, host: str) -> None:
    answer = edge.ask("GET", "/lab?x=1", Host=host.format(host=edge.host))
    assert answer.status == 307
    assert answer.headers["location"] == f"http://{edge.host}/lab?x=1"


def test_an_application_while_the_proxy_is_away(alone: Edge) -> None:
    answer = alone.ask("GET", "/lab", Host=app_host(alone))
    assert answer.status == 503
    assert b"ASCI is restarting" in answer.body
    assert answer.headers["retry-after"] == "3"


@pytest.mark.parametrize(
    "path", ["/metrics", "/health/live", "/health/ready", "/-/restarting.html", "/static/manifest.json"]
)
def test_inward_doors_stay_inside(edge: Edge, path: str) -> None:
    answer = edge.ask("GET", path)
    assert answer.status == 404
    assert b"There is nothing at this address." in answer.body


def test_too_large_a_body_is_refused_in_each_ones_language(edge: Edge) -> None:
    body = b"x" * (1024 * 1024 + 1)
    api, page = edge.ask("POST", "/api/v1/instances", body), edge.ask("POST", "/sign-in", body)
    assert (api.status, page.status) == (413, 413)
    assert api.headers["content-type"] == "application/problem+json"
    problem = api.json()
    assert (problem["status"], problem["type"]) == (413, "/problems/too-large")
    assert problem["request_id"] == api.headers["x-request-id"]
    assert b"The request is larger than 1 MiB." in page.body
    assert edge.ask("POST", "/api/v1/instances", body[:-1]).status == 200


def test_the_log_knows_the_request_and_no_query(edge: Edge) -> None:
    answer = edge.ask(
        "GET", "/s/abc?token=very-secret", Cookie="asci=hidden-cookie", Authorization="Bearer hidden-token"
    )
    line = log_of(edge, answer.headers["x-request-id"])
    assert (line["url.path"], line["http.response.status_code"], line["http.request.method"]) == ("/s/abc", 200, "GET")
    everything = run("docker", "logs", edge.id)
    for secret in ("very-secret", "hidden-cookie", "hidden-token"):
        assert secret not in everything.stdout + everything.stderr


def test_a_service_that_is_away_is_told_calmly(alone: Edge) -> None:
    page, api = alone.ask("GET", "/"), alone.ask("POST", "/api/v1/instances", b"{}")
    assert (page.status, api.status) == (503, 503)
    assert b"ASCI is restarting" in page.body
    assert b"Your desktops keep running." in page.body
    assert b'http-equiv="refresh" content="3"' in page.body
    assert page.headers["x-request-id"].encode() in page.body
    assert api.headers["content-type"] == "application/problem+json"
    assert api.json()["request_id"] == api.headers["x-request-id"]
    assert {page.headers["retry-after"], api.headers["retry-after"]} == {"3"}
    assert {page.headers["cache-control"], api.headers["cache-control"]} == {"no-store"}


def test_the_secret_of_a_failing_request_is_in_no_log(alone: Edge) -> None:
    alone.ask("GET", "/?password=do-not-log-me")
    logs = run("docker", "logs", alone.id)
    assert "do-not-log-me" not in logs.stdout + logs.stderr


def test_signing_in_is_limited_apart(edge: Edge) -> None:
    answers = [edge.ask("POST", "/api/v1/sessions", b"{}").status for _ in range(45)]
    assert answers.count(200) >= 30
    assert 429 in answers
    refused = next(answer for _ in range(10) if (answer := edge.ask("POST", "/api/v1/sessions", b"{}")).status == 429)
    assert refused.json()["type"] == "/problems/too-many-requests"
    assert refused.headers["retry-after"] == "2"
    assert edge.ask("GET", "/api/v1/me").status == 200
    assert edge.ask("GET", "/sign-in").status == 200


def test_static_files_come_compressed_and_for_good(edge: Edge) -> None:
    names = must("docker", "exec", edge.id, "bash", "-c", "cd /usr/share/asci/static && ls *.gz").split()
    assert names
    name = names[0].removesuffix(".gz")
    answer = edge.ask("GET", f"/static/{name}", Accept_Encoding="gzip")
    assert answer.status == 200
    assert answer.headers["content-encoding"] == "gzip"
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_a_service_that_comes_back_elsewhere_is_found() -> None:
    with ExitStack() as stack:
        edge = start_edge(stack)
        with ExitStack() as first:
            start_echo(first, edge, "webui", 8020)
            assert edge.ask("GET", "/").status == 200
        # somebody else takes the address that became free
        stack.enter_context(container(f"asci/api:{TAG}", "--network", edge.network, command=("sleep", "60")))
        start_echo(stack, edge, "webui", 8020)
        eventually(lambda: edge.ask("GET", "/").status == 200, "the service at its new address", within=6)


def test_tls_with_a_certificate(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    must(
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
        "-nodes",
        "-days",
        "2",
        "-subj",
        "/CN=localhost",
        "-keyout",
        str(tmp_path / "key.pem"),
        "-out",
        str(tmp_path / "cert.pem"),
    )
    must("chown", "10004", str(tmp_path / "key.pem"), str(tmp_path / "cert.pem"))
    port = free_port()
    with ExitStack() as stack:
        options = ("--publish", f"127.0.0.1:{port}:8443", "--volume", f"{tmp_path}:/run/tls:ro")
        edge = start_edge(stack, *options, host=f"localhost:{port}", tls_port=port)
        start_echo(stack, edge, "webui", 8020)
        answer = edge.ask("GET", "/", tls=True)
        assert answer.status == 200
        assert answer.headers["strict-transport-security"] == "max-age=31536000"
        assert answer.json()["headers"]["x-forwarded-proto"] == "https"
        start_echo(stack, edge, "proxy", 8010)
        app = edge.ask("GET", "/lab", tls=True, Host=f"k3v9x2mq.localhost:{port}")
        assert app.json()["headers"]["x-forwarded-proto"] == "https"
        assert app.headers["strict-transport-security"] == "max-age=31536000"
        plain = edge.ask("GET", "/s/1?a=b")
        assert (plain.status, plain.headers["location"]) == (308, f"https://localhost:{port}/s/1?a=b")
        serial = peer_serial(port)
        must(
            "openssl",
            "req",
            "-x509",
            "-key",
            str(tmp_path / "key.pem"),
            "-days",
            "2",
            "-subj",
            "/CN=renewed",
            "-out",
            str(tmp_path / "cert.pem"),
        )
        must("docker", "exec", edge.id, "edge", "reload")
        eventually(lambda: peer_serial(port) != serial, "the renewed certificate")


def start_with(*options: str) -> str:
    """What the edge says when it refuses to start with these options."""
    done = run("docker", "run", "--rm", "--tmpfs", "/tmp", *options, f"asci/edge:{TAG}", "edge", "test")
    assert done.returncode == 64
    return done.stderr


def test_a_certificate_that_cannot_be_read_is_no_reason_for_plain_http(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    folder = ("--volume", f"{tmp_path}:/run/tls:ro")
    assert "TLS is wanted, but /run/tls/cert.pem cannot be read" in start_with(*folder)
    (tmp_path / "cert.pem").write_text("a certificate")
    (tmp_path / "key.pem").write_text("a key")
    (tmp_path / "key.pem").chmod(0o000)
    assert "TLS is wanted, but /run/tls/key.pem cannot be read" in start_with(*folder)


@pytest.mark.parametrize("domain", ["*.example.org", "Apps.example.org", "apps.example.org:8080", "apps_x", 'x";'])
def test_a_wrong_domain_of_applications_is_refused_at_start(domain: str) -> None:
    assert "ASCI_APPS_DOMAIN must be a domain" in start_with("--env", f"ASCI_APPS_DOMAIN={domain}")


def test_the_portals_name_counts_first_where_it_lies_in_the_domain_of_applications() -> None:
    with ExitStack() as stack:
        edge = start_edge(stack, "--env", "ASCI_APPS_DOMAIN=example.org", host="asci.example.org")
        start_echo(stack, edge, "webui", 8020)
        start_echo(stack, edge, "proxy", 8010)
        portal, app = edge.ask("GET", "/"), edge.ask("GET", "/", Host="k3v9x2mq.example.org")
        upstreams = [log_of(edge, answer.headers["x-request-id"])["asci"]["upstream"] for answer in (portal, app)]
        assert [upstream.rpartition(":")[2] for upstream in upstreams] == ["8020", "8010"]


def test_a_wrong_number_of_connections_is_refused_at_start() -> None:
    assert "ASCI_CONNECTIONS must be a number" in start_with("--env", "ASCI_CONNECTIONS=many")


def test_one_address_holds_so_many_connections() -> None:
    with ExitStack() as stack:
        edge = start_edge(stack, "--env", "ASCI_CONNECTIONS=1")
        start_echo(stack, edge, "proxy", 8010)
        held = http.client.HTTPConnection("127.0.0.1", edge.port, timeout=10)
        held.request("GET", "/connect/slow", headers={"Host": edge.host})
        first = held.getresponse()
        assert first.read(3) == b"one"
        assert edge.ask("GET", "/connect/other").status == 429
        assert first.read() == b"two"
        held.close()
        eventually(lambda: edge.ask("GET", "/connect/other").status == 200, "room for the next")


def peer_serial(port: int) -> bytes:
    """The certificate that the edge shows right now."""
    pem = ssl.get_server_certificate(("127.0.0.1", port))
    return ssl.PEM_cert_to_DER_cert(pem)


def test_a_reload_cuts_no_flowing_byte(edge: Edge) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", edge.port, timeout=10)
    connection.request("GET", "/connect/slow", headers={"Host": edge.host})
    response = connection.getresponse()
    assert response.read(3) == b"one"
    must("docker", "exec", edge.id, "edge", "reload")
    assert edge.ask("GET", "/").status == 200
    assert response.read() == b"two"
    connection.close()


def test_a_browser_that_falls_silent_is_asked_whether_it_lives(edge: Edge) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", edge.port, timeout=10)
    connection.request("GET", "/connect/slow", headers={"Host": edge.host})
    response = connection.getresponse()
    assert response.read(3) == b"one"
    assert response.read() == b"two"
    # columns of proc_pid_net(5): local address, remote address, state (01: established), queues, timer (02: keepalive)
    table = must("docker", "exec", edge.id, "cat", "/proc/net/tcp")
    timers = [
        row[5][:2] for row in map(str.split, table.splitlines()[1:]) if row[1].endswith(":1F90") and row[3] == "01"
    ]
    assert "02" in timers
    connection.close()
