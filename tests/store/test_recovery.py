"""What becomes of a kernel's cells when it is gone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from nbsched.store import hosts, recovery, schedules
from nbsched.store.database import Database
from nbsched.store.hosts import Host
from nbsched.store.schedules import NewSchedule


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = Database(tmp_path / "store.db")
    yield opened
    opened.close()


def kernel(id_: str, *, started_ms: int, seen_ms: int) -> Host:
    return Host(
        id=id_, kind="kernel", pid=1, birth="", port=None, slots=1, resources={}, notebook="/a.ipynb",
        started_ms=started_ms, seen_ms=seen_ms, until_ms=seen_ms + 10,
    )  # fmt: skip


def of_the_notebook() -> NewSchedule:
    return NewSchedule(
        name="tick", given="every 1s", trigger="every 1s", tz=None, work="{}", params="{}", overlap="skip",
        missed="latest", catchup_ms=0, jitter_ms=None, start_ms=None, end_ms=None, max_fires=None, after_ms=0,
        next_ms=1000, patterns="[]", place="notebook:/a.ipynb", notebook="/a.ipynb",
    )  # fmt: skip


@pytest.mark.parametrize(("came", "paused"), [(60, "kernel gone"), (20, None)])
def test_a_dead_kernels_cells_wait_to_be_resumed_unless_another_kernel_lived_beside_it(
    database: Database, came: int, paused: str | None
) -> None:
    database.write(hosts.register, kernel("dead", started_ms=0, seen_ms=50))
    database.write(hosts.register, kernel("new", started_ms=came, seen_ms=70))
    database.write(schedules.define, of_the_notebook(), 10)
    assert database.write(recovery.give_up, "dead", 80)
    assert database.read(schedules.find, "tick")["paused"] == paused
