"""The catalogue."""

from __future__ import annotations

from typing import Any

from asci_api.domain.environment import Allow
from asci_api.http import answered, answered_cluster, asked_cluster
from asci_api.http.call import Answer, Call, Json
from asci_api.http.operation import Outcome, operation
from asci_api.http.paging import page
from asci_api.work.find_environments import Offer, find_environment, find_environments
from asci_api.work.present_instance import present_needs
from asci_api.work.steer_environments import EnvironmentChange, SteeredOffer, change_environment, find_steered

TAG = "Environments"


@operation(
    "GET",
    "/environments",
    tag=TAG,
    query=asked_cluster.EnvironmentsQuery,
    outcomes={200: Outcome("The catalogue, by title.", answered.Environments)},
    problems=(403,),
    tagged=True,
)
def list_environments(call: Call) -> Answer:
    """What can be started; with `scope=all` what admins can steer.

    That adds `enabled`, `allow`, `nodes_with_image`, `revision` and `problems` to each entry."""
    items: list[tuple[Offer, Json]]
    if call.query["scope"] == "all":
        items = [(one.offer, _steered(one)) for one in find_steered(call.desk, call.caller)]
    else:
        items = [(offer, _present(offer)) for offer in find_environments(call.desk, call.caller)]
    shown, cursor = page(
        items,
        call.query["limit"],
        call.query["cursor"],
        lambda item: (item[0].environment.title.casefold(), item[0].environment.name),
    )
    return Answer({"items": [document for _, document in shown], "next_cursor": cursor})


@operation(
    "GET",
    "/environments/{name}",
    tag=TAG,
    outcomes={200: Outcome("The catalogue entry.", answered.EnvironmentDocument)},
    problems=(404,),
    tagged=True,
)
def get_environment(call: Call) -> Answer:
    """One environment."""
    return Answer(_present(find_environment(call.desk, call.caller, call.path["name"])))


@operation(
    "PATCH",
    "/environments/{name}",
    tag=TAG,
    body=asked_cluster.EnvironmentPatch,
    outcomes={200: Outcome("As it is offered now.", answered_cluster.SwitchableDocument)},
    problems=(404, 409),
)
def change_one_environment(call: Call) -> Answer:
    """Switch an environment off or on, or say who may start it (admins).

    Stands above its image's label and the operator's overlay, but does not bring back what the overlay took off the
    offer. What runs is left alone."""
    changed = change_environment(call.desk, call.caller, call.path["name"], _change(call.body))
    return Answer(_steered(changed))


def _change(body: Any) -> EnvironmentChange:
    allow = body.get("allow")
    return EnvironmentChange(
        enabled=body.get("enabled"),
        allow=None if allow is None else Allow(tuple(allow["groups"]), tuple(allow["people"])),
        clear_allow="allow" in body and allow is None,
    )


def _steered(one: SteeredOffer) -> Json:
    environment = one.offer.environment
    return {
        **_present(one.offer),
        "enabled": environment.enabled,
        "allow": {"groups": list(environment.allow), "people": list(environment.allow_people)},
        "nodes_with_image": one.nodes_with_image,
        "revision": one.switch.revision,
        "problems": list(environment.problems),
    }


def _present(offer: Offer) -> Json:
    environment = offer.environment
    return {
        "name": environment.name,
        "title": environment.title,
        "description": environment.description,
        "kind": str(environment.kind),
        "icon": environment.icon,
        "image": environment.image,
        "tags": list(environment.tags),
        "needs": present_needs(environment.needs),
        "startable": offer.startable,
        "reason": offer.reason or None,
        "usual_seconds": None if offer.usual_seconds is None else round(offer.usual_seconds, 1),
        "waiting": offer.waiting,
    }


OPERATIONS = (list_environments, get_environment, change_one_environment)
