"""The names that users' notebooks are written against exist, and can be seen by completion."""

from __future__ import annotations

import importlib

import pytest

import nbsched

TRIGGERS = "cron every at on after any_of all_of next_times parse_trigger"
WORK = "notebook task shell cell wait_for approve file Backoff"
PIPELINES = "pipeline chain group chord"
REFERENCES = "scheduled_at scheduled_date interval interval_start interval_end run_id run_key event"
INSIDE = "emit context skip fail retry_later"
DOING = """
    run RunFailed backfill schedule schedules pause resume trigger reschedule unschedule runs get_run cancel retry
    set_priority resolve export publish subscribe simulate why dashboard form Runtime
"""
METHODS = sorted({*DOING.split()} - {"RunFailed", "Runtime", "dashboard", "form"})
TESTING = "FakeClock virtual_runtime run_in_process"


@pytest.mark.parametrize("name", f"{TRIGGERS} {WORK} {PIPELINES} {REFERENCES} {INSIDE} {DOING}".split())
def test_a_name_of_the_package_exists_and_is_listed(name: str) -> None:
    assert hasattr(nbsched, name)
    assert name in dir(nbsched)


@pytest.mark.parametrize("name", METHODS)
def test_a_runtime_has_the_verb_as_a_method(name: str) -> None:
    assert callable(getattr(nbsched.Runtime, name))


@pytest.mark.parametrize("name", TESTING.split())
def test_a_name_for_users_tests_exists(name: str) -> None:
    assert hasattr(importlib.import_module("nbsched.testing"), name)
