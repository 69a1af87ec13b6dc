"""What the operations for admins answer; see :mod:`asci_api.http.answered`."""

from __future__ import annotations

from typing import Any

from marshmallow import fields, validate

from asci_api.domain.node import NodeSource, NodeState
from asci_api.http.answered import Allowed, Amounts, EnvironmentDocument, Limits, VerdictDocument, a_time
from asci_api.http.members import Strict
from asci_api.work.attention import KINDS


class TaintDocument(Strict):
    """Keeps instances off a node unless their selector asks for a label of this name and value."""

    key = fields.String(required=True)
    value = fields.String(required=True)
    effect = fields.String(required=True)


class ResourcesDocument(Strict):
    """Cores, bytes, whole GPUs."""

    cpus = fields.Float(required=True)
    memory = fields.Integer(required=True)
    gpus = fields.Integer(required=True)


class AllocatedDocument(ResourcesDocument):
    """What is promised to the instances on a node."""

    instances = fields.Integer(required=True)


class OverlayDocument(Strict):
    """What admins decided over the labels."""

    labels = fields.Dict(keys=fields.String(), values=fields.String(), required=True)
    removed_labels = fields.List(fields.String(), required=True)


class DrainDocument(Strict):
    """A node is being emptied."""

    deadline = a_time("What still runs then is ended; null: it waits.", null=True)
    reason = fields.String(required=True)
    by = fields.String(required=True)
    since = a_time("Began.")


class OvercommitDocument(Strict):
    """How often each core and each byte may be promised."""

    cpus = fields.Float(required=True)
    memory = fields.Float(required=True)


class GpuDocument(Strict):
    """One GPU of a node, and who has it."""

    index = fields.Integer(required=True)
    uuid = fields.String(required=True)
    model = fields.String(required=True)
    memory = fields.Integer(required=True, metadata={"description": "Bytes; 0 where nobody said."})
    slots = fields.Integer(required=True, metadata={"description": "How many instances may share it."})
    mode = fields.String(required=True, validate=validate.OneOf(["free", "shared", "exclusive"]))
    used_slots = fields.Integer(required=True)
    instances = fields.List(fields.String(), required=True)


class DiskDocument(Strict):
    """Bytes where the engine keeps images and containers."""

    total = fields.Integer(required=True)
    free = fields.Integer(required=True)


class LoadDocument(Strict):
    """What is used at the moment."""

    cpu_percent = fields.Float(required=True, metadata={"description": "100 is the whole machine."})
    memory_used = fields.Integer(required=True, metadata={"description": "Bytes."})


class EngineDocument(Strict):
    """A node's Docker Engine."""

    version = fields.String(required=True)
    api = fields.String(required=True)


class ImageDocument(Strict):
    """An image on a node."""

    environment = fields.String(required=True, allow_none=True, metadata={"description": "Whose image it is."})
    name = fields.String(required=True)
    digest = fields.String(required=True, allow_none=True)
    size = fields.Integer(required=True, metadata={"description": "Bytes."})


class NodeDocument(Strict):
    """A machine with a Docker Engine."""

    name = fields.String(required=True)
    url = fields.String(required=True)
    publish = fields.String(required=True, metadata={"description": "Address on which proxies reach its instances."})
    labels = fields.Dict(
        keys=fields.String(), values=fields.String(), required=True, metadata={"description": "Effective."}
    )
    engine_labels = fields.Dict(keys=fields.String(), values=fields.String(), required=True)
    overlay = fields.Nested(OverlayDocument, required=True)
    taints = fields.List(fields.Nested(TaintDocument), required=True)
    state = fields.String(
        required=True,
        validate=validate.OneOf([str(state) for state in NodeState]),
        metadata={"description": "`down` while its engine does not answer, else what is wanted."},
    )
    wanted = fields.String(required=True, validate=validate.OneOf(["active", "cordoned", "draining"]))
    drain = fields.Nested(DrainDocument, required=True, allow_none=True)
    capacity = fields.Nested(ResourcesDocument, required=True)
    allocated = fields.Nested(AllocatedDocument, required=True)
    overcommit = fields.Nested(OvercommitDocument, required=True)
    gpus = fields.List(fields.Nested(GpuDocument), required=True)
    disk = fields.Nested(DiskDocument, required=True, allow_none=True)
    load_now = fields.Nested(LoadDocument, required=True, allow_none=True, data_key="load")
    engine = fields.Nested(EngineDocument, required=True)
    images = fields.List(fields.Nested(ImageDocument), required=True)
    last_seen = a_time("When its engine last answered.", null=True)
    down_since = a_time("Silent since.", null=True)
    gone = fields.Boolean(required=True, metadata={"description": "An admin declared it gone."})
    error = fields.String(required=True, allow_none=True)
    source = fields.String(
        required=True,
        validate=validate.OneOf([str(source) for source in NodeSource]),
        metadata={"description": "Who registered it; only those of `api` can be removed here."},
    )


