"""The API as administrators meet it, small and in memory: what the adminui is developed and tested against.

Its shapes are those of the API's document: :mod:`tests.contract.admin` holds every answer against it. It refuses what
the API refuses (unknown members, what is not there, what is in use) and keeps what it is told, with an audit.
"""

from __future__ import annotations

import csv
import io
import json
import math
import re
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from flask import Flask, Response, g, jsonify, request

Json = dict[str, Any]
GB = 1024**3
PEOPLE = {
    "admin": ("Ada Admin", ["user", "admin"], []),
    "demo": ("Demo Scientist", ["user"], []),
    "mara": ("Mara Lindqvist", ["user"], ["xfm"]),
    "jun": ("Jun Okafor", ["user"], ["xfm", "imbl"]),
    "aiko": ("Dr Aiko Brandt", ["user"], []),
}
TOKENS = {f"{name}-token": name for name in PEOPLE}
STATES = ("queued", "placed", "pulling", "starting", "running", "stopping", "stopped", "failed", "lost")


def at(seconds: float = 0.0) -> str:
    """RFC 3339, so many seconds from now."""
    return (datetime.now(UTC) + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%S.000Z")


class Refused(Exception):
    """Becomes a problem document."""

    def __init__(self, status: int, slug: str, title: str, **facts: Any) -> None:
        super().__init__(title)
        self.status, self.slug, self.title, self.facts = status, slug, title, facts


def node(name: str, state: str = "active", **facts: Any) -> Json:
    """A node as the API tells it."""
    cpus, memory, gpus = facts.pop("cpus", (0, 32)), facts.pop("memory", (0, 128)), facts.pop("gpus", (0, 0, ""))
    labels, count = facts.pop("labels", {}), facts.pop("sessions", 0)
    used, total, model = gpus
    ledger = [
        {
            "index": number,
            "uuid": f"GPU-{name}-{number}",
            "model": model,
            "memory": 48 * GB,
            "slots": 1,
            "mode": "exclusive" if number < used else "free",
            "used_slots": int(number < used),
            "instances": [f"{name[:3]}{number}xyz"] if number < used else [],
        }
        for number in range(total)
    ]
    whole: Json = {
        "name": name,
        "url": f"tcp://{name}.example.org:2376",
        "publish": f"10.1.0.{len(name)}",
        "labels": labels,
        "engine_labels": {},
        "overlay": {"labels": labels, "removed_labels": []},
        "taints": [],
        "state": state,
        "wanted": "active" if state == "down" else state,
        "drain": None,
        "capacity": {"cpus": float(cpus[1]), "memory": memory[1] * GB, "gpus": total},
        "allocated": {"cpus": float(cpus[0]), "memory": memory[0] * GB, "gpus": used, "instances": count},
        "overcommit": {"cpus": 1.0, "memory": 1.0},
        "gpus": ledger,
        "disk": {"total": 1000 * GB, "free": 420 * GB},
        "load": {"cpu_percent": 37.5, "memory_used": memory[0] * GB // 2},
        "engine": {"version": "28.3.1", "api": "1.51"},
        "images": [
            {
                "environment": "desktop",
                "name": "asci/env-desktop:dev",
                "digest": "sha256:" + "ab" * 32,
                "size": 655 * 1024**2,
            }
        ],
        "last_seen": at(-2),
        "down_since": None,
        "gone": False,
        "error": None,
        "source": "api",
    }
    return {**whole, **facts}


def instance(number: int, owner: str = "demo", state: str = "running", **facts: Any) -> Json:
    """An instance as the API tells it."""
    name, alive = PEOPLE[owner][0], state not in {"stopped", "failed"}
    placed = state not in {"queued", "stopped", "failed"}
    connections = facts.pop("connections", [])
    whole: Json = {
        "id": f"k{number:07d}",
        "revision": 1,
        "owner": {"username": owner, "name": name},
        "environment": {"name": "desktop", "title": "Linux desktop", "icon": "monitor"},
        "kind": "desktop",
        "title": f"Tomography, {24000 + number}",
        "state": state,
        "state_since": at(-600),
        "progress": None,
        "queue": {"place": 1, "reasons": ["gpu-01: needs 2 GPUs, 0 are free."], "since": at(-240)}
        if state == "queued"
        else None,
        "node": "gpu-07" if placed else None,
        "gpus": [],
        "created_at": at(-4000 - number),
        "running_at": at(-3990) if state == "running" else None,
        "ended_at": None if alive else at(-60),
        "expires_at": at(86400),
        "my_access": "admin",
        "shares": [],
        "connections": connections,
        "error": None,
        "end_reason": None if alive else "You stopped it.",
        "geometry": "1280x800",
        "needs": {"cpus": 2.0, "memory": 2 * GB, "gpu": None, "selector": ""},
        "image": "sha256:" + "cd" * 32,
        "request_id": f"{number:032x}",
        "decision": None,
        "longest_life_seconds": 2419200.0,
        "warning": None,
        "drain": None,
    }
    return {**whole, **facts}


def viewer(number: int, username: str, mode: str = "control") -> Json:
    """Somebody who is on."""
    name = PEOPLE[username][0]
    return {
        "id": f"c{number}",
        "username": username,
        "name": name,
        "mode": mode,
        "since": at(-900),
        "last_input": at(-20),
    }


def environment(name: str, title: str, **facts: Any) -> Json:
    """A catalogue entry as admins get it."""
    whole: Json = {
        "name": name,
        "title": title,
        "description": f"{title} for everybody.",
        "kind": "desktop",
        "icon": "monitor",
        "image": "sha256:" + "ef" * 32,
        "tags": ["desktop"],
        "needs": {"cpus": 4.0, "memory": 16 * GB, "gpu": None, "selector": ""},
        "startable": True,
        "reason": None,
        "usual_seconds": 2.0,
        "waiting": 0,
        "enabled": True,
        "allow": {"groups": [], "people": []},
        "nodes_with_image": 5,
        "revision": 1,
        "problems": [],
    }
    return {**whole, **facts}


class AdminDouble:
    """State, and the app that tells and changes it."""

    def __init__(self) -> None:
        self.nodes: dict[str, Json] = {one["name"]: one for one in _nodes()}
        self.instances: dict[str, Json] = {one["id"]: one for one in _instances()}
        self.environments: dict[str, Json] = {one["name"]: one for one in _environments()}
        self.policy: Json = _policy()
        self.quotas: dict[str, Json] = {}
        self.sign_ins = dict.fromkeys(PEOPLE, 2)
        self.audit: list[Json] = []
        self.attention: list[Json] = _attention()
        self.asked: list[tuple[str, str, Any]] = []
        """Every change that was asked for: method, path, body."""
        self.app = _app(self)

    def note(self, action: str, target: str, instance_id: str = "", detail: str = "", outcome: str = "ok") -> None:
        """A line of the audit."""
        self.audit.insert(
            0,
            {
                "id": f"{len(self.audit):012d}",
                "at": at(),
                "actor": g.username,
                "action": action,
                "target": target,
                "instance": instance_id or None,
                "address": "192.0.2.7",
                "outcome": outcome,
                "detail": detail,
                "request_id": request.headers.get("X-Request-Id", "0" * 32),
            },
        )

    def node(self, name: str) -> Json:
        """The node, or 404."""
        if name not in self.nodes:
            raise Refused(404, "unknown-node", f"There is no node {name}.")
        return self.nodes[name]

    def instance(self, name: str) -> Json:
        """The instance, or 404."""
        if name not in self.instances:
            raise Refused(404, "unknown-instance", "There is no such session.")
        return self.instances[name]

    def account(self, username: str) -> Json:
        """A person as admins get her."""
        name, roles, groups = PEOPLE[username]
        mine = [one for one in self.instances.values() if one["owner"]["username"] == username]
        alive = [one for one in mine if one["state"] not in {"stopped", "failed"}]
        return {
            "username": username,
            "name": name,
            "groups": groups,
            "roles": roles,
            "disabled": False,
            "quota": self.quotas.get(username) or self.policy["quotas"]["default"],
            "quota_from": "person" if username in self.quotas else "default",
            "usage": {"sessions": len(alive), "gpus": sum(len(one["gpus"]) for one in alive)},
            "sign_ins": self.sign_ins[username],
            "last_seen": at(-130) if self.sign_ins[username] else None,
        }

    def explain(self, wanted: str) -> Json:
        """Fits on active nodes with room; says why not elsewhere."""
        if wanted not in self.environments:
            raise Refused(404, "unknown-environment", f"There is no environment {wanted}.")
        needs = self.environments[wanted]["needs"]
        candidates = [self._candidate(one, needs) for one in self.nodes.values()]
        best = max((one for one in candidates if one["fits"]), key=lambda one: one["score"], default=None)
        placement = {"node": best["name"], "gpus": [], "score": best["score"]} if best else None
        return {"placement": placement, "never_fits": False, "nodes": candidates, "queue_ahead": 0 if best else 2}

    @staticmethod
    def _candidate(one: Json, needs: Json) -> Json:
        free = one["capacity"]["cpus"] - one["allocated"]["cpus"]
        reasons = [] if one["state"] == "active" else [f"The node is {one['state']}."]
        if free < needs["cpus"]:
            reasons.append(f"Needs {needs['cpus']:g} cores, {free:g} are free.")
        score = None if reasons else round(100 * free / one["capacity"]["cpus"], 2)
        return {"name": one["name"], "fits": not reasons, "reasons": reasons, "score": score}

    def overview(self) -> Json:
        """Counted from what there is."""
        states = [one["state"] for one in self.nodes.values()]
        living = [one["state"] for one in self.instances.values()]
        gpus = [(one["allocated"]["gpus"], one["capacity"]["gpus"]) for one in self.nodes.values()]
        queued = living.count("queued")
        return {
            "nodes": {"total": len(states), **{s: states.count(s) for s in ("active", "cordoned", "draining", "down")}},
            "instances": {state: living.count(state) for state in STATES},
            "queue": {"length": queued, "longest_wait_seconds": 240.0 if queued else None},
            "start_seconds": {"p50": 1.9, "p95": 4.2, "count": 310},
            "gpus": {"total": sum(whole for _, whole in gpus), "used": sum(used for used, _ in gpus)},
            "attention": self.attention,
            "updated": at(),
        }


def _nodes() -> Iterator[Json]:
    yield node(
        "gpu-01",
        cpus=(26, 32),
        memory=(95, 128),
        gpus=(4, 4, "NVIDIA A40"),
        sessions=19,
        labels={"gpu": "", "model": "a40"},
    )
    yield node(
        "gpu-07",
        cpus=(15, 32),
        memory=(74, 128),
        gpus=(2, 4, "NVIDIA A40"),
        sessions=11,
        labels={"gpu": "", "model": "a40"},
    )
    yield node(
        "gpu-09",
        "draining",
        cpus=(10, 32),
        memory=(51, 128),
        gpus=(1, 8, "NVIDIA H100"),
        sessions=4,
        labels={"gpu": "", "model": "h100"},
        drain={"deadline": at(4 * 3600), "reason": "New disks", "by": "admin", "since": at(-3600)},
    )
    yield node(
        "xfm-online-1",
        cpus=(20, 32),
        memory=(45, 128),
        gpus=(2, 2, "NVIDIA A40"),
        sessions=1,
        labels={"online": "", "zone": "xfm"},
        taints=[{"key": "online", "value": "xfm", "effect": "NoStart"}],
        source="file",
    )
    yield node(
        "cpu-03",
        "down",
        cpus=(9, 32),
        memory=(60, 256),
        sessions=9,
        labels={"cpu": ""},
        last_seen=at(-130),
        down_since=at(-125),
        error="Connection refused on 2376",
    )
    yield node("cpu-04", cpus=(18, 32), memory=(225, 256), sessions=26, labels={"cpu": "", "bigmem": ""})
    yield node(
        "cpu-05",
        "cordoned",
        cpus=(7, 32),
        memory=(77, 256),
        sessions=8,
        labels={"cpu": ""},
    )


def _decision() -> Json:
    return {
        "at": at(-4000),
        "node": "gpu-07",
        "score": 53.1,
        "policy_revision": 3,
        "nodes": [
            {"name": "gpu-01", "fits": False, "reasons": ["Needs 8 cores, 6 are free."], "score": None},
            {"name": "gpu-07", "fits": True, "reasons": [], "score": 53.1},
            {"name": "cpu-04", "fits": True, "reasons": [], "score": 43.7},
            {"name": "cpu-05", "fits": False, "reasons": ["The node is cordoned."], "score": None},
        ],
    }


def _instances() -> Iterator[Json]:
    here = [viewer(1, "demo"), viewer(2, "jun", "view")]
    yield instance(1, connections=here, decision=_decision(), shares=[])
    yield instance(2, "mara", "queued", title="Segmentation, two GPUs")
    yield instance(3, "jun", "pulling", progress=_progress())
    yield instance(4, "aiko", "lost", node="cpu-03")
    yield instance(
        5,
        "aiko",
        "failed",
        error={
            "hop": "image",
            "cause": "The image could not be fetched: the registry did not answer.",
            "detail": "",
            "next_step": "Try again.",
            "request_id": "7f" * 16,
        },
    )
    for number in range(6, 30):
        yield instance(number, ("demo", "mara", "jun")[number % 3], node=("gpu-01", "gpu-07", "cpu-04")[number % 3])


def _progress() -> Json:
    names = ("Place found", "Image", "Home folder and data", "Desktop")
    steps = [
        {"name": name, "state": ("done", "now", "ahead", "ahead")[n], "seconds": (0.1, 9.0, None, None)[n]}
        for n, name in enumerate(names)
    ]
    return {
        "step": 2,
        "of": 4,
        "percent": 42,
        "message": "Pulling the image on node gpu-07, 42 %",
        "seconds": 9.1,
        "usual_seconds": 25.0,
        "steps": steps,
    }


def _environments() -> Iterator[Json]:
    yield environment("desktop", "Linux desktop")
    yield environment(
        "gpu-desktop",
        "Desktop with GPU",
        needs={"cpus": 16.0, "memory": 96 * GB, "gpu": {"mode": "exclusive", "count": 1}, "selector": "gpu"},
        waiting=3,
    )
    yield environment(
        "jupyter", "JupyterLab", kind="web", icon="notebook-pen", allow={"groups": ["xfm"], "people": ["demo"]}
    )
    yield environment(
        "old", "Old reconstruction", enabled=False, startable=False, reason="It is switched off.", nodes_with_image=0
    )
    yield environment(
        "torn", "Torn entry", problems=["Its label on gpu-09 asks for 0 cores: a positive number is needed."]
    )


def _policy() -> Json:
    return {
        "strategy": "spread",
        "weights": {"cpu": 1.0, "memory": 1.0, "gpu": 2.0, "image": 0.5},
        "overcommit": {"cpus": 1.0, "memory": 1.0},
        "lifetime": {"default_seconds": 604800, "maximum_seconds": 2419200},
        "quotas": {"default": {"sessions": 6, "gpus": 2}, "groups": {"xfm": {"sessions": 10, "gpus": 4}}, "people": {}},
        "priorities": {"groups": {"xfm": 10}},
        "starvation_seconds": 600,
        "drain_seconds": 86400,
        "revision": 3,
    }


def _attention() -> list[Json]:
    return [
        {
            "kind": "node-down",
            "what": "cpu-03 does not answer: connection refused on 2376. 9 sessions wait for it.",
            "since": at(-125),
            "hurts": 7,
            "link": "/admin/nodes/cpu-03",
            "action": {
                "label": "Declare gone",
                "method": "PATCH",
                "path": "/api/v1/nodes/cpu-03",
                "body": {"gone": True},
            },
        },
        {
            "kind": "queue",
            "what": "7 people wait for two GPUs on one node; gpu-09 would fit but is draining.",
            "since": at(-240),
            "hurts": 7,
            "link": "/admin/scheduler?environment=gpu-desktop",
            "action": None,
        },
    ]


def stats(window: str) -> Json:
    """Waves that look like a day."""
    steps = {"1h": (360, 10), "6h": (360, 60), "24h": (288, 300), "7d": (336, 1800)}
    if window not in steps:
        raise Refused(422, "invalid-input", "Unknown window.", fields={"window": ["1h, 6h, 24h or 7d."]})
    points, step = steps[window]
    end = int(time.time()) // step * step
    times = [end - (points - 1 - n) * step for n in range(points)]
    wave = [math.cos(2 * math.pi * n / points) + 0.06 * math.sin(n * 12.9898) for n in range(points)]
    return {
        "from": at(-points * step),
        "to": at(),
        "step_seconds": step,
        "times": times,
        "instances": {
            "running": [round(155 + 30 * w) for w in wave],
            "starting": [round(4 + 2 * w) for w in wave],
            "pulling": [1] * points,
            "placed": [0] * points,
            "queued": [max(0, round(3 + 4 * w)) for w in wave],
        },
        "queue": [max(0, round(3 + 4 * w)) for w in wave],
        "longest_wait_seconds": [max(0.0, 60 + 180 * w) for w in wave],
        "start_seconds": {
            "p50": [round(1.8 + 0.1 * w, 2) for w in wave],
            "p95": [None if n < 3 else round(3.7 + 0.5 * w, 2) for n, w in enumerate(wave)],
        },
        "nodes": {
            "gpu-07": {name: [round(0.4 + 0.2 * w, 3) for w in wave] for name in ("cpu", "memory", "gpus")}
            | {"instances": [round(9 + 2 * w) for w in wave]},
        },
    }


def _app(double: AdminDouble) -> Flask:
    app = Flask("admin_double", static_folder=None)
    app.before_request(_caller)
    app.register_error_handler(Refused, _problem)
    app.after_request(_numbered)
    _look(app, double)
    _change(app, double)
    return app


def _numbered(response: Response) -> Response:
    if response.status_code == 204:
        response.headers.pop("Content-Type")
    response.headers["X-Request-Id"] = request.headers.get("X-Request-Id", "0" * 32)
    return response


def _caller() -> None:
    token = request.headers.get("Authorization", "").removeprefix("Bearer ")
    if token not in TOKENS:
        raise Refused(401, "signed-out", "You are not signed in.", reason="unknown")
    g.username = TOKENS[token]
    if g.username != "admin" and request.path != "/api/v1/me":
        raise Refused(403, "not-allowed", "This is for administrators.")


def _problem(error: Refused) -> Response:
    document = {
        "type": f"/problems/{error.slug}",
        "title": error.title,
        "status": error.status,
        "detail": "",
        "next_step": "",
        "request_id": request.headers.get("X-Request-Id", "0" * 32),
        **error.facts,
    }
    response = jsonify(document)
    response.status_code, response.mimetype = error.status, "application/problem+json"
    return response


def _body(*known: str) -> Json:
    body = request.get_json(silent=True) or {}
    if unknown := set(body) - set(known):
        raise Refused(422, "invalid-input", "Unknown members.", fields={name: ["Unknown."] for name in unknown})
    return dict(body)


def _asked(double: AdminDouble) -> None:
    double.asked.append((request.method, request.path.removeprefix("/api/v1"), request.get_json(silent=True)))


def _page(items: list[Json]) -> Response:
    limit, first = int(request.args.get("limit", 100)), int(request.args.get("cursor") or 0)
    following = str(first + limit) if len(items) > first + limit else None
    return jsonify({"items": items[first : first + limit], "next_cursor": following})


def _look(app: Flask, double: AdminDouble) -> None:  # noqa: C901 - what the API tells, one after the other
    @app.get("/api/v1/me")
    def me() -> Json:
        name, roles, groups = PEOPLE[g.username]
        amounts = {"quota": {"sessions": 6, "gpus": 2}, "usage": {"sessions": 1, "gpus": 0}}
        session = {"expires_at": at(86400), "idle_seconds": 28800}
        return {
            "username": g.username,
            "name": name,
            "email": "",
            "groups": groups,
            "roles": roles,
            "uid": 20001,
            "gid": 20001,
            **amounts,
            "session": session,
        }

    @app.get("/api/v1/overview")
    def overview() -> Json:
        return double.overview()

    @app.get("/api/v1/stats")
    def series() -> Json:
        return stats(request.args.get("window", "24h"))

    @app.get("/api/v1/nodes")
    def nodes() -> Response:
        return _page(list(double.nodes.values()))

    @app.get("/api/v1/nodes/<name>")
    def one_node(name: str) -> Json:
        return double.node(name)

    @app.get("/api/v1/instances")
    def instances() -> Response:
        asked = request.args
        found = [one for one in double.instances.values() if _wanted(one, dict(asked))]
        return _page(found)

    @app.get("/api/v1/instances/<name>")
    def one_instance(name: str) -> Json:
        return double.instance(name)

    @app.get("/api/v1/instances/<name>/logs")
    def log(name: str) -> Json:
        double.instance(name)
        return {"lines": ["Xvnc ready on 5901", "MATE started", "<b>not bold</b>"], "from": "container"}

    @app.get("/api/v1/instances/<name>/decision")
    def decision(name: str) -> Json:
        found = double.instance(name)["decision"]
        if found is None:
            raise Refused(404, "no-decision", "It has no place yet.")
        return dict(found)

    @app.get("/api/v1/scheduler/policy")
    def policy() -> Response:
        response = jsonify(double.policy)
        response.set_etag(f"p{double.policy['revision']}", weak=True)
        return response

    @app.post("/api/v1/scheduler/explain")
    def explain() -> Json:
        body = _body("environment", "username")
        if body.get("username", "") not in {"", *PEOPLE}:
            raise Refused(404, "unknown-person", f"There is no person {body['username']}.")
        return double.explain(body["environment"])

    @app.get("/api/v1/environments")
    def environments() -> Response:
        return _page(list(double.environments.values()))

    @app.get("/api/v1/people")
    def people() -> Response:
        text = request.args.get("q", "").lower()
        return _page([double.account(name) for name in PEOPLE if text in f"{name} {PEOPLE[name][0]}".lower()])

    @app.get("/api/v1/audit")
    def audit() -> Response:
        names = ("actor", "action", "target", "instance", "outcome")
        found = [one for one in double.audit if all(request.args.get(n, "") in ("", one[n]) for n in names)]
        if request.headers.get("Accept") == "text/csv":
            return Response(_csv(found), mimetype="text/csv")
        return _page(found)


def _wanted(one: Json, asked: dict[str, str]) -> bool:
    facts = {"state": one["state"], "owner": one["owner"]["username"], "node": one["node"]}
    text = f"{one['id']} {one['title']} {one['environment']['name']}".lower()
    return all(asked.get(n, "") in ("", value) for n, value in facts.items()) and asked.get("q", "").lower() in text


def _csv(found: list[Json]) -> str:
    out = io.StringIO()
    writer = csv.DictWriter(
        out, ["at", "actor", "action", "target", "instance", "address", "outcome", "detail", "request_id", "id"]
    )
    writer.writeheader()
    writer.writerows(found)
    return out.getvalue()


def _change(app: Flask, double: AdminDouble) -> None:  # noqa: C901 - the API's changes
    @app.post("/api/v1/nodes")
    def register() -> tuple[Json, int]:
        _asked(double)
        body = _body("name", "url", "publish", "tls", "labels", "taints", "overcommit", "gpus")
        if body["name"] in double.nodes:
            raise Refused(409, "node-exists", f"There is a node {body['name']} already.")
        if not re.fullmatch(r"[a-z0-9][a-z0-9.-]*", body["name"]):
            raise Refused(
                422,
                "invalid-input",
                "Some fields cannot be used.",
                fields={"name": ["Small letters, digits and hyphens."]},
            )
        labels = body.get("labels", {})
        double.nodes[body["name"]] = node(body["name"], url=body["url"], labels=labels, taints=body.get("taints", []))
        double.note("node.register", body["name"])
        return double.nodes[body["name"]], 201

    @app.patch("/api/v1/nodes/<name>")
    def change_node(name: str) -> Json:
        _asked(double)
        body, one = _body("labels", "taints", "state", "deadline", "reason", "overcommit", "gone"), double.node(name)
        if body.get("gone") and one["state"] != "down":
            raise Refused(409, "node-answers", f"{name} answers: it is not gone.")
        labels = {key: value for key, value in {**one["labels"], **body.get("labels", {})}.items() if value is not None}
        one.update(labels=labels, **{key: body[key] for key in ("taints", "overcommit", "gone") if key in body})
        if state := body.get("state"):
            facts = {
                "deadline": body.get("deadline"),
                "reason": body.get("reason", ""),
                "by": g.username,
                "since": at(),
            }
            one.update(
                {
                    "wanted": state,
                    "state": state if one["state"] != "down" else "down",
                    "drain": facts if state == "draining" else None,
                }
            )
        deed = {"draining": "drain", "cordoned": "cordon", "active": "activate"}.get(body.get("state", ""), "change")
        reason = body.get("reason", "")
        double.note(f"node.{'gone' if body.get('gone') else deed}", name, detail=f"reason: {reason}" if reason else "")
        return one

    @app.delete("/api/v1/nodes/<name>")
    def remove_node(name: str) -> tuple[str, int]:
        _asked(double)
        one = double.node(name)
        if one["source"] != "api":
            raise Refused(409, "node-from-file", f"{name} is registered in a file.")
        if one["allocated"]["instances"] and not one["gone"]:
            raise Refused(409, "node-in-use", f"{name} holds {one['allocated']['instances']} sessions.")
        del double.nodes[name]
        double.note("node.remove", name)
        return "", 204

    @app.put("/api/v1/scheduler/policy")
    def put_policy() -> Response:
        _asked(double)
        wanted = request.headers.get("If-Match", "")
        if wanted and wanted != f'W/"p{double.policy["revision"]}"':
            raise Refused(412, "stale", "The policy has changed since.")
        body = _body(*(name for name in _policy() if name != "revision"))
        if body["weights"]["cpu"] < 0:
            raise Refused(
                422, "invalid-input", "Some fields cannot be used.", fields={"weights": {"cpu": ["Must be 0 or more."]}}
            )
        double.policy = {**body, "revision": double.policy["revision"] + 1}
        double.note("policy.put", "policy")
        response = jsonify(double.policy)
        response.set_etag(f"p{double.policy['revision']}", weak=True)
        return response

    @app.patch("/api/v1/environments/<name>")
    def change_environment(name: str) -> Json:
        _asked(double)
        body = _body("enabled", "allow")
        one = double.environments[name]
        one.update({"enabled": body.get("enabled", one["enabled"])})
        if "allow" in body:
            one["allow"] = body["allow"] or {"groups": [], "people": []}
        double.note("environment.change", name, detail=json.dumps(body))
        return one

    @app.patch("/api/v1/people/<username>")
    def change_person(username: str) -> Json:
        _asked(double)
        quota = _body("quota")["quota"]
        if quota is None:
            double.quotas.pop(username, None)
        else:
            double.quotas[username] = quota
        double.note("person.quota", username, detail=json.dumps(quota))
        return double.account(username)

    @app.delete("/api/v1/people/<username>/sessions")
    def end_sign_ins(username: str) -> tuple[str, int]:
        _asked(double)
        double.sign_ins[username] = 0
        double.note("person.sign-out", username)
        return "", 204

    @app.delete("/api/v1/instances/<name>")
    def stop(name: str) -> tuple[Json, int]:
        _asked(double)
        body, one = _body("reason"), double.instance(name)
        one.update({"state": "stopping", "end_reason": f"Stopped by an administrator: {body.get('reason', '')}"})
        double.note("instance.stop", one["title"], name, body.get("reason", ""))
        return one, 202

    @app.delete("/api/v1/instances/<name>/connections/<connection>")
    def put_out(name: str, connection: str) -> tuple[str, int]:
        _asked(double)
        one = double.instance(name)
        if connection not in {viewer_["id"] for viewer_ in one["connections"]}:
            raise Refused(404, "unknown-connection", "Nobody is on there.")
        one["connections"] = [viewer_ for viewer_ in one["connections"] if viewer_["id"] != connection]
        double.note("connection.put-out", connection, name)
        return "", 204
