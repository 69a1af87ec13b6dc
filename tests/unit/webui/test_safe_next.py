"""Where a page may lead after signing in."""

from __future__ import annotations

from urllib.parse import urljoin, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asci_shared.web.safe_next import safe_next

PORTAL = "https://asci.example.org/sign-in"


@pytest.mark.parametrize("path", ["/", "/s/k3v9x2mq", "/?q=tomo", "/s/k3v9x2mq/share?q=so", "/help#keys"])
def test_own_paths_are_kept(path: str) -> None:
    assert safe_next(path) == path


@pytest.mark.parametrize(
    "path",
    [None, "", "https://evil.example", "//evil.example", "/\\evil.example", "\\/evil", "javascript:alert(1)", "s/x",
     "/\t/evil.example", "/\n/evil", " /x", "/x y", "/sign-in", "/sign-in?next=/", "/sign-out", "///evil", "/\x00"],
)  # fmt: skip
def test_everything_else_leads_home(path: str | None) -> None:
    assert safe_next(path) == "/"


@given(st.text(alphabet=st.sampled_from("/\\\t\n :@.?#evil%20"), max_size=20))
def test_no_text_leads_to_another_site(text: str) -> None:
    target = urlsplit(urljoin(PORTAL, safe_next(text)))
    assert (target.scheme, target.netloc) == ("https", "asci.example.org")
