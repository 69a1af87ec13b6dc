"""The page of metrics says what is there, no more and no less."""

from __future__ import annotations

import re
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

import asci_proxy
from asci_proxy.metrics import Metrics
from tests.support.metrics_page import promised, reasons

SOURCES = sorted(Path(asci_proxy.__file__).parent.rglob("*.py"))
_REFUSED = re.compile(r'(?:Refused|Problem)\(\s*[\w.\[\]]+,\s*f?"([a-z{}.-]+)"')
_HOPS = {"desktop-{error.hop}": ("node", "vnc", "secret"), "application-{hop}": ("node", "application")}


def told(text: str) -> dict[str, str]:
    """Name, as in the exposition, to type."""
    families = text_string_to_metric_families(text)
    return {family.name + "_total" * (family.type == "counter"): family.type for family in families}


def test_the_page_lists_every_metric_with_its_type() -> None:
    assert told(Metrics().exposition().decode()) == {name: kind for name, (kind, _) in promised().items()}


def test_the_page_lists_every_reason_of_a_refusal_once() -> None:
    found = set()
    for source in SOURCES:
        for slug in _REFUSED.findall(source.read_text()):
            stem = slug.split("{")[0]
            found |= {stem + hop for hop in _HOPS[slug]} if "{" in slug else {slug}
    listed = reasons()
    assert sorted(set(listed)) == sorted(found)
    assert len(listed) == len(set(listed))


def test_a_subscription_counts_as_rebuilt_from_the_second_on() -> None:
    metrics = Metrics()
    metrics.subscribed()
    assert b"asci_proxy_subscription_rebuilds_total 0.0" in metrics.exposition()
    metrics.subscribed()
    assert b"asci_proxy_subscription_rebuilds_total 1.0" in metrics.exposition()
