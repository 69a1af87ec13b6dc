"""Label selectors in Kubernetes' syntax."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from asci_api.domain.errors import InvalidInput
from asci_api.scheduling.selectors import Operator, Requirement, Selector, parse

LABELS = {"gpu": "", "beamline": "xfm", "zone": "a", "cores": "64", "asci.org/owner": "x"}


@pytest.mark.parametrize(
    ("text", "matches"),
    [
        ("", True),
        ("   ", True),
        ("gpu", True),
        ("!gpu", False),
        ("! gpu", False),
        ("tape", False),
        ("!tape", True),
        ("beamline=xfm", True),
        ("beamline==xfm", True),
        ("beamline = imbl", False),
        ("beamline!=imbl", True),
        ("beamline!=xfm", False),
        ("tape!=b", True),
        ("tape=b", False),
        ("gpu=", True),
        ("beamline=", False),
        ("beamline in (xfm, imbl)", True),
        ("beamline in(imbl)", False),
        ("beamline in ()", False),
        ("beamline notin (imbl,saxs)", True),
        ("beamline notin (xfm)", False),
        ("tape notin (xfm)", True),
        ("cores>32", True),
        ("cores > 64", False),
        ("cores<65", True),
        ("cores<-1", False),
        ("beamline>1", False),
        ("tape>1", False),
        ("asci.org/owner=x", True),
        ("gpu, beamline in (xfm, imbl), zone!=b", True),
        ("gpu, beamline in (xfm, imbl), zone!=a", False),
        ("in in (in)", False),
        ("notin", False),
    ],
)
def test_what_matches(text: str, matches: bool) -> None:
    assert parse(text).matches(LABELS) is matches


@pytest.mark.parametrize(
    ("text", "expected", "at"),
    [
        (",", "a label's name", 1),
        ("gpu,", "a label's name", 5),
        ("gpu beamline", "one of = == != in notin > <", 5),
        ("beamline=xfm imbl", "a comma or the end", 14),
        ("beamline in xfm", "an opening parenthesis", 13),
        ("beamline in (xfm", "a comma or a closing parenthesis", 17),
        ("beamline in (xfm imbl)", "a comma or a closing parenthesis", 18),
        ("beamline=(xfm)", "a label's value", 10),
        ("cores>many", "a whole number", 7),
        ("-gpu", "a label's name", 1),
        ("a/b/c", "a label's name", 1),
        ("gpu; rm", "a label's name, a value or a sign", 4),
        ("!", "a label's name", 2),
        ("!!gpu", "a label's name", 2),
        ("beamline=" + "x" * 64, "a label's value", 10),
    ],
)
def test_what_cannot_be_read_is_pointed_at(text: str, expected: str, at: int) -> None:
    with pytest.raises(InvalidInput, match=re.escape(expected)) as error:
        parse(text)
    assert f"at character {at}," in error.value.title
    assert error.value.next_step


names = st.from_regex(r"[A-Za-z0-9]([A-Za-z0-9_.-]{0,8}[A-Za-z0-9])?", fullmatch=True)
keys = st.one_of(
    names, st.builds("{}/{}".format, st.from_regex(r"[a-z0-9]{1,8}(\.[a-z]{2,3})?", fullmatch=True), names)
)
values = st.one_of(st.just(""), names)
requirements = st.one_of(
    st.builds(Requirement, keys, st.sampled_from([Operator.EXISTS, Operator.ABSENT])),
    st.builds(
        Requirement,
        keys,
        st.sampled_from([Operator.IN, Operator.NOT_IN]),
        st.lists(values, min_size=1, max_size=4).map(tuple),
    ),
    st.builds(
        Requirement, keys, st.sampled_from([Operator.ABOVE, Operator.BELOW]), st.integers().map(lambda n: (str(n),))
    ),
)
selectors = st.lists(requirements, max_size=5).map(tuple).map(Selector)


@given(selectors)
def test_what_is_written_is_read_back(selector: Selector) -> None:
    assert parse(str(selector)) == selector


@given(selectors, st.dictionaries(keys, values, max_size=5))
def test_it_matches_exactly_when_nothing_is_unmet(selector: Selector, labels: dict[str, str]) -> None:
    assert selector.matches(labels) == (not selector.unmet(labels))


@given(keys, values, st.dictionaries(keys, values, max_size=5))
def test_not_equal_is_the_opposite_of_equal(key: str, value: str, labels: dict[str, str]) -> None:
    assert parse(f"{key}!={value}").matches(labels) is not parse(f"{key}={value}").matches(labels)


@given(st.text(alphabet="abc019_./-=!<>(), \tин;\"'", max_size=40))
@example("a in (b,")
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        selector = parse(text)
    except InvalidInput:
        return
    assert parse(str(selector)) == selector


@pytest.mark.parametrize(
    ("text", "tolerates"),
    [
        ("beamline=xfm", True),
        ("beamline in (imbl, xfm)", True),
        ("beamline", True),
        ("beamline=imbl", False),
        ("beamline!=imbl", False),
        ("!beamline", False),
        ("", False),
    ],
)
def test_a_taint_is_tolerated_by_asking_for_its_label(text: str, tolerates: bool) -> None:
    assert parse(text).asks_for("beamline", "xfm") is tolerates
