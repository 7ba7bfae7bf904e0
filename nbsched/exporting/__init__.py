"""A pipeline written for another system: Python, Airflow, cron, GitHub Actions."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from nbsched.core.errors import UnknownName
from nbsched.exporting.airflow import to_airflow
from nbsched.exporting.cron import to_cron
from nbsched.exporting.github import to_github
from nbsched.exporting.python import to_python
from nbsched.exporting.subject import Exported, Subject, Timing, as_pipeline

__all__ = ["TARGETS", "Exported", "Subject", "Timing", "as_pipeline", "export"]

TARGETS: Mapping[str, Callable[[Subject], Exported]] = {
    "airflow": to_airflow,
    "cron": to_cron,
    "github": to_github,
    "python": to_python,
}


def export(subject: Subject, to: str) -> Exported:
    """The subject as a text for the target; DefinitionError when a part of it cannot be there."""
    if to not in TARGETS:
        raise UnknownName("target", to, TARGETS, f"use {', '.join(TARGETS)}")
    return TARGETS[to](subject)
