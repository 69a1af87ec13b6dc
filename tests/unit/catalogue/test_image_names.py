"""Which names may be fetched: never one that anybody may own."""

from __future__ import annotations

import pytest

from asci_api.domain.image_names import fetchable


@pytest.mark.parametrize(
    ("reference", "may"),
    [
        ("asci/env-desktop:dev", False),
        ("desktop", False),
        ("desktop:1", False),
        ("", False),
        ("sha256:0123", False),
        ("asci/env-desktop@sha256:0123", True),
        ("registry.site/env-desktop:1", True),
        ("10.213.0.2:5000/env-desktop:1", True),
        ("localhost/env-desktop", True),
    ],
)
def test_a_name_is_fixed_by_a_digest_or_says_its_registry(reference: str, may: bool) -> None:
    assert fetchable(reference) is may
