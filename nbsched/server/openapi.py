"""The OpenAPI document, made of the table of routes."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, TypedDict

from nbsched import __version__
from nbsched.engine.calls import Calls
from nbsched.server.fields import PARTS
from nbsched.server.routes import Given, Route
from nbsched.server.schemas import schema_of


class Refusal(TypedDict):
    """Why it cannot be, in one sentence."""

    message: str


_ABOUT = """What `import nbsched` offers, over HTTP. Ask with the Jupyter server's token, or with its cookie and, to \
change something, the header `X-XSRFToken`. What is refused changes nothing."""
_REFUSALS = {
    "400": "what was given cannot be", "403": "who asks is not known, or may not",
    "404": "there is no such thing", "409": "its state does not allow it", "503": "the store cannot be used",
}  # fmt: skip


def route(routes: Sequence[Route]) -> Route:
    """The document's own route."""

    def answer(_: Calls, __: Given) -> dict[str, Any]:
        return document([*routes, own])

    own = Route(path="/openapi.json", summary="this document", answer=answer, gives=dict[str, Any])
    return own


def document(routes: Sequence[Route]) -> dict[str, Any]:
    """OpenAPI 3.1 of the routes; addresses are relative to the document's own."""
    named: dict[str, Any] = {}
    paths: dict[str, dict[str, Any]] = {}
    for one in routes:
        paths.setdefault(one.path or "/", {})[one.method.lower()] = _operation(one, named)
    schemes = {
        "token": {
            "type": "apiKey",
            "in": "header",
            "name": "Authorization",
            "description": "`token` and the token",
        }
    }
    refusal = schema_of(Refusal, named)
    responses = {code: _content(about, refusal) for code, about in _REFUSALS.items()}
    return {
        "openapi": "3.1.0",
        "info": {"title": "nbsched", "version": __version__, "description": _ABOUT},
        "servers": [{"url": "."}],
        "security": [{"token": []}],
        "paths": paths,
        "components": {"schemas": named, "responses": responses, "securitySchemes": schemes},
    }


def _operation(one: Route, named: dict[str, Any]) -> dict[str, Any]:
    parts = re.findall(r"{(\w+)}", one.path)
    parameters = [_parameter(name, PARTS[name], "path", True) for name in parts]
    parameters += [_parameter(name, schema, "query", name in one.query["required"])
                   for name, schema in one.query["properties"].items()]  # fmt: skip
    refusals = {code: {"$ref": f"#/components/responses/{code}"} for code in _REFUSALS}
    found: dict[str, Any] = {
        "operationId": "_".join(filter(None, (one.method.lower(), *re.findall(r"\w+", one.path)))),
        "summary": one.summary,
        "parameters": parameters,
        "responses": {str(one.status): _content("done", schema_of(one.gives, named)), **refusals},
    }
    if one.body["properties"]:
        required = bool(one.body["required"])
        found["requestBody"] = {"required": required, "content": {"application/json": {"schema": one.body}}}
    return found


def _parameter(name: str, schema: Mapping[str, Any], place: str, required: bool) -> dict[str, Any]:
    listed = {"style": "form", "explode": False} if schema.get("type") == "array" else {}
    return {"name": name, "in": place, "required": required, "schema": dict(schema), **listed}


def _content(about: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    return {"description": about, "content": {"application/json": {"schema": dict(schema)}}}
