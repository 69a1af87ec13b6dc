"""Which neighbours are believed."""

from __future__ import annotations

import threading

import pytest

from asci_api.http.peers import TrustedPeers, own_address, resolve
from tests.support.eventually import eventually


class Names:
    """Name service and clock of a test's own."""

    def __init__(self, **names: set[str]) -> None:
        self.names = names
        self.asked = 0
        self.now = 1000.0

    def look_up(self, name: str) -> set[str]:
        self.asked += 1
        return self.names.get(name, set())


def peers(names: Names, *words: str) -> TrustedPeers:
    return TrustedPeers(words, names.look_up, lambda: names.now)


def test_addresses_and_networks() -> None:
    names = Names()
    ours = peers(names, "10.0.0.7", "172.16.0.0/12", "fd00::/8")
    assert [ours.trusts(one) for one in ("10.0.0.7", "172.20.1.1", "fd00::1")] == [True] * 3
    assert [ours.trusts(one) for one in ("10.0.0.8", "192.0.2.1", "", "edge")] == [False] * 4
    assert names.asked == 0


def test_a_name_that_moved_is_found_again() -> None:
    names = Names(edge={"172.20.0.2"})
    ours = peers(names, "edge")
    assert ours.trusts("172.20.0.2")
    names.names = {"edge": {"172.20.0.9"}}
    names.now += 2
    assert ours.trusts("172.20.0.9")
    assert not ours.trusts("172.20.0.2")


def test_a_stranger_makes_at_most_one_look_up_a_second() -> None:
    names = Names(edge={"172.20.0.2"})
    ours = peers(names, "edge")
    for _ in range(50):
        assert not ours.trusts("203.0.113.1")
        assert ours.trusts("172.20.0.2")
    assert names.asked == 1


def test_an_address_is_not_believed_for_ever() -> None:
    names = Names(edge={"172.20.0.2"})
    ours = peers(names, "edge")
    assert ours.trusts("172.20.0.2")
    names.names = {}
    names.now += 31
    assert not ours.trusts("172.20.0.2")


def test_a_name_that_is_slow_to_be_found_holds_up_nobody_who_is_known() -> None:
    names = Names(edge={"172.20.0.2"})
    away = threading.Event()

    def look_up(name: str) -> set[str]:
        if name == "webui":
            away.wait(5)
        return names.look_up(name)

    ours = TrustedPeers(("edge", "webui"), look_up, lambda: names.now)
    first = threading.Thread(target=ours.trusts, args=("172.20.0.2",))
    first.start()
    try:
        eventually(lambda: ours.trusts("172.20.0.2"), within=5, what="the edge is known")
        assert first.is_alive()
    finally:
        away.set()
        first.join()


@pytest.mark.parametrize(
    ("forwarded", "trusted", "address"),
    [
        ("198.51.100.9", True, "198.51.100.9"),
        ("1.2.3.4, 198.51.100.9", True, "198.51.100.9"),
        ("198.51.100.9", False, "172.20.0.2"),
        ("", True, "172.20.0.2"),
        ("nonsense", True, "172.20.0.2"),
        ("2001:DB8::1", True, "2001:db8::1"),
    ],
)
def test_the_persons_own_address(forwarded: str, trusted: bool, address: str) -> None:
    assert own_address("172.20.0.2", forwarded, trusted) == address


def test_looking_up_for_real() -> None:
    assert "127.0.0.1" in resolve("localhost")
    assert resolve("no-such-name.invalid") == set()
