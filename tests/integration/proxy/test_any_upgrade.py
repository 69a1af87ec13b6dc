"""Opening handshakes of every kind, honest and not, in any cuts, on the real public door: answered, all of them."""

from __future__ import annotations

import base64
import hashlib
import socket
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from asci_shared.close_codes import CloseCode
from tests.integration.proxy.portal import ORIGIN, Proxy
from tests.support.server_frames import split

KEY = base64.b64encode(b"sixteen octets..").decode()
ACCEPT = base64.b64encode(hashlib.sha1(KEY.encode() + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest()).decode()
HONEST = {
    "Host": "localhost", "Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Key": KEY,
    "Sec-WebSocket-Version": "13", "Sec-WebSocket-Protocol": "binary", "Origin": ORIGIN, "Cookie": "asci=nobody",
}  # fmt: skip

words = st.text(st.characters(max_codepoint=255, exclude_characters="\r\n"), max_size=40)
fields = st.one_of(
    st.tuples(st.sampled_from(sorted(HONEST)), st.one_of(words, st.sampled_from(sorted(HONEST.values())))),
    st.tuples(
        st.sampled_from(
            ["X-Forwarded-For", "X-Request-Id", "Content-Length", "Transfer-Encoding", "Expect", "A b", ""]
        ),
        st.one_of(words, st.sampled_from(["0", "5", "-1", "chunked", "100-continue", "203.0.113.9, x", "x" * 9000])),
    ),
)
lines = st.sampled_from(
    [
        "GET /connect/abcd HTTP/1.1", "GET /connect/events HTTP/1.1", "GET /connect/abcd?x=%00 HTTP/1.1",
        "POST /connect/abcd HTTP/1.1", "GET /connect/abcd HTTP/1.0", "GET /connect/abcd HTTP/9.9", "GET  HTTP/1.1",
        "GET http://localhost/connect/abcd HTTP/1.1", "GET /connect/%2e%2e%2fx HTTP/1.1", "OPTIONS * HTTP/1.1",
        "GET //connect/abcd HTTP/1.1", "PRI * HTTP/2.0", "\x16\x03\x01", "",
    ]
)  # fmt: skip


@pytest.fixture(scope="module")
def open_door(redis_server: Any) -> Iterator[Proxy]:
    """A proxy without limits for addresses, and with little patience."""
    proxy = Proxy(redis_server.port, ASCI_PROXY_ADDRESS_BURST="0", ASCI_PROXY_HANDSHAKE_SECONDS="0.5")
    proxy.start()
    yield proxy
    proxy.stop()


def head(line: str, said: list[tuple[str, str]], ending: str = "\r\n") -> bytes:
    """A request's head."""
    return ending.join([line, *(f"{name}: {value}" for name, value in said), "", ""]).encode("latin-1")


def answer(proxy: Proxy, sent: bytes, places: list[int]) -> bytes:
    """All that the proxy says before it ends the connection."""
    said = b""
    ends = sorted({place % (len(sent) + 1) for place in places} | {0, len(sent)})
    with socket.create_connection(("127.0.0.1", proxy.port), timeout=10) as sock:
        try:
            for start, end in pairwise(ends):
                sock.sendall(sent[start:end])
            while data := sock.recv(65536):
                said += data
        except ConnectionError:
            pass
    return said


def judge(said: bytes) -> int:
    """The last status; 0 where the connection was ended without one."""
    if not said:
        return 0
    assert said.startswith(b"HTTP/1."), said[:80]
    top, _, rest = said.partition(b"\r\n\r\n")
    status = int(top.split(b" ")[1])
    assert 100 <= status < 500, top
    if status == 101:
        assert top.count(b"Sec-WebSocket-Accept") == 1
        ((opcode, close),) = split(rest)
        assert opcode == 8
        assert int.from_bytes(close[:2], "big") in {CloseCode.SIGNED_OUT, CloseCode.TRY_LATER}
    return status


mutations = st.lists(fields, max_size=4)


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    lines, st.sets(st.sampled_from(sorted(HONEST)), max_size=3), mutations, st.lists(st.integers(0, 900), max_size=4)
)
def test_any_head_is_answered(
    open_door: Proxy, line: str, missing: set[str], added: list[tuple[str, str]], places: list[int]
) -> None:
    """Fields left out, doubled, changed, in any place; other methods, targets and versions."""
    said = [(name, value) for name, value in HONEST.items() if name not in missing] + added
    judge(answer(open_door, head(line, said), places))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.integers(0, 900), max_size=12), st.binary(max_size=60))
def test_an_honest_head_is_taken_in_any_cuts_and_with_anything_behind_it(
    open_door: Proxy, places: list[int], early: bytes
) -> None:
    said = answer(open_door, head("GET /connect/abcd HTTP/1.1", list(HONEST.items())) + early, places)
    assert judge(said) == 101
    assert f"Sec-WebSocket-Accept: {ACCEPT}".encode() in said


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(min_size=1, max_size=300), st.lists(st.integers(0, 300), max_size=4))
def test_garbage_is_no_request(open_door: Proxy, garbage: bytes, places: list[int]) -> None:
    assert judge(answer(open_door, garbage + b"\r\n\r\n", places)) in {0, 400, 404, 405}


def test_none_of_it_left_a_mark(open_door: Proxy) -> None:
    assert "Traceback" not in open_door.log()
    assert not [line for line in open_door.log().splitlines() if '"log.level":"error"' in line.replace(" ", "").lower()]
    assert open_door.metric("asci_proxy_connections") == 0
    assert open_door.metric("asci_proxy_setups_total") == 0
