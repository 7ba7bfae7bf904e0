"""One runtime per process and store: a thread with the scheduler's loop, and the calls that people make."""

from __future__ import annotations

import atexit
import contextvars
import os
import threading
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Self

import anyio
import anyio.to_thread

from nbsched.core.durations import duration
from nbsched.core.errors import StoreError, UsageError
from nbsched.core.instants import floor_ms
from nbsched.core.model import Event
from nbsched.core.policy import normalise
from nbsched.engine import hookcalls, hooks, publishing
from nbsched.engine.bus import Handler
from nbsched.engine.bus import Subscription as Subscribed
from nbsched.engine.calls import Calls
from nbsched.engine.clock import Clock, SystemClock, after
from nbsched.engine.executors import Executors
from nbsched.engine.live import Subscription
from nbsched.engine.lookups import Place
from nbsched.engine.nudges import Nudges
from nbsched.engine.paths import default_store, make_private
from nbsched.engine.preparing import Surroundings
from nbsched.engine.scheduler import Scheduler
from nbsched.engine.settings import settings_here
from nbsched.executors.current import CURRENT
from nbsched.store import events, records, retrying, runs
from nbsched.store.database import Database
from nbsched.store.hosts import Host
from nbsched.store.notices import Notice


class Runtime(Calls):
    """A host of the store at `store` while it is open; the default runtime inside its `with` block.

    `slots` (default: the number of cores) is how many runs it carries out at once, `resources` the named
    slots it offers, `lease` how long after its death another host takes over, at most. With `ageing` a waiting
    run gains one priority each so long since it was asked for, so that none waits for ever.
    """

    def __init__(
        self, store: str | os.PathLike[str] | None = None, *, clock: Clock | None = None, slots: int | None = None,
        resources: Mapping[str, float] | None = None, lease: Any = "10s", ageing: Any = None,
        kind: str | None = None, notebook: str | None = None,
    ) -> None:  # fmt: skip
        self.store_path = Path(store).expanduser().absolute() if store is not None else default_store()
        self.folder = self.store_path.with_name(self.store_path.name + ".runs")
        self.clock: Clock = clock or SystemClock()
        self.kind = kind or _process.kind
        self.notebook = notebook or (_process.notebook() if self.kind == _process.kind else None)
        self._slots = _slots(slots)
        self._resources = normalise(
            {"resources": settings_here().resources if resources is None else resources}
        )["resources"]
        self._lease = _lease(lease)
        self._ageing = _ageing(ageing)
        self._call_hook: hooks.Call = hookcalls.Apart(self.store_path) if self.apart else hooks.call
        self._thread: threading.Thread | None = None
        self._waiting: dict[int, list[Future[None]]] = defaultdict(list)
        self._watchers: list[Callable[[], None]] = []
        self._lock = threading.Lock()
        self._pid = os.getpid()
        self._hurry = False
        self._executors = Executors(self.clock, self._lease, apart=self.apart)

    # -- life --------------------------------------------------------------------------------------------------

    @property
    def host(self) -> Host:
        return self.scheduler.host

    def _follow(self, run: int) -> None:
        self.scheduler.followed.add(run)
        self.database.write(retrying.adopt, run, self.host.id, self.now_ms())

    @property
    def in_kernel(self) -> bool:
        return self.kind == "kernel"

    @property
    def apart(self) -> bool:
        """Nobody's functions run in this process, which serves others beside: each has a process of its own."""
        return self.kind == "server"

    @property
    def open(self) -> bool:
        return self._thread is not None and self._thread.is_alive() and self._pid == os.getpid()

    def start(self) -> Self:
        """The runtime works; StoreError when its file cannot be used."""
        if self.open:
            return self
        self._pid = os.getpid()
        self._started: Future[None] = Future()
        with ExitStack() as undo:
            self._nudges = undo.enter_context(closing(Nudges()))
            self.database = undo.enter_context(closing(Database(self.store_path, self._committed)))
            make_private(self.folder)
            self._begin()
            undo.pop_all()
        atexit.register(self.close, hurry=True)
        return self

    def _begin(self) -> None:
        # A fresh context: the loop must not keep the parent header of the cell that starts it.
        thread = threading.Thread(
            target=contextvars.Context().run, args=(self._main,), name="nbsched-loop", daemon=True
        )
        thread.start()
        try:
            self._started.result()
        except BaseException:
            thread.join()
            raise
        self._thread = thread

    def close(self, *, hurry: bool = False) -> None:
        """Running work was asked to stop and has, or was killed; others carry on what is left."""
        if self._thread is None or self._pid != os.getpid():
            return
        if self.open:
            self._hurry = hurry
            with suppress(RuntimeError):  # the loop has just ended
                self._call_soon(self._stop.set)
            self._thread.join()
        atexit.unregister(self.close)
        self._release()

    def _release(self) -> None:
        self._thread = None
        self.database.close()
        self._nudges.close()

    def __enter__(self) -> Self:
        self.start()
        _inside.append(self)
        return self

    def __exit__(self, *_: object) -> None:
        _inside.remove(self)
        self.close()

    def _main(self) -> None:
        try:
            anyio.run(self._serve)
        except BaseException as error:
            if self._started.done():
                raise
            self._started.set_exception(error)
        finally:
            self._executors.close()
            self._let_go()

    async def _serve(self) -> None:
        self._stop = anyio.Event()
        self.scheduler = Scheduler(
            self._around(), kind=self.kind, notebook=self.notebook, slots=self._slots, resources=self._resources,
            lease=self._lease, ageing=self._ageing, nudges=self._nudges, look=self._wake_waiting,
            ended=self._wake_at_once, tell=self._tell_hooks, in_a_hurry=lambda: self._hurry,
        )  # fmt: skip
        await self.scheduler.run(lambda: self._started.set_result(None), self._stop)

    def _around(self) -> Surroundings:
        return Surroundings(
            database=self.database, clock=self.clock, folder=self.folder, tell=self._tell,
            later=lambda seconds, call: self._call_soon(lambda: after(seconds, call)),
            zone=Place(self.database, self.folder).zone,
            executor_of=self._executors.of, environment={"NBSCHED_STORE": str(self.store_path)}, apart=self.apart,
        )  # fmt: skip

    def _committed(self) -> None:
        if self._started.done() and self._started.exception() is None:
            self.scheduler.nudge()
        self._nudges.send()

    def _call_soon(self, call: Callable[[], None]) -> None:
        self.scheduler.call_soon(call)

    # -- waiting and watching ----------------------------------------------------------------------------------

    def refuse_to_block(self) -> None:
        if threading.current_thread() is self._thread:
            raise UsageError("waiting here would keep every run from going on: write `await run` instead")

    @contextmanager
    def lending(self) -> Iterator[None]:
        """A run that waits for another lends its slot meanwhile, so that waiting never deadlocks."""
        current = CURRENT.get()
        if current is None or not self.open:
            yield
            return
        self.scheduler.lend(current.context.run_id)
        try:
            yield
        finally:
            self.scheduler.take_back(current.context.run_id)

    def when_ended(self, run: int) -> Future[None]:
        """Done once the run has ended."""
        future: Future[None] = Future()
        with self._lock:
            self._waiting[run].append(future)
        if self.database.read(records.state, run).final:
            self._wake_waiting()
        elif not self.open:
            self._let_go()
        return future

    def _wake_at_once(self, settled: Future[list[runs.Ended]]) -> None:
        """In the thread that has written it: who waits for a run need not wait for the loop too."""
        if settled.exception() is None:
            self._wake(item.run for item in settled.result())

    def _wake(self, ended: Iterable[int]) -> None:
        """Nobody waits for these runs any longer."""
        with self._lock:
            futures = [future for run in ended for future in self._waiting.pop(run, ())]
        for future in futures:
            if future.set_running_or_notify_cancel():
                future.set_result(None)

    def _wake_waiting(self) -> None:
        with self._lock:
            waiting = list(self._waiting)
        if waiting:
            self._wake(self.database.read(records.ended_among, waiting))
        for watcher in tuple(self._watchers):
            watcher()

    def _let_go(self) -> None:
        """Nobody waits any longer for what only an open runtime can tell, but for who ends with the program."""
        if self._hurry:
            return
        with self._lock:
            left = [future for futures in self._waiting.values() for future in futures]
            self._waiting.clear()
        for future in left:
            if future.set_running_or_notify_cancel():
                future.set_exception(
                    StoreError("the runtime was closed while this was waited for: open it again")
                )

    async def _tell_hooks(self, notices: Sequence[Notice]) -> None:
        await anyio.to_thread.run_sync(hooks.tell, self, notices, self._call_hook, abandon_on_cancel=True)

    def watch(self, changed: Callable[[], None]) -> Subscription:
        """`changed` is called, on the loop, whenever something in the store may have; it must not wait."""
        self._watchers.append(changed)

        def cancel() -> None:
            if changed in self._watchers:
                self._watchers.remove(changed)

        return Subscription("watch", cancel)

    def subscribe(
        self, pattern: str, handler: Handler, *, name: str | None = None, durable: bool = False
    ) -> Subscription:
        """`handler` is called with each event that matches, from now on; one of the same name is replaced."""
        subscribed = publishing.subscription(pattern, handler, name, durable)
        if durable:
            self.database.write(events.subscribe, subscribed.name, pattern, subscribed.holder)
        self._on_loop(lambda: self.scheduler.bus.add(subscribed))
        return Subscription(subscribed.name, lambda: self._unsubscribe(subscribed))

    def _unsubscribe(self, subscribed: Subscribed) -> None:
        if subscribed.active and self.open:
            self._on_loop(lambda: self.scheduler.bus.drop(subscribed))
            if subscribed.durable:
                self.database.write(events.unsubscribe, *subscribed.key)

    def _on_loop(self, call: Callable[[], None]) -> None:
        if threading.current_thread() is self._thread:
            call()
            return
        done: Future[None] = Future()

        def carry_out() -> None:
            try:
                call()
                done.set_result(None)
            except BaseException as error:
                done.set_exception(error)

        self._call_soon(carry_out)
        done.result()

    def _tell(self, name: str, data: Mapping[str, Any]) -> None:
        if len(self.scheduler.bus):
            self.scheduler.bus.tell(Event(id="", name=name, at=self.clock.now(), seq=0, data=data))

    def now_ms(self) -> int:
        if not self.open:
            raise StoreError("this runtime is closed: open a new one, or use it inside its `with` block")
        return floor_ms(self.clock.now())

    def __repr__(self) -> str:
        return f"<nbsched runtime on {self.store_path}, {'open' if self.open else 'closed'}>"


