"""The OpenAPI document is one, and the server does what it says, whatever is asked of it."""

from __future__ import annotations

from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from jsonschema import Draft202012Validator
from schemathesis.specs.openapi import checks

from nbsched.server.openapi import document
from nbsched.server.table import ROUTES
from tests.server.notebooks import write_notebook

DOCUMENT = document(ROUTES)
schema = schemathesis.openapi.from_dict(DOCUMENT)


def test_the_document_is_openapi_its_schemas_are_json_schema_and_its_references_lead_somewhere() -> None:
    schema.validate()
    for found in DOCUMENT["components"]["schemas"].values():
        Draft202012Validator.check_schema(found)
    for reference in references(DOCUMENT):
        *_, section, name = reference.split("/")
        assert name in DOCUMENT["components"][section]


def references(part: Any) -> list[str]:
    if isinstance(part, dict):
        own = [part["$ref"]] if "$ref" in part else []
        return own + [found for value in part.values() for found in references(value)]
    return [found for value in part for found in references(value)] if isinstance(part, list) else []


def test_the_document_is_served_and_is_that_of_the_table(server: Any) -> None:
    assert server.ask("GET", "/openapi.json") == (200, DOCUMENT)


@pytest.fixture(scope="module")
def address(server: Any) -> tuple[str, dict[str, str]]:
    write_notebook(server.root / "report.ipynb")
    assert server.ask("POST", "/schedules", {"path": "report.ipynb", "trigger": "0 2 * * *"})[0] == 201
    return (
        f"http://127.0.0.1:{server.port}{server.base_url}nbsched/api",
        {"Authorization": f"token {server.token}"},
    )


NOT_CHECKED = [
    checks.ignored_auth,  # Jupyter answers 403, not 401: see test_auth.py
    checks.missing_required_header,
    checks.positive_data_acceptance,  # triggers and paths are texts: what they say is read by the calls
]


@schema.parametrize()
@settings(
    max_examples=6, derandomize=True, deadline=None, database=None, suppress_health_check=list(HealthCheck)
)
def test_the_server_answers_as_the_document_says(
    case: schemathesis.Case, address: tuple[str, dict[str, str]]
) -> None:
    url, headers = address
    case.call_and_validate(base_url=url, headers=headers, timeout=30, excluded_checks=NOT_CHECKED)
