"""The main road: sign in, look, start, open, share, stop."""

from __future__ import annotations

from asci_shared.passwords import one_time_password
from tests.support.api_lab import ApiLab, password_of


def test_sign_in_then_work(lab: ApiLab) -> None:
    guest = lab.visitor()
    signed = guest.post("/sessions", {"username": "Demo ", "password": password_of("demo")})
    assert signed.status == 201
    assert signed.json["user"]["username"] == "demo"
    guest.token = signed.json["token"]
    assert guest.get("/me").json["usage"] == {"sessions": 0, "gpus": 0}

    (offer,) = guest.get("/environments").json["items"]
    assert (offer["name"], offer["startable"], offer["reason"]) == ("desktop", True, None)

    started = guest.post("/instances", {"environment": "desktop", "geometry": "1600x900"})
    assert started.status == 202
    assert started.json["state"] == "queued"
    assert started.headers["Location"] == f"/api/v1/instances/{started.json['id']}"
    assert started.json["id"] in lab.memory.wakes.heard

    lab.runs(started.json["id"])
    opened = guest.post(f"/instances/{started.json['id']}/connections", {"mode": "control"})
    assert opened.status == 201
    assert opened.headers["Cache-Control"] == "no-store"
    assert opened.json["password"] == one_time_password(lab.desk.key, opened.json["id"])
    ticket = lab.memory.tickets.take(opened.json["id"])
    assert ticket is not None
    assert (ticket.address, ticket.port, ticket.mode, ticket.username) == ("172.30.0.1", 49155, "control", "demo")
    assert opened.json["password"] not in ticket.to_json()

    stopped = guest.delete(f"/instances/{started.json['id']}")
    assert (stopped.status, stopped.json["state"]) == (202, "stopping")
    assert lab.memory.revocations.made[-1].code == 4404
    lab.ends(started.json["id"], end_reason="Stopped by Demo Scientist.")
    assert guest.get(f"/instances/{started.json['id']}").json["end_reason"] == "You stopped it."
    assert guest.delete(f"/instances/{started.json['id']}").status == 204
    assert guest.get("/instances").json["items"] == []

    assert guest.delete("/sessions/current").status == 204
    assert lab.memory.revocations.made[-1].code == 4401
    assert guest.get("/me").status == 401
