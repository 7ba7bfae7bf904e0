"""A program is killed at each of its commits, and started again: what had finished is not done again."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

KILLING = Path(__file__).with_name("killing.py")
PROGRAM = """
import os
import nbsched as nb

LOG = os.environ["LOG"]

def note(step):
    with open(LOG, "a") as log:
        log.write(step + "\\n")

@nb.task
def number(step, value):
    note(step)
    return value

@nb.task
def join(values):
    note("join")
    return sum(values)

with nb.pipeline("inner", params={"value": int}) as inner:
    number.options(name="deep")("deep", inner.params["value"])

with nb.pipeline("killed", retries=1) as p:
    first = number.options(name="first")("first", 1)
    left = number.options(name="left")("left", first)
    right = number.options(name="right")("right", 20)
    both = join.options(name="join")([left, right])
    told = nb.shell('echo told >> "$LOG"; echo 300', name="told")
    both >> told
    each = nb.zip_map(number.options(name="each"), ["each0", "each1"], [both, 0])
    within = inner(value=both)
    [each, within] >> number.options(name="last")("last", within)

run = nb.run(p, key="one")
run.wait(30, check=True)
print(run.steps["last"].result, run.steps["told"].result)
"""


def play(folder: Path, when: str, at: int) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "NBSCHED_STORE": str(folder / "store.db"), "LOG": str(folder / "log")}
    return subprocess.run(
        [sys.executable, str(KILLING), when, str(at), str(folder / "program.py")],
        env=env, text=True, capture_output=True, timeout=50, check=False,
    )  # fmt: skip


def at_home(folder: Path) -> Path:
    folder.mkdir()
    (folder / "program.py").write_text(PROGRAM)
    (folder / "log").touch()
    return folder


def rows(folder: Path, sql: str) -> list[tuple[object, ...]]:
    if not (folder / "store.db").exists():
        return []
    connection = sqlite3.connect(folder / "store.db")
    try:
        return connection.execute(sql).fetchall()
    except sqlite3.OperationalError:  # killed before the tables were there
        return []
    finally:
        connection.close()


def started(folder: Path) -> Counter[str]:
    return Counter((folder / "log").read_text().split())


MISSED = "it made fewer commits this time"
SUCCEEDED = "SELECT step FROM runs WHERE state = 'succeeded' AND parent NOT NULL"
TOLD_TWICE = "SELECT run, count(*) FROM events WHERE name = 'run.succeeded' GROUP BY run HAVING count(*) <> 1"
TOP = "SELECT count(*) FROM runs WHERE parent IS NULL"


def survives(folder: Path, when: str, at: int) -> str:
    """What is wrong after the program was killed there and started again; nothing, if all is well."""
    killed = play(at_home(folder), when, at)
    if killed.returncode == 0:
        return MISSED
    if killed.returncode != -signal.SIGKILL:
        return f"{when} {at}: it was not killed: {killed}"
    done = {
        str(step)
        for (step,) in rows(
            folder, "SELECT step || ifnull(idx, '') FROM runs WHERE state = 'succeeded' AND parent NOT NULL"
        )
    }
    before = started(folder)
    again = play(folder, when, 0)
    if again.returncode or not again.stdout.startswith("21 300"):
        return f"{when} {at}: {again}"
    times = started(folder)
    problems = [f"{step} was done and ran again" for step in done if times[step] != before[step]]
    problems += [f"{step} began {n} times" for step, n in times.items() if n > 2]
    problems += [f"still {row}" for row in rows(folder, "SELECT id, state FROM runs WHERE ended_ms IS NULL")]
    problems += [f"open {row}" for row in rows(folder, "SELECT * FROM attempts WHERE ended_ms IS NULL")]
    problems += [
        f"not one {row}"
        for row in rows(folder, "SELECT count(*) FROM runs WHERE parent IS NULL")
        if row != (1,)
    ]
    twice = "SELECT run, count(*) FROM events WHERE name = 'run.succeeded' GROUP BY run HAVING count(*) <> 1"
    problems += [f"told {row}" for row in rows(folder, twice)]
    return f"{when} {at}: {problems}" if problems else ""


@pytest.fixture(scope="module")
def commits(tmp_path_factory: pytest.TempPathFactory) -> int:
    """How many there are when nothing happens."""
    whole = play(at_home(tmp_path_factory.mktemp("whole") / "home"), "before", 0)
    assert whole.returncode == 0, whole
    return int(whole.stdout.split()[-1])


def each(tmp_path: Path, kills: Iterator[tuple[str, int]]) -> list[str]:
    with ThreadPoolExecutor(4) as pool:
        return list(pool.map(lambda kill: survives(tmp_path / f"{kill[0]}{kill[1]}", *kill), list(kills)))


def check(problems: list[str]) -> None:
    """Commits gather as time allows, so the last few may not come."""
    assert [problem for problem in problems if problem not in ("", MISSED)] == []
    assert problems.count(MISSED) <= len(problems) // 2


@pytest.mark.timeout(200)
def test_a_program_killed_before_any_of_its_commits_is_carried_on(tmp_path: Path, commits: int) -> None:
    check(each(tmp_path, (("before", at) for at in range(1, commits + 1))))


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_program_killed_after_any_of_its_commits_is_carried_on(tmp_path: Path, commits: int) -> None:
    check(each(tmp_path, (("after", at) for at in range(1, commits + 1))))
