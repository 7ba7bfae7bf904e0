from __future__ import annotations

import os
import sqlite3
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib.resources import files
from pathlib import Path

import pytest

from nbsched.core.errors import StoreError
from nbsched.store import database
from nbsched.store.database import Database, Db


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Database]:
    opened = Database(tmp_path / "store.db")
    yield opened
    opened.close()


def put(db: Db, name: str, value: int) -> int:
    db.execute("INSERT INTO subscriptions (name, pattern, seq) VALUES (?, '', ?)", (name, value))
    return value


def facts(db: Db) -> dict[str, int]:
    return dict(db.execute("SELECT name, seq FROM subscriptions").fetchall())


def test_a_write_is_seen_by_readers_once_its_future_is_done(store: Database) -> None:
    assert store.write(put, "a", 1) == 1
    assert store.submit_lightly(put, "b", 2).result() == 2
    assert store.read(facts) == {"a": 1, "b": 2}


def test_a_verb_that_raises_changes_nothing_and_harms_no_other_of_the_same_commit(store: Database) -> None:
    def put_and_raise(db: Db) -> None:
        put(db, "bad", 0)
        raise LookupError("no")

    gate = threading.Event()
    store.submit(lambda db: gate.wait(5))
    before, bad, after = store.submit(put, "a", 1), store.submit(put_and_raise), store.submit(put, "b", 2)
    gate.set()
    assert (before.result(), after.result()) == (1, 2)
    with pytest.raises(LookupError):
        bad.result()
    assert store.read(facts) == {"a": 1, "b": 2}


def test_a_write_given_up_before_it_began_is_not_made_and_the_writer_goes_on(store: Database) -> None:
    begun, gate = threading.Event(), threading.Event()
    store.submit(lambda db: begun.set() or gate.wait(5))
    assert begun.wait(5)
    given_up = store.submit(put, "a", 1)
    assert given_up.cancel()
    gate.set()
    assert store.write(put, "b", 2) == 2
    assert store.read(facts) == {"b": 2}


def test_a_write_that_has_begun_can_not_be_given_up(store: Database) -> None:
    begun, gate = threading.Event(), threading.Event()

    def slow(db: Db) -> int:
        begun.set()
        gate.wait(5)
        return put(db, "a", 1)

    future = store.submit(slow)
    assert begun.wait(5)
    assert not future.cancel()
    gate.set()
    assert future.result() == 1


def test_closing_commits_what_was_submitted_and_refuses_more(tmp_path: Path) -> None:
    store = Database(tmp_path / "store.db")
    futures = [store.submit_lightly(put, str(number), number) for number in range(2000)]
    store.close()
    assert [future.result() for future in futures] == list(range(2000))
    with pytest.raises(StoreError, match="closed"):
        store.write(put, "late", 1)


def test_a_closed_store_can_still_be_read_and_keeps_nothing_open(tmp_path: Path) -> None:
    store = Database(tmp_path / "store.db")
    store.write(put, "a", 1)
    store.read(facts)
    store.close()
    before = os.listdir("/proc/self/fd")
    assert store.read(facts) == {"a": 1}
    assert os.listdir("/proc/self/fd") == before


def test_every_write_is_answered_however_it_races_with_the_close(tmp_path: Path) -> None:
    for attempt in range(20):
        store = Database(tmp_path / f"{attempt}.db")
        with ThreadPoolExecutor(4) as pool:
            written = [pool.submit(store.submit_lightly, put, str(number), number) for number in range(200)]
            pool.submit(store.close)
        for future in written:
            outcome = future.result().exception(timeout=10)
            assert outcome is None or isinstance(outcome, StoreError)


def test_it_is_idle_only_when_all_that_was_submitted_has_been_told(tmp_path: Path) -> None:
    told: list[bool] = []
    store = Database(tmp_path / "store.db", lambda: told.append(store.idle))
    store.write(put, "a", 1)
    for _ in range(200):
        store.submit_lightly(put, os.urandom(8).hex(), 1)
        assert store.idle is False or store.read(facts)
    store.close()
    assert store.idle
    assert not any(told)


def test_the_connection_of_a_thread_ends_with_it(store: Database) -> None:
    def look() -> None:
        store.read(facts)

    before = len(os.listdir("/proc/self/fd"))
    for _ in range(30):
        thread = threading.Thread(target=look)
        thread.start()
        thread.join()
    assert len(os.listdir("/proc/self/fd")) <= before + 3