class Nodes(Strict):
    """A page of nodes, by name."""

    items = fields.List(fields.Nested(NodeDocument), required=True)
    next_cursor = fields.String(required=True, allow_none=True)


class WeightsDocument(Strict):
    """What counts how much when fitting nodes are compared."""

    cpu = fields.Float(required=True)
    memory = fields.Float(required=True)
    gpu = fields.Float(required=True)
    image = fields.Float(required=True, metadata={"description": "That the node has the image already."})


class LifetimeDocument(Strict):
    """How long sessions last."""

    default_seconds = fields.Float(required=True, metadata={"description": "Where the environment says nothing."})
    maximum_seconds = fields.Float(required=True, metadata={"description": "From now, also when extended."})


class QuotasDocument(Strict):
    """How much a person may have at once: her own, else the greatest of her groups', else the default."""

    default = fields.Nested(Limits, required=True)
    groups = fields.Dict(keys=fields.String(), values=fields.Nested(Limits), required=True)
    people = fields.Dict(keys=fields.String(), values=fields.Nested(Limits), required=True)


class PrioritiesDocument(Strict):
    """Who gets a place first; groups that are not named have 0."""

    groups = fields.Dict(keys=fields.String(), values=fields.Integer(), required=True)


class PolicyDocument(Strict):
    """What admins decide for everybody."""

    strategy = fields.String(required=True, validate=validate.OneOf(["spread", "pack"]))
    weights = fields.Nested(WeightsDocument, required=True)
    overcommit = fields.Nested(OvercommitDocument, required=True)
    lifetime = fields.Nested(LifetimeDocument, required=True)
    quotas = fields.Nested(QuotasDocument, required=True)
    priorities = fields.Nested(PrioritiesDocument, required=True)
    starvation_seconds = fields.Float(
        required=True, metadata={"description": "Whoever waited for so long is not overtaken any more."}
    )
    drain_seconds = fields.Float(required=True, metadata={"description": "The deadline of a drain that names none."})
    revision = fields.Integer(required=True, metadata={"description": "Raised by one at each change."})


class PlaceDocument(Strict):
    """Where it would go."""

    node = fields.String(required=True)
    gpus = fields.List(fields.String(), required=True)
    score = fields.Float(required=True)


class ExplanationDocument(Strict):
    """Where an environment would go now, and why not elsewhere."""

    placement = fields.Nested(PlaceDocument, required=True, allow_none=True)
    never_fits = fields.Boolean(
        required=True, metadata={"description": "On no node, however idle, as labels, sizes and GPUs stand."}
    )
    nodes = fields.List(fields.Nested(VerdictDocument), required=True, metadata={"description": "Best first."})
    queue_ahead = fields.Integer(required=True, metadata={"description": "How many would be served before."})


class SwitchableDocument(EnvironmentDocument):
    """A catalogue entry, as admins see it."""

    enabled = fields.Boolean(required=True)
    allow = fields.Nested(Allowed, required=True)
    nodes_with_image = fields.Integer(required=True)
    revision = fields.Integer(required=True, metadata={"description": "Raised by one when admins change it."})
    problems = fields.List(fields.String(), required=True)


class PersonDocument(Strict):
    """Somebody, as admins see her."""

    username = fields.String(required=True)
    name = fields.String(required=True)
    groups = fields.List(fields.String(), required=True)
    roles = fields.List(fields.String(), required=True)
    disabled = fields.Boolean(required=True)
    quota = fields.Nested(Limits, required=True)
    quota_from = fields.String(required=True, metadata={"description": "`default`, `group x` or `person`."})
    usage = fields.Nested(Amounts, required=True)
    sign_ins = fields.Integer(required=True)
    last_seen = a_time("Last call of a sign-in that stands.", null=True)


