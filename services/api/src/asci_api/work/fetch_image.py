"""Have the image on the node: by its id, by its digest, or fetched with a percentage that people read."""

from __future__ import annotations

from collections.abc import Callable

from asci_api.domain.errors import EngineFault, ImageMissing
from asci_api.domain.image_names import fetchable
from asci_api.domain.instance import Hop, Instance
from asci_api.domain.ports import Engine
from asci_api.work.desk import Desk
from asci_shared.logging import get_logger

_log = get_logger(__name__)


def fetched_image(
    desk: Desk, engine: Engine, instance: Instance, tell: Callable[[int | None], None]
) -> tuple[str, str]:
    """Reference and id of the image that is on the node now and shall be started.

    The pinned id, else what the node has under the pinned digest (engines may know one image by different ids), else
    the environment's present image where the pinned one was replaced meanwhile, else what it fetches; a name that
    anybody may own is never fetched (``domain/image_names.py``).
    Raises ``ImageMissing``, ``PullFailed``, ``EngineAway``; ``EngineFault`` (image) where it takes too long."""
    for known in (instance.image_id, instance.source):
        if known and (found := engine.image_id(known)):
            return instance.image, found
    if (rebuilt := _rebuilt(desk, engine, instance)) is not None:
        return rebuilt
    if not fetchable(instance.source):
        raise ImageMissing(instance.image, f"It is on no registry, and not on node {engine.node} any more.")
    _pull(desk, engine, instance.source, tell)
    return instance.image, engine.image_id(instance.source) or instance.image_id


def _rebuilt(desk: Desk, engine: Engine, instance: Instance) -> tuple[str, str] | None:
    offered = next((one for one in desk.cluster.environments() or () if one.name == instance.environment), None)
    if offered is None or offered.image_id == instance.image_id or not engine.image_id(offered.image_id):
        return None
    _log.info("instance.image_replaced", instance=instance.id, before=instance.image_id, now=offered.image_id)
    return offered.image, offered.image_id


def _pull(desk: Desk, engine: Engine, reference: str, tell: Callable[[int | None], None]) -> None:
    started = desk.clock()
    longest = desk.policies.get().pull_seconds

    def watched(percent: int | None) -> None:
        if desk.clock() - started > longest:
            raise EngineFault(
                Hop.IMAGE,
                "The image could not be fetched.",
                f"It was not there after {longest / 60:.0f} minutes.",
                "Try again in a few minutes, or ask support.",
            )
        tell(percent)

    watched(None)
    engine.pull(reference, watched)
    _log.info("image.pulled", node=engine.node, image=reference, seconds=round(desk.clock() - started, 1))