def test_the_file_and_its_companions_are_its_owner_s_only(tmp_path: Path) -> None:
    store = Database(tmp_path / "new" / "store.db")
    store.write(put, "a", 1)
    store.read(facts)
    found = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "new").iterdir()}
    assert found == {"store.db": 0o600, "store.db-wal": 0o600, "store.db-shm": 0o600}
    store.close()


def test_a_store_of_the_first_format_is_brought_up_to_date_with_what_is_in_it(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    first = files("nbsched.store").joinpath("schema", "1.sql").read_text("utf-8")
    with sqlite3.connect(path) as connection:
        connection.executescript(first)
        connection.execute("PRAGMA user_version = 1")
        for run, parent in ((1, None), (2, 1)):
            connection.execute(
                "INSERT INTO runs (id, name, kind, state, scheduled_ms, previous_ms, parent, seq, created_ms, work) "
                "VALUES (?, 'old', 'shell', 'succeeded', 0, 0, ?, 0, 0, '{}')",
                (run, parent),
            )
    connection.close()
    store = Database(path)
    found = store.read(lambda db: db.execute("SELECT id, root, scope FROM runs ORDER BY id").fetchall())
    assert [tuple(row) for row in found] == [(1, None, None), (2, 1, 1)]
    assert store.read(lambda db: db.execute("PRAGMA user_version").fetchone()[0]) == database.VERSION
    store.close()


def test_a_newer_store_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    Database(path).close()
    with sqlite3.connect(path) as connection:
        connection.execute(f"PRAGMA user_version = {database.VERSION + 1}")
    connection.close()
    before = path.read_bytes()
    with pytest.raises(StoreError, match=r"newer nbsched.*upgrade nbsched"):
        Database(path)
    assert path.read_bytes() == before


def test_a_file_that_is_no_store_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    path.write_text("this is my diary, not a database, and it is long enough to be seen as one\n" * 20)
    with pytest.raises(StoreError, match="not a database"):
        Database(path)
    assert path.read_text().startswith("this is my diary")


def test_a_folder_that_can_not_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="cannot be opened"):
        Database(tmp_path / "file" / "store.db")


def test_a_store_locked_by_another_program_is_an_error_and_then_works_again(
    store: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    store._connection.execute("PRAGMA busy_timeout = 50")
    other = sqlite3.connect(store.path, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    with pytest.raises(StoreError, match="locked by another program"):
        store.write(put, "a", 1)
    other.execute("ROLLBACK")
    other.close()
    assert store.write(put, "a", 1) == 1


OPENING = """
import sys, pathlib
from nbsched.store.database import Database
store = Database(pathlib.Path(sys.argv[1]))
for number in range(20):
    store.write(lambda db: db.execute(
        "INSERT INTO subscriptions (name, pattern, seq) VALUES ('n', '', 1) "
        "ON CONFLICT (name) DO UPDATE SET seq = seq + 1"))
store.close()
"""


def test_processes_that_make_the_same_new_store_at_once_all_succeed(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    children = [subprocess.Popen([sys.executable, "-c", OPENING, str(path)]) for _ in range(6)]
    assert [child.wait(30) for child in children] == [0] * 6
    store = Database(path)
    assert store.read(facts) == {"n": 120}
    store.close()


def test_a_forked_process_can_not_use_the_store_and_does_not_harm_it(store: Database) -> None:
    gate = threading.Event()
    begun = threading.Event()

    def slow(db: Db) -> int:
        put(db, "a", 1)
        begun.set()
        gate.wait(5)
        return 1

    store.read(facts)
    future = store.submit(slow)
    assert begun.wait(5)
    child = _fork(lambda: _refused(store))
    _, status = os.waitpid(child, 0)
    gate.set()
    assert os.waitstatus_to_exitcode(status) == 0
    assert future.result(5) == 1
    assert store.read(facts) == {"a": 1}
    assert store.read(lambda db: db.execute("PRAGMA integrity_check").fetchone()[0]) == "ok"


def _fork(child: object) -> int:
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        pid = os.fork()
    if pid == 0:
        status = 1
        try:
            status = child()  # type: ignore[operator]
        finally:
            os._exit(status)
    return pid


def _refused(store: Database) -> int:
    """0 when everything that a child may try is refused, and closing does nothing."""
    tries = [lambda: store.read(facts), lambda: store.write(put, "child", 1), lambda: Database(store.path)]
    for attempt in tries:
        try:
            attempt()
        except StoreError as error:
            if "forked" not in str(error):
                return 2
        else:
            return 3
    store.close()
    return 0
