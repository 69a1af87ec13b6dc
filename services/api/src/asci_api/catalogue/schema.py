"""The shapes of ``environment.yaml`` and of the operator's overlay. Unknown fields are refused (design, section 8).

An image can ask for amounts and name mounts that the operator declared; there is no field for host paths, devices,
capabilities, users or networks, so it cannot ask for them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any

from marshmallow import RAISE, Schema, ValidationError, fields, post_load, validate, validates_schema

from asci_api.catalogue.amounts import Bytes, Seconds
from asci_api.domain.environment import GIB, MIB, GpuNeed, GpuShare, Kind
from asci_api.domain.errors import InvalidInput
from asci_api.scheduling import selectors

_TIB = 1024 * GIB
_DAY = 86400.0
_WORD = validate.Regexp(
    re.compile(r"[a-z0-9][a-z0-9-]{0,62}\Z"), error="must be lower-case letters, digits and hyphens"
)
_GROUP = validate.Regexp(re.compile(r"[A-Za-z0-9_][A-Za-z0-9_. -]{0,63}\Z"), error="must be the name of a group")
_IMAGE = validate.Regexp(
    re.compile(r"[A-Za-z0-9][A-Za-z0-9._/:@-]{0,299}\Z"), error="must be the reference or the id of an image"
)
_DEFAULT_PORTS = {Kind.DESKTOP: 5901, Kind.SERVICE: 0}
_SYSTEM = re.compile(r"/(bin|boot|home|lib|lib64|root|sbin|tmp|usr|var)|/(run|proc|sys|dev|etc)(/.*)?")
"""Folders inside a container that no mount may hide."""


class Text(fields.String):
    """One line of text, 1 to ``most`` characters, stripped."""

    def __init__(self, most: int, **more: Any) -> None:
        super().__init__(validate=validate.Length(1, most), **more)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        return " ".join(str(super()._deserialize(value, attr, data, **kwargs)).split())


class GpuField(fields.Field[GpuNeed | None]):
    """``none``, ``shared``, ``exclusive``, or ``{share: exclusive, count: 2}``."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> GpuNeed | None:
        if value == "none":
            return None
        facts = {"share": value} if isinstance(value, str) else value
        if not isinstance(facts, Mapping) or set(facts) - {"share", "count"}:
            raise ValidationError("must be none, shared, exclusive, or a share and a count")
        share, count = facts.get("share"), facts.get("count", 1)
        if share not in set(GpuShare) or not isinstance(count, int) or not 1 <= count <= 64:
            raise ValidationError("must be none, shared, exclusive, or a share and a count from 1 to 64")
        return GpuNeed(GpuShare(share), count)


class SelectorField(fields.String):
    """A label selector that can be read."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        text = str(super()._deserialize(value, attr, data, **kwargs))
        try:
            selectors.parse(text)
        except InvalidInput as error:
            raise ValidationError(error.title) from error
        return text


class Strict(Schema):
    """Refuses unknown fields."""

    class Meta:
        unknown = RAISE


class NeedsSchema(Strict):
    """What an instance is given. Loads into the given fields of :class:`~asci_api.domain.environment.Needs`."""

    cpus = fields.Float(validate=validate.Range(0.01, 1024))
    memory = Bytes(16 * MIB, 64 * _TIB)
    shm = Bytes(0, 64 * _TIB)
    tmp = Bytes(MIB, 64 * _TIB)
    pids = fields.Integer(strict=True, validate=validate.Range(16, 1_000_000))
    gpu = GpuField(allow_none=True)
    selector = SelectorField(validate=validate.Length(max=1000))
    whole_node = fields.Boolean()


class AllowSchema(Strict):
    """Who may start it: members of any of these groups. Loads into their names."""

    groups = fields.List(fields.String(validate=_GROUP), required=True, validate=validate.Length(max=100))

    @post_load
    def names(self, data: dict[str, Any], **_: Any) -> tuple[str, ...]:
        return tuple(data["groups"])


class EntrySchema(Strict):
    """``environment.yaml``, as an image's label carries it."""

    name = fields.String(required=True, validate=_WORD)
    title = Text(80, required=True)
    description = Text(1000, load_default="")
    icon = fields.String(load_default="box", validate=_WORD)
    tags = fields.List(Text(40), load_default=list, validate=validate.Length(max=20))
    kind = fields.Enum(Kind, by_value=True, required=True)
    port = fields.Integer(strict=True, validate=validate.Range(1, 65535))
    ready_path = fields.String(load_default="/", validate=validate.Regexp(re.compile(r"/[!-~]{0,500}\Z")))
    needs = fields.Nested(NeedsSchema, load_default=dict)
    mounts = fields.List(fields.String(validate=_WORD), load_default=list, validate=validate.Length(max=32))
    lifetime = Seconds(60.0, 365 * _DAY, load_default=None)
    allow = fields.Nested(AllowSchema, load_default=())

    @validates_schema
    def web_has_a_port(self, data: dict[str, Any], **_: Any) -> None:
        if data["kind"] is Kind.WEB and "port" not in data:
            raise ValidationError("a web application needs its port", "port")

    @post_load
    def with_port(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        return {"port": _DEFAULT_PORTS.get(data["kind"], 0), **data}


class DecisionSchema(Strict):
    """What the operator decides of one environment; what is not named stays as the image says."""

    image = fields.String(validate=_IMAGE)
    """The one that may use the name; without it, see :mod:`asci_api.catalogue.claims`."""
    enabled = fields.Boolean()
    title = Text(80)
    description = Text(1000)
    allow = fields.Nested(AllowSchema)
    needs = fields.Nested(NeedsSchema)
    lifetime = Seconds(60.0, 365 * _DAY)
    mounts = fields.List(fields.String(validate=_WORD), validate=validate.Length(max=32))


class MountSchema(Strict):
    """A folder of the nodes that environments may name."""

    source = fields.String(required=True)
    target = fields.String(required=True)
    read_only = fields.Boolean(load_default=False)

    @validates_schema
    def plain_paths(self, data: dict[str, Any], **_: Any) -> None:
        for name in ("source", "target"):
            if not _is_plain(data[name]):
                raise ValidationError("must be an absolute path without .. and without a slash at its end", name)
        if _SYSTEM.fullmatch(data["target"]):
            raise ValidationError("is a folder of the system inside the container", "target")


class OverlaySchema(Strict):
    """``overlay.yaml``."""

    environments = fields.Dict(fields.String(validate=_WORD), fields.Nested(DecisionSchema), load_default=dict)
    mounts = fields.Dict(fields.String(validate=_WORD), fields.Nested(MountSchema), load_default=dict)


def sentences(messages: Any, path: str = "") -> list[str]:
    """marshmallow's tree of messages as lines ``needs.memory: must be …``."""
    if isinstance(messages, Mapping):
        return [line for name, inner in messages.items() for line in sentences(inner, f"{path}.{name}".lstrip("."))]
    return [f"{path}: {message[0].lower() + message[1:].rstrip('.')}" for message in messages]


def _is_plain(path: str) -> bool:
    return path.startswith("/") and path != "/" and str(PurePosixPath(path)) == path and ".." not in path.split("/")
