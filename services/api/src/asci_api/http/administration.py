"""What admins look at: nodes, policy, audit."""

from __future__ import annotations

from asci_api.domain.node import Node, Resources
from asci_api.domain.ports import AuditEntry
from asci_api.http import answered, asked, paging
from asci_api.http.call import Answer, Call, Json
from asci_api.http.operation import Outcome, operation
from asci_api.work.find_nodes import find_node, find_nodes, must_be_admin
from asci_api.work.moments import moment
from asci_api.work.present_policy import present_policy

TAG = "Administration"


@operation(
    "GET",
    "/nodes",
    tag=TAG,
    query=asked.Paged,
    outcomes={200: Outcome("By name.", answered.Nodes)},
    problems=(403,),
    tagged=True,
)
def list_nodes(call: Call) -> Answer:
    """The nodes as the controller last saw them (admins)."""
    nodes = find_nodes(call.desk, call.caller)
    shown, cursor = paging.page(nodes, call.query["limit"], call.query["cursor"], lambda node: (node.name,))
    return Answer({"items": [_node(node) for node in shown], "next_cursor": cursor})


@operation(
    "GET",
    "/nodes/{name}",
    tag=TAG,
    outcomes={200: Outcome("The node.", answered.NodeDocument)},
    problems=(403, 404),
    tagged=True,
)
def get_node(call: Call) -> Answer:
    """One node (admins)."""
    return Answer(_node(find_node(call.desk, call.caller, call.path["name"])))


@operation(
    "GET",
    "/scheduler/policy",
    tag=TAG,
    outcomes={200: Outcome("The policy in force.", answered.PolicyDocument)},
    problems=(403,),
    tagged=True,
)
def get_policy(call: Call) -> Answer:
    """What the operator decides for everybody (admins)."""
    must_be_admin(call.caller)
    return Answer(present_policy(call.desk.policies.get()))


@operation(
    "GET",
    "/audit",
    tag=TAG,
    query=asked.AuditQuery,
    outcomes={200: Outcome("Newest first.", answered.Deeds)},
    problems=(403,),
)
def list_audit(call: Call) -> Answer:
    """Who did what to what, when, from where, with which outcome (admins)."""
    must_be_admin(call.caller)
    query = call.query
    before = _before(query["cursor"])
    found = call.desk.audit.find(
        who=query["who"], what=query["what"], target=query["target"], before=before, limit=query["limit"] + 1
    )
    shown = found[: query["limit"]]
    cursor = paging.encode((shown[-1].at,)) if len(found) > len(shown) else None
    return Answer({"items": [_deed(entry) for entry in shown], "next_cursor": cursor})


def _before(cursor: str) -> float | None:
    if not cursor:
        return None
    try:
        return float(paging.decode(cursor)[0])
    except (ValueError, OverflowError) as error:
        raise paging.bad_cursor() from error


def _deed(entry: AuditEntry) -> Json:
    return {
        "at": moment(entry.at),
        "who": entry.who,
        "what": entry.what,
        "target": entry.target,
        "address": entry.address,
        "outcome": entry.outcome,
        "request_id": entry.request_id,
        "facts": dict(entry.facts),
    }


def _node(node: Node) -> Json:
    return {
        "name": node.name,
        "url": node.url,
        "labels": dict(node.labels),
        "taints": [{"key": taint.key, "value": taint.value, "effect": taint.effect} for taint in node.taints],
        "state": str(node.state),
        "capacity": _resources(node.capacity),
        "allocated": _resources(node.allocated),
        "engine": {"version": node.engine_version, "api": node.engine_api},
        "images": [{"id": image.id, "tags": list(image.tags), "size": image.size} for image in node.images],
        "last_seen": moment(node.last_seen) if node.last_seen else None,
        "error": node.error or None,
    }


def _resources(amount: Resources) -> Json:
    return {"cpus": amount.cpus, "memory": amount.memory, "gpus": amount.gpus}


OPERATIONS = (list_nodes, get_node, get_policy, list_audit)
