"""The catalogue."""

from __future__ import annotations

from asci_api.http import answered, asked
from asci_api.http.call import Answer, Call, Json
from asci_api.http.operation import Outcome, operation
from asci_api.http.paging import page
from asci_api.work.find_environments import Offer, find_environment, find_environments
from asci_api.work.present_instance import present_needs

TAG = "Environments"


@operation(
    "GET",
    "/environments",
    tag=TAG,
    query=asked.Paged,
    outcomes={200: Outcome("The catalogue, by title.", answered.Environments)},
    tagged=True,
)
def list_environments(call: Call) -> Answer:
    """What can be started."""
    offers = find_environments(call.desk, call.caller)
    shown, cursor = page(
        offers,
        call.query["limit"],
        call.query["cursor"],
        lambda offer: (offer.environment.title.casefold(), offer.environment.name),
    )
    return Answer({"items": [_present(offer) for offer in shown], "next_cursor": cursor})


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


OPERATIONS = (list_environments, get_environment)
