"""One parcel on a worker: opened, carried out as it would be at home, and its outcome made ready to be sent."""

from __future__ import annotations

import asyncio
import json
import linecache
import os
import pickle
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any

import anyio

from nbsched.away import freight
from nbsched.away.link import Link, LinkedReport, Mirror, Stopped
from nbsched.away.parcel import Header, Load, load_of, moved, with_reference
from nbsched.core.errors import UsageError, WorkerMismatch
from nbsched.core.model import Error, Function, Notebook, Outcome, Shell, Work
from nbsched.core.redaction import Redaction
from nbsched.executors.call import ended_by
from nbsched.executors.child import outcome_to_json
from nbsched.executors.contract import Assignment, Executor
from nbsched.executors.current import context_to_json
from nbsched.executors.function import FunctionExecutor
from nbsched.executors.lookup import registered
from nbsched.executors.notebook import NotebookExecutor
from nbsched.executors.secrets import secret, without_secrets
from nbsched.executors.shell import ShellExecutor
from nbsched.executors.values import read_left


class Piece:
    """What a worker has of a parcel whose header is well."""

    def __init__(self, header: Header, data: bytes, where: str) -> None:
        self.header, self.link = header, Link(header)
        self.since, self.lease_s = time.monotonic(), float(header["lease_s"])
        self._data, self._where = data, where
        self._home: Path | None = None
        """Its own folder of runs, where it does not see its sender's."""

    def carry(self) -> list[dict[str, Any]]:
        """The messages with its files and, last, its outcome, when it is over; Stopped if it has not begun."""
        load = load_of(self._data)
        with self._opened(load) as folder:
            report = LinkedReport(self.link, folder)
            try:
                outcome = self._outcome(load, folder, report)
            except Stopped:
                outcome = Outcome(kind="cancelled")
            except Exception as error:
                outcome = refused(error)
            report.end()
            return self._messages(without_secrets(outcome, report.redaction, folder.parent), folder)

    @contextmanager
    def _opened(self, load: Load) -> Iterator[Path]:
        """The attempt's folder: the sender's own where it is seen, else one that is gone afterwards."""
        if os.path.exists(self.header["mark"]):
            yield load.folder
            return
        self._home = Path(tempfile.mkdtemp(prefix="nbsched-"))
        try:
            self.link.mirror = Mirror()
            yield self._home / load.folder.parent.name / load.folder.name
        finally:
            shutil.rmtree(self._home, ignore_errors=True)

    def _outcome(self, load: Load, folder: Path, report: LinkedReport) -> Outcome:
        with _with_function(load, self.header, self._where) as (sent, given):
            work, params = self._settled(sent, given, self._fetched(load))
            secrets = self._secrets()
            report.redact(Redaction(secrets.values()))
            context = replace(load.context, params=params)
            told = json.dumps(context_to_json(context, folder), ensure_ascii=False)
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            return self._carried_out(Assignment(
                work=work, context=context, params=params, folder=folder,
                env={**load.env, "NBSCHED_CONTEXT": told, **secrets}, report=report,
                cell_timeout=load.policy.cell_timeout, grace=load.policy.grace, launch=load.policy.launch,
                redaction=report.redaction, policy=load.policy,
            ))  # fmt: skip

    # -- what it needs of its sender ---------------------------------------------------------------------------

    def _fetched(self, load: Load) -> Mapping[Path, Path]:
        """Where the enclosed files lie here that do not lie where they do there."""
        there = [Path(name) for name in self.header["enclosed"]]
        missing = [path for path in there if self._home or not path.exists()]
        if not missing:
            return {}
        home = self._home or load.folder
        names = [f"in/{at}/{path.name}" for at, path in enumerate(missing)]
        self.arrivals = freight.Arrivals(home)
        answer = self.link.ask(
            "files", [[str(path), name] for path, name in zip(missing, names, strict=True)]
        )
        if "refused" in answer:
            raise UsageError(answer["refused"])
        for name in names if "url" in answer else ():
            freight.get(f"{answer['url']}/{name}", home / name)
        return {path: home / name for path, name in zip(missing, names, strict=True)}

    def _settled(
        self, work: Work, params: Mapping[str, Any], places: Mapping[Path, Path]
    ) -> tuple[Work, Mapping[str, Any]]:
        """The work with its files where they are here."""

        def place(path: Path) -> Path:
            return places.get(path, path)

        if isinstance(work, Function):
            work, params = replace(work, args=moved(work.args, place)), moved(params, place)
            if work.where == "process":  # which reads its files itself
                return work, params
            return replace(work, args=read_left(work.args)), read_left(params)
        if isinstance(work, Notebook):
            path = place(Path(work.path))
            cwd = Path(work.path).parent / (work.cwd or "")
            work = replace(
                work, path=str(path), cwd=str(cwd) if cwd.is_dir() else str(path.parent), output=None
            )
        if isinstance(work, Shell) and not os.path.isdir(work.cwd or ""):
            work = replace(work, cwd=str(self._home or os.getcwd()))
        return work, moved(params, place)

    def _secrets(self) -> dict[str, str]:
        """Those that this worker has; for the others its sender is asked."""
        found, missing = {}, []
        for name in self.header["secrets"]:
            try:
                found[name] = secret(name)
            except UsageError:
                missing.append(name)
        if missing:
            answer = self.link.ask("secrets", missing)
            if "refused" in answer:
                raise UsageError(f"{answer['refused']}; {self._where} has it not")
            found |= answer["values"]
        return found

    # -- carrying out ------------------------------------------------------------------------------------------

    def _carried_out(self, assignment: Assignment) -> Outcome:
        work, limit = assignment.work, assignment.policy.timeout
        if isinstance(work, Function) and work.where == "thread" and limit is None:
            run = assignment.context.run_id
            self.link.stopped_by(lambda _: functions().interrupt(run))
            outcome = functions().run_batch([assignment])[0]
            stopped = self.link.stopped and outcome.kind == "interrupted"
            return Outcome(kind="cancelled") if stopped else outcome
        return anyio.run(self._supervised, assignment, limit)

    async def _supervised(self, assignment: Assignment, limit: timedelta | None) -> Outcome:
        loop, outcome = asyncio.get_running_loop(), Outcome(kind="cancelled")

        def stop(grace: timedelta) -> None:
            assignment.grace = grace
            with suppress(RuntimeError):  # it has just ended
                loop.call_soon_threadsafe(stopped.cancel)

        with (
            anyio.CancelScope() as stopped,
            anyio.move_on_after(None if limit is None else limit.total_seconds()) as late,
        ):
            self.link.stopped_by(stop)
            outcome = await executor_of(assignment.work).execute(assignment)
        self.link.stopped_by(None)
        if late.cancelled_caught:
            error = Error("TimeoutError", f"it took longer than {limit}")
            return Outcome(kind="timeout", reason="timeout", error=error, error_types=(error.type,))
        return outcome

    # -- what goes back ----------------------------------------------------------------------------------------

    def _messages(self, outcome: Outcome, folder: Path) -> list[dict[str, Any]]:
        files = self._files(folder.parent) if self._home else {}
        try:
            sent = self._sent(files)
        except Exception as error:
            outcome, sent = refused(error), [{}]
        return [*sent[:-1], {**sent[-1], **ending(self.link.id, outcome, folder.parent)}]

    def _sent(self, files: Mapping[str, Path]) -> list[dict[str, Any]]:
        """The files as messages or at their URL; in the last message what the sender must know of them."""
        if files and self.header["files"]:
            url = f"{self.header['files'].rstrip('/')}/{self.link.id}"
            for name, path in files.items():
                freight.put(path, f"{url}/{name}")
            return [{"url": url, "names": list(files)}]
        size = sum(path.stat().st_size for path in files.values())
        freight.refuse_large(self.header["name"], size, self.header["limit"])
        parts = (part for name, path in files.items() for part in freight.pieces(name, path))
        found = [{"t": "piece", "id": self.link.id, **part} for part in parts]
        return [*found, {"pieces": len(found)}]

    def _files(self, run: Path) -> dict[str, Path]:
        """What it has written, by its place in its run's folder."""
        found = (
            path for path in sorted(run.rglob("*")) if path.is_file() and not path.name.endswith(".journal")
        )
        return {str(path.relative_to(run)): path for path in found}


