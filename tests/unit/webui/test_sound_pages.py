"""Every page: sound HTML, nothing inline, names for everything."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path

import pytest

from asci_api.domain.instance import State
from tests.support.portal_lab import PortalLab

VOID = {"meta", "link", "input", "img", "hr", "br", "use", "rect"}


class Sound(HTMLParser):
    """Collects what is wrong with a page."""

    def __init__(self) -> None:
        super().__init__()
        self.faults: list[str] = []
        self.ids: set[str] = set()
        self.pointed: set[str] = set()
        self.open: list[str] = []
        self.headings: list[int] = []

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._look(tag, attrs)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._look(tag, attrs)
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.faults.append(f"</{tag}> closes nothing")

    def _look(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        if len(names) != len(set(names)):
            self.faults.append(f"<{tag}> says something twice: {names}")
        facts = dict(attrs)
        if "style" in facts or tag == "style" or any(name.startswith("on") for name in names):
            self.faults.append(f"<{tag}> has inline style or script")
        if tag == "script" and "src" not in facts:
            self.faults.append("an inline script")
        if identity := facts.get("id"):
            if identity in self.ids:
                self.faults.append(f"two have the id {identity}")
            self.ids.add(identity)
        for name in ("aria-labelledby", "aria-describedby", "for", "popovertarget"):
            self.pointed.update((facts.get(name) or "").split())
        if len(tag) == 2 and tag[0] == "h" and tag[1].isdigit():
            self.headings.append(int(tag[1]))


def faults(html: str) -> list[str]:
    sound = Sound()
    sound.feed(html)
    sound.close()
    wrong = list(sound.faults)
    if sound.open:
        wrong.append(f"left open: {sound.open}")
    if missing := sound.pointed - sound.ids:
        wrong.append(f"points at nothing: {sorted(missing)}")
    if sound.headings.count(1) != 1:
        wrong.append(f"{sound.headings.count(1)} h1")
    steps = zip(sound.headings, sound.headings[1:], strict=False)
    wrong += [f"h{before} is followed by h{after}" for before, after in steps if after > before + 1]
    return wrong


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
