"""A step's policy in Airflow's words, and what Airflow has no word for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from nbsched.core.durations import duration
from nbsched.core.model import Cell, Notebook, Pipeline, Step
from nbsched.core.policy import INHERITED, Backoff, Policy

Options = dict[str, str]
"""Arguments of an operator or a DAG: names and source."""


def rule_of(step: Step) -> str:
    """When the step starts: its own rule, else what is usual for it."""
    return str(step.work.policy.get("rule", "all_done" if step.teardown else "all_success"))


def policy_of(step: Step, pipeline: Pipeline) -> dict[str, Any]:
    """The step's options and those of the pipeline that are its defaults."""
    defaults = {name: value for name, value in pipeline.policy.items() if name in INHERITED}
    return {**defaults, **step.work.policy}


def operator_options(policy: Mapping[str, Any]) -> Options:
    """What the operator is given for the policy."""
    found: Options = {}
    for name, value in policy.items():
        if name in _OPERATOR and not is_default(name, value):
            found |= _OPERATOR[name](value)
    return found | (_backoff(policy) if policy.get("retries") else {})


def dag_options(pipeline: Pipeline) -> Options:
    """What the DAG is given for the pipeline's own policy."""
    found: Options = {}
    if pipeline.max_parallel:
        found["max_active_tasks"] = str(pipeline.max_parallel)
    for name, value in pipeline.policy.items():
        if name in _DAG and not is_default(name, value):
            found |= _DAG[name](value)
    return found


def step_notes(step: Step, policy: Mapping[str, Any]) -> Iterator[str]:
    """One sentence for each option of the step that the operator is not given."""
    known = {*_OPERATOR, "backoff", "rule"} | (
        {"cell_timeout"} if isinstance(step.work, (Cell, Notebook)) else set()
    )
    for name, value in policy.items():
        if name not in known and not is_default(name, value):
            yield f"step {step.name!r}: {_said(name, value)}"
    if policy.get("retries"):
        yield from (f"step {step.name!r}: {part}" for part in _backoff_notes(policy.get("backoff")))


def pipeline_notes(pipeline: Pipeline) -> Iterator[str]:
    """One sentence for each option of the pipeline itself that the DAG is not given."""
    for name, value in pipeline.policy.items():
        if name not in INHERITED and name not in _DAG and not is_default(name, value):
            yield f"the pipeline's {_said(name, value)}"


def is_default(name: str, value: Any) -> bool:
    """Leaving the option out says the same."""
    return bool(getattr(Policy.of({name: value}), name, value) == getattr(Policy(), name, None))


def timedelta_source(value: Any) -> str:
    """The duration as source."""
    return f"datetime.timedelta(seconds={duration(value).total_seconds():g})"


_REMEDIES: Mapping[str, str] = {
    "resources": "make a pool of that many slots in Airflow and give the task pool=",
    "secrets": "keep them in Airflow's secrets backend",
    "on_failure": "give the task on_failure_callback=",
    "on_success": "give the task on_success_callback=",
    "on_retry": "give the task on_retry_callback=",
    "rate": "make a pool, which bounds how many run at once",
    "executor": "give the task executor= or queue=",
    "keep": "run `airflow db clean`",
}


def _said(name: str, value: Any) -> str:
    shown = value.get("call", value) if isinstance(value, Mapping) else value
    return f"{name}={shown!r} ({_REMEDIES.get(name, 'Airflow has no such option')})"


def _backoff(policy: Mapping[str, Any]) -> Options:
    backoff = Backoff(**policy.get("backoff", {}))
    found = {"retry_delay": timedelta_source(backoff.wait)}
    if backoff.factor > 1:
        found |= {"retry_exponential_backoff": "True", "max_retry_delay": timedelta_source(backoff.max_wait)}
    return found


def _backoff_notes(given: Mapping[str, Any] | None) -> Iterator[str]:
    if given is None:
        return
    backoff = Backoff(**given)
    if backoff.factor not in (1, 2):
        yield f"backoff's factor {backoff.factor:g} (Airflow doubles the wait)"
    if backoff.jitter != Backoff().jitter:
        yield f"backoff's jitter {backoff.jitter:g} (Airflow has its own)"


_OPERATOR: Mapping[str, Callable[[Any], Options]] = {
    "retries": lambda value: {"retries": str(value)},
    "timeout": lambda value: {"execution_timeout": timedelta_source(value)},
    "priority": lambda value: {"priority_weight": str(1 - value), "weight_rule": "'absolute'"},
    "max_running": lambda value: {"max_active_tis_per_dag": str(value)},
    "depends_on_previous": lambda value: {"depends_on_past": str(value)},
}
_DAG: Mapping[str, Callable[[Any], Options]] = {
    "timeout": lambda value: {"dagrun_timeout": timedelta_source(value)},
    "max_running": lambda value: {"max_active_runs": str(value)},
    "tags": lambda value: {"tags": repr(list(value))},
}
