"""The API's document: as JSON, and as a page for people that loads nothing from elsewhere."""

from __future__ import annotations

import json
import re
from functools import cache
from typing import Any

from flask import Blueprint, Response, current_app, render_template
from markupsafe import Markup, escape

from asci_api.http.answers import json_text
from asci_api.http.document import openapi_document
from asci_api.http.routes import PREFIX

_PAGE_POLICY = "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"


@cache
def _document() -> dict[str, Any]:
    return openapi_document()


@cache
def _document_text() -> str:
    return json_text(_document())


def docs() -> Blueprint:
    """``/api/v1/openapi.json``, ``/api/v1/docs`` and its style sheet."""
    routes = Blueprint("docs", __name__, url_prefix=PREFIX, template_folder="templates", static_folder=None)
    routes.add_app_template_filter(_marked, "marked")
    routes.add_app_template_filter(_breakable, "breakable")

    @routes.get("/openapi.json")
    def openapi_json() -> Response:
        return Response(_document_text(), headers={"Cache-Control": "no-cache"}, content_type="application/json")

    @routes.get("/docs")
    def page() -> Response:
        text = render_template("docs.html", document=_document(), groups=_groups(_document()), example=_shape)
        headers = {"Content-Security-Policy": _PAGE_POLICY, "Cache-Control": "no-cache"}
        return Response(text, headers=headers, content_type="text/html; charset=utf-8")

    @routes.get("/docs.css")
    def style() -> Response:
        with current_app.open_resource("http/static/docs.css", "r", encoding="utf-8") as file:
            text = file.read()
        return Response(text, headers={"Cache-Control": "no-cache"}, content_type="text/css; charset=utf-8")

    return routes


def _marked(text: str) -> Markup:
    """Text with its `code` marked as such."""
    return Markup(re.sub(r"`([^`]+)`", r"<code>\1</code>", str(escape(text))))  # noqa: S704 -- escaped just before


def _breakable(path: str) -> Markup:
    """A path that may break before each of its slashes."""
    return Markup("<wbr>/").join(path.split("/"))


def _groups(document: dict[str, Any]) -> list[tuple[dict[str, Any], list[dict[str, Any]]]]:
    """Each tag with its operations, and every operation with what its page shows."""
    told = [
        {"method": method.upper(), "path": path, **operation}
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]
    return [(tag, [one for one in told if tag["name"] in one["tags"]]) for tag in document["tags"]]


def _shape(document: dict[str, Any], schema: dict[str, Any]) -> str:
    """A schema as a person reads it, in the order in which it was written."""
    return json.dumps(_example(document, schema), indent=2, ensure_ascii=False)


def _example(document: dict[str, Any], schema: dict[str, Any]) -> Any:
    """Members with their kinds in place of values."""
    choices = [*schema.get("allOf", ()), *schema.get("anyOf", ())]
    if reference := schema.get("$ref") or next((one["$ref"] for one in choices if "$ref" in one), ""):
        return _example(document, document["components"]["schemas"][reference.rsplit("/", 1)[-1]])
    if schema.get("type") == "array":
        return [_example(document, schema["items"])]
    if "properties" in schema:
        return {name: _example(document, inner) for name, inner in schema["properties"].items()}
    return _kind(schema)


def _kind(schema: dict[str, Any]) -> str:
    words = " | ".join(map(str, schema["enum"])) if "enum" in schema else schema.get("format") or schema.get("type", "")
    return f"{words} | null" if schema.get("nullable") and "null" not in words.lower() else str(words)
