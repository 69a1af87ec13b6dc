"""What operations answer, as marshmallow schemas: for the OpenAPI document, and for the tests, which hold every answer
against them."""

from __future__ import annotations

from marshmallow import Schema, fields, validate

from asci_api.domain.environment import Kind
from asci_api.domain.instance import Hop, State
from asci_api.http.members import Strict, modes


def a_time(sentence: str, *, null: bool = False, data_key: str | None = None) -> fields.DateTime:
    """A time that is always told."""
    return fields.DateTime(required=True, allow_none=null, data_key=data_key, metadata={"description": sentence})


class ProblemDocument(Schema):
    """RFC 9457. Further members depend on the slug, the last part of `type`."""

    type = fields.String(required=True, metadata={"example": "/problems/quota-reached"})
    title = fields.String(required=True, metadata={"description": "What happened, one sentence."})
    status = fields.Integer(required=True)
    detail = fields.String(metadata={"description": "Which thing, and why."})
    next_step = fields.String(metadata={"description": "What the person can do."})
    request_id = fields.String(required=True, metadata={"description": "The same in every log."})


class PersonName(Strict):
    """Somebody."""

    username = fields.String(required=True)
    name = fields.String(required=True)


class People(Strict):
    """Whom one may share with."""

    items = fields.List(fields.Nested(PersonName), required=True)


class Amounts(Strict):
    """Sessions and GPUs."""

    sessions = fields.Integer(required=True)
    gpus = fields.Integer(required=True)


class Limits(Strict):
    """Sessions and GPUs at once; null: as much as there is."""

    sessions = fields.Integer(required=True, allow_none=True)
    gpus = fields.Integer(required=True, allow_none=True)


class Session(Strict):
    """The sign-in behind the call."""

    expires_at = a_time("It ends then although it is used.")
    idle_seconds = fields.Integer(required=True, metadata={"description": "It ends when unused for so long."})


class Me(Strict):
    """The person signed in."""

    username = fields.String(required=True)
    name = fields.String(required=True)
    email = fields.String(required=True)
    groups = fields.List(fields.String(), required=True)
    roles = fields.List(fields.String(validate=validate.OneOf(["user", "admin"])), required=True)
    uid = fields.Integer(required=True)
    gid = fields.Integer(required=True)
    quota = fields.Nested(Limits, required=True)
    usage = fields.Nested(Amounts, required=True)
    session = fields.Nested(Session, required=True)


class SignInAnswer(Strict):
    """A sign-in."""

    token = fields.String(required=True, metadata={"description": "Send it as `Authorization: Bearer …`."})
    expires_at = a_time("It ends then although it is used.")
    user = fields.Nested(Me, required=True)


class GpuNeeds(Strict):
    """GPUs: a slot on each of `count`, or `count` whole ones."""

    mode = fields.String(required=True, validate=validate.OneOf(["shared", "exclusive"]))
    count = fields.Integer(required=True)


class NeedsDocument(Strict):
    """What an environment takes of a node."""

    cpus = fields.Float(required=True, metadata={"description": "Cores."})
    memory = fields.Integer(required=True, metadata={"description": "Bytes."})
    gpu = fields.Nested(GpuNeeds, required=True, allow_none=True)
    selector = fields.String(required=True, metadata={"description": "Kubernetes label selector."})


class EnvironmentDocument(Strict):
    """A catalogue entry, as the caller sees it."""

    name = fields.String(required=True)
    title = fields.String(required=True)
    description = fields.String(required=True)
    kind = fields.String(required=True, validate=validate.OneOf([str(kind) for kind in Kind]))
    icon = fields.String(required=True)
    image = fields.String(required=True)
    tags = fields.List(fields.String(), required=True)
    needs = fields.Nested(NeedsDocument, required=True)
    startable = fields.Boolean(required=True)
    reason = fields.String(required=True, allow_none=True, metadata={"description": "Why it is not startable."})
    usual_seconds = fields.Float(
        required=True, allow_none=True, metadata={"description": "Median of the last starts, from click to ready."}
    )
    waiting = fields.Integer(required=True, metadata={"description": "How many are in the queue for it."})


class Allowed(Strict):
    """Who may start an environment; both empty means everybody."""

    groups = fields.List(fields.String(), required=True)
    people = fields.List(fields.String(), required=True)


class ListedEnvironment(EnvironmentDocument):
    """A catalogue entry; with `scope=all` also what admins steer."""

    enabled = fields.Boolean()
    allow = fields.Nested(Allowed)
    nodes_with_image = fields.Integer()
    revision = fields.Integer(metadata={"description": "Raised by one when admins change it."})
    problems = fields.List(fields.String())


class Environments(Strict):
    """A page of the catalogue."""

    items = fields.List(fields.Nested(ListedEnvironment), required=True)
    next_cursor = fields.String(required=True, allow_none=True)


class EnvironmentName(Strict):
    """An environment as an instance carries it."""

    name = fields.String(required=True)
    title = fields.String(required=True)
    icon = fields.String(required=True)


class StepDocument(Strict):
    """One step of a start."""

    name = fields.String(required=True)
    state = fields.String(required=True, validate=validate.OneOf(["done", "now", "ahead"]))
    seconds = fields.Float(required=True, allow_none=True, metadata={"description": "What it took; null until done."})


class ProgressDocument(Strict):
    """How far a start is."""

    step = fields.Integer(required=True)
    of = fields.Integer(required=True)
    percent = fields.Integer(required=True, allow_none=True)
    message = fields.String(required=True)
    seconds = fields.Float(required=True, metadata={"description": "Since the click. Not part of the ETag."})
    usual_seconds = fields.Float(required=True, allow_none=True)
    steps = fields.List(fields.Nested(StepDocument), required=True)


