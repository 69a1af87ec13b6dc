"""What the portal and the API refuse, and in which words."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
import requests
from playwright.sync_api import expect

from tests.support.api_caller import TIMEOUT, ApiCaller, Json
from tests.support.browser import Visitor
from tests.support.composed import Installation
from tests.support.secrets_seen import SecretsSeen

Visit = Callable[..., Visitor]


@pytest.fixture
def stranger(installation: Installation, secrets_seen: SecretsSeen) -> ApiCaller:
    return ApiCaller(installation.url, secrets_seen)


def problem(answer: requests.Response, status: int, slug: str = "") -> Json:
    """The problem document of a refusal, checked for what every one has."""
    assert answer.status_code == status, f"{answer.status_code}: {answer.text[:500]}"
    assert answer.headers["Content-Type"].startswith("application/problem+json")
    document = dict(answer.json())
    assert document["status"] == status
    assert document["title"].endswith((".", "?"))
    assert re.fullmatch(r"[0-9a-f]{32}", document["request_id"])
    assert answer.headers["X-Request-Id"] == document["request_id"]
    if slug:
        assert document["type"] == f"/problems/{slug}"
    return document


def test_a_wrong_password_does_not_tell_which_was_wrong(
    visit: Visit, stranger: ApiCaller, secrets_seen: SecretsSeen
) -> None:
    wrong = secrets_seen.add("not-the-password-of-demo", "a wrong password")
    known = problem(stranger.post("/sessions", {"username": "demo", "password": wrong}), 401, "wrong-credentials")
    unknown = problem(
        stranger.post("/sessions", {"username": "nobody-here", "password": wrong}), 401, "wrong-credentials"
    )
    assert {**known, "request_id": ""} == {**unknown, "request_id": ""}
    assert known["title"] == "Name and password do not match."

    window = visit()
    with window.tolerating("status of 401"):
        window.page.goto("/")
        expect(window.page).to_have_url(re.compile("/sign-in"))
        window.page.get_by_label("User name").fill("demo")
        window.page.get_by_label("Password").fill(wrong)
        window.page.get_by_role("button", name="Sign in").click()
        expect(window.page.get_by_role("alert")).to_have_text("Name and password do not match.")
        expect(window.page.get_by_label("Password")).to_be_empty()


def test_without_a_living_token_nothing_is_told(stranger: ApiCaller, installation: Installation) -> None:
    for path in ("/me", "/instances", "/environments", "/users?q=de", "/instances/k3v9x2mq", "/nodes", "/audit"):
        problem(stranger.get(path), 401, "signed-out")
    dead = requests.get(f"{installation.url}/api/v1/me", headers={"Authorization": "Bearer nonsense"}, timeout=TIMEOUT)
    problem(dead, 401, "signed-out")


def test_somebody_elses_instance_is_as_good_as_none(
    mara: ApiCaller, desktop: Callable[[], str], visit: Visit, demo: ApiCaller
) -> None:
    foreign, nowhere = desktop(), "zzzzzzzz"
    for method, path, body in (
        ("GET", "", None),
        ("DELETE", "", None),
        ("PATCH", "", {"title": "Mine now"}),
        ("GET", "/logs", None),
        ("GET", "/connections", None),
        ("POST", "/connections", {"mode": "view"}),
        ("PUT", "/shares/mara", {"mode": "control"}),
    ):
        answers = [
            problem(mara.request(method, f"/instances/{one}{path}", json=body), 404) for one in (foreign, nowhere)
        ]
        told = [{key: value for key, value in answer.items() if key != "request_id"} for answer in answers]
        assert str(told[0]).replace(foreign, nowhere) == str(told[1]), f"{method} {path} tells that it is there"
    assert demo.instance(foreign)["state"] == "running"
    assert demo.instance(foreign)["title"] != "Mine now"
    window = visit("mara")
    with window.tolerating("status of 404"):
        answer = window.page.goto(f"/s/{foreign}")
    assert answer is not None
    assert answer.status == 404


def test_what_nobody_knows_cannot_be_started(demo: ApiCaller) -> None:
    problem(demo.post("/instances", {"environment": "no-such-environment"}), 404, "unknown-environment")
    for body in (
        {},
        {"environment": 7},
        {"environment": "desktop", "geometry": "huge"},
        {"environment": "desktop", "root": True},
    ):
        document = problem(demo.post("/instances", body), 422, "invalid-input")
        assert document["fields"]


def test_bodies_that_are_none_or_too_much(demo: ApiCaller, installation: Installation) -> None:
    url, headers = f"{installation.url}/api/v1", {"Authorization": f"Bearer {demo.token}"}
    json_type = {**headers, "Content-Type": "application/json"}
    problem(requests.post(f"{url}/instances", data=b"{no json", headers=json_type, timeout=TIMEOUT), 400)
    problem(requests.post(f"{url}/instances", data=b"a=b", headers=headers, timeout=TIMEOUT), 415)
    for size in (300 << 10, 2 << 20):
        body = b'{"environment": "' + b"x" * size + b'"}'
        answer = requests.post(f"{url}/instances", data=body, headers=json_type, timeout=TIMEOUT)
        assert answer.status_code == 413, f"{size} bytes: {answer.status_code}"
    assert demo.get(f"/instances?q={'x' * 40000}").status_code == 414
    assert requests.get(f"{url}/me", headers={**headers, "X-Much": "x" * 40000}, timeout=TIMEOUT).status_code in {
        400,
        431,
    }
    assert demo.get("/me").status_code == 200


def test_unsafe_calls_by_cookie_come_from_the_portals_own_pages_only(
    installation: Installation, mara: ApiCaller
) -> None:
    own = {"Cookie": f"asci={mara.token}", "Origin": installation.url, "X-ASCI": "1"}
    url = f"{installation.url}/api/v1/instances"
    for change in ({"Origin": "http://evil.example"}, {"Origin": None}, {"X-ASCI": None}, {"Origin": "null"}):
        headers = {key: value for key, value in {**own, **change}.items() if value is not None}
        problem(requests.post(url, json={"environment": "nothing"}, headers=headers, timeout=TIMEOUT), 403)
    problem(
        requests.post(url, json={"environment": "nothing"}, headers=own, timeout=TIMEOUT), 404, "unknown-environment"
    )
    form = requests.post(f"{installation.url}/start", data={"environment": "desktop"}, headers=own, timeout=TIMEOUT)
    assert form.status_code in {400, 403}, "a form without its token was taken"


def test_a_start_asked_twice_with_one_key_is_one(demo: ApiCaller) -> None:
    key = {"Idempotency-Key": "twice-the-same-start"}
    first, second = (demo.post("/instances", {"environment": "desktop"}, headers=key) for _ in range(2))
    try:
        assert first.status_code == second.status_code == 202
        assert first.json()["id"] == second.json()["id"]
        assert first.headers["Location"].endswith(first.json()["id"])
    finally:
        for name in {answer.json()["id"] for answer in (first, second)}:
            demo.stop(name)


def test_the_edge_keeps_inward_doors_shut(installation: Installation) -> None:
    for path in (
        "/metrics",
        "/health/live",
        "/health/ready",
        "/static/manifest.json",
        "/api/v1/metrics",
        "/api/v1/health/ready",
    ):
        assert requests.get(f"{installation.url}{path}", timeout=TIMEOUT).status_code in {401, 404}, path


def test_other_hosts_are_led_to_the_portals_own_address(installation: Installation) -> None:
    answer = requests.get(
        f"http://127.0.0.1:{installation.port}/?x=1",
        headers={"Host": "evil.example"},
        timeout=TIMEOUT,
        allow_redirects=False,
    )
    assert answer.status_code == 307
    assert answer.headers["Location"] == f"{installation.url}/?x=1"


def test_pages_say_what_browsers_may_do(installation: Installation) -> None:
    answer = requests.get(f"{installation.url}/sign-in", timeout=TIMEOUT)
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "Server" not in answer.headers or not re.search(r"\d", answer.headers["Server"])


def test_ordinary_people_are_no_admins(demo: ApiCaller) -> None:
    problem(demo.get("/audit"), 403, "not-allowed")
    problem(demo.get("/instances?scope=all"), 403, "not-allowed")


def test_the_api_describes_itself(stranger: ApiCaller) -> None:
    document = stranger.get("/openapi.json").json()
    assert document["openapi"].startswith("3.")
    assert {"/sessions", "/me", "/instances", "/environments"} <= {p.removeprefix("/api/v1") for p in document["paths"]}
    assert stranger.get("/docs").status_code == 200
