"""Who works behind Celery's broker, and what they have: looked at when a parcel is not begun."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

from nbsched.away.facts import WorkerFacts, trouble
from nbsched.away.parcel import HERE, Header
from nbsched.core.errors import WorkerMismatch

ANSWER_S = 1.0
"""So long is waited for workers to answer."""
FRESH_S = 2.0
"""So long is what was seen taken for true."""
ASKED_S = 8.0
"""So long when they have to look at what they have."""
_NO_TASK = (
    'has no task nbsched.carry: install nbsched there and give its app include=["nbsched.celery"], '
    "or give nbsched a queue of its own"
)
START = "celery -A nbsched worker"


class Sent(NamedTuple):
    """When a parcel was sent last, in which task, and with how many."""

    at: float
    task: str
    size: int


class Roster:
    """The workers as they were when last looked at."""

    def __init__(self, app: Any) -> None:
        self._app = app
        self._at: dict[str, float] = {}
        self._empty: dict[str, bool] = {}
        self._queues: Mapping[str, frozenset[str]] = {}
        self._about: Mapping[str, Any] = {}

    def look(self, queue: str, *, since: float) -> None:
        """The workers and the queue have been looked at after that instant, and lately."""
        if self._at.get(queue, 0.0) > max(since, time.monotonic() - FRESH_S):
            return
        began = time.monotonic()
        self._empty[queue] = self._is_empty(queue)
        self._queues = self._queues_now()
        self._about = self._ask(list(self._queues))
        self._at[queue] = began

    def asked(self, header: Header, ours: Collection[str]) -> list[WorkerFacts]:
        """Each worker that knows nbsched or takes from our queues, asked what it has of what the header needs."""
        found = self._queues_now()
        said = self._ask(list(found), ASKED_S, header=header)
        return [
            _facts(worker, queues, said.get(worker))
            for worker, queues in found.items()
            if "about" in said.get(worker, {}) or not queues.isdisjoint(ours)
        ]

    def _queues_now(self) -> dict[str, frozenset[str]]:
        found = self._app.control.inspect(timeout=ANSWER_S).active_queues() or {}
        return {worker: frozenset(queue["name"] for queue in queues) for worker, queues in found.items()}

    def _ask(self, workers: list[str], timeout_s: float = ANSWER_S, **more: Any) -> dict[str, Any]:
        if not workers:
            return {}
        replies = self._app.control.broadcast(
            "nbsched", more, reply=True, destination=workers, limit=len(workers), timeout=timeout_s
        )
        return {worker: about for reply in replies for worker, about in reply.items()}

    def _is_empty(self, queue: str) -> bool:
        with self._app.connection_for_read() as connection:
            try:
                return not connection.default_channel.queue_declare(queue, passive=True).message_count
            except connection.channel_errors:  # there is none
                return True

    def _takers(self, queue: str) -> list[str]:
        return [worker for worker, queues in self._queues.items() if queue in queues]

    def obstacle(self, queue: str) -> str | None:
        """Why nobody takes from the queue, with the remedy."""
        if self._takers(queue):
            return None
        if not self._queues:
            return f"waits for a Celery worker, and none answers: start one with `{START}`"
        found = ", ".join(sorted(frozenset().union(*self._queues.values())))
        return (
            f"waits for a Celery worker that takes from the queue {queue!r} (there are some for {found}): "
            f"start one with `{START} -Q {queue}`"
        )

    def mismatch(self, name: str, queue: str) -> WorkerMismatch | None:
        """Of work in a queue from which a worker takes that throws it away."""
        for worker in self._takers(queue):
            if "error" in self._about.get(worker, {}):
                return WorkerMismatch(
                    f"{name!r} was sent by {HERE}, and the Celery worker {worker}, which takes from the queue "
                    f"{queue!r}, {_NO_TASK}"
                )  # fmt: skip
        return None

    def has_lost(self, id: str, queue: str) -> bool:
        """Whether a parcel that nobody has begun is neither in its queue nor with a worker that answers."""
        return self._empty[queue] and not any(id in about.get("holds", ()) for about in self._about.values())


def _facts(worker: str, queues: frozenset[str], said: Mapping[str, Any] | None) -> WorkerFacts:
    offers = f"queues {', '.join(sorted(queues))}"
    if said is None:
        return WorkerFacts(name=worker, offers=offers, about=None, trouble=trouble(TimeoutError()))
    if "about" not in said:
        return WorkerFacts(name=worker, offers=offers, about=None, trouble=f"it {_NO_TASK}")
    return WorkerFacts(name=worker, offers=offers, about=said["about"], concerns=tuple(said["concerns"]))
