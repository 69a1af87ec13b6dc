"""The way to a desktop, for those who have none: used and expired tickets, foreign pages, broken RFB, broken frames."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.api_caller import ApiCaller, Json
from tests.support.broken_frames import STILL_OPEN, close_code, frame, upgraded
from tests.support.composed import Installation
from tests.support.edge_viewer import EdgeViewer, UpgradeRefused, closed_with, enter, open_socket
from tests.support.eventually import eventually
from tests.support.rfb_client import PasswordRefused, RfbError

TICKET, SIGNED_OUT = 4400, 4401
TICKET_SECONDS = 30
FEW = settings(
    max_examples=12, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@dataclass
class Kept:
    """A ticket that this module leaves lying until it has run out."""

    ticket: Json = field(default_factory=dict)
    since: float = 0.0


@pytest.fixture(scope="module", autouse=True)
def kept(demo: ApiCaller, running_desktop: Callable[[], str]) -> Kept:
    return Kept(demo.connect(running_desktop()), time.monotonic())


@pytest.fixture(autouse=True)
def _proxy_lives_on(installation: Installation, demo: ApiCaller, desktop: Callable[[], str]) -> Iterator[None]:
    """Whatever a stranger sends: the next honest viewer sees the desktop, and the proxy was not started again."""
    restarts = installation.restarts("proxy")
    yield
    with enter(demo, desktop()) as viewer:
        viewer.rfb.wait_frame()
    assert installation.restarts("proxy") == restarts


def test_a_ticket_opens_once(installation: Installation, demo: ApiCaller, desktop: Callable[[], str]) -> None:
    ticket = demo.connect(desktop())
    with EdgeViewer(installation.url, ticket, demo.token) as viewer:
        viewer.rfb.wait_frame()
        assert closed_with(open_socket(installation.url, ticket["url"], demo.token)) == TICKET
        viewer.rfb.wait_frame()


def test_a_ticket_with_the_wrong_password_is_used_up(
    installation: Installation, demo: ApiCaller, desktop: Callable[[], str]
) -> None:
    ticket = demo.connect(desktop())
    wrong = "A" * 8 if ticket["password"] != "A" * 8 else "B" * 8
    with pytest.raises((PasswordRefused, RfbError)):
        EdgeViewer(installation.url, {**ticket, "password": wrong}, demo.token)
    assert closed_with(open_socket(installation.url, ticket["url"], demo.token)) == TICKET


def test_a_ticket_is_its_persons_only(
    installation: Installation, demo: ApiCaller, mara: ApiCaller, desktop: Callable[[], str]
) -> None:
    ticket = demo.connect(desktop())
    assert closed_with(open_socket(installation.url, ticket["url"], mara.token)) in {TICKET, SIGNED_OUT, 4403}
    assert closed_with(open_socket(installation.url, ticket["url"], "")) == SIGNED_OUT
    assert closed_with(open_socket(installation.url, ticket["url"], "x" * 43)) in {TICKET, SIGNED_OUT}


@pytest.mark.parametrize("name", ["nobody-gave-this", "0" * 32, "a" * 500, "%00", "..%2f..%2fhealth"])
def test_what_is_no_ticket_opens_nothing(installation: Installation, demo: ApiCaller, name: str) -> None:
    try:
        answer = closed_with(open_socket(installation.url, f"/connect/{name}", demo.token))
    except UpgradeRefused as refused:
        answer = refused.status
    assert answer in {TICKET, 400, 403, 404, 414}


@pytest.mark.parametrize("origin", ["http://evil.example", "http://localhost:1", "null", ""])
def test_foreign_pages_are_turned_away(
    installation: Installation, demo: ApiCaller, desktop: Callable[[], str], origin: str
) -> None:
    ticket = demo.connect(desktop())
    with pytest.raises(UpgradeRefused) as refused:
        open_socket(installation.url, ticket["url"], demo.token, origin=origin)
    assert refused.value.status == 403
    with pytest.raises(UpgradeRefused) as refused:
        open_socket(installation.url, "/connect/events", demo.token, origin=origin)
    assert refused.value.status == 403
    # the right page still gets in: a foreign one cannot even use the ticket up
    with EdgeViewer(installation.url, ticket, demo.token) as viewer:
        viewer.rfb.wait_frame()


def test_the_ring_is_for_people_who_are_signed_in(installation: Installation) -> None:
    assert closed_with(open_socket(installation.url, "/connect/events", "")) == SIGNED_OUT


@FEW
@given(greeting=st.binary(min_size=12, max_size=300).filter(lambda data: not data.startswith(b"RFB 003.0")))
def test_a_viewer_that_does_not_speak_rfb(
    installation: Installation, demo: ApiCaller, desktop: Callable[[], str], greeting: bytes
) -> None:
    opened = open_socket(installation.url, demo.connect(desktop())["url"], demo.token)
    opened.send(greeting)
    assert closed_with(opened) == TICKET


@FEW
@given(choice=st.integers(0, 255).filter(lambda kind: kind != 2), rest=st.binary(max_size=100))
def test_a_viewer_that_chooses_another_security(
    installation: Installation, demo: ApiCaller, desktop: Callable[[], str], choice: int, rest: bytes
) -> None:
    opened = open_socket(installation.url, demo.connect(desktop())["url"], demo.token)
    opened.send(b"RFB 003.008\n" + bytes([choice]) + rest)
    assert closed_with(opened) == TICKET


@FEW
@given(answer=st.binary(min_size=16, max_size=16))
def test_a_viewer_that_guesses(
    installation: Installation, demo: ApiCaller, desktop: Callable[[], str], answer: bytes
) -> None:
    opened = open_socket(installation.url, demo.connect(desktop())["url"], demo.token)
    opened.send(b"RFB 003.008\n\x02" + answer)
    assert closed_with(opened) == TICKET


BROKEN = st.one_of(
    st.builds(
        lambda op, data: frame(data, opcode=op),
        st.sampled_from([3, 4, 5, 6, 7, 11, 12, 13, 14, 15]),
        st.binary(max_size=20),
    ),
    st.builds(lambda bits, data: frame(data, reserved=bits), st.integers(1, 7), st.binary(max_size=20)),
    st.builds(lambda data: frame(data, masked=False), st.binary(min_size=1, max_size=20)),
    st.builds(lambda data: frame(data, opcode=9), st.binary(min_size=126, max_size=200)),
    st.builds(lambda data: frame(data, opcode=9, final=False), st.binary(max_size=20)),
    st.builds(lambda data: frame(data, opcode=0), st.binary(max_size=20)),
    st.just(b"\x82\xff" + b"\xff" * 8 + b"mask" + b"x"),  # as long as no message can be
    st.just(frame(b"\x00", opcode=8)),  # half a close code
)


@FEW
@given(broken=BROKEN, in_session=st.booleans())
def test_frames_that_are_none(
    installation: Installation, demo: ApiCaller, desktop: Callable[[], str], broken: bytes, in_session: bool
) -> None:
    opened = upgraded(installation.url, demo.connect(desktop())["url"], demo.token)
    opened.sendall((frame(b"RFB 003.008\n") if in_session else b"") + broken)
    code = close_code(opened)
    assert code != STILL_OPEN
    assert code in {1002, 1003, 1006, 1007, 1009, TICKET}


def test_frames_that_break_in_the_middle_of_a_session_end_that_session_alone(
    installation: Installation, demo: ApiCaller, desktop: Callable[[], str]
) -> None:
    name = desktop()
    with enter(demo, name) as bystander:
        bystander.rfb.wait_frame()
        with enter(demo, name) as viewer:
            viewer.rfb.wait_frame()
            viewer.send_raw(frame(b"nonsense", opcode=11))
            viewer.wait_closed(within=5)
        bystander.rfb.wait_frame()


def test_presence_forgets_those_who_left(demo: ApiCaller, desktop: Callable[[], str]) -> None:
    name = desktop()
    eventually(
        lambda: not demo.get(f"/instances/{name}/connections").json()["items"], within=20, what="nobody to be on"
    )


def test_a_ticket_runs_out(installation: Installation, demo: ApiCaller, kept: Kept) -> None:
    time.sleep(max(0.0, TICKET_SECONDS + 1 - (time.monotonic() - kept.since)))
    assert closed_with(open_socket(installation.url, kept.ticket["url"], demo.token)) == TICKET
