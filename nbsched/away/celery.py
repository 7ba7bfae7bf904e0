"""Celery: what is its own of sending work to its workers."""

from __future__ import annotations

import base64
import time
from collections.abc import Mapping, Sequence
from typing import Any

from nbsched.away.celery_mail import Mail
from nbsched.away.celery_queues import Queues
from nbsched.away.celery_roster import Roster, Sent
from nbsched.away.celery_worker import app_of, carry, rank
from nbsched.away.courier import Bundled, Failed, Hear
from nbsched.away.facts import WorkerFacts
from nbsched.away.parcel import Header, Parcel
from nbsched.core.errors import UsageError


class CeleryEngine:
    """The workers behind the broker; work that needs a resource goes to the queue of that name, or in `queues`."""

    name, private, repeats = "Celery", False, False

    def __init__(
        self, broker: str | None, queue: str = "nbsched", queues: Mapping[str, str] | None = None
    ) -> None:
        self.where, self._app = broker or "", app_of(broker, queue)
        self._queues, self._sent = Queues(queue, queues or {}), dict[str, Sent]()
        self._roster = Roster(self._app)
        self._mail: Any = None

    def open(self, sender: str, hear: Hear, failed: Failed) -> None:
        if not self.where:
            raise UsageError('no broker is named: write broker = "redis://localhost:6379/0" under [celery]')
        with self._app.connection_for_write() as connection:
            connection.connect()
        self._failed, self._mail = failed, self._mail or Mail(self._app, sender, hear)

    def send(self, bundles: Sequence[Bundled]) -> None:
        with self._app.producer_or_acquire() as producer:
            for bundle in bundles:
                self._send(bundle, producer)

    def _send(self, bundle: Bundled, producer: Any) -> None:
        first, again = bundle[0], any(self._may_be_there(parcel) for parcel in bundle)
        try:
            queue = self._queues.of(first)
        except UsageError as error:
            for parcel in bundle:
                self._failed(parcel.id, error)
            return
        sent = Sent(time.monotonic(), first.id, len(bundle))
        self._sent |= {parcel.id: sent for parcel in bundle}
        texts = [base64.b64encode(parcel.data).decode() for parcel in bundle]
        self._app.send_task(
            carry.name, (texts, again), task_id=first.id, queue=queue,
            priority=rank(first.policy.priority, self.where), producer=producer, retry=False,
            ignore_result=True, argsrepr=first.name, kwargsrepr="", shadow=f"nbsched {first.name}",
        )  # fmt: skip

    def _may_be_there(self, parcel: Parcel) -> bool:
        """Whether a worker is to ask before it does it: it was sent, and has not come back from a bundle."""
        sent = self._sent.get(parcel.id)
        return sent is not None and (sent.size == 1 or parcel.ref is not None)

    def withdraw(self, id: str, *, begun: bool) -> None:
        sent = self._sent.pop(id, None)
        if sent is not None and sent.size == 1 and not begun:
            self._app.control.revoke(id)

    def tell(self, worker: str, message: str) -> None:
        self._mail.post(worker, message)

    def workers(self, header: Header) -> list[WorkerFacts]:
        return self._roster.asked(header, self._queues.all)

    def obstacle(self, parcels: Sequence[Parcel]) -> str | None:
        there = [parcel for parcel in parcels if parcel.id in self._sent]
        if not there:
            return None
        queue = self._queues.of(there[0])
        self._roster.look(queue, since=max(self._sent[parcel.id].at for parcel in there))
        for parcel in there:
            if error := self._roster.mismatch(parcel.name, queue):
                self._failed(parcel.id, error)
            elif self._roster.has_lost(self._sent[parcel.id].task, queue):
                self.send([[parcel]])
        return self._roster.obstacle(queue)

    def close(self) -> None:
        self._mail.close()
        self._app.close()
