"""The one thread that speaks with an engine: it is opened when first needed, and tried again when it is not there."""

from __future__ import annotations

import logging
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from queue import Empty, SimpleQueue
from typing import Protocol, TypeVar

from nbsched.away.facts import WorkerFacts
from nbsched.away.parcel import Header, Parcel
from nbsched.executors.short import Short

_log = logging.getLogger("nbsched")

AGAIN_S = 1.0
"""Before an engine that could not be reached is tried again."""
MOST = 200
"""Parcels that are sent together."""
T = TypeVar("T")
Hear = Callable[[str], object]
Failed = Callable[[str, BaseException | None], object]


Bundled = Sequence[Parcel]
"""Parcels for one worker, of one policy."""


class Engine(Protocol):
    """People's own system of workers. Its calls but `tell` may take long, and come from one thread."""

    name: str
    private: bool
    """Whether what is sent is only ever in memory."""
    repeats: bool
    """Whether it gives the work of a lost worker to another one that is not told so."""
    where: str
    """Its address, in which there may be a password; empty while it is not known."""

    def open(self, sender: str, hear: Hear, failed: Failed) -> None:
        """It takes parcels; raises what keeps it from being reached, and may be called again.

        `hear` is called, in any thread, with every message for this sender; `failed` with the id of a parcel that the
        engine gave up, and why, or None when its worker was lost.
        """

    def send(self, bundles: Sequence[Bundled]) -> None:
        """They wait for workers, each for one."""

    def withdraw(self, id: str, *, begun: bool) -> None:
        """The parcel goes to no worker any more, if none has begun it; nothing is kept of it."""

    def tell(self, worker: str, message: str) -> None:
        """The worker hears the message if it can; those to one worker in order. Does not wait."""

    def workers(self, header: Header) -> Sequence[WorkerFacts]:
        """Those there are, each asked what it has of what such a parcel needs."""

    def obstacle(self, parcels: Sequence[Parcel]) -> str | None:
        """Why no worker takes these parcels, which need the same, with the remedy; None if one can."""

    def close(self) -> None:
        """Nothing of it is left here."""


class Courier:
    """Brings parcels to an engine; `sent` is told of them, `complain` why they cannot be sent just now."""

    def __init__(
        self, engine: Engine, open: Callable[[], None], sent: Callable[[Sequence[Parcel]], object],
        complain: Callable[[Sequence[Parcel], str], object], short: Short,
    ) -> None:  # fmt: skip
        self._engine, self._open, self._sent, self._complain = engine, open, sent, complain
        self._short = short
        self._jobs: SimpleQueue[Parcel | Callable[[], object] | tuple[str, bool] | None] = SimpleQueue()
        self._waiting: dict[str, Parcel] = {}
        self._is_open, self._said = False, ""
        self._thread = threading.Thread(target=self._work, name=f"nbsched {engine.name}", daemon=True)
        self._thread.start()

    def bring(self, parcel: Parcel) -> None:
        """The parcel is sent as soon as the engine takes it."""
        self._jobs.put(parcel)

    def withdraw(self, id: str, *, begun: bool) -> None:
        """The parcel is not sent any more, and withdrawn if it was."""
        self._jobs.put((id, begun))

    def do(self, call: Callable[[], object]) -> None:
        """The call is made in the thread, if the engine is open then."""
        self._jobs.put(lambda: self._try(call) if self._is_open else None)

    def ask(self, call: Callable[[], T]) -> Future[T]:
        """What the call gives, made in the thread when the engine is open; or what keeps it from being so."""
        answer: Future[T] = Future()
        self._jobs.put(lambda: self._answer(call, answer))
        return answer

    def close(self) -> None:
        """The engine is closed; nothing more is sent."""
        self._jobs.put(None)
        self._thread.join()

    def _work(self) -> None:
        while self._take():
            if self._waiting:
                self._send()
        if self._is_open:
            self._try(self._engine.close)

    def _take(self) -> bool:
        """What there is to do has been done but for sending; False when nothing is to be done any more."""
        try:
            job = self._jobs.get(timeout=AGAIN_S if self._waiting else None)
        except Empty:
            return True
        while job is not None:
            self._take_one(job)
            if len(self._waiting) >= MOST:
                return True
            try:
                job = self._jobs.get_nowait()
            except Empty:
                return True
        return False

    def _take_one(self, job: Parcel | Callable[[], object] | tuple[str, bool]) -> None:
        if isinstance(job, Parcel):
            self._waiting[job.id] = job
        elif isinstance(job, tuple):
            id, begun = job
            if self._waiting.pop(id, None) is None and self._is_open:
                self._try(lambda: self._engine.withdraw(id, begun=begun))
        else:
            job()

    def _answer(self, call: Callable[[], T], answer: Future[T]) -> None:
        if not answer.set_running_or_notify_cancel():
            return
        try:
            self._be_open()
            answer.set_result(call())
        except Exception as error:
            answer.set_exception(error)

    def _be_open(self) -> None:
        if not self._is_open:
            self._open()
            self._is_open = True

    def _send(self) -> None:
        parcels = list(self._waiting.values())
        try:
            self._be_open()
            self._engine.send(list(self._bundled(parcels)))
        except Exception as error:
            self._is_open = False
            self._complain_of(error, parcels)
            return
        self._waiting.clear()
        self._said = ""
        self._sent(parcels)

    def _complain_of(self, error: Exception, parcels: Sequence[Parcel]) -> None:
        why = f"waits for {self._engine.name}: {error}"
        if why != self._said:
            self._said = why
            _log.warning("%s cannot be reached: %s", self._engine.name, error)
        self._complain(parcels, why)

    def _bundled(self, parcels: Sequence[Parcel]) -> Iterator[Bundled]:
        """Short ones of the same kind together."""
        alike = defaultdict[object, list[Parcel]](list)
        for parcel in parcels:
            size = self._short.sizes.get(parcel.ref, 1) if parcel.ref else 1
            kind = (parcel.ref, parcel.policy.priority, parcel.needs)
            together = alike[parcel.id if size == 1 else kind]
            together.append(parcel)
            if len(together) == size:
                yield tuple(together)
                together.clear()
        yield from filter(None, alike.values())

    def _try(self, call: Callable[[], object]) -> None:
        try:
            call()
        except Exception as error:
            _log.warning("%s: %s", self._engine.name, error)
