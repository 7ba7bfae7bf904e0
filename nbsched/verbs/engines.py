"""What `doctor --executor` looks at: an engine, its workers, and whether work and files go there and come back."""

from __future__ import annotations

import secrets
import shutil
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import anyio

from nbsched.away.facts import About, WorkerFacts
from nbsched.away.parcel import needs_of
from nbsched.core.errors import UsageError
from nbsched.core.model import Notebook
from nbsched.core.settings import CelerySettings, DaskSettings
from nbsched.engine.executors import distant
from nbsched.engine.paths import make_private
from nbsched.engine.settings import settings_here
from nbsched.engine.threads import Threads
from nbsched.verbs.examination import Finding, package, read, settings_found
from nbsched.verbs.settings import without_secrets
from nbsched.verbs.trips import Trip, Trips, took

if TYPE_CHECKING:
    from nbsched.engine.calls import Calls

T = TypeVar("T")

PACKAGES = {"dask": "distributed", "celery": "celery"}
ADDRESSES = {
    "dask": "start a scheduler there, or correct `address` under [dask] in nbsched.toml or NBSCHED_DASK_ADDRESS",
    "celery": "start the broker, or correct `broker` under [celery] in nbsched.toml or NBSCHED_CELERY_BROKER",
}
LEASE = timedelta(seconds=10)
REACH_S = 9.0
"""An engine that has not answered by then is not there."""
START_S = 60.0
"""Workers that are started here take longer."""
ASK_S = 20.0
"""Workers have all answered by then, or do not."""
CLOSE_S = 5.0
NAMED = 3
"""Workers that are named of those that are alike."""


def examine(rt: Calls, engine: str, notebook: str | None = None) -> list[Finding]:
    """The engine as it is now, in the order a person would look; UsageError when there is no such notebook."""
    needs = _needs(notebook)
    installed = package(PACKAGES[engine], needed=True, remedy=f"pip install 'nbsched[{engine}]'")
    found = [installed, *settings_found()]
    if not all(finding["ok"] for finding in found):
        return found
    executor = distant(engine, LEASE)
    try:
        with _folder(rt.folder) as folder:
            trips = Trips(executor, folder)
            found += _apart(partial(anyio.run, _look, engine, trips, needs))
            return list(_masked(found, [trips.where, _asked(engine).files or ""]))
    finally:
        with suppress(TimeoutError):
            _apart(executor.close, CLOSE_S if found[-1]["what"] != "connection" else 0)


def _needs(notebook: str | None) -> Mapping[str, Any]:
    """The kernel that is to be on the workers, and the packages that the notebook imports."""
    if notebook is None:
        return {"kernel": "python3", "packages": []}
    read(notebook)
    return needs_of(Notebook(name=notebook, path=str(Path(notebook).expanduser().absolute())))


def _apart(call: Callable[[], T], limit_s: float | None = None) -> T:
    """What the call gives, made in a thread of its own: this one may have a loop; TimeoutError after so long."""
    answer: Future[T] = Future()

    def main() -> None:
        try:
            answer.set_result(call())
        except BaseException as error:
            answer.set_exception(error)

    threads = Threads()
    threads.run(main)
    threads.close()
    return answer.result(limit_s)


def _asked(engine: str) -> DaskSettings | CelerySettings:
    settings = settings_here()
    return settings.dask if engine == "dask" else settings.celery


def _masked(findings: Iterable[Finding], urls: Iterable[str]) -> Iterator[Finding]:
    """What was found, without the secrets of these URLs."""
    hidden = {url: without_secrets(url) for url in urls if url}
    for finding in findings:
        text = finding["found"]
        for url, shown in hidden.items():
            text = text.replace(url, shown)
        yield Finding(what=finding["what"], ok=finding["ok"], found=text)


@contextmanager
def _folder(runs: Path) -> Iterator[Path]:
    """A folder among those of runs, which is gone afterwards."""
    folder = runs / f"doctor-{secrets.token_hex(8)}"
    make_private(folder)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


async def _look(engine: str, trips: Trips, needs: Mapping[str, Any]) -> list[Finding]:
    connection = await _connection(engine, trips)
    if not connection["ok"]:
        return [connection]
    first = await trips.go()  # an adaptive cluster starts workers for it
    again = await trips.go_warm() if first.ok else first
    try:
        with anyio.fail_after(ASK_S):
            workers = await trips.workers(needs)
    except Exception as error:
        return [
            connection,
            Finding(what="workers", ok=False, found=_unasked(error)),
            _round_trip(first, again),
        ]
    files = [await _files(engine, trips, workers)] if again.ok else []
    return [connection, *_workers(workers), *_fitness(needs, workers), _round_trip(first, again), *files]


