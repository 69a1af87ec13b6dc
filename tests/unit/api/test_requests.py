"""The form of requests and answers: what is refused, tags, health, what nobody thought of."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from asci_shared.logging import configure
from tests.support.api_lab import ApiLab

Lines = Callable[[], list[dict[str, Any]]]


@pytest.fixture
def lines() -> Iterator[Lines]:
    """What is logged meanwhile, line by line."""
    said = io.StringIO()
    handlers, level = list(logging.root.handlers), logging.root.level
    configure("api", stream=said)
    yield lambda: [json.loads(line) for line in said.getvalue().splitlines()]
    logging.root.handlers[:] = handlers
    logging.root.setLevel(level)


def raw(lab: ApiLab, data: bytes, content_type: str = "application/json") -> tuple[int, str]:
    """POST /instances with these very bytes."""
    token = lab.visitor("demo").token
    answer = lab.app.test_client().post(
        "/api/v1/instances", data=data, content_type=content_type, headers={"Authorization": f"Bearer {token}"}
    )
    assert answer.json is not None
    return answer.status_code, answer.json["type"].removeprefix("/problems/")


@pytest.mark.parametrize(
    ("data", "status", "slug"),
    [
        (b"", 400, "malformed"),
        (b"{", 400, "malformed"),
        (b"[]", 400, "malformed"),
        (b'"desktop"', 400, "malformed"),
        (b"null", 400, "malformed"),
        (b'{"environment": NaN}', 400, "malformed"),
        (b'{"environment": "\xff"}', 400, "malformed"),
        (b'{"environment": "desktop", "title": "\\ud800"}', 400, "malformed"),
        (b"[" * 200_000, 400, "malformed"),
        (b'{"environment": ' + b"9" * 5000 + b"}", 400, "malformed"),
        (b" " * (256 * 1024 + 1), 413, "too-large"),
    ],
)
def test_bodies_that_cannot_be_read(lab: ApiLab, data: bytes, status: int, slug: str) -> None:
    assert raw(lab, data) == (status, slug)


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", "", "application/jsonp"])
def test_other_content_types(lab: ApiLab, content_type: str) -> None:
    assert raw(lab, b'{"environment": "desktop"}', content_type) == (415, "wrong-media-type")
    assert lab.store.instances.all() == []


def test_a_charset_may_be_named(lab: ApiLab) -> None:
    token = lab.visitor("demo").token
    answer = lab.app.test_client().post(
        "/api/v1/instances",
        data=b'{"environment": "desktop"}',
        content_type="application/json; charset=utf-8",
        headers={"Authorization": f"Bearer {token}"},
    )
    assert answer.status_code == 202


@pytest.mark.parametrize("path", ["/me?x=1", "/instances?states=queued", "/instances?limit=1&limit=2", "/notice?a=b"])
def test_unknown_and_repeated_parameters(lab: ApiLab, path: str) -> None:
    reply = lab.visitor("demo").get(path)
    assert (reply.status, reply.slug) == (422, "invalid-input")
    assert len(reply.json["fields"]) == 1


@pytest.mark.parametrize("query", ["limit=0", "limit=501", "limit=x", "scope=theirs", "state=asleep", "state=,"])
def test_parameters_that_cannot_be_used(lab: ApiLab, query: str) -> None:
    assert lab.visitor("admin").get(f"/instances?{query}").status == 422


@pytest.mark.parametrize("one", ["%00", "..%2fetc", "a" * 65, "x y", "\u00fc", "%0a"])
def test_ids_that_nothing_can_have(lab: ApiLab, one: str) -> None:
    token = lab.visitor("demo").token
    answer = lab.app.test_client().get(f"/api/v1/instances/{one}", headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 404
    assert answer.content_type == "application/problem+json"


@pytest.mark.parametrize(
    ("method", "path", "status", "slug"),
    [
        ("GET", "/api/v1/nothing", 404, "not-found"),
        ("GET", "/", 404, "not-found"),
        ("POST", "/api/v1/me", 405, "method-not-allowed"),
        ("OPTIONS", "/api/v1/me", 405, "method-not-allowed"),
        ("DELETE", "/api/v1/instances", 405, "method-not-allowed"),
    ],
)
def test_addresses_and_methods_that_are_none(lab: ApiLab, method: str, path: str, status: int, slug: str) -> None:
    answer = lab.app.test_client().open(path, method=method)
    assert answer.json is not None
    assert (answer.status_code, answer.json["type"]) == (status, f"/problems/{slug}")
    assert answer.json["request_id"] == answer.headers["X-Request-Id"]
    assert ("Allow" in answer.headers) == (status == 405)


def test_what_nobody_thought_of_tells_nothing_and_logs_everything(
    lab: ApiLab, monkeypatch: pytest.MonkeyPatch, lines: Lines
) -> None:
    demo = lab.visitor("demo")

    def broken(_self: object) -> None:
        raise RuntimeError("the inner secret")

    monkeypatch.setattr(type(lab.memory.policies), "get", broken)
    token = {"Authorization": f"Bearer {demo.token}"}
    answer = lab.app.test_client().get("/api/v1/me?", headers=token)
    assert answer.status_code == 500
    assert answer.json is not None
    assert answer.json["type"] == "/problems/internal"
    assert "secret" not in answer.text
    (failed,) = [line for line in lines() if line["message"] == "request.failed"]
    assert "the inner secret" in failed["error.stack_trace"]
    assert failed["http.request.id"] == answer.json["request_id"]


def test_one_line_a_request_without_secrets(lab: ApiLab, lines: Lines) -> None:
    demo = lab.visitor("demo")
    demo.get("/users?q=mara")
    (line,) = lines()
    assert line["message"] == "request"
    assert line["asci"]["route"] == "/api/v1/users"
    assert (line["asci"]["status"], line["asci"]["user"]) == (200, "demo")
    assert "mara" not in str(line)
    assert demo.token not in str(line)


def test_a_tag_holds_while_nothing_changes_but_the_seconds(lab: ApiLab) -> None:
    demo = lab.visitor("demo")
    one = demo.start()
    first = demo.get("/instances")
    lab.memory.clock.advance(5)
    tag = {"If-None-Match": first.headers["ETag"]}
    again = demo.get("/instances", headers=tag)
    assert (again.status, again.headers["ETag"], again.text) == (304, first.headers["ETag"], "")
    assert demo.get("/instances").json["items"][0]["progress"]["seconds"] == 5.0
    demo.patch(f"/instances/{one}", {"title": "Other"})
    changed = demo.get("/instances", headers=tag)
    assert changed.status == 200
    assert changed.headers["ETag"] != first.headers["ETag"]
    assert demo.get(f"/instances/{one}", headers={"If-None-Match": '"x", *'}).status == 304


def test_answers_are_kept_from_caches_and_sniffers(lab: ApiLab) -> None:
    reply = lab.visitor("demo").get("/me")
    assert reply.headers["Cache-Control"] == "no-store"
    assert reply.headers["X-Content-Type-Options"] == "nosniff"
    assert "default-src 'none'" in reply.headers["Content-Security-Policy"]


def test_the_notice(lab: ApiLab) -> None:
    guest = lab.visitor()
    assert guest.get("/notice").status == 204
    (lab.config / "notice.json").write_text('{"text": "Beam off at nine.", "level": "warning"}')
    reply = guest.get("/notice")
    assert (reply.json["text"], reply.json["level"]) == ("Beam off at nine.", "warning")


def test_nodes_policy_and_audit_for_admins(lab: ApiLab) -> None:
    admin, demo = lab.visitor("admin"), lab.visitor("demo")
    (node,) = admin.get("/nodes").json["items"]
    assert (node["name"], node["state"], node["capacity"]["cpus"]) == ("local", "active", 8.0)
    assert admin.get("/nodes/local").json == node
    assert admin.get("/nodes/other").slug == "unknown-node"
    assert admin.get("/scheduler/policy").json["quotas"]["default"] == {"sessions": 6, "gpus": 2}
    one = demo.start()
    lab.memory.clock.advance(1)
    demo.delete(f"/instances/{one}")
    deeds = admin.get("/audit?limit=1").json
    assert deeds["items"][0]["action"] == "instance.stop"
    rest = admin.get(f"/audit?cursor={deeds['next_cursor']}").json
    assert [deed["action"] for deed in rest["items"]] == ["instance.start"]
    assert admin.get(f"/audit?target={one}&action=instance.start&actor=demo").json["items"] == rest["items"]
    lab.memory.clock.advance(60)
    assert admin.get("/nodes").slug == "no-snapshot"


def test_metrics(lab: ApiLab) -> None:
    lab.visitor("demo").start()
    text = lab.app.test_client().get("/metrics").text
    assert 'asci_api_requests_total{method="POST",route="/api/v1/instances",status="202"}' in text
    assert 'asci_api_starts_total{outcome="ok"}' in text


@pytest.fixture
def client(tmp_path: Path) -> FlaskClient:
    return ApiLab(tmp_path).app.test_client()


def test_the_page_of_the_document(client: FlaskClient) -> None:
    page = client.get("/api/v1/docs")
    assert page.content_type == "text/html; charset=utf-8"
    assert "<script" not in page.text
    assert "style=" not in page.text
    assert "/instances/{id}/connections" in page.text
    assert client.get("/api/v1/docs.css").content_type.startswith("text/css")
    policy = page.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "style-src 'self'" in policy
