"""The controller's side of work that an engine's workers do, whichever engine: an executor like any other.

A parcel has an id of its own, so that what is left of an attempt that was given up is nobody's. Of a piece that has
begun its worker tells at least three times in a lease that it lives, and its sender as often that it does.
"""

from __future__ import annotations

import asyncio
import json
import time
import uuid
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread

from nbsched.away import freight
from nbsched.away.courier import Courier, Engine
from nbsched.away.facts import WorkerFacts
from nbsched.away.parcel import HERE, Parcel, Terms, bundled, header_of, pack
from nbsched.away.passage import Passage
from nbsched.away.piece import refused
from nbsched.core import plan
from nbsched.core.errors import UsageError, WorkerMismatch
from nbsched.core.model import Outcome
from nbsched.executors.contract import Assignment
from nbsched.executors.secrets import secret
from nbsched.executors.short import Short

LONG_S = 1.0
"""A function that takes so long, or of which that is not known, must not hold up a worker for nothing."""
SUSPECT_S = 1.0
"""So long has a worker to say that it lives when another has begun its work."""


class DistantExecutor:
    """Carries out on an engine's workers what may go there."""

    def __init__(
        self, engine: Engine, *, lease_s: float, files: str | None, limit: int, apart: bool = False
    ) -> None:
        self._engine, self._lease_s, self._files, self._limit = engine, lease_s, files, limit
        self._apart = apart
        self._sender = uuid.uuid4().hex
        self._passages: dict[str, Passage] = {}
        self._short = Short(plan.bundle_size)
        self._courier: Courier | None = None
        self._porters = ThreadPoolExecutor(2, thread_name_prefix="nbsched files")

    async def execute(self, assignment: Assignment) -> Outcome:
        """How the attempt ended; `lost` when its worker was, or is not heard of any more."""
        courier = self._courier or self._begin(_runs(assignment))
        try:
            id = f"{self._sender[:8]}-{uuid.uuid4().hex}"
            parcel = pack(assignment, id, self._terms, ask=self._might_block(assignment))
        except Exception as error:
            return refused(error)
        passage = self._passages[parcel.id] = Passage(parcel, assignment, self._lease_s)
        courier.bring(parcel)
        try:
            await passage.over.wait()
            return passage.outcome() if passage.is_quick else await anyio.to_thread.run_sync(passage.outcome)
        except anyio.get_cancelled_exc_class():
            with anyio.CancelScope(shield=True):
                await self._stop(passage)
            raise
        finally:
            del self._passages[parcel.id]
            courier.withdraw(parcel.id, begun=passage.begun)
            if passage.shared:
                self._porters.submit(freight.remove, passage.shared)

    def _might_block(self, assignment: Assignment) -> bool:
        """Whether a worker could be held up by work that is not to be done: a function may not heed an interrupt."""
        ref = bundled(assignment.work, assignment.policy)
        return self._engine.repeats and ref is not None and (self._short.typical(ref) or LONG_S) >= LONG_S

    async def _stop(self, passage: Passage) -> None:
        """Nothing of it runs any more, as far as its worker can be reached."""
        grace_s = passage.assignment.grace.total_seconds()
        if passage.worker is not None:  # should one begin it just now, it is told that it is nobody's
            self._tell(passage.worker, "stop", passage.parcel.id, grace_s=grace_s)
            with anyio.move_on_after(grace_s + self._lease_s):
                await passage.over.wait()

    @property
    def where(self) -> str:
        """The engine's address, in which there may be a password; empty while it is not known."""
        return self._engine.where

    async def reach(self, runs: Path) -> None:
        """The engine is open; raises what keeps it from being so."""
        courier = self._courier or self._begin(runs)
        await asyncio.wrap_future(courier.ask(lambda: None))

    async def workers(self, assignment: Assignment, needs: Mapping[str, Any]) -> Sequence[WorkerFacts]:
        """The engine's, each asked whether it could carry that out, and has those needs."""
        courier = self._courier or self._begin(_runs(assignment))
        header = {**header_of(pack(assignment, "", self._terms).data), "needs": needs}
        return await asyncio.wrap_future(courier.ask(lambda: self._engine.workers(header)))

    def _begin(self, runs: Path) -> Courier:
        self._loop = asyncio.get_running_loop()
        self._terms = Terms(
            sender=self._sender, lease_s=self._lease_s, mark=_mark(runs), files=self._files, limit=self._limit,
            apart=self._apart,
        )  # fmt: skip
        self._courier = Courier(self._engine, self._open, self._sent, self._complain, self._short)
        self._loop.call_later(self._lease_s / 3, self._keep)
        return self._courier

    def close(self) -> None:
        """The engine is let go of, and no file lies anywhere for it."""
        self._porters.shutdown()
        if self._courier is not None:
            self._courier.close()

    # -- the courier's thread ----------------------------------------------------------------------------------

    def _open(self) -> None:
        self._engine.open(self._sender, self._hear, self._failed)

    def _sent(self, parcels: Sequence[Parcel]) -> None:
        self._on_loop(self._note_sent, [parcel.id for parcel in parcels])

    def _complain(self, parcels: Sequence[Parcel], why: str) -> None:
        self._on_loop(self._say, [parcel.id for parcel in parcels], why)

    def _find_obstacle(self, parcels: Sequence[Parcel]) -> None:
        self._on_loop(self._say, [parcel.id for parcel in parcels], self._engine.obstacle(parcels) or "")

    # -- the porters' threads ----------------------------------------------------------------------------------

    def _supply(self, passage: Passage, worker: str, wanted: Sequence[tuple[str, str]]) -> None:
        """The worker has the files that it asked for."""
        paths = {name: Path(path) for path, name in wanted if path in passage.enclosed}
        try:
            answer = self._share(passage, paths) if self._files else self._dictate(passage, worker, paths)
        except Exception as error:
            answer = {"refused": str(error)}
        self._answer(worker, passage.parcel.id, "files", answer)

    def _share(self, passage: Passage, paths: Mapping[str, Path]) -> dict[str, Any]:
        passage.shared = f"{(self._files or '').rstrip('/')}/{passage.parcel.id}"
        for name, path in paths.items():
            freight.put(path, f"{passage.shared}/{name}")
        return {"url": passage.shared}

    def _dictate(self, passage: Passage, worker: str, paths: Mapping[str, Path]) -> dict[str, Any]:
        size = sum(path.stat().st_size for path in paths.values())
        freight.refuse_large(passage.parcel.name, size, self._limit)
        for name, path in paths.items():
            for piece in freight.pieces(name, path):
                self._tell(worker, "file", passage.parcel.id, **piece)
        return {}

    # -- any thread --------------------------------------------------------------------------------------------

    def _tell(self, worker: str, kind: str, id: str = "", **facts: Any) -> None:
        self._engine.tell(worker, json.dumps({"t": kind, "sender": self._sender, "id": id, **facts}))

    def _answer(self, worker: str, id: str, to: str, fact: Mapping[str, Any]) -> None:
        self._tell(worker, "answer", id, to=to, fact=fact)

    def _on_loop(self, call: Callable[..., object], *args: Any) -> None:
        with suppress(RuntimeError):  # the loop has ended
            self._loop.call_soon_threadsafe(call, *args)

    def _hear(self, text: str) -> None:
        message = json.loads(text)
        entries = message["news"] if message["t"] == "news" else [(message["id"], message["t"], message)]
        for id, kind, fact in entries:
            if (passage := self._passages.get(id)) is not None:
                passage.write(kind, fact)
        self._on_loop(self._heard, message)

    def _failed(self, id: str, error: BaseException | None) -> None:
        self._on_loop(self._note_failed, id, error)

    # -- on the loop -------------------------------------------------------------------------------------------

    def _heard(self, message: Mapping[str, Any]) -> None:
        if message["t"] != "news":
            if (passage := self._passages.get(message["id"])) is not None:
                self._take(passage, message)
            return
        for id in message["lives"]:
            self._note_begun(id, message["from"])
        for id, kind, fact in message["news"]:
            if (passage := self._passages.get(id)) is not None and passage.worker == message["from"]:
                self._reply(passage, message["from"], kind, fact)
                passage.hear(kind, fact)

    def _take(self, passage: Passage, message: Mapping[str, Any]) -> None:
        assert self._courier
        if message["t"] == "piece":
            passage.arrived()
        elif message["t"] == "back":
            passage.parcel = replace(passage.parcel, ref=None)
            self._courier.bring(passage.parcel)
        else:
            if passage.parcel.ref:
                self._short.learn(passage.parcel.ref, message["took_s"])
            passage.end(message)

    def _note_begun(self, id: str, worker: str) -> None:
        passage = self._passages.get(id)
        if passage is not None and passage.worker in (None, worker):
            passage.begun_by(worker)
            return
        if passage is not None and passage.worker:
            passage.until = min(passage.until, time.monotonic() + SUSPECT_S)
            self._tell(passage.worker, "ping")
            self._loop.call_later(SUSPECT_S, self._look_after)
        self._tell(worker, "stop", id, grace_s=0)

    def _reply(self, passage: Passage, worker: str, kind: str, fact: Any) -> None:
        assert self._courier
        if kind == "ask":
            self._answer(worker, passage.parcel.id, "ask", {})
        elif kind == "files":
            self._porters.submit(self._supply, passage, worker, fact)
        elif kind == "secrets":
            self._answer(worker, passage.parcel.id, "secrets", self._secrets(fact))

    def _secrets(self, names: Sequence[str]) -> dict[str, Any]:
        if not self._engine.private:
            return {"refused": f"the secret {', '.join(names)} is not sent through {self._engine.name}, which keeps "
                    "messages on disks: set it in the worker's environment or keyring"}  # fmt: skip
        try:
            return {"values": {name: secret(name) for name in names}}
        except UsageError as error:
            return {"refused": str(error)}

    def _note_sent(self, ids: Sequence[str]) -> None:
        for id in ids:
            if (passage := self._passages.get(id)) is not None:
                passage.sent_at = time.monotonic()
                passage.say("")

    def _say(self, ids: Sequence[str], why: str) -> None:
        for id in ids:
            if (passage := self._passages.get(id)) is not None and passage.worker is None:
                passage.say(why)

    def _note_failed(self, id: str, error: BaseException | None) -> None:
        passage = self._passages.get(id)
        if passage is not None:
            passage.give_up(None if error is None else refused(self._explained(error, passage.parcel)))

    def _explained(self, error: BaseException, parcel: Parcel) -> Exception:
        if isinstance(error, ImportError) and "nbsched" in str(error):
            return WorkerMismatch(
                f"{parcel.name!r} was sent by {HERE}, and a worker of {self._engine.name} has no nbsched or another "
                f"one ({error}): install the same there"
            )
        return error if isinstance(error, Exception) else RuntimeError(str(error))

    def _keep(self) -> None:
        """Workers know that we live, what is not heard of is lost, what nobody takes says why."""
        self._loop.call_later(self._lease_s / 3, self._keep)
        for worker in {passage.worker for passage in self._passages.values() if passage.worker}:
            self._tell(worker, "ping")
        self._look_after()

    def _look_after(self) -> None:
        now, waiting = time.monotonic(), defaultdict[str, list[Parcel]](list)
        for passage in list(self._passages.values()):
            if now >= passage.until:
                passage.give_up(None)
            elif passage.waits_too_long(now):
                passage.sent_at = now
                waiting[passage.parcel.needs].append(passage.parcel)
        for parcels in waiting.values():
            assert self._courier
            self._courier.do(partial(self._find_obstacle, parcels))


def _runs(assignment: Assignment) -> Path:
    return assignment.folder.parent.parent


def _mark(runs: Path) -> Path:
    """A file in the folder of runs by which whoever sees it knows it."""
    known = next(iter(runs.glob(".seen-*")), None)
    if known is None:
        known = runs / f".seen-{uuid.uuid4().hex}"
        runs.mkdir(mode=0o700, parents=True, exist_ok=True)
        known.touch(mode=0o600)
    return known
