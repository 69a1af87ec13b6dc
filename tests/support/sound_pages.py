"""Judges a page's HTML: sound, nothing inline, names for everything that is pointed at."""

from __future__ import annotations

from html.parser import HTMLParser

VOID = {"meta", "link", "input", "img", "hr", "br", "use", "rect", "path"}


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
    """What is wrong with a whole page, one line each; empty is good."""
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
