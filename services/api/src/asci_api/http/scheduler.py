"""How instances are placed: the policy, and what it would decide."""

from __future__ import annotations

from asci_api.domain.policy import Policy
from asci_api.http import answered_cluster, asked_cluster
from asci_api.http.answers import matches, tag_of
from asci_api.http.call import Answer, Call
from asci_api.http.operation import Outcome, operation
from asci_api.work.edit_policy import put_policy
from asci_api.work.explain_placement import explain_placement
from asci_api.work.find_nodes import must_be_admin
from asci_api.work.present_decision import present_verdict
from asci_api.work.present_policy import present_policy

TAG = "Scheduler"
IF_MATCH = "If-Match"


@operation(
    "GET",
    "/scheduler/policy",
    tag=TAG,
    outcomes={200: Outcome("The policy in force.", answered_cluster.PolicyDocument)},
    problems=(403,),
    tagged=True,
)
def get_policy(call: Call) -> Answer:
    """What admins decide for everybody (admins)."""
    must_be_admin(call.caller)
    return Answer(present_policy(call.desk.policies.get()))


@operation(
    "PUT",
    "/scheduler/policy",
    tag=TAG,
    body=asked_cluster.PolicyRequest,
    outcomes={200: Outcome("The policy in force now.", answered_cluster.PolicyDocument, {"ETag": "Of what stands."})},
    problems=(412,),
    headers={IF_MATCH: "The ETag of what was read: 412 where another policy stands."},
)
def put_whole_policy(call: Call) -> Answer:
    """Set the whole policy (admins).

    It counts from the controller's next round on, within a second; what runs is left alone."""
    wanted, revision = call.headers.get(IF_MATCH, ""), call.body.get("revision")

    def stands(now: Policy) -> bool:
        fits = not wanted or matches(wanted, tag_of(present_policy(now)))
        return fits and revision in {None, now.revision}

    document = present_policy(put_policy(call.desk, call.caller, call.body, stands))
    return Answer(document, headers={"ETag": tag_of(document)})


@operation(
    "POST",
    "/scheduler/explain",
    tag=TAG,
    body=asked_cluster.ExplainRequest,
    outcomes={200: Outcome("What would be decided.", answered_cluster.ExplanationDocument)},
    problems=(404,),
)
def explain_start(call: Call) -> Answer:
    """Which node an environment would get now, and why not each of the others (admins). Nothing is started."""
    told = explain_placement(call.desk, call.caller, call.body["environment"], call.body.get("username", ""))
    placement = told.placement and {
        "node": told.placement.node,
        "gpus": list(told.placement.gpus),
        "score": round(told.score, 2),
    }
    return Answer(
        {
            "placement": placement,
            "never_fits": told.never_fits,
            "nodes": [present_verdict(one) for one in told.nodes],
            "queue_ahead": told.queue_ahead,
        }
    )


OPERATIONS = (get_policy, put_whole_policy, explain_start)
