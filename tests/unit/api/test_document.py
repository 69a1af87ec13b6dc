"""The OpenAPI document: fresh, whole, and true to the routes."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from asci_api import openapi
from asci_api.http.document import openapi_document
from tests.support.api_lab import ApiLab

ROOT = Path(__file__).resolve().parents[3]


def test_the_committed_document_is_fresh(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    committed = ROOT / "services/api/openapi.yaml"
    assert openapi.main(["--check", str(committed)]) == 0, capsys.readouterr().err
    other = tmp_path / "openapi.yaml"
    assert openapi.main(["--check", str(other)]) == 1
    assert openapi.main([str(other)]) == 0
    assert openapi.main(["--check", str(other)]) == 0


def test_every_route_is_told(lab: ApiLab) -> None:
    told = {
        (method.upper(), f"/api/v1{path}")
        for path, methods in openapi_document()["paths"].items()
        for method in methods
    }
    aside = {"/api/v1/openapi.json", "/api/v1/docs", "/api/v1/docs.css", "/health/live", "/health/ready", "/metrics"}
    routed = {
        (method, re.sub(r"<(\w+)>", r"{\1}", rule.rule))
        for rule in lab.app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
        if rule.rule not in aside
    }
    assert routed == told


def test_every_reference_leads_somewhere() -> None:
    document = openapi_document()
    references = set(re.findall(r"'\$ref': '#/components/schemas/(\w+)'", str(document)))
    assert references
    assert references <= set(document["components"]["schemas"])


def test_unknown_members_are_refused_by_the_document_too() -> None:
    schemas: dict[str, Any] = openapi_document()["components"]["schemas"]
    assert schemas["StartRequest"]["additionalProperties"] is False
    assert schemas["Instance"]["additionalProperties"] is False
    assert set(schemas["Instance"]["required"]) == set(schemas["Instance"]["properties"])


def test_it_is_served(lab: ApiLab) -> None:
    answer = lab.app.test_client().get("/api/v1/openapi.json")
    assert answer.json is not None
    assert answer.json["openapi"].startswith("3.")
    assert answer.json == openapi_document()