@dataclass(slots=True)
class _Process:
    """What runtimes of this process are, unless they are told."""

    kind: str = "script"
    notebook: Callable[[], str | None] = lambda: None


_process = _Process()


def process_is(kind: str, notebook: Callable[[], str | None]) -> None:
    """Runtimes of this process are hosts of this kind from now on, with the notebook that is then open."""
    _process.kind, _process.notebook = kind, notebook


_inside: list[Runtime] = []


def innermost() -> Runtime | None:
    """The runtime of the `with` block that is being executed."""
    return next((runtime for runtime in reversed(_inside) if runtime.open), None)


def _slots(slots: int | None) -> int:
    if slots is None:
        return os.cpu_count() or 1
    if isinstance(slots, bool) or not isinstance(slots, int) or slots < 1:
        raise UsageError(f"slots {slots!r} is not a whole number of 1 or more")
    return slots


def _lease(lease: Any) -> timedelta:
    found = duration(lease, "lease")
    if found < timedelta(milliseconds=100):
        raise UsageError(f"a lease of {found} is too short to be renewed in time: give 100ms or more")
    return found


def _ageing(ageing: Any) -> timedelta | None:
    found = None if ageing is None else duration(ageing, "ageing")
    if found is not None and found < timedelta(milliseconds=1):
        raise UsageError(
            f"ageing {ageing!r} is no time at all: give how long a run waits for each priority it gains"
        )
    return found
