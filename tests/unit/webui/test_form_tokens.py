"""Tokens in forms."""

from __future__ import annotations

import pytest

from asci_shared.web.form_tokens import FormTokens

TOKENS = FormTokens(b"key")


def test_a_token_fits_its_holder_alone() -> None:
    token = TOKENS.make("mine")
    assert TOKENS.fits(token, "mine")
    assert not TOKENS.fits(token, "yours")
    assert not TOKENS.fits(token, "")
    assert not FormTokens(b"another key").fits(token, "mine")


@pytest.mark.parametrize("token", ["", ".", "abc", "abc.", ".abc", "ü.ü", "a.b.c", "0" * 10_000])
def test_nonsense_never_fits(token: str) -> None:
    assert not TOKENS.fits(token, "mine")


def test_two_pages_have_two_tokens() -> None:
    assert TOKENS.make("mine") != TOKENS.make("mine")


def test_a_token_cannot_be_cut_and_joined() -> None:
    nonce, _, mac = TOKENS.make("mine").partition(".")
    assert not TOKENS.fits(f"{nonce}0.{mac}", "mine")
    assert not TOKENS.fits(f"{nonce}.{mac[:-1]}", "mine")
