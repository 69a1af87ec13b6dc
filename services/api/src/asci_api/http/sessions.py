"""Signing in and out, and who one is."""

from __future__ import annotations

from asci_api.domain.errors import AsciError
from asci_api.domain.identity import Caller
from asci_api.domain.policy import quota_of
from asci_api.http import answered, asked
from asci_api.http.call import Answer, Call, Json
from asci_api.http.caller import MARK
from asci_api.http.metrics import SIGN_INS
from asci_api.http.operation import Outcome, operation
from asci_api.work.change_password import change_password
from asci_api.work.find_people import find_people
from asci_api.work.moments import moment
from asci_api.work.present_policy import present_quota
from asci_api.work.quotas import usage_of
from asci_api.work.sign_in import sign_in, sign_out
from asci_shared.redis_contract import TokenRecord

TAG = "People"


@operation(
    "POST",
    "/sessions",
    tag=TAG,
    body=asked.SignInRequest,
    outcomes={201: Outcome("Signed in.", answered.SignInAnswer)},
    problems=(401, 429),
    headers={MARK: "`1` keeps the token in the browser's cookie as well."},
    open=True,
)
def begin_session(call: Call) -> Answer:
    """Sign in.

    The token is a Bearer token; the portal's pages keep it in an HttpOnly cookie. It ends when it is not used for some
    hours, after 7 days, and at signing out."""
    try:
        begun = sign_in(call.desk, call.body["username"], call.body["password"], call.address, call.request_id)
    except AsciError as refusal:
        SIGN_INS.labels(refusal.slug).inc()
        raise
    SIGN_INS.labels("ok").inc()
    document: Json = {
        "token": begun.token,
        "expires_at": moment(begun.record.expires_at),
        "user": _me(call, begun.caller, begun.record),
    }
    return Answer(document, 201, cookie=begun.token if call.headers.get(MARK) == "1" else None)


@operation("DELETE", "/sessions/current", tag=TAG, outcomes={204: Outcome("Signed out; live connections close.")})
def end_session(call: Call) -> Answer:
    """Sign out."""
    sign_out(call.desk, call.caller)
    return Answer(status=204, cookie="" if call.by_cookie else None)


@operation("GET", "/me", tag=TAG, outcomes={200: Outcome("The person signed in.", answered.Me)})
def get_me(call: Call) -> Answer:
    """Who one is, with quota and usage."""
    return Answer(_me(call, call.caller, call.record))


@operation(
    "PUT",
    "/me/password",
    tag=TAG,
    body=asked.PasswordChange,
    outcomes={204: Outcome("Changed. One's other sign-ins ended.")},
    problems=(403, 409, 429),
)
def put_password(call: Call) -> Answer:
    """Change one's password."""
    change_password(call.desk, call.caller, call.body["current"], call.body["new"])
    return Answer(status=204)


@operation(
    "GET",
    "/users",
    tag=TAG,
    query=asked.PeopleQuery,
    outcomes={200: Outcome("At most 10 people, never oneself.", answered.People)},
)
def list_users(call: Call) -> Answer:
    """People one may share with."""
    found = find_people(call.desk, call.caller, call.query["q"])
    return Answer({"items": [{"username": one.username, "name": one.name} for one in found]})


def _me(call: Call, caller: Caller, record: TokenRecord) -> Json:
    person = caller.person
    quota = quota_of(call.desk.policies.get(), person).quota
    usage = usage_of(person.username, call.desk.instances.visible_to(person.username))
    return {
        "username": person.username,
        "name": person.name,
        "email": person.email,
        "groups": [group.name for group in person.groups],
        "roles": list(person.roles),
        "uid": person.uid,
        "gid": person.gid,
        "quota": present_quota(quota),
        "usage": {"sessions": usage.sessions, "gpus": usage.gpus},
        "session": {"expires_at": moment(record.expires_at), "idle_seconds": record.idle_seconds},
    }


OPERATIONS = (begin_session, end_session, get_me, put_password, list_users)
