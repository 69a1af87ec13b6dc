"""What a session's state is called, and its sentence (the table in the guide to the portal's words).

Pure: an instance and the time go in, words come out. Sentences are HTML-safe; every value in them is escaped.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from markupsafe import Markup

from asci_shared.api.models import Instance
from asci_shared.web.words.marks import mark
from asci_shared.web.words.numbers import SPACE, clock, duration, ordinal, utc
from asci_shared.web.words.people import given_name

STARTING = ("placed", "pulling", "starting")
ENDED = ("stopped", "failed")
__all__ = ["mark"]  # a word of states too, told where both services with pages can say it
NOUN = {"desktop": "desktop", "web": "application", "service": "service"}


def phase(instance: Instance) -> str:
    """``waiting`` (will run), ``running``, ``stopping``, ``ended`` or ``lost``: which face the session page shows."""
    if instance.state in {"queued", *STARTING}:
        return "waiting"
    return "ended" if instance.state in ENDED else instance.state


def noun(instance: Instance) -> str:
    """``desktop``, ``application`` or ``service``."""
    return NOUN.get(instance.kind, "session")


def sentence(instance: Instance) -> Markup:
    """One sentence on what happens now; empty where the card's facts say it (running)."""
    words = _SENTENCES.get(instance.state)
    return words(instance) if words else Markup("")


def _placed(instance: Instance) -> Markup:
    return Markup("A place is found on <strong>node {}</strong>.").format(instance.node)


def _stopping(_instance: Instance) -> Markup:
    return Markup("Stopping. Files in your home folder stay.")


def _stopped(instance: Instance) -> Markup:
    return Markup("{}").format(_whole(instance.end_reason or "It ended."))


def _whole(words: str) -> str:
    """With a full stop, where whoever wrote it left that out."""
    return words if words.endswith((".", "!", "?")) else f"{words}."


def _queued(instance: Instance) -> Markup:
    place = instance.queue.place if instance.queue else 1
    if place <= 1:
        return Markup("You are <strong>next</strong>. No forecast yet.")
    return Markup("You are <strong>{}{}in line</strong>. No forecast yet.").format(ordinal(place), SPACE)


def _pulling(instance: Instance) -> Markup:
    text = Markup("Pulling the image on <strong>node {}</strong>").format(instance.node)
    percent = instance.progress.percent if instance.progress else None
    return text + ("." if percent is None else f", {percent}{SPACE}%")


def _starting(instance: Instance) -> Markup:
    if instance.progress and "home" in instance.progress.message.lower():
        return Markup("Mounting your home folder and data.")
    return Markup("Starting the {} on <strong>node {}</strong>.").format(noun(instance), instance.node)


def _lost(instance: Instance) -> Markup:
    since = Markup("")
    if instance.state_since:
        since = Markup(' since <time datetime="{}" data-show="clock">{}</time>').format(
            utc(instance.state_since), clock(instance.state_since)
        )
    return Markup("Node {} does not answer{}. Your {} may still be running: we look again every few seconds.").format(
        instance.node, since, noun(instance)
    )


_SENTENCES: dict[str, Callable[[Instance], Markup]] = {
    "queued": _queued,
    "placed": _placed,
    "pulling": _pulling,
    "starting": _starting,
    "stopping": _stopping,
    "lost": _lost,
    "stopped": _stopped,
}


def percent(instance: Instance) -> float | None:
    """How full the bar is, 0 to 100: the pull's own percentage, else the share of steps; None while queued."""
    progress = instance.progress
    if instance.state not in STARTING or progress is None:
        return None
    if progress.percent is not None:
        return float(progress.percent)
    return round(100 * max(0, progress.step - 1) / max(1, progress.of), 1)


def time_left(instance: Instance, now: datetime) -> str:
    """``3 h 12 min left``; empty where it has no end."""
    if instance.expires_at is None:
        return ""
    return f"{duration((instance.expires_at - now).total_seconds())} left"


KEEP = timedelta(days=7)
_WORTH = timedelta(hours=1)


def latest_end(instance: Instance, now: datetime) -> datetime:
    """The last end that the policy allows; a week from now where the API does not say."""
    return now + (timedelta(seconds=instance.longest_life_seconds) or KEEP)


def keepable(instance: Instance, now: datetime) -> bool:
    """Whether keeping it longer can gain an hour at least; never past the deadline of a drain."""
    if end_is_fixed(instance):
        return False
    return instance.expires_at is not None and instance.expires_at < latest_end(instance, now) - _WORTH


def end_is_fixed(instance: Instance) -> bool:
    """Whether its node is emptied by a deadline, which nothing puts off."""
    return instance.drain is not None and instance.drain.deadline is not None


def ends_to_choose(instance: Instance, now: datetime) -> dict[str, datetime]:
    """What the owner may choose: ``week`` from now where that gains an hour, and the ``longest`` where that is more."""
    latest, week = latest_end(instance, now), now + KEEP
    gains = instance.expires_at is None or week > instance.expires_at + _WORTH
    choices = {"week": week} if gains and week < latest - _WORTH else {}
    return {**choices, "longest": max(latest, instance.expires_at or latest)}


def ending(instance: Instance, now: datetime) -> str:
    """Which warning stands: ``half`` (30 minutes), ``day`` (24 hours, of a life that is longer) or none."""
    if instance.expires_at is None:
        return ""
    left = (instance.expires_at - now).total_seconds()
    if left <= 0 or instance.state != "running" or instance.my_access not in {"owner", "control"}:
        return ""
    longer = (instance.expires_at - instance.created_at).total_seconds() > _DAY
    return "half" if left <= _HALF_HOUR else "day" if left <= _DAY and longer else ""


_HALF_HOUR = 30 * 60
_DAY = 86400


def ends_in(instance: Instance, now: datetime) -> str:
    """``This session ends in 15 minutes.``"""
    left = (instance.expires_at - now).total_seconds() if instance.expires_at else 0.0
    minutes = max(1, round(left / 60))
    words = duration(left) if left >= 3600 else f"{minutes}{SPACE}{'minute' if minutes == 1 else 'minutes'}"
    return f"This session ends in {words}."


def ends_soon(instance: Instance, now: datetime) -> bool:
    """Within the last hour the page offers to keep it."""
    return instance.expires_at is not None and (instance.expires_at - now).total_seconds() < 3600


def drained(instance: Instance) -> str:
    """What its people are told while its node is being emptied, without the moment; empty while it is not."""
    notice = instance.drain
    if notice is None or instance.state in ENDED:
        return ""
    reason = notice.reason.strip()
    why = f" {_whole(reason)}" if reason else ""
    return f"Node {notice.node} is being emptied.{why}"


def warned(instance: Instance) -> str:
    """What the session's page says beside the desktop: what is wrong with it, else that its node is being emptied."""
    told = drained(instance)
    if instance.warning or not told or instance.drain is None:
        return instance.warning
    if instance.drain.deadline is None:
        return f"{told} Save your work, and stop the session when you are done."
    return f"{told} This session ends then: the time left stands in the bar and under My sessions. Save your work."


_GUESTS = {"view": "you are watching", "admin": "you are an administrator"}


def guest_line(instance: Instance) -> str:
    """Beside the title for everybody but the owner: whose it is, and what one may do."""
    return (
        f"{given_name(instance.owner.name)}’s {noun(instance)} · {_GUESTS.get(instance.my_access, 'you can control')}"
    )


def waiting_title(instance: Instance) -> str:
    """Heading of the waiting room."""
    return f"Your {noun(instance)} is {'in the queue' if instance.state == 'queued' else 'starting'}"
