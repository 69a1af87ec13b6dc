"""Nodes: what there is, and what admins decide over them."""

from __future__ import annotations

from typing import Any

from asci_api.domain.identity import NodeName
from asci_api.domain.node import DeclaredGpu, Node, NodeOverlay, NodeRegistration, NodeState, Overcommit, Taint
from asci_api.http import answered_cluster, asked, asked_cluster
from asci_api.http.call import Answer, Call, Json
from asci_api.http.operation import Outcome, operation
from asci_api.http.paging import page
from asci_api.work.edit_nodes import change_node, register_node, remove_node
from asci_api.work.find_nodes import find_node, find_nodes, node_as_known
from asci_api.work.node_change import UNSET, NodeChange, Unset
from asci_api.work.present_node import present_node

TAG = "Nodes"


@operation(
    "GET",
    "/nodes",
    tag=TAG,
    query=asked.Paged,
    outcomes={200: Outcome("By name.", answered_cluster.Nodes)},
    problems=(403,),
    tagged=True,
)
def list_nodes(call: Call) -> Answer:
    """The nodes as the controller last saw them (admins)."""
    nodes = find_nodes(call.desk, call.caller)
    shown, cursor = page(nodes, call.query["limit"], call.query["cursor"], lambda node: (node.name,))
    return Answer({"items": _present(call, shown), "next_cursor": cursor})


@operation(
    "GET",
    "/nodes/{name}",
    tag=TAG,
    outcomes={200: Outcome("The node.", answered_cluster.NodeDocument)},
    problems=(403, 404),
    tagged=True,
)
def get_node(call: Call) -> Answer:
    """One node (admins)."""
    node = find_node(call.desk, call.caller, call.path["name"])
    return Answer(_present(call, [node])[0])


@operation(
    "POST",
    "/nodes",
    tag=TAG,
    body=asked_cluster.NodeRequest,
    outcomes={201: Outcome("Registered.", answered_cluster.NodeDocument, {"Location": "The node."})},
    problems=(409,),
)
def create_node(call: Call) -> Answer:
    """Register a node (admins).

    The controller looks at it within seconds; until then it is `down`. Its certificates are files that the operator
    placed: `ca.pem`, `cert.pem` and `key.pem` in the folder `tls/<tls>` of the configuration."""
    registration = _registration(call.body)
    register_node(call.desk, call.caller, registration)
    headers = {"Location": f"/api/v1/nodes/{registration.name}"}
    return _answer(call, registration.name, 201, headers)


@operation(
    "PATCH",
    "/nodes/{name}",
    tag=TAG,
    body=asked_cluster.NodePatch,
    outcomes={200: Outcome("The node as it counts now.", answered_cluster.NodeDocument)},
    problems=(404, 409),
)
def change_one_node(call: Call) -> Answer:
    """Decide over a node: labels, taints, cordon, drain, overcommit, gone (admins).

    Counts at once, and outlasts restarts of everything. A node that is draining takes nothing new; its people are told
    the reason, and what still runs at the deadline is ended."""
    change_node(call.desk, call.caller, call.path["name"], _change(call.body))
    return _answer(call, call.path["name"])


@operation(
    "DELETE",
    "/nodes/{name}",
    tag=TAG,
    outcomes={204: Outcome("Forgotten; its engine is left alone.")},
    problems=(404, 409),
)
def delete_node(call: Call) -> Answer:
    """Forget a node that the API registered and that holds no sessions (admins)."""
    remove_node(call.desk, call.caller, call.path["name"])
    return Answer(status=204)


def _registration(body: Any) -> NodeRegistration:
    return NodeRegistration(
        name=NodeName(body["name"]),
        url=body["url"],
        publish=body["publish"],
        tls=body["tls"],
        labels=body["labels"],
        taints=tuple(Taint(**one) for one in body["taints"]),
        overcommit=_overcommit(body["overcommit"]),
        gpus=tuple(DeclaredGpu(**one) for one in body["gpus"]),
    )


def _change(body: Any) -> NodeChange:
    return NodeChange(
        labels=body.get("labels"),
        taints=[Taint(**one) for one in body["taints"]] if "taints" in body else None,
        state=NodeState(body["state"]) if "state" in body else None,
        deadline=_deadline(body["deadline"]) if "deadline" in body else UNSET,
        reason=body["reason"].strip() if "reason" in body else None,
        overcommit=_overcommit(body["overcommit"]) if "overcommit" in body else UNSET,
        gone=body.get("gone"),
    )


def _deadline(given: Any) -> float | Unset | None:
    return None if given is None else float(given.timestamp())


def _overcommit(given: Any) -> Overcommit | None:
    return None if given is None else Overcommit(**given)


def _answer(call: Call, name: str, status: int = 200, headers: dict[str, str] | None = None) -> Answer:
    node = node_as_known(call.desk, NodeName(name))
    return Answer(_present(call, [node])[0], status, headers or {})


def _present(call: Call, nodes: list[Node]) -> list[Json]:
    overlays, policy = call.desk.overlays.all(), call.desk.policies.get()
    return [present_node(node, overlays.get(node.name, NodeOverlay()), policy) for node in nodes]


OPERATIONS = (list_nodes, get_node, create_node, change_one_node, delete_node)