def _unasked(error: Exception) -> str:
    return f"they cannot be asked: {str(error) or f'no answer within {ASK_S:g} s'}; is what manages them still there?"


async def _connection(engine: str, trips: Trips) -> Finding:
    limit_s = REACH_S if trips.where else START_S
    try:
        with anyio.fail_after(limit_s):
            seconds = await trips.reach()
    except UsageError as error:  # which says what to do
        return Finding(what="connection", ok=False, found=str(error))
    except Exception as error:
        return Finding(what="connection", ok=False, found=_unreached(engine, trips.where, error, limit_s))
    return Finding(what="connection", ok=True, found=f"{trips.where}, reached in {took(seconds)}")


def _unreached(engine: str, where: str, error: Exception, limit_s: float) -> str:
    why = str(error).rstrip(". ") or f"no answer within {limit_s:g} s"
    if where:
        why = f"{where} is not reached: {why}"
    return f"{why}; {ADDRESSES[engine]}"


# --- the workers ---


def _workers(workers: Sequence[WorkerFacts]) -> Iterator[Finding]:
    """Those that are alike together, each of the others by itself."""
    if not workers:
        yield Finding(what="workers", ok=False, found="there are none")
    alike = defaultdict[tuple[str, ...], list[str]](list)
    for one in workers:
        yield from (Finding(what=f"worker {one.name}", ok=False, found=text) for text in one.concerns)
        if one.about is None:
            yield Finding(what=f"worker {one.name}", ok=False, found=f"{one.trouble} (it has {one.offers})")
        elif one.about["differs"]:
            yield Finding(what=f"worker {one.name}", ok=False, found=one.about["differs"])
        else:
            alike[one.offers, one.about["version"], one.about["python"]].append(one.name)
    for (offers, version, python), names in alike.items():
        yield Finding(
            what="workers",
            ok=True,
            found=f"{len(names)} with {offers}, nbsched {version} on Python {python}: {_some(names)}",
        )


def _some(names: Sequence[str]) -> str:
    more = len(names) - NAMED
    return ", ".join(names[:NAMED]) + (f" and {more} more" if more > 0 else "")


def _fitness(needs: Mapping[str, Any], workers: Sequence[WorkerFacts]) -> Iterator[Finding]:
    """Whether the kernel and the packages are on the workers that could use them."""
    able = _able(workers)
    what = f"kernel {needs['kernel']} of workers"
    lacking = [about["lacks"] for about in able if about["lacks"]]
    for lacks in lacking:
        yield Finding(what=what, ok=False, found=lacks)
    if able and not lacking:
        packages = ", ".join(needs["packages"])
        where = "on the one worker" if len(able) == 1 else f"on all {len(able)} workers"
        yield Finding(what=what, ok=True, found=f"{where}{f', and {packages}' if packages else ''}")


def _able(workers: Sequence[WorkerFacts]) -> list[About]:
    return [one.about for one in workers if one.about is not None and not one.about["differs"]]


# --- there and back ---


def _round_trip(first: Trip, again: Trip) -> Finding:
    found = again.trouble or f"{took(again.seconds)}, the first one {took(first.seconds)}"
    return Finding(what="round trip", ok=again.ok, found=found)


async def _files(engine: str, trips: Trips, workers: Sequence[WorkerFacts]) -> Finding:
    """How files come to workers and back, as one that went there says."""
    asked = _asked(engine)
    trip = await trips.go_with_file()
    able = _able(workers)
    seeing = sum(about["sees"] for about in able)
    if not trip.ok:
        return Finding(what="files", ok=False, found=f"{trip.trouble}{_between(asked)}")
    if trip.in_place:
        found = f"workers see the folder of runs {trips.runs}"
    elif asked.files:
        found = f"through {asked.files}, written, read and removed in {took(trip.seconds)}"
    else:
        found = f"with messages, at most {asked.limit:,} bytes of an attempt (files= names a folder or URL for more)"
    if 0 < seeing < len(able):
        found += f"; {seeing} of {len(able)} workers see the folder of runs"
    return Finding(what="files", ok=True, found=found)


def _between(asked: DaskSettings | CelerySettings) -> str:
    """What is to be looked at when a file has not come back."""
    if asked.files is None:
        return ""
    return f"; they go through {asked.files}: see that this host and the workers may write there"
