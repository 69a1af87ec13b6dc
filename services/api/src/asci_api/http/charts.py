"""What goes on: the overview, and series for charts."""

from __future__ import annotations

from asci_api.http import answered_cluster, asked_cluster
from asci_api.http.call import Answer, Call, Json
from asci_api.http.operation import Outcome, operation
from asci_api.work.attention import Concern
from asci_api.work.charts import series
from asci_api.work.moments import moment
from asci_api.work.overview import Overview, overview

TAG = "Charts"


@operation(
    "GET",
    "/overview",
    tag=TAG,
    outcomes={200: Outcome("As it is now.", answered_cluster.OverviewDocument)},
    problems=(403,),
)
def get_overview(call: Call) -> Answer:
    """The cluster in a few numbers, and what needs somebody (admins)."""
    return Answer(_present(overview(call.desk, call.caller)))


@operation(
    "GET",
    "/stats",
    tag=TAG,
    query=asked_cluster.StatsQuery,
    outcomes={200: Outcome("On one axis of time.", answered_cluster.StatsDocument)},
    problems=(403,),
    tagged=True,
)
def get_stats(call: Call) -> Answer:
    """Series for charts: instances, queue, starts, nodes (admins).

    Sampled every 10 s and kept for 7 days, thinned out. Lost with Redis' data."""
    return Answer(series(call.desk, call.caller, call.query["window"]))


def _present(told: Overview) -> Json:
    return {
        "nodes": told.nodes,
        "instances": told.instances,
        "queue": {"length": told.waiting, "longest_wait_seconds": _rounded(told.longest_wait)},
        "start_seconds": {
            "p50": _rounded(told.start_percentile(0.5)),
            "p95": _rounded(told.start_percentile(0.95)),
            "count": len(told.starts),
        },
        "gpus": {"total": told.gpus_total, "used": told.gpus_used},
        "attention": [_concern(one) for one in told.attention],
        "updated": moment(told.at),
    }


def _concern(concern: Concern) -> Json:
    action = concern.action and {
        "label": concern.action.label,
        "method": concern.action.method,
        "path": concern.action.path,
        "body": None if concern.action.body is None else dict(concern.action.body),
    }
    return {
        "kind": concern.kind,
        "what": concern.what,
        "since": moment(concern.since),
        "hurts": concern.hurts,
        "link": concern.link,
        "action": action,
    }


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 2)


OPERATIONS = (get_overview, get_stats)
