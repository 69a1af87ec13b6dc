"""What the operations for admins take; see :mod:`asci_api.http.asked`."""

from __future__ import annotations

import re
from typing import Any

from marshmallow import ValidationError, fields, validate, validates_schema

from asci_api.domain.environment import ENVIRONMENT_NAME
from asci_api.domain.identity import USERNAME
from asci_api.domain.registering import EFFECT, OVERCOMMIT
from asci_api.http.asked import Paged, one_line
from asci_api.http.members import Strict
from asci_api.work.charts import WINDOWS

DAY = 86400.0
_GROUP = validate.Regexp(re.compile(r"[A-Za-z0-9_][A-Za-z0-9_. -]{0,63}\Z"), error="No group can be called so.")
_PERSON = validate.Regexp(re.compile(USERNAME.pattern + r"\Z"), error="Nobody can be called so.")
_REASON = "Told to the people concerned."


def _environment() -> fields.String:
    pattern = ENVIRONMENT_NAME.pattern + r"\Z"
    return fields.String(
        required=True,
        validate=validate.Regexp(pattern, error="No environment can be called so."),
        metadata={"example": "desktop"},
    )


def _reason(most: int = 200) -> fields.String:
    return fields.String(validate=[validate.Length(max=most), _plain], metadata={"description": _REASON})


def _plain(text: str) -> None:
    if text.strip():
        one_line(text)


class TaintRequest(Strict):
    """A taint."""

    key = fields.String(required=True, validate=validate.Length(1, 316))
    value = fields.String(load_default="", validate=validate.Length(max=63))
    effect = fields.String(load_default=EFFECT, validate=validate.Equal(EFFECT))


class OvercommitRequest(Strict):
    """How often each core and each byte may be promised."""

    cpus = fields.Float(required=True, validate=validate.Range(*OVERCOMMIT))
    memory = fields.Float(required=True, validate=validate.Range(*OVERCOMMIT))


class GpuRequest(Strict):
    """A GPU of the node."""

    model = fields.String(load_default="", validate=validate.Length(max=80))
    memory = fields.Integer(strict=True, load_default=0, validate=validate.Range(0), metadata={"description": "Bytes."})
    slots = fields.Integer(strict=True, load_default=1, validate=validate.Range(1, 64))
    uuid = fields.String(load_default="", validate=validate.Length(max=80))


def _labels(null: bool, **more: Any) -> fields.Dict:
    return fields.Dict(keys=fields.String(), values=fields.String(allow_none=null), **more)


class NodeRequest(Strict):
    """A node to register. No certificate travels: `tls` names a folder that the operator placed."""

    name = fields.String(required=True, validate=validate.Length(1, 63))
    url = fields.String(required=True, validate=validate.Length(1, 300), metadata={"example": "tcp://10.2.0.11:2376"})
    publish = fields.String(load_default="", validate=validate.Length(max=253))
    tls = fields.String(load_default="", validate=validate.Length(max=63))
    labels = _labels(null=False, load_default=dict)
    taints = fields.List(fields.Nested(TaintRequest), load_default=list, validate=validate.Length(max=50))
    overcommit = fields.Nested(OvercommitRequest, load_default=None, allow_none=True)
    gpus = fields.List(fields.Nested(GpuRequest), load_default=list, validate=validate.Length(max=64))


class NodePatch(Strict):
    """What to decide over a node; members that are left out stay as they are."""

    labels = _labels(null=True, metadata={"description": "null hides a label, whoever set it."})
    taints = fields.List(fields.Nested(TaintRequest), validate=validate.Length(max=50))
    state = fields.String(validate=validate.OneOf(["active", "cordoned", "draining"]))
    deadline = fields.AwareDateTime(
        allow_none=True, metadata={"description": "Of a drain; null: it waits. The policy's where left out."}
    )
    reason = _reason()
    overcommit = fields.Nested(OvercommitRequest, allow_none=True)
    gone = fields.Boolean(metadata={"description": "Only while it is down: its sessions end, its GPUs are free."})


class WeightsRequest(Strict):
    """What counts how much."""

    cpu = fields.Float(required=True, validate=validate.Range(0, 100))
    memory = fields.Float(required=True, validate=validate.Range(0, 100))
    gpu = fields.Float(required=True, validate=validate.Range(0, 100))
    image = fields.Float(required=True, validate=validate.Range(0, 100))


