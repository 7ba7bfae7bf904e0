"""Celery's workers: the task in which they carry out what was sent, and what they answer when they are asked."""

from __future__ import annotations

import base64
import json
import os
import platform
import uuid
from collections.abc import Sequence
from typing import Any

from celery import Celery, current_task, shared_task
from celery.worker.control import inspect_command

import nbsched
from nbsched.away import facts
from nbsched.away.celery_concerns import concerns
from nbsched.away.celery_mail import Mail
from nbsched.away.parcel import Header, header_of
from nbsched.away.station import Station
from nbsched.kernels.once import Once

VISIBLE_S = 24 * 3600
"""So long does Redis believe that a worker that says nothing has its message still; a lease is far shorter."""
SILENT_S = 30
"""A server that has not answered by then is tried again."""
CONNECT_S = 8
"""One that cannot be connected to by then is not there."""


def speaks_redis(broker: str) -> bool:
    """Whether the URL is that of a Redis server, or of those that watch over some."""
    return broker.startswith(("redis", "sentinel"))


def _transport(broker: str) -> dict[str, Any]:
    if not speaks_redis(broker):
        return {"confirm_publish": True}
    return {"visibility_timeout": VISIBLE_S, "socket_timeout": SILENT_S,
            "socket_connect_timeout": CONNECT_S, "socket_keepalive": True}  # fmt: skip


def app_of(broker: str | None, queue: str) -> Celery:
    """An app that takes its work from the queue."""
    made = Celery("nbsched", broker=broker, set_as_current=False)
    made.conf.update(
        task_default_queue=queue, task_ignore_result=True, worker_prefetch_multiplier=1,
        broker_connection_retry_on_startup=True, broker_transport_options=_transport(broker or ""),
        worker_cancel_long_running_tasks_on_connection_loss=False,
    )  # fmt: skip
    return made


def rank(priority: int, broker: str) -> int:
    """Ours in the broker's numbers, 0 to 9: lower ones are first with Redis as with us, higher ones with others."""
    found = min(max(5 + priority, 0), 9)
    return found if speaks_redis(broker) else 9 - found


class Desk:
    """This process's station, and its mail."""

    def __init__(self) -> None:
        address = uuid.uuid4().hex
        self.mail = Mail(current_task.app, address, self._hear)
        where = f"{current_task.request.hostname}, process {os.getpid()}"
        self.station = Station(self.mail.post, where, address)

    def _hear(self, text: str) -> None:
        self.station.hear(json.loads(text))

    def close(self) -> None:
        self.station.close()
        self.mail.close()


_desk = Once(Desk)


@shared_task(  # type: ignore[untyped-decorator]
    name="nbsched.carry", bind=True, ignore_result=True,
    acks_late=True, reject_on_worker_lost=True, acks_on_failure_or_timeout=True,
)  # fmt: skip
def carry(task: Any, texts: Sequence[str], again: bool = False) -> None:
    """The pieces of work are over, and their sender's inbox has their ends."""
    parcels, desk = [base64.b64decode(text) for text in texts], _desk()
    ask = again or bool(task.request.delivery_info.get("redelivered"))
    for message in desk.station.carry(parcels, ask=ask):
        desk.mail.post(header_of(parcels[0])["sender"], message)
    desk.mail.flush()


@inspect_command(name="nbsched")  # type: ignore[untyped-decorator]
def about(state: Any, header: Header | None = None, **_: Any) -> dict[str, Any]:
    """What nbsched needs to know of a worker; with the header of a parcel also how it would do that."""
    from celery.worker.state import reserved_requests

    said = {} if header is None else {
        "about": facts.about(header, state.hostname),
        "concerns": list(concerns(state.app, state.app.tasks[carry.name])),
    }  # fmt: skip
    return {
        "version": nbsched.__version__,
        "python": platform.python_version(),
        "holds": [request.id for request in list(reserved_requests) if request.name == carry.name],
        **said,
    }
