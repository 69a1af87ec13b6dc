"""Sign-ins: limits, ends, cookies, origins, passwords."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from asci_api.domain.identity import Username
from asci_api.work.sign_in import end_all_sign_ins, hash_of
from asci_shared.close_codes import CloseCode
from asci_shared.redis_contract import RevocationKind
from tests.support.api_lab import ORIGIN, ApiLab, Visitor, password_of

OURS = {"Origin": ORIGIN, "X-ASCI": "1"}


def sign_in(lab: ApiLab, username: str = "demo", password: str = "") -> Visitor:
    guest = lab.visitor()
    reply = guest.post("/sessions", {"username": username, "password": password or password_of(username)})
    assert reply.status == 201, reply.text
    guest.token = reply.json["token"]
    return guest


def browser(lab: ApiLab) -> FlaskClient:
    """A browser that signed in on our own page."""
    client = lab.app.test_client()
    body = {"username": "demo", "password": password_of("demo")}
    answer = client.post("/api/v1/sessions", json=body, headers=OURS)
    assert answer.status_code == 201
    return client


@pytest.mark.parametrize(
    ("username", "password"), [("demo", "wrong"), ("nobody", "wrong"), ("", "x"), ("DEMO'--", "x")]
)
def test_a_wrong_pair_never_says_which(lab: ApiLab, username: str, password: str) -> None:
    reply = lab.visitor().post("/sessions", {"username": username or "ghost", "password": password})
    assert (reply.status, reply.slug) == (401, "wrong-credentials")
    assert reply.json["title"] == "Name and password do not match."
    assert reply.headers["WWW-Authenticate"].startswith("Bearer")
    assert lab.memory.audit.entries[-1].outcome == "wrong-credentials"


def test_too_many_tries(lab: ApiLab) -> None:
    guest = lab.visitor()
    for _ in range(5):
        assert guest.post("/sessions", {"username": "demo", "password": "wrong"}).status == 401
    reply = guest.post("/sessions", {"username": "demo", "password": password_of("demo")})
    assert (reply.status, reply.slug, reply.json["retry_after"]) == (429, "too-many-tries", 10)
    assert reply.json["title"] == "Too many tries. Try again in 10 s."
    assert reply.headers["Retry-After"] == "10"
    lab.memory.clock.advance(10)
    assert guest.post("/sessions", {"username": "demo", "password": password_of("demo")}).status == 201


def test_the_token_is_stored_as_its_hash_only(lab: ApiLab) -> None:
    guest = sign_in(lab)
    record = lab.store.tokens.use(hash_of(guest.token))
    assert record is not None
    assert record.expires_at == lab.clock() + 7 * 86400
    assert guest.token not in str(lab.memory.state.data)


def test_idle_and_absolute_ends(lab: ApiLab) -> None:
    guest = sign_in(lab)
    for _ in range(30):
        lab.memory.clock.advance(7 * 3600)
        reply = guest.get("/me")
        if reply.status == 401:
            break
    assert lab.clock() - 1_800_000_000 > 0
    assert reply.status == 401
    other = sign_in(lab)
    lab.memory.clock.advance(8 * 3600 + 1)
    reply = other.get("/me")
    assert (reply.status, reply.slug, reply.json["reason"]) == (401, "signed-out", "idle")


@pytest.mark.parametrize(
    ("header", "reason"),
    [({}, "unknown"), ({"Authorization": "Bearer short"}, "unknown"), ({"Authorization": "Basic eDp5"}, "unknown")],
)
def test_no_sign_in(lab: ApiLab, header: dict[str, str], reason: str) -> None:
    reply = lab.visitor().get("/me", headers=header)
    assert (reply.status, reply.slug, reply.json["reason"]) == (401, "signed-out", reason)


def test_whoever_is_disabled_or_gone_is_out_at_once(lab: ApiLab) -> None:
    demo, jun = lab.visitor("demo"), lab.visitor("jun")
    with lab.accounts.edit() as everybody:
        everybody["demo"] = replace(everybody["demo"], disabled=True)
        del everybody["jun"]
    assert demo.get("/me").json["reason"] == "ended"
    assert jun.get("/me").json["reason"] == "ended"
    assert [(one.kind, one.username) for one in lab.memory.revocations.made] == [("person", "demo"), ("person", "jun")]
    assert lab.store.tokens.of(Username("demo")) == []
    reply = lab.visitor().post("/sessions", {"username": "demo", "password": password_of("demo")})
    assert (reply.status, reply.slug) == (401, "wrong-credentials")


def test_all_sign_ins_of_a_person_end(lab: ApiLab) -> None:
    first, second = sign_in(lab), sign_in(lab)
    person = lab.caller("demo").person
    assert end_all_sign_ins(lab.desk, person.username, "Your account was disabled.") == 2
    assert (first.get("/me").status, second.get("/me").status) == (401, 401)
    made = lab.memory.revocations.made[-1]
    assert (made.kind, made.code, made.username) == (RevocationKind.PERSON, CloseCode.SIGNED_OUT, "demo")


def test_while_restoring_a_missing_sign_in_is_no_evidence(lab: ApiLab) -> None:
    guest = sign_in(lab)
    lab.memory.lose()
    reply = guest.get("/me")
    assert (reply.status, reply.slug) == (503, "restoring")
    assert reply.headers["Retry-After"] == "2"


def test_without_redis_nothing_but_503(lab: ApiLab) -> None:
    guest = sign_in(lab)
    lab.memory.state.down = True
    assert guest.get("/instances").status == 503
    assert lab.app.test_client().get("/health/ready").status_code == 503
    assert lab.app.test_client().get("/health/live").status_code == 200


def test_a_new_password_ends_the_other_sign_ins(lab: ApiLab) -> None:
    here, there = sign_in(lab), sign_in(lab)
    body = {"current": password_of("demo"), "new": "a better one 42"}
    assert here.put("/me/password", body).status == 204
    assert here.get("/me").status == 200
    assert there.get("/me").json["reason"] == "ended"
    assert [one.code for one in lab.memory.revocations.made] == [CloseCode.SIGNED_OUT]
    sign_in(lab, password="a better one 42")


@pytest.mark.parametrize(
    ("current", "new", "status", "slug"),
    [
        ("wrong", "a better one 42", 403, "wrong-credentials"),
        ("", "short", 422, "weak-password"),
        ("", "my name is demo", 422, "weak-password"),
        ("", "aaaaaaaaaaaaaaa", 422, "weak-password"),
        ("", "x" * 257, 422, "weak-password"),
    ],
)
def test_a_password_that_is_not_taken(lab: ApiLab, current: str, new: str, status: int, slug: str) -> None:
    reply = sign_in(lab).put("/me/password", {"current": current or password_of("demo"), "new": new})
    assert (reply.status, reply.slug) == (status, slug)
    sign_in(lab)


def test_guessing_the_current_password_is_limited_too(lab: ApiLab) -> None:
    guest = sign_in(lab)
    for _ in range(5):
        guest.put("/me/password", {"current": "wrong", "new": "a better one 42"})
    assert guest.put("/me/password", {"current": password_of("demo"), "new": "a better one 42"}).status == 429


def test_the_cookie_is_set_for_our_own_page_only(lab: ApiLab) -> None:
    body = {"username": "demo", "password": password_of("demo")}
    client = lab.app.test_client()
    assert "Set-Cookie" not in client.post("/api/v1/sessions", json=body).headers
    cookie = client.post("/api/v1/sessions", json=body, headers=OURS).headers["Set-Cookie"]
    assert cookie.startswith("asci=")
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert "Secure" not in cookie
    foreign = client.post("/api/v1/sessions", json=body, headers={**OURS, "Origin": "http://evil.example"})
    assert (foreign.status_code, foreign.json and foreign.json["type"]) == (403, "/problems/wrong-origin")


def test_over_https_the_cookie_is_bound_to_the_host(tmp_path: Path) -> None:
    lab = ApiLab(tmp_path, origin="https://asci.example")
    body = {"username": "demo", "password": password_of("demo")}
    headers = {"Origin": "https://asci.example", "X-ASCI": "1"}
    answer = lab.app.test_client().post("/api/v1/sessions", json=body, headers=headers)
    cookie = answer.headers["Set-Cookie"]
    assert cookie.startswith("__Host-asci=")
    assert "Secure" in cookie
    assert "Path=/" in cookie
    assert "Domain" not in cookie


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"X-ASCI": "1"},
        {"Origin": ORIGIN},
        {"Origin": "http://evil.example", "X-ASCI": "1"},
        {"Origin": "null", "X-ASCI": "1"},
        {"Origin": ORIGIN + ".evil.example", "X-ASCI": "1"},
        {"Origin": ORIGIN, "X-ASCI": "0"},
    ],
)
def test_an_unsafe_call_by_cookie_comes_from_our_pages_only(lab: ApiLab, headers: dict[str, str]) -> None:
    lab.offer()
    client = browser(lab)
    assert client.get("/api/v1/me").status_code == 200
    refused = client.post("/api/v1/instances", json={"environment": "desktop"}, headers=headers)
    assert refused.status_code == 403
    assert refused.json is not None
    assert refused.json["type"] == "/problems/wrong-origin"
    assert lab.store.instances.all() == []


def test_our_pages_may_and_signing_out_takes_the_cookie_away(lab: ApiLab) -> None:
    client = browser(lab)
    assert client.post("/api/v1/instances", json={"environment": "desktop"}, headers=OURS).status_code == 202
    assert client.delete("/api/v1/sessions/current", headers=OURS).status_code == 204
    assert client.get_cookie("asci") is None
    assert client.get("/api/v1/me").status_code == 401


def test_a_bearer_needs_neither_origin_nor_mark(lab: ApiLab) -> None:
    assert lab.visitor("demo").start()


def test_addresses_and_request_ids_are_believed_from_our_own_peers_only(lab: ApiLab) -> None:
    client = lab.app.test_client()
    said = {"X-Forwarded-For": "198.51.100.9", "X-Request-Id": "a" * 32}
    body = {"username": "demo", "password": "wrong"}
    trusted = client.post("/api/v1/sessions", json=body, headers=said)
    assert trusted.headers["X-Request-Id"] == "a" * 32
    assert lab.memory.audit.entries[-1].address == "198.51.100.9"
    body["username"] = "jun"
    other = client.post("/api/v1/sessions", json=body, headers=said, environ_base={"REMOTE_ADDR": "203.0.113.5"})
    assert other.headers["X-Request-Id"] != "a" * 32
    assert lab.memory.audit.entries[-1].address == "203.0.113.5"