class LifetimeRequest(Strict):
    """How long sessions last."""

    default_seconds = fields.Float(required=True, validate=validate.Range(60, 365 * DAY))
    maximum_seconds = fields.Float(required=True, validate=validate.Range(60, 365 * DAY))

    @validates_schema
    def in_order(self, data: dict[str, Any], **_: Any) -> None:
        """The default is no longer than the maximum."""
        if data["default_seconds"] > data["maximum_seconds"]:
            raise ValidationError({"default_seconds": ["It is longer than the maximum."]})


class QuotaRequest(Strict):
    """How much at once; null: as much as there is."""

    sessions = fields.Integer(required=True, strict=True, allow_none=True, validate=validate.Range(0, 10_000))
    gpus = fields.Integer(required=True, strict=True, allow_none=True, validate=validate.Range(0, 10_000))


class QuotasRequest(Strict):
    """Of everybody, of groups, of people."""

    default = fields.Nested(QuotaRequest, required=True)
    groups = fields.Dict(keys=fields.String(validate=_GROUP), values=fields.Nested(QuotaRequest), required=True)
    people = fields.Dict(keys=fields.String(validate=_PERSON), values=fields.Nested(QuotaRequest), required=True)


class PrioritiesRequest(Strict):
    """Who gets a place first."""

    groups = fields.Dict(
        keys=fields.String(validate=_GROUP),
        values=fields.Integer(strict=True, validate=validate.Range(-1000, 1000)),
        required=True,
    )


class PolicyRequest(Strict):
    """The whole policy."""

    strategy = fields.String(required=True, validate=validate.OneOf(["spread", "pack"]))
    weights = fields.Nested(WeightsRequest, required=True)
    overcommit = fields.Nested(OvercommitRequest, required=True)
    lifetime = fields.Nested(LifetimeRequest, required=True)
    quotas = fields.Nested(QuotasRequest, required=True)
    priorities = fields.Nested(PrioritiesRequest, required=True)
    starvation_seconds = fields.Float(required=True, validate=validate.Range(0, 30 * DAY))
    drain_seconds = fields.Float(required=True, validate=validate.Range(0, 365 * DAY))
    revision = fields.Integer(
        strict=True, metadata={"description": "Where given: the one that was read; another one that stands is 412."}
    )


class ExplainRequest(Strict):
    """Who wants what."""

    environment = _environment()
    username = fields.String(validate=validate.Length(1, 64), metadata={"description": "The caller where left out."})


class AllowRequest(Strict):
    """Who may start it; both empty means everybody."""

    groups = fields.List(fields.String(validate=_GROUP), load_default=list, validate=validate.Length(max=100))
    people = fields.List(fields.String(validate=_PERSON), load_default=list, validate=validate.Length(max=500))


class EnvironmentsQuery(Paged):
    """Which environments."""

    scope = fields.String(
        load_default="mine",
        validate=validate.OneOf(["mine", "all"]),
        metadata={"description": "`all`: with what admins steer, for admins."},
    )


class EnvironmentPatch(Strict):
    """What to decide about an environment; members that are left out stay as they are."""

    enabled = fields.Boolean()
    allow = fields.Nested(
        AllowRequest, allow_none=True, metadata={"description": "null: as its image and the operator's overlay say."}
    )


class EverybodyQuery(Paged):
    """Which people."""

    q = fields.String(
        load_default="", validate=validate.Length(max=128), metadata={"description": "Part of a name or user name."}
    )


class PersonPatch(Strict):
    """What to decide about a person."""

    quota = fields.Nested(QuotaRequest, required=True, allow_none=True, metadata={"description": "null: the policy's."})


class StopReason(Strict):
    """Why it is stopped."""

    reason = _reason()


class AuditQuery(Paged):
    """Which deeds."""

    actor = fields.String(load_default="", validate=validate.Length(max=64))
    action = fields.String(
        load_default="",
        validate=validate.Length(max=64),
        metadata={"example": "instance.stop", "description": "Or the beginning of one, such as `node.`"},
    )
    target = fields.String(load_default="", validate=validate.Length(max=64))
    instance = fields.String(load_default="", validate=validate.Length(max=64))
    begin = fields.AwareDateTime(load_default=None, allow_none=True, data_key="from")
    to = fields.AwareDateTime(load_default=None, allow_none=True)
    outcome = fields.String(
        load_default="", validate=validate.Length(max=64), metadata={"description": "`ok`, or the slug of a refusal."}
    )


class StatsQuery(Strict):
    """Which stretch of time, up to now."""

    window = fields.String(load_default="1h", validate=validate.OneOf(list(WINDOWS)))
