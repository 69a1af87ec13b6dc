"""What can go wrong, in few classes. ``http/problems.py`` maps each to a status in one table."""

from __future__ import annotations

from asci_api.domain.instance import Hop


class AsciError(Exception):
    """The root. ``title`` is a sentence for a person, ``slug`` a constant for programs; neither holds a secret."""

    slug = "error"

    def __init__(
        self, title: str, *, detail: str = "", next_step: str = "", slug: str | None = None, **facts: object
    ) -> None:
        super().__init__(title)
        self.title = title
        self.detail = detail
        self.next_step = next_step
        self.facts = facts
        if slug is not None:
            self.slug = slug


class InvalidInput(AsciError):
    """The caller's input cannot be used. Fact ``fields``: field name -> sentences, where it is known."""

    slug = "invalid-input"


class NotSignedIn(AsciError):
    """No token, or one that ended."""

    slug = "signed-out"


class NotAllowed(AsciError):
    """The caller may not do this."""

    slug = "not-allowed"


class NotFound(AsciError):
    """No such thing, or none that the caller may know of."""

    slug = "not-found"


class Conflict(AsciError):
    """The thing is not in a state for this."""

    slug = "conflict"


class NeverFits(AsciError):
    """No node can ever run it. Fact ``reasons``: a sentence per node."""

    slug = "never-fits"


class TooManyTries(AsciError):
    """Come back later. ``retry_after`` in whole seconds."""

    slug = "too-many-tries"

    def __init__(self, title: str, retry_after: int) -> None:
        super().__init__(title, retry_after=retry_after)
        self.retry_after = retry_after


class Unavailable(AsciError):
    """A part is away or being restored; nothing was changed. ``retry_after`` in whole seconds."""

    slug = "unavailable"

    def __init__(self, title: str, *, retry_after: int = 2, slug: str | None = None, detail: str = "") -> None:
        super().__init__(title, detail=detail, next_step="Try again in a moment.", slug=slug)
        self.retry_after = retry_after


class Restoring(Unavailable):
    """Redis lost its data and the leader has not yet restored it."""

    def __init__(self) -> None:
        super().__init__("ASCI is restoring its records. Your desktops keep running.", slug="restoring")


class Fenced(AsciError):
    """A write of a controller that no longer leads was refused. Whoever catches it must stop acting."""

    slug = "fenced"


class Changed(AsciError):
    """The record changed underneath; read it again."""

    slug = "changed"


class Stale(AsciError):
    """What the caller had read is no longer what stands; nothing was changed."""

    slug = "stale"


class EngineFault(AsciError):
    """A Docker Engine could not do what was asked. ``transient`` tells whether trying again may help."""

    slug = "engine-fault"

    def __init__(self, hop: Hop, cause: str, detail: str = "", next_step: str = "", *, transient: bool = False) -> None:
        super().__init__(cause, detail=detail, next_step=next_step)
        self.hop = hop
        self.transient = transient


class EngineAway(EngineFault):
    """The engine did not answer (refused, timed out, TLS)."""

    def __init__(self, node: str, detail: str = "") -> None:
        super().__init__(Hop.NODE, f"Node {node} does not answer.", detail, "Try again in a moment.", transient=True)


class ImageMissing(EngineFault):
    """The node does not have the image."""

    def __init__(self, image: str, detail: str = "") -> None:
        super().__init__(
            Hop.IMAGE,
            "The image could not be fetched.",
            detail or f"{image} is not on the node.",
            "Try again in a few minutes, or ask support.",
        )


class PullFailed(EngineFault):
    """The node could not fetch the image, although it may exist."""

    def __init__(self, cause: str, detail: str, next_step: str) -> None:
        super().__init__(Hop.IMAGE, cause, detail, next_step)


class SourceMissing(EngineFault):
    """A folder to mount does not exist on the node (the home of somebody new, for example)."""

    def __init__(self, source: str) -> None:
        super().__init__(
            Hop.MOUNT,
            "Your home folder could not be mounted.",
            f"{source} does not exist on the node.",
            "Your files are safe. Try again, or ask support.",
        )
        self.source = source
