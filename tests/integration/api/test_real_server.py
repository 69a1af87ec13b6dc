"""The API as it is run, on a real Redis."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from asci_api.domain.identity import InstanceId, Username
from asci_api.domain.instance import State
from tests.support.api_lab import ORIGIN, password_of
from tests.support.api_server import ApiServer
from tests.support.eventually import eventually

OURS = {"Origin": ORIGIN, "X-ASCI": "1"}
DESKTOP = {"environment": "desktop"}


def slug(answer: requests.Response) -> str:
    return str(answer.json()["type"]).removeprefix("/problems/")


def test_no_connection_is_made_before_the_fork() -> None:
    with ApiServer() as server:
        names = [line["name"] for line in server.store.door.client.client_list()]
        assert "api" not in names
        server.visitor("demo")
        assert "api" in [line["name"] for line in server.store.door.client.client_list()]


def test_start_list_stop(server: ApiServer) -> None:
    demo = server.visitor("demo")
    started = demo.post(server.at("/instances"), json=DESKTOP, timeout=10)
    assert started.status_code == 202
    one = started.json()["id"]
    assert started.headers["Location"] == f"/api/v1/instances/{one}"
    record = server.store.instances.get(InstanceId(one))
    assert record is not None
    assert (record.state, record.uid) == (State.QUEUED, 20001)
    listed = demo.get(server.at("/instances"), timeout=10)
    assert [it["id"] for it in listed.json()["items"]] == [one]
    tag = listed.headers["ETag"]
    assert demo.get(server.at("/instances"), headers={"If-None-Match": tag}, timeout=10).status_code == 304
    assert demo.delete(server.at(f"/instances/{one}"), timeout=10).status_code == 202
    assert demo.get(server.at("/instances"), headers={"If-None-Match": tag}, timeout=10).status_code == 200


def test_a_browsers_cookie_and_foreign_pages(server: ApiServer) -> None:
    page = requests.Session()
    page.trust_env = False
    assert server.sign_in(page, "demo", headers=OURS).status_code == 201
    assert list(page.cookies.get_dict()) == ["asci"]
    assert page.get(server.at("/me"), timeout=10).json()["username"] == "demo"
    for headers in ({}, {"X-ASCI": "1"}, {"Origin": ORIGIN}, {"Origin": "http://localhost:9999", "X-ASCI": "1"}):
        answer = page.post(server.at("/instances"), json=DESKTOP, headers=headers, timeout=10)
        assert (answer.status_code, slug(answer)) == (403, "wrong-origin")
    assert page.post(server.at("/instances"), json=DESKTOP, headers=OURS, timeout=10).status_code == 202
    assert page.delete(server.at("/sessions/current"), headers=OURS, timeout=10).status_code == 204
    assert len(page.cookies) == 0


def test_while_redis_is_being_restored_nothing_is_missing_and_nothing_is_written(server: ApiServer) -> None:
    demo = server.visitor("demo")
    server.store.door.client.flushall()
    for answer in (
        demo.get(server.at("/me"), timeout=10),
        demo.post(server.at("/instances"), json=DESKTOP, timeout=10),
        server.sign_in(requests.Session(), "demo"),
    ):
        assert (answer.status_code, slug(answer)) == (503, "restoring")
        assert int(answer.headers["Retry-After"]) > 0
    server.whole()
    answer = demo.get(server.at("/me"), timeout=10)
    assert (answer.status_code, slug(answer), answer.json()["reason"]) == (401, "signed-out", "idle")


def test_sign_ins_are_limited_over_all_workers(server: ApiServer) -> None:
    guest = server.visitor()
    wrong = {"username": "demo", "password": "wrong"}
    said = {"X-Forwarded-For": "198.51.100.20"}
    statuses = [guest.post(server.at("/sessions"), json=wrong, headers=said, timeout=30).status_code for _ in range(6)]
    assert statuses == [401] * 5 + [429]
    right = {"username": "demo", "password": password_of("demo")}
    refused = guest.post(server.at("/sessions"), json=right, headers=said, timeout=30)
    assert (refused.status_code, slug(refused)) == (429, "too-many-tries")
    assert refused.headers["Retry-After"] == str(refused.json()["retry_after"])
    elsewhere = guest.post(server.at("/sessions"), json=right, headers={"X-Forwarded-For": "198.51.100.21"}, timeout=30)
    assert elsewhere.status_code == 201


def test_one_click_is_one_start_however_often_it_arrives(server: ApiServer) -> None:
    demo = server.visitor("demo")

    def click(_number: int) -> requests.Response:
        headers = {**demo.headers, "Idempotency-Key": "click-1"}
        return requests.post(server.at("/instances"), json=DESKTOP, headers=headers, timeout=30)

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(click, range(16)))
    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert len(server.store.instances.all()) == 1


def chunks(count: int) -> Iterator[bytes]:
    for _ in range(count):
        yield b" " * 65536


@pytest.mark.parametrize("size", [256 * 1024 + 1, 1000 * 1024])
def test_bodies_that_are_too_large(server: ApiServer, size: int) -> None:
    demo = server.visitor("demo")
    json_type = {"Content-Type": "application/json"}
    answer = demo.post(server.at("/instances"), data=b" " * size, headers=json_type, timeout=10)
    assert (answer.status_code, slug(answer)) == (413, "too-large")
    assert demo.get(server.at("/me"), timeout=10).status_code == 200


def test_a_body_of_unknown_length_is_cut_off_too(server: ApiServer) -> None:
    demo = server.visitor("demo")
    json_type = {"Content-Type": "application/json"}
    answer = demo.post(server.at("/instances"), data=chunks(8), headers=json_type, timeout=10)
    assert (answer.status_code, slug(answer)) == (413, "too-large")


@pytest.mark.parametrize(
    "request_line", [b"GET /api/v1/instances/%00 HTTP/1.1", b"GET /api/v1/%ff%fe HTTP/1.1", b"BREW /api/v1/me HTTP/1.1"]
)
def test_odd_requests_get_an_answer(server: ApiServer, request_line: bytes) -> None:
    host, port = server.address.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), 10) as door:
        door.sendall(request_line + b"\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        answer = b"".join(iter(lambda: door.recv(65536), b""))
    status = int(answer.split(b" ", 2)[1])
    assert 400 <= status < 500, answer


def test_it_outlives_a_redis_that_goes_away(server: ApiServer) -> None:
    demo = server.visitor("demo")
    one = demo.post(server.at("/instances"), json=DESKTOP, timeout=10).json()["id"]
    server.redis.kill()
    away = demo.get(server.at("/instances"), timeout=10)
    assert (away.status_code, slug(away)) == (503, "unavailable")
    assert requests.get(f"{server.address}/health/live", timeout=10).status_code == 200
    assert requests.get(f"{server.address}/health/ready", timeout=10).status_code == 503
    server.redis.start()
    eventually(
        lambda: requests.get(f"{server.address}/health/ready", timeout=10).status_code == 200,
        within=10,
        what="the API finds Redis again",
    )
    assert demo.get(server.at(f"/instances/{one}"), timeout=10).json()["id"] == one


def test_metrics_are_summed_over_the_workers(server: ApiServer) -> None:
    def count() -> float:
        text = requests.get(f"{server.address}/metrics", timeout=10).text
        wanted = 'asci_api_requests_total{method="GET",route="/api/v1/notice",status="204"}'
        return sum(float(line.rsplit(" ", 1)[1]) for line in text.splitlines() if line.startswith(wanted))

    before = count()
    for _ in range(20):
        requests.get(server.at("/notice"), timeout=10)
    assert count() == before + 20


def test_no_secret_stands_in_the_log(server: ApiServer) -> None:
    demo = server.visitor("demo")
    token = str(demo.headers["Authorization"]).removeprefix("Bearer ")
    demo.get(server.at("/users?q=lindqvist"), timeout=10)
    demo.put(server.at("/me/password"), json={"current": "guess-of-hers", "new": "new-of-hers"}, timeout=30)
    assert '"route": "/api/v1/users"' in server.log
    for secret in (token, password_of("demo"), "guess-of-hers", "new-of-hers", "lindqvist"):
        assert secret not in server.log
    assert "Traceback" not in server.log


def test_a_token_is_nowhere_in_redis(server: ApiServer) -> None:
    demo = server.visitor("demo")
    token = str(demo.headers["Authorization"]).removeprefix("Bearer ").encode()
    client = server.store.door.client
    stored = b"".join(client.dump(key) or b"" for key in client.scan_iter())
    assert b"demo" in stored
    assert token not in stored


def test_disabling_a_person_ends_her_sign_ins_everywhere(server: ApiServer) -> None:
    mara = server.visitor("mara")
    assert mara.get(server.at("/me"), timeout=10).status_code == 200

    def accounts(*words: str) -> None:
        command = [sys.executable, "-m", "asci_api.accounts", *words]
        done = subprocess.run(
            command,
            env=server.environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            stdin=subprocess.DEVNULL,
        )
        assert done.returncode == 0, done.stderr

    accounts("disable", "mara")
    try:
        assert server.store.tokens.of(Username("mara")) == []
        assert mara.get(server.at("/me"), timeout=10).status_code == 401
        assert server.sign_in(requests.Session(), "mara").status_code == 401
    finally:
        accounts("enable", "mara")
    assert server.sign_in(requests.Session(), "mara").status_code == 201
