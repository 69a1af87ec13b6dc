"""Whatever is sent, the answer is one that the document tells, and never a 500."""

from __future__ import annotations

from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.any_request import AnyRequest, any_request
from tests.support.api_lab import ApiLab


def test_whatever_is_sent(tmp_path: Path) -> None:
    lab = ApiLab(tmp_path)
    lab.offer()
    demo, jun = lab.visitor("demo"), lab.visitor("jun")
    ids = [demo.start(), demo.start(), jun.start()]
    lab.runs(ids[0])
    lab.runs(ids[2])
    jun.put(f"/instances/{ids[2]}/shares/demo", {"mode": "control"})
    lab.ends(ids[1])

    @settings(max_examples=600, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
    @given(any_request(ids), st.sampled_from(["demo", "jun", "admin", ""]))
    def ask(request: AnyRequest, who: str) -> None:
        visitor = lab.visitor(who)
        reply = visitor.ask(
            request.method,
            request.path,
            query_string=request.query,
            headers=request.headers,
            data=request.body,
            content_type="application/json" if request.body is not None else None,
        )
        assert reply.status < 500, reply.text

    ask()
