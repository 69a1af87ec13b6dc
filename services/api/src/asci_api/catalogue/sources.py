"""One image, known on several nodes and in the registry, is one; and whence nodes fetch it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from asci_api.domain.node import NodeImage


@dataclass(frozen=True, slots=True)
class Listing:
    """What a registry offers. ``host`` as it stands in references; ``images`` is None until it was read once."""

    host: str
    images: Sequence[NodeImage] | None


def merged(images: Iterable[NodeImage], listing: Listing | None) -> list[NodeImage]:
    """Each image once, with all its tags, the registry's first.

    What a node calls by the registry's name counts only where the registry says the same: it may have been pulled long
    ago."""
    found: list[NodeImage] = []
    places: dict[tuple[str, str], int] = {}
    for image in (*((listing.images or ()) if listing else ()), *(_local(image, listing) for image in images)):
        names = (image.id, _bare(image.digest)) if image.digest else (image.id,)
        keys = [(name, image.environment) for name in names]
        at = next((places[key] for key in keys if key in places), None)
        if at is None:
            at = len(found)
            found.append(image)
        else:
            tags = tuple(dict.fromkeys((*found[at].tags, *image.tags)))
            found[at] = replace(found[at], tags=tags, digest=found[at].digest or image.digest)
        for key in keys:
            places.setdefault(key, at)
    return found


def _local(image: NodeImage, listing: Listing | None) -> NodeImage:
    if listing is None or listing.images is None:
        return image
    offered = {_bare(one.digest) for one in listing.images}
    tags = tuple(tag for tag in image.tags if not tag.startswith(f"{listing.host}/"))
    from_it = image.digest.startswith(f"{listing.host}/")
    return replace(image, tags=tags, digest="" if from_it and _bare(image.digest) not in offered else image.digest)


def _bare(digest: str) -> str:
    return digest.partition("@")[2]
