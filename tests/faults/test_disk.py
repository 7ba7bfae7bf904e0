"""A store that cannot be written for a while, or at all."""

from __future__ import annotations

import errno
import os
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

import nbsched as nb
from nbsched.core.errors import StoreError
from nbsched.executors.lookup import load_file

works = load_file(Path(__file__).with_name("works.py"))


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of half a megabyte, where the one who tests may make one."""
    folder = tmp_path / "disk"
    folder.mkdir()
    if os.getuid() or subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=512k", "tmpfs", str(folder)], capture_output=True, check=False
    ).returncode:  # fmt: skip
        pytest.skip("needs to mount a small disk")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def fill(path: Path) -> None:
    """The file takes all the room that there is."""
    file = os.open(path, os.O_CREAT | os.O_WRONLY)
    try:
        while True:
            os.write(file, b"x" * 4096)
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
    finally:
        os.close(file)


def run_many(rt: nb.Runtime) -> None:
    for _ in range(200):
        rt.run(works.rank)


def test_a_full_disk_is_an_error_and_room_makes_it_work_again(small_disk: Path) -> None:
    with nb.Runtime(small_disk / "store.db") as rt:
        assert rt.run(works.rank).wait(10).state == "succeeded"
        filler = small_disk / "filler"
        fill(filler)
        with pytest.raises(StoreError, match="make room"):
            run_many(rt)
        assert rt.open
        filler.unlink()
        assert rt.run(works.rank).wait(20).state == "succeeded"
        for run in rt.runs():
            assert run.wait(20).state == "succeeded"
        soundness = rt.database.read(lambda db: db.execute("PRAGMA integrity_check").fetchone()[0])
    assert soundness == "ok"


def test_a_disk_that_stays_full_does_not_keep_a_program_from_ending(small_disk: Path) -> None:
    program = small_disk.parent / "program.py"
    program.write_text(FILLING)
    done = subprocess.run(
        [sys.executable, str(program), str(small_disk)],
        timeout=30,
        text=True,
        capture_output=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "refused\n"), done
    assert "Traceback" not in done.stderr


FILLING = """
import sys, pathlib
import nbsched as nb
from nbsched.core.errors import StoreError

disk = pathlib.Path(sys.argv[1])
with nb.Runtime(disk / "store.db") as rt:
    try:
        with open(disk / "filler", "wb") as file:
            while True:
                file.write(b"x" * 4096)
                file.flush()
    except OSError:
        pass
    try:
        for _ in range(1000):
            rt.publish("data", {"x": "y" * 1000})
    except StoreError:
        print("refused", flush=True)
"""


@pytest.fixture
def read_only(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Path]:
    """A store with a run in it, which may only be read."""
    if os.getuid() == 0:  # root may write whatever the permissions say
        folder = request.getfixturevalue("small_disk")
        protect = lambda: subprocess.run(["mount", "-o", "remount,ro", str(folder)], check=True)  # noqa: E731
    else:
        folder = tmp_path / "folder"
        folder.mkdir()
        protect = lambda: ((folder / "store.db").chmod(0o400), folder.chmod(0o500))  # noqa: E731
    with nb.Runtime(folder / "store.db") as rt:
        rt.run(works.rank).wait(10)
    protect()
    yield folder / "store.db"
    if os.getuid():
        folder.chmod(0o700)


def test_a_store_that_may_only_be_read_is_refused_with_the_reason(read_only: Path) -> None:
    with pytest.raises(StoreError, match="check the permissions"):
        nb.Runtime(read_only).start()
    with pytest.raises(StoreError):
        nb.Runtime(read_only.with_name("new.db")).start()


def test_work_that_ends_while_the_store_is_locked_is_settled_afterwards(tmp_path: Path) -> None:
    with nb.Runtime(tmp_path / "store.db") as rt:
        rt.database._connection.execute("PRAGMA busy_timeout = 100")
        there = tmp_path / "there"
        run = rt.run(works.until_there, {"path": str(there)})
        begun = tmp_path / "there.begun"
        while not begun.exists():
            threading.Event().wait(0.01)
        other = sqlite3.connect(rt.store_path, isolation_level=None)
        other.execute("BEGIN EXCLUSIVE")
        there.touch()
        with pytest.raises(StoreError, match="locked by another program"):
            rt.run(works.rank)
        with pytest.raises(TimeoutError):
            run.wait(1.2)
        other.execute("ROLLBACK")
        other.close()
        assert run.wait(10).state == "succeeded"
        assert run.attempt == 1
        assert rt.run(works.rank).wait(10).state == "succeeded"
