"""What in the settings of a Celery worker's app would repeat, stop or lose work of nbsched."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

VISIBLE_S = 3600
"""A message that is not seen for a shorter time is given to another worker while work of some length runs."""


def concerns(app: Any, task: Any) -> Iterator[str]:
    """Each in a sentence with the remedy, for that task as the app has it."""
    options = app.conf.broker_transport_options or {}
    visible_s = options.get("visibility_timeout", VISIBLE_S)
    if visible_s < VISIBLE_S:
        yield (
            f"visibility_timeout is {visible_s:g} s: what takes longer is given to another worker too; "
            'give its app broker_transport_options={"visibility_timeout": 86400}'
        )
    if not (task.acks_late and task.reject_on_worker_lost):
        yield (
            f"task_annotations take acks_late or reject_on_worker_lost from {task.name}: work of a killed worker is "
            "missed only after a lease; leave both as they are"
        )
    if (
        limit := task.time_limit
        or task.soft_time_limit
        or app.conf.task_time_limit
        or app.conf.task_soft_time_limit
    ):
        yield (
            f"its app stops tasks after {limit:g} s: give it "
            f'task_annotations={{"{task.name}": {{"time_limit": None, "soft_time_limit": None}}}}, and work a timeout='
        )
    if app.conf.worker_cancel_long_running_tasks_on_connection_loss:
        yield (
            "worker_cancel_long_running_tasks_on_connection_loss is set: work is stopped and begun again when the "
            "broker is gone for a moment; leave it out"
        )
