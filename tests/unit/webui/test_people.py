"""People on pages."""

from __future__ import annotations

import pytest

from asci_shared.api.models import Connection
from asci_shared.web.words import people


def on(*usernames: str, mode: str = "control") -> list[Connection]:
    names = {"mara": "Mara Lindqvist", "jun": "Jun Okafor", "aiko": "Dr Aiko Brandt"}
    return [Connection(f"c-{name}-{mode}", name, names[name], mode, None, None) for name in usernames]


@pytest.mark.parametrize(
    ("name", "letters"),
    [("Mara Lindqvist", "ML"), ("Dr Aiko Brandt", "AB"), ("demo", "DE"), ("Anna von der Au", "AA"), ("x", "X"),
     ("", "?"), ("sofia.bergstrom", "SB"), ("Örjan Åkesson", "ÖÅ")],
)  # fmt: skip
def test_initials(name: str, letters: str) -> None:
    assert people.initials(name) == letters


def test_a_colour_is_steady_and_within_range() -> None:
    seen = {people.colour(f"user{number}") for number in range(200)}
    assert seen == set(range(people.COLOURS))
    assert people.colour("mara") == people.colour("mara")


@pytest.mark.parametrize(
    ("here", "me", "words"),
    [
        (on(), "mara", "Nobody is here"),
        (on("mara"), "mara", "You are here"),
        (on("jun", "mara"), "mara", "You and Jun are here"),
        (on("aiko"), "mara", "Aiko is here"),
        (on("aiko", "jun"), "mara", "Aiko and Jun are here"),
        (on("mara", "jun", "aiko"), "mara", "You, Jun and Aiko are here"),
        (on("mara", "mara"), "mara", "You are here"),
    ],
)
def test_who_is_here(here: list[Connection], me: str, words: str) -> None:
    assert people.who_is_here(here, me) == words


def test_one_person_counts_once_and_control_wins() -> None:
    both = [*on("jun", mode="view"), *on("jun")]
    assert [person.mode for person in people.distinct(both, "mara")] == ["control"]
    assert [person.mode for person in people.distinct(reversed(both), "mara")] == ["control"]