class QueueDocument(Strict):
    """Its place in line."""

    place = fields.Integer(required=True, metadata={"description": "1 is next."})
    reasons = fields.List(fields.String(), required=True, metadata={"description": "A sentence per node."})
    since = a_time("In the queue since.")


class ShareDocument(Strict):
    """Another person's right."""

    username = fields.String(required=True)
    name = fields.String(required=True)
    mode = fields.String(required=True, validate=modes())
    last_seen = a_time("When she last opened it.", null=True)


class ConnectionDocument(Strict):
    """One viewer."""

    id = fields.String(required=True)
    username = fields.String(required=True)
    name = fields.String(required=True)
    mode = fields.String(required=True, validate=modes())
    since = a_time("Connected since.")
    last_input = a_time("Last key or pointer event.", null=True)


class Connections(Strict):
    """Who is on."""

    items = fields.List(fields.Nested(ConnectionDocument), required=True)


class FailureDocument(Strict):
    """Why it failed."""

    hop = fields.String(required=True, validate=validate.OneOf([str(hop) for hop in Hop]))
    cause = fields.String(required=True)
    detail = fields.String(required=True)
    next_step = fields.String(required=True)
    request_id = fields.String(required=True)


class VerdictDocument(Strict):
    """What the scheduler thinks of one node."""

    name = fields.String(required=True)
    fits = fields.Boolean(required=True)
    reasons = fields.List(fields.String(), required=True, metadata={"description": "Clauses; empty where it fits."})
    score = fields.Float(required=True, allow_none=True, metadata={"description": "0 to 100."})


class DecisionDocument(Strict):
    """Why an instance is on its node, as it was decided."""

    at = a_time("Decided.")
    node = fields.String(required=True)
    score = fields.Float(required=True)
    policy_revision = fields.Integer(required=True)
    nodes = fields.List(fields.Nested(VerdictDocument), required=True, metadata={"description": "Best first."})


class DrainNoticeDocument(Strict):
    """What its people are told of a node that is being emptied."""

    node = fields.String(required=True)
    reason = fields.String(required=True, metadata={"description": "A sentence; may be empty."})
    deadline = a_time("It is ended then, and `expires_at` says so.", null=True)


class InstanceDocument(Strict):
    """One running environment of one owner. Pages call it a session."""

    id = fields.String(required=True)
    revision = fields.Integer(required=True, metadata={"description": "Raised at each change of its record."})
    owner = fields.Nested(PersonName, required=True)
    environment = fields.Nested(EnvironmentName, required=True)
    kind = fields.String(required=True, validate=validate.OneOf([str(kind) for kind in Kind]))
    title = fields.String(required=True)
    state = fields.String(required=True, validate=validate.OneOf([str(state) for state in State]))
    state_since = a_time("In this state since.")
    progress = fields.Nested(ProgressDocument, required=True, allow_none=True)
    queue = fields.Nested(QueueDocument, required=True, allow_none=True)
    node = fields.String(required=True, allow_none=True)
    gpus = fields.List(fields.String(), required=True)
    created_at = a_time("Asked for.")
    running_at = a_time("Ready.", null=True)
    ended_at = a_time("Ended.", null=True)
    expires_at = a_time("Its time runs out then; its owner may extend it.")
    longest_life_seconds = fields.Float(
        required=True, metadata={"description": "Its owner may extend it to this many seconds from now, no further."}
    )
    my_access = fields.String(required=True, validate=validate.OneOf(["owner", "control", "view", "admin"]))
    shares = fields.List(
        fields.Nested(ShareDocument), required=True, metadata={"description": "A guest sees her own only."}
    )
    connections = fields.List(fields.Nested(ConnectionDocument), required=True)
    warning = fields.String(
        required=True, allow_none=True, metadata={"description": "A sentence on what is wrong with it while it runs."}
    )
    error = fields.Nested(FailureDocument, required=True, allow_none=True)
    end_reason = fields.String(required=True, allow_none=True)
    geometry = fields.String(required=True)
    needs = fields.Nested(NeedsDocument, required=True)
    image = fields.String(required=True, allow_none=True, metadata={"description": "The image's id."})
    request_id = fields.String(required=True, metadata={"description": "Of the start; the same in every log."})
    drain = fields.Nested(
        DrainNoticeDocument, required=True, allow_none=True, metadata={"description": "Its node is being emptied."}
    )
    decision = fields.Nested(
        DecisionDocument,
        required=True,
        allow_none=True,
        metadata={"description": "Why it is on its node; for owner and admins, and in lists null."},
    )


class Instances(Strict):
    """A page of instances, newest first."""

    items = fields.List(fields.Nested(InstanceDocument), required=True)
    next_cursor = fields.String(required=True, allow_none=True)


class Opening(Strict):
    """What a browser needs to connect, once."""

    id = fields.String(required=True)
    url = fields.String(
        required=True,
        metadata={
            "description": "Desktop: a WebSocket, relative to the portal. Web application: where the form is posted, "
            "on the application's own host."
        },
    )
    password = fields.String(
        required=True, metadata={"description": "Answers the VncAuth challenge, or is posted; once."}
    )
    mode = fields.String(required=True, validate=modes())
    expires_at = a_time("Connect before.")


class LogDocument(Strict):
    """The last lines, oldest first."""

    lines = fields.List(fields.String(), required=True)
    source = fields.String(
        required=True,
        data_key="from",
        validate=validate.OneOf(["container", "record"]),
        metadata={"description": "`container` while it lives, `record` after."},
    )


class NoticeDocument(Strict):
    """What the operator wants everybody to read."""

    id = fields.String(required=True)
    text = fields.String(required=True)
    level = fields.String(required=True, validate=validate.OneOf(["info", "warning"]))
