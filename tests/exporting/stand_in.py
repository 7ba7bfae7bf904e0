"""A stand-in for Airflow: its operators and DAGs keep what they are given, under the names of Airflow 2 or 3."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from types import ModuleType
from typing import Any
from zoneinfo import ZoneInfo

import pytest


class Operator:
    """A task; `kind` is the operator's name."""

    def __init__(self, *, task_id: str, trigger_rule: str = "all_success", **given: Any) -> None:
        self.task_id, self.trigger_rule, self.given = task_id, trigger_rule, given
        self.upstream: list[str] = []
        self.is_setup = self.is_teardown = False
        assert task_id not in DAG.current.tasks, "a task's id is there once"
        DAG.current.tasks[task_id] = self

    @property
    def kind(self) -> str:
        return type(self).__name__

    def __rshift__(self, other: Operator) -> Operator:
        other.upstream.append(self.task_id)
        return other

    def __rrshift__(self, others: list[Operator]) -> Operator:
        for other in others:
            self.upstream.append(other.task_id)
        return self

    def as_setup(self) -> None:
        self.is_setup = True

    def as_teardown(self) -> None:
        self.is_teardown = True


class BashOperator(Operator):
    pass


class PythonOperator(Operator):
    pass


class ShortCircuitOperator(Operator):
    pass


class DAG:
    """What the DAG was given, and its tasks."""

    current: DAG

    def __init__(self, **given: Any) -> None:
        self.given = given
        self.tasks: dict[str, Operator] = {}
        self.dag_id, self.timezone = given["dag_id"], given["start_date"].tzinfo

    def __enter__(self) -> DAG:
        DAG.current = self
        return self

    def __exit__(self, *_: object) -> None:
        pass


class Param:
    def __init__(self, default: Any = None, **schema: Any) -> None:
        self.default, self.schema = default, schema


class Timetable(tuple[Any, ...]):
    def __new__(cls, *given: Any, **named: Any) -> Timetable:
        return super().__new__(cls, (*given, *named.values()))


class AirflowSkipException(Exception):
    pass


class AirflowFailException(Exception):
    pass


_OPERATORS = {
    "BashOperator": BashOperator,
    "PythonOperator": PythonOperator,
    "ShortCircuitOperator": ShortCircuitOperator,
}
_TIMETABLES = {"CronDataIntervalTimetable": Timetable, "DeltaDataIntervalTimetable": Timetable}
_ERRORS = {"AirflowSkipException": AirflowSkipException, "AirflowFailException": AirflowFailException}
_PENDULUM = {
    "datetime": lambda year, month, day, tz: datetime(year, month, day, tzinfo=ZoneInfo(tz)),
    "parse": datetime.fromisoformat,
}
MODULES: dict[int, dict[str, dict[str, Any]]] = {
    2: {
        "airflow": {"DAG": DAG}, "airflow.models": {}, "airflow.models.param": {"Param": Param},
        "airflow.operators": {}, "airflow.operators.bash": _OPERATORS, "airflow.operators.python": _OPERATORS,
        "airflow.timetables": {}, "airflow.timetables.interval": _TIMETABLES, "airflow.exceptions": _ERRORS,
    },
    3: {
        "airflow": {}, "airflow.sdk": {"DAG": DAG, "Param": Param, **_TIMETABLES}, "airflow.sdk.exceptions": _ERRORS,
        "airflow.providers": {}, "airflow.providers.standard": {}, "airflow.providers.standard.operators": {},
        "airflow.providers.standard.operators.bash": _OPERATORS,
        "airflow.providers.standard.operators.python": _OPERATORS,
    },
}  # fmt: skip


@contextmanager
def airflow(version: int) -> Iterator[None]:
    """A block in which Airflow of that major version can be imported."""
    with pytest.MonkeyPatch.context() as patch:
        for name, content in {**MODULES[version], "pendulum": _PENDULUM}.items():
            module = ModuleType(name)
            module.__path__ = []  # a package, in which nothing else is found
            vars(module).update(content)
            patch.setitem(sys.modules, name, module)
        yield


def dag_of(text: str, version: int = 3) -> Any:
    """The DAG that the exported file defines, imported where there is Airflow of that major version."""
    names: dict[str, Any] = {"__name__": "exported"}
    with airflow(version):
        exec(compile(text, "exported.py", "exec"), names)
    return names["dag"]
