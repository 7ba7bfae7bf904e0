"""What `import nbsched` can do can be asked of the server, or there is a reason why not."""

from __future__ import annotations

import re

import nbsched
from nbsched.core.policy import Policy
from nbsched.server.fields import PARTS, POLICY
from nbsched.server.table import ROUTES

ROUTED = {
    "backfill": "POST /schedules/{name}/backfill",
    "cancel": "POST /runs/{id}/cancel",
    "export": "GET /pipelines/{name}/export",
    "get_run": "GET /runs/{id}",
    "next_times": "GET /next",
    "pause": "POST /schedules/{name}/pause",
    "publish": "POST /events",
    "reschedule": "POST /schedules/{name}/reschedule",
    "resolve": "POST /runs/{id}/resolve",
    "resume": "POST /schedules/{name}/resume",
    "retry": "POST /runs/{id}/retry",
    "run": "POST /runs",
    "runs": "GET /runs",
    "schedule": "POST /schedules",
    "schedules": "GET /schedules",
    "set_priority": "POST /runs/{id}/priority",
    "simulate": "GET /simulate",
    "trigger": "POST /schedules/{name}/trigger",
    "unschedule": "DELETE /schedules/{name}",
    "why": "GET /why",
}
NOT_ROUTED = {
    "subscribe": "a handler is a function; over HTTP /events tells what has happened since",
}


def test_every_call_is_routed_or_there_is_a_reason_why_not() -> None:
    assert {*ROUTED, *NOT_ROUTED} == set(nbsched._CALLS)
    assert set(ROUTED.values()) <= {f"{route.method} {route.path}" for route in ROUTES}


def test_a_path_a_query_and_a_body_do_not_say_the_same_twice() -> None:
    for route in ROUTES:
        names = [*re.findall(r"{(\w+)}", route.path), *route.query["properties"], *route.body["properties"]]
        assert len(names) == len(set(names)), route.path


def test_every_route_says_what_it_is_for_and_every_field_what_it_means() -> None:
    assert len({(route.method, route.path) for route in ROUTES}) == len(ROUTES)
    for route in ROUTES:
        assert route.summary
        assert {*re.findall(r"{(\w+)}", route.path)} <= PARTS.keys()
        for part in (route.query, route.body):
            assert all(field.get("description") for field in part["properties"].values()), route.path


def test_every_option_of_the_policy_can_be_given() -> None:
    assert POLICY.keys() == set(Policy.__dataclass_fields__)