class Everybody(Strict):
    """A page of people, by user name."""

    items = fields.List(fields.Nested(PersonDocument), required=True)
    next_cursor = fields.String(required=True, allow_none=True)


class Deed(Strict):
    """Who did what to what."""

    id = fields.String(required=True)
    at = a_time("When.")
    actor = fields.String(required=True)
    action = fields.String(required=True)
    target = fields.String(required=True)
    instance = fields.String(required=True, allow_none=True)
    address = fields.String(required=True, metadata={"description": "From where."})
    outcome = fields.String(required=True, metadata={"description": "`ok`, or the slug of the refusal."})
    detail = fields.String(required=True, metadata={"description": "Facts of the deed, `name: value; …`."})
    request_id = fields.String(required=True)


class Deeds(Strict):
    """A page of the audit, newest first."""

    items = fields.List(fields.Nested(Deed), required=True)
    next_cursor = fields.String(required=True, allow_none=True)


def _series(sentence: str) -> fields.List[Any]:
    return fields.List(fields.Float(allow_none=True), required=True, metadata={"description": sentence})


class StartSeriesDocument(Strict):
    """Seconds from click to ready; null where nothing started."""

    p50 = _series("Median.")
    p95 = _series("95th percentile.")


class NodeSeriesDocument(Strict):
    """One node; shares are 0 to 1, null where nothing was sampled."""

    cpu = _series("Share of its cores: used, else promised.")
    memory = _series("Share of its memory: used, else promised.")
    gpus = _series("Share of its GPUs' slots that is taken.")
    instances = _series("How many.")


class StatsDocument(Strict):
    """Series for charts, all on one axis; null where nothing was sampled."""

    begin = a_time("The first step's beginning.", data_key="from")
    to = a_time("Now.")
    step_seconds = fields.Integer(required=True)
    times = fields.List(fields.Float(), required=True, metadata={"description": "Seconds since the epoch."})
    instances = fields.Dict(keys=fields.String(), values=_series("By state."), required=True)
    queue = _series("How many wait for a place.")
    longest_wait_seconds = _series("How long the oldest of them has waited.")
    start_seconds = fields.Nested(StartSeriesDocument, required=True)
    nodes = fields.Dict(keys=fields.String(), values=fields.Nested(NodeSeriesDocument), required=True)


class QueueNumbers(Strict):
    """Who waits for a place."""

    length = fields.Integer(required=True)
    longest_wait_seconds = fields.Float(required=True, allow_none=True)


class StartNumbers(Strict):
    """Starts of the last 24 hours, from click to ready."""

    p50 = fields.Float(required=True, allow_none=True)
    p95 = fields.Float(required=True, allow_none=True)
    count = fields.Integer(required=True)


class GpuNumbers(Strict):
    """GPUs of all nodes."""

    total = fields.Integer(required=True)
    used = fields.Integer(required=True)


class ActionDocument(Strict):
    """A call of this API that would help."""

    label = fields.String(required=True)
    method = fields.String(required=True)
    path = fields.String(required=True)
    body = fields.Raw(required=True, allow_none=True)


class ConcernDocument(Strict):
    """Something that needs somebody."""

    kind = fields.String(required=True, validate=validate.OneOf(KINDS))
    what = fields.String(required=True, metadata={"description": "A sentence."})
    since = a_time("Since.", null=True)
    hurts = fields.Integer(required=True, metadata={"description": "How many people."})
    link = fields.String(required=True, metadata={"description": "The admins' page about it."})
    action = fields.Nested(ActionDocument, required=True, allow_none=True)


class OverviewDocument(Strict):
    """The cluster in a few numbers, and what needs somebody."""

    nodes = fields.Dict(
        keys=fields.String(), values=fields.Integer(), required=True, metadata={"description": "`total`, and by state."}
    )
    instances = fields.Dict(keys=fields.String(), values=fields.Integer(), required=True)
    queue = fields.Nested(QueueNumbers, required=True)
    start_seconds = fields.Nested(StartNumbers, required=True)
    gpus = fields.Nested(GpuNumbers, required=True)
    attention = fields.List(fields.Nested(ConcernDocument), required=True)
    updated = a_time("Counted.")
