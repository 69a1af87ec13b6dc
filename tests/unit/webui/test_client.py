"""The API's client: what it asks, what it reads, what it makes of nonsense. The API behind it is the real one."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import urlsplit

import pytest
from flask import Flask

from asci_shared import request_id
from asci_shared.api.client import ApiServer
from asci_shared.api.errors import ApiAway, ApiProblem, SignedOut, problem_from
from tests.support.api_lab import ApiLab, password_of
from tests.support.portal_lab import PortalLab, Wire


@pytest.fixture
def api(lab: PortalLab) -> ApiLab:
    return lab.api


def demo_server(api: ApiLab) -> tuple[ApiServer, str]:
    server = ApiServer("http://api:8000/", Wire(api.app))
    return server, server.caller().sign_in("demo", password_of("demo")).token


def test_signing_in_gives_a_token_that_works(api: ApiLab) -> None:
    server, token = demo_server(api)
    me = server.caller(token).me()
    assert (me.username, me.name, me.is_admin) == ("demo", "Demo Scientist", False)
    assert me.quota.sessions is not None
    server.caller(token).sign_out()
    with pytest.raises(SignedOut):
        server.caller(token).me()


def test_wrong_pairs_and_missing_tokens_are_told_apart(api: ApiLab) -> None:
    server, _ = demo_server(api)
    with pytest.raises(ApiProblem) as wrong:
        server.caller().sign_in("demo", "no")
    assert (wrong.value.slug, type(wrong.value)) == ("wrong-credentials", ApiProblem)
    with pytest.raises(SignedOut):
        server.caller().me()


def test_a_session_from_start_to_end(api: ApiLab) -> None:
    server, token = demo_server(api)
    demo = server.caller(token)
    (environment,) = demo.environments()
    one = demo.start(environment.name, title="Tomography", geometry="1280x752", key="a-click")
    assert (one.title, one.geometry, one.my_access, one.owner.name) == (
        "Tomography",
        "1280x752",
        "owner",
        "Demo Scientist",
    )
    assert demo.start(environment.name, title="Tomography", geometry="1280x752", key="a-click").id == one.id
    first = demo.instances()
    assert [instance.id for instance in first.value or ()] == [one.id]
    assert demo.instances(first.tag).value is None
    seen = demo.instance(one.id)
    assert demo.instance(one.id, seen.tag).value is None
    assert demo.change(one.id, title="Slices").title == "Slices"
    assert one.expires_at is not None
    later = (one.created_at + timedelta(days=8)).strftime("%Y-%m-%dT%H:%M:%SZ")
    assert (demo.change(one.id, expires_at=later).expires_at or one.expires_at) > one.expires_at
    api.runs(one.id)
    assert (demo.instance(one.id).value or one).state == "running"
    demo.stop(one.id)
    assert (demo.instance(one.id).value or one).state == "stopping"


def test_sharing(api: ApiLab) -> None:
    server, token = demo_server(api)
    demo = server.caller(token)
    one = demo.start("desktop")
    assert [person.username for person in demo.people("jun")] == ["jun"]
    assert demo.people("j") == ()
    share = demo.share(one.id, "jun", "view")
    assert (share.username, share.mode, share.last_seen) == ("jun", "view", None)
    assert [(s.username, s.mode) for s in (demo.instance(one.id).value or one).shares] == [("jun", "view")]
    demo.unshare(one.id, "jun")
    with pytest.raises(ApiProblem) as unknown:
        demo.share(one.id, "nobody", "view")
    assert unknown.value.status == 404


def test_the_notice(api: ApiLab) -> None:
    server, token = demo_server(api)
    assert server.caller(token).notice() is None
    (api.config / "notice.json").write_text('{"text": "Maintenance.", "level": "warning", "id": "1"}')
    notice = server.caller(token).notice()
    assert notice is not None
    assert (notice.text, notice.level) == ("Maintenance.", "warning")


def test_request_id_and_address_travel_along(api: ApiLab) -> None:
    wire = Wire(api.app)
    request_id.bind("0123456789abcdef0123456789abcdef")
    with pytest.raises(SignedOut):
        ApiServer("http://api:8000", wire).caller("token", "192.0.2.7").me()
    sent = wire.passed[-1].headers
    assert sent["X-Request-Id"] == "0123456789abcdef0123456789abcdef"
    assert sent["X-Forwarded-For"] == "192.0.2.7"
    assert sent["Authorization"] == "Bearer token"


def test_the_cookie_of_one_person_never_stays_in_the_pool(api: ApiLab) -> None:
    wire = Wire(api.app)
    server = ApiServer("http://api:8000", wire)
    server.caller().sign_in("demo", password_of("demo"))
    with pytest.raises(SignedOut):
        server.caller().me()
    assert "Cookie" not in wire.passed[-1].headers


def test_silence_is_not_an_error_of_the_person(api: ApiLab) -> None:
    wire = Wire(api.app)
    wire.cut = True
    with pytest.raises(ApiAway):
        ApiServer("http://api:8000", wire).caller("token").me()


@pytest.mark.parametrize(
    ("status", "body"),
    [(200, "no json"), (200, '{"username": "demo"}'), (200, "[]"), (502, "bad gateway"), (500, '{"no": "type"}'),
     (404, "[]"), (200, '{"username":"x","name":"x","roles":null,"uid":1,"gid":1}')],
)  # fmt: skip
def test_nonsense_is_the_api_being_away(status: int, body: str) -> None:
    app = Flask("nonsense")
    app.add_url_rule("/api/v1/me", view_func=lambda: (body, status, {"Content-Type": "application/json"}))
    with pytest.raises(ApiAway):
        ApiServer("http://api:8000", Wire(app)).caller("token").me()


def test_a_server_that_is_not_there() -> None:
    with pytest.raises(ApiAway):
        ApiServer("http://127.0.0.1:9").caller("token").me()


def test_problems_keep_their_members() -> None:
    problem = problem_from(
        422, {"type": "/problems/never-fits", "title": "No node can.", "reasons": ["a: too small"], "status": 422}
    )
    assert (problem.slug, problem.facts) == ("never-fits", {"reasons": ["a: too small"]})
    ended = problem_from(401, {"type": "/problems/signed-out", "title": "Signed out.", "reason": "idle"})
    assert isinstance(ended, SignedOut)
    assert ended.reason == "idle"


def test_redirects_are_not_followed() -> None:
    app = Flask("redirecting")
    app.add_url_rule("/api/v1/me", view_func=lambda: ("", 302, {"Location": "http://evil.example/"}))
    wire = Wire(app)
    with pytest.raises(ApiAway):
        ApiServer("http://api:8000", wire).caller("token").me()
    assert [urlsplit(request.url).netloc for request in wire.passed] == ["api:8000"]
