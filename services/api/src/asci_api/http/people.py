"""Everybody, for admins."""

from __future__ import annotations

from asci_api.domain.identity import Quota
from asci_api.http import answered_cluster, asked_cluster
from asci_api.http.call import Answer, Call, Json
from asci_api.http.operation import Outcome, operation
from asci_api.http.paging import page
from asci_api.work.moments import moment
from asci_api.work.present_policy import present_quota
from asci_api.work.steer_people import Portrait, end_sign_ins_of, find_everybody, portraits, set_quota

TAG = "Everybody"


@operation(
    "GET",
    "/people",
    tag=TAG,
    query=asked_cluster.EverybodyQuery,
    outcomes={200: Outcome("By user name.", answered_cluster.Everybody)},
    problems=(403,),
    tagged=True,
)
def list_people(call: Call) -> Answer:
    """Everybody with quota, usage and sign-ins (admins)."""
    found = find_everybody(call.desk, call.caller, call.query["q"])
    shown, cursor = page(found, call.query["limit"], call.query["cursor"], lambda one: (one.username,))
    return Answer({"items": [_present(one) for one in portraits(call.desk, shown)], "next_cursor": cursor})


@operation(
    "PATCH",
    "/people/{username}",
    tag=TAG,
    body=asked_cluster.PersonPatch,
    outcomes={200: Outcome("The person as she is now.", answered_cluster.PersonDocument)},
    problems=(404,),
)
def change_person(call: Call) -> Answer:
    """Give somebody a quota of her own, or take it back (admins).

    It becomes part of the policy; what she has already is left alone."""
    given = call.body["quota"]
    person = set_quota(call.desk, call.caller, call.path["username"], None if given is None else Quota(**given))
    return Answer(_present(portraits(call.desk, [person])[0]))


@operation(
    "DELETE",
    "/people/{username}/sessions",
    tag=TAG,
    outcomes={204: Outcome("She is signed out everywhere; her live connections close.")},
    problems=(404,),
)
def delete_sign_ins(call: Call) -> Answer:
    """End all of somebody's sign-ins (admins). Her sessions go on."""
    end_sign_ins_of(call.desk, call.caller, call.path["username"])
    return Answer(status=204)


def _present(portrait: Portrait) -> Json:
    person = portrait.person
    return {
        "username": person.username,
        "name": person.name,
        "groups": [group.name for group in person.groups],
        "roles": list(person.roles),
        "disabled": person.disabled,
        "quota": present_quota(portrait.given.quota),
        "quota_from": portrait.given.origin,
        "usage": {"sessions": portrait.usage.sessions, "gpus": portrait.usage.gpus},
        "sign_ins": portrait.seen.sign_ins,
        "last_seen": moment(portrait.seen.last_seen),
    }


OPERATIONS = (list_people, change_person, delete_sign_ins)
