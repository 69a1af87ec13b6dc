"""Every page: sound HTML, nothing inline, names for everything."""

from __future__ import annotations

from pathlib import Path

import pytest

from asci_api.domain.instance import State
from tests.support.portal_lab import PortalLab
from tests.support.sound_pages import faults


def test_the_looker_sees_faults() -> None:
    bad = '<h1>a</h1><h3 id="x">b</h3><p id="x" style="a" onclick="b"><label for="y"></label><script>1</script>'
    assert len(faults(bad)) >= 6


def test_pages_of_one_person(lab: PortalLab) -> None:
    (lab.api.config / "notice.json").write_text('{"text": "Maintenance.", "level": "info", "id": "1"}')
    visitor, demo = lab.api.visitor("demo"), lab.browser("demo")
    queued, running, failed, ended = (visitor.start(title=title) for title in ("a", "b", "c", "d"))
    lab.api.runs(running)
    lab.api.ends(failed, State.FAILED)
    lab.api.ends(ended)
    visitor.put(f"/instances/{running}/shares/jun", {"mode": "view"})
    lab.api.memory.presence.put(lab.api.lease(running, "jun", mode="view"))
    lab.api.memory.presence.put(lab.api.lease(running, "demo", "c2"))
    paths = ["/", "/?q=none", "/account", "/help", "/accessibility", "/nothing", "/browsers"]
    paths += [f"/s/{name}" for name in (queued, running, failed, ended)]
    paths += [f"/s/{running}/{part}" for part in ("share?q=mara", "stop", "rename", "keep", "details")]
    for path in paths:
        assert faults(demo.get(path).html) == [], path
    assert faults(lab.browser("jun").get(f"/s/{running}").html) == []
    assert faults(lab.browser("jun").get("/").html) == []
    assert faults(lab.browser().get("/sign-in?reason=idle").html) == []


def test_the_style_guide(tmp_path: Path) -> None:
    lab = PortalLab(tmp_path, development=True)
    page = lab.browser().get("/styleguide")
    assert page.status == 200
    assert faults(page.html) == []
    assert lab.browser().get("/static/mark.abc.svg").status == 404


@pytest.mark.parametrize("path", ["/styleguide", "/static/manifest.json"])
def test_development_pages_are_not_there_otherwise(lab: PortalLab, path: str) -> None:
    assert lab.browser().get(path).status == 404