@contextmanager
def _with_function(load: Load, header: Header, where: str) -> Iterator[tuple[Work, Mapping[str, Any]]]:
    """The work; a function that came along is known by its reference inside the block."""
    if load.function is None or not isinstance(load.work, Function):
        yield load.work, load.params
        return
    if load.source:
        file, lines = load.source
        linecache.cache[file] = (sum(map(len, lines)), None, lines, file)
    try:
        function = pickle.loads(load.function)
    except ImportError as error:
        raise WorkerMismatch(
            f"{load.work.name!r} was sent by {header['from']} and cannot be loaded by {where} ({error}): "
            "install there what it imports"
        ) from None
    with registered(function) as ref:
        yield with_reference(load.work, load.params, ref)


def refused(error: Exception) -> Outcome:
    """The outcome of work that could not be begun, or not be sent back."""
    return replace(ended_by(error, {}), fatal=isinstance(error, UsageError))


def ending(id: str, outcome: Outcome, folder: Path) -> dict[str, Any]:
    """The message that the piece is over; the files of its values lie in the folder."""
    return {"t": "end", "id": id, "outcome": outcome_to_json(outcome, folder)}


@cache
def functions() -> FunctionExecutor:
    """Those of this process."""
    return FunctionExecutor()


def executor_of(work: Work) -> Executor:
    """What carries out such work at home."""
    if isinstance(work, Function):
        return functions()
    return ShellExecutor() if isinstance(work, Shell) else NotebookExecutor()
