"""The SQLite file: one writer thread that commits what has gathered as one transaction, and readers beside it."""

from __future__ import annotations

import os
import queue
import sqlite3
import threading
import weakref
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar

from nbsched.core.errors import NbschedError, StoreError
from nbsched.store.forks import is_inherited, leave_alone_in_forks

VERSION = 3
"""Of the store's format; `schema/N.sql` leads from the one before to format N."""
MOST_IN_ONE_COMMIT = 512
BUSY_MS = 10_000

P = ParamSpec("P")
T = TypeVar("T")
Db = sqlite3.Connection


@dataclass(slots=True)
class _Request:
    verb: Callable[..., Any]
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    durable: bool
    quiet: bool
    future: Future[Any]


class Database:
    """The file at `path`, made when it is not there, readable by its owner only.

    A write is a function of a connection; it runs alone, whole or not at all, and its future is done
    once it is committed. `durable` writes are on the disk by then; the others survive the process's
    death but not the machine's.
    """

    def __init__(self, path: Path, committed: Callable[[], None] = lambda: None) -> None:
        self.path = path
        self._committed = committed
        self._requests: queue.SimpleQueue[_Request | None] = queue.SimpleQueue()
        self._local = threading.local()
        self._readers: weakref.WeakSet[_Reader] = weakref.WeakSet()
        self._lock = threading.Lock()
        self._closed = False
        self._unanswered = 0
        self._pid = os.getpid()
        self._connection = _open(path)
        self._synchronous = ""
        leave_alone_in_forks(self)
        self._thread = threading.Thread(target=self._write_until_closed, name="nbsched-store", daemon=True)
        self._thread.start()

    def submit(self, verb: Callable[Concatenate[Db, P], T], *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """The verb's result once it is on the disk."""
        return self._submit(verb, args, kwargs, durable=True)

    def write(self, verb: Callable[Concatenate[Db, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """The verb has been carried out and is on the disk."""
        future: Future[T] = self._submit(verb, args, kwargs, durable=True)
        return future.result()

    def submit_lightly(
        self, verb: Callable[Concatenate[Db, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> Future[T]:
        """The verb's result once it is committed, though perhaps not yet on the disk."""
        return self._submit(verb, args, kwargs, durable=False)

    def submit_quietly(
        self, verb: Callable[Concatenate[Db, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> Future[T]:
        """As `submit_lightly`; whoever asks for it tells those whom it concerns: `committed` is not called for it."""
        return self._submit(verb, args, kwargs, durable=False, quiet=True)

    def submit_untold(
        self, verb: Callable[Concatenate[Db, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> Future[T]:
        """As `submit`; whoever asks for it tells those whom it concerns: `committed` is not called for it."""
        return self._submit(verb, args, kwargs, durable=True, quiet=True)

    def read(self, query: Callable[Concatenate[Db, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """What the query finds among what is committed; callable from any thread, also after the close."""
        self._refuse_forks()
        try:
            reader = self._reader()
            return query(reader.connection, *args, **kwargs)
        except sqlite3.Error as error:
            raise _store_error(self.path, error) from error

    def connections(self) -> list[Db]:
        """All that are open."""
        return [self._connection, *(reader.connection for reader in tuple(self._readers))]

    @property
    def idle(self) -> bool:
        """Nothing waits to be written, and nothing that was is still to be told of."""
        return not self._unanswered

    def close(self) -> None:
        """All that was submitted is committed and the file is closed."""
        with self._lock:
            if self._closed or self._pid != os.getpid():
                return
            self._closed = True
            self._requests.put(None)
        self._thread.join()
        self._connection.close()
        for reader in tuple(self._readers):
            reader.connection.close()

    def _submit(
        self,
        verb: Callable[..., Any],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        *,
        durable: bool,
        quiet: bool = False,
    ) -> Future[Any]:
        self._refuse_forks()
        future: Future[Any] = Future()
        with self._lock:
            if not self._closed:
                self._unanswered += 1
                self._requests.put(_Request(verb, args, kwargs, durable, quiet, future))
                return future
        future.set_exception(StoreError(f"the store {self.path} is closed: open a new runtime to go on"))
        return future

    def _refuse_forks(self) -> None:
        if self._pid != os.getpid():
            raise _forked(self.path)

    def _reader(self) -> _Reader:
        if self._closed:
            return _Reader(self.path)
        reader: _Reader | None = getattr(self._local, "reader", None)
        if reader is None:
            reader = self._local.reader = _Reader(self.path)
            self._readers.add(reader)
        return reader

    def _write_until_closed(self) -> None:
        open_ = True
        while open_:
            batch, open_ = self._gather()
            wanted = [request for request in batch if request.future.set_running_or_notify_cancel()]
            if wanted:
                self._commit(wanted)
            with self._lock:
                self._unanswered -= len(batch)

    def _gather(self) -> tuple[list[_Request], bool]:
        """What is to be committed together, and whether more may come."""
        batch: list[_Request] = []
        request = self._requests.get()
        while request is not None:
            batch.append(request)
            if len(batch) == MOST_IN_ONE_COMMIT or self._requests.empty():
                return batch, True
            request = self._requests.get_nowait()
        return batch, False

    def _commit(self, batch: list[_Request]) -> None:
        durable = any(request.durable for request in batch)
        answers: list[tuple[_Request, Any, BaseException | None]] = []
        try:
            self._roll_back()
            self._synchronise("FULL" if durable else "NORMAL")
            self._connection.execute("BEGIN IMMEDIATE")
            if len(batch) == 1:
                answers = [(batch[0], self._call(batch[0]), None)]
            else:
                answers = [(request, *self._carry_out(request)) for request in batch]
            self._connection.execute("COMMIT")
        except BaseException as error:
            with suppress(sqlite3.Error):
                self._roll_back()
            answers = [(request, None, error) for request in batch]
        for request, result, problem in answers:
            if problem is None:
                request.future.set_result(result)
            else:
                request.future.set_exception(_as_ours(self.path, problem))
        if not all(request.quiet for request in batch):
            self._committed()

    def _synchronise(self, how: str) -> None:
        if how != self._synchronous:
            self._connection.execute(f"PRAGMA synchronous = {how}")
            self._synchronous = how

    def _roll_back(self) -> None:
        if self._connection.in_transaction:
            self._connection.execute("ROLLBACK")

    def _carry_out(self, request: _Request) -> tuple[Any, BaseException | None]:
        """The verb's result, or what it raised; then it has changed nothing."""
        self._connection.execute("SAVEPOINT verb")
        try:
            result = self._call(request)
        except Exception as error:
            if isinstance(error, sqlite3.OperationalError) and not self._connection.in_transaction:
                raise
            self._connection.execute("ROLLBACK TO verb")
            self._connection.execute("RELEASE verb")
            return None, error
        self._connection.execute("RELEASE verb")
        return result, None

    def _call(self, request: _Request) -> Any:
        return request.verb(self._connection, *request.args, **request.kwargs)


class _Reader:
    """One thread's own connection, closed when its thread ends."""

    def __init__(self, path: Path) -> None:
        self._pid = os.getpid()
        self.connection = _connect(path)
        self.connection.execute("PRAGMA query_only = ON")

    def __del__(self) -> None:
        if self._pid == os.getpid() and hasattr(
            self, "connection"
        ):  # work may be interrupted as it is opened
            self.connection.close()


def _forked(path: Path) -> StoreError:
    return StoreError(
        f"this process was forked from one that has the store {path} open, and cannot use it: "
        "start it as a program of its own, such as with subprocess or multiprocessing's 'spawn'"
    )


def _as_ours(path: Path, problem: BaseException) -> BaseException:
    return _store_error(path, problem) if isinstance(problem, sqlite3.Error) else problem


def _store_error(path: Path, error: BaseException) -> StoreError:
    text = str(error)
    if "locked" in text or "busy" in text:
        return StoreError(f"the store {path} is locked by another program: close it there and try again")
    if "full" in text:
        return StoreError(f"the disk of the store {path} is full: make room and try again")
    if "readonly" in text or "read-only" in text or "unable to open" in text:
        return StoreError(
            f"the store {path} cannot be opened or written: check the permissions of the file and its folder"
        )
    return StoreError(f"the store {path} failed: {text}; run `nbsched doctor` to check it")


def in_memory() -> Db:
    """A store of the same format, for one thread, which is gone with its connection."""
    nowhere = Path(":memory:")
    return _prepared(_connect(nowhere), nowhere)


def _open(path: Path) -> Db:
    if is_inherited(path):
        raise _forked(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not path.exists():
            os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
        return _prepared(_connect(path), path)
    except OSError as error:
        raise StoreError(
            f"the store {path} cannot be opened: {error.strerror or error}; give another path"
        ) from error
    except sqlite3.Error as error:
        raise _store_error(path, error) from error


def _prepared(connection: Db, path: Path) -> Db:
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        _migrate(connection, path)
    except BaseException:
        connection.close()
        raise
    return connection


def _connect(path: Path) -> Db:
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=BUSY_MS / 1000)
    connection.row_factory = sqlite3.Row
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA temp_store = MEMORY")
    return connection


def _migrate(connection: Db, path: Path) -> None:
    connection.execute("BEGIN IMMEDIATE")
    try:
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        if version > VERSION:
            raise StoreError(
                f"the store {path} was written by a newer nbsched (format {version}, this one knows {VERSION}): "
                "upgrade nbsched or give another store"
            )
        for number in range(version + 1, VERSION + 1):
            for statement in _schema(number):
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {number}")
        connection.execute("COMMIT")
    except (sqlite3.Error, NbschedError):
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _schema(number: int) -> list[str]:
    """The statements that lead to this format from the one before."""
    return files("nbsched.store").joinpath("schema", f"{number}.sql").read_text("utf-8").split(";\n")
