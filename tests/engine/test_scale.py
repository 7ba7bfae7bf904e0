"""Long, wide and tangled pipelines: every step once, after what it needs, in bounded memory."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import nbsched as nb

Needs = Mapping[str, Sequence[str]]
MOST_BYTES_A_STEP = 4_000
"""While a pipeline is defined, run and waited for, beside what any pipeline takes."""


@contextmanager
def little_memory(steps: int) -> Iterator[None]:
    """The process takes no more at its peak than its steps are worth."""
    Path("/proc/self/clear_refs").write_text("5")  # the peak is counted from here on
    before = _memory("VmRSS")
    yield
    assert _memory("VmHWM") - before < 20_000_000 + steps * MOST_BYTES_A_STEP


def _memory(figure: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return 1024 * next(int(line.split()[1]) for line in lines if line.startswith(figure))


def carried_out(runtime: nb.Runtime, works: ModuleType, needs: Needs, **options: Any) -> nb.Run:
    """A run of steps that note their names, when it has ended."""
    note = nb.task(works.ok)
    with little_memory(len(needs)):
        with nb.pipeline("large", **options) as p:
            for name, before in needs.items():
                note.options(name=name)(name) << [p.steps[need] for need in before]
        run = runtime.run(p).wait(50)
    assert run.state == "succeeded"
    return run


def check(runtime: nb.Runtime, run: nb.Run, works: ModuleType, needs: Needs) -> None:
    """Each step was called once, is in the store once, and began when all it needs had ended."""
    assert Counter(works.calls) == dict.fromkeys(needs, 1)
    rows = runtime.database.read(lambda db: db.execute(ROWS, (run.id,)).fetchall())
    assert {row["step"]: (row["state"], row["attempt"], row["result"]) for row in rows} == {
        name: ("succeeded", 1, f'"{name}"') for name in needs
    }
    assert len(rows) == len(needs)
    ends, begins = ({row["step"]: row[at] for row in rows} for at in ("ended", "began"))
    assert all(ends[need] < begins[name] for name, before in needs.items() for need in before)


ROWS = """
SELECT step, state, attempt, result,
  (SELECT seq FROM events WHERE run = runs.id AND name = 'run.started') AS began,
  (SELECT seq FROM events WHERE run = runs.id AND name = 'run.succeeded') AS ended
FROM runs WHERE parent = ?
"""


def test_a_chain_of_1000_steps(real: nb.Runtime, works: ModuleType) -> None:
    needs = {f"s{at}": [f"s{at - 1}"] if at else [] for at in range(1000)}
    check(real, carried_out(real, works, needs), works, needs)
    assert works.calls == list(needs)


def test_a_fan_out_of_10000_steps_and_back(real: nb.Runtime, works: ModuleType) -> None:
    parts = [f"part {at}" for at in range(10_000)]
    needs = {"first": [], **{part: ["first"] for part in parts}, "last": parts}
    check(real, carried_out(real, works, needs), works, needs)


def test_a_mapped_fan_out_of_10000_items(real: nb.Runtime, works: ModuleType) -> None:
    parts = [f"part {at}" for at in range(10_000)]
    with little_memory(len(parts)):
        with nb.pipeline("mapped") as p:
            items = nb.task(works.ok).options(name="items")(parts)
            mapped = nb.task(works.ok).options(name="mapped").map(items)
            nb.task(works.length).options(name="all")(mapped)
        run = real.run(p).wait(50)
    assert (run.state, run.steps["all"].result) == ("succeeded", 10_000)
    assert Counter(map(str, works.calls[1:])) == dict.fromkeys(parts, 1)
    assert run.steps["mapped"].result == parts
    rows = real.database.read(lambda db: db.execute(ITEMS, (run.steps["mapped"].id,)).fetchall())
    assert [tuple(row) for row in rows] == [
        (at, "succeeded", 1, f'"{part}"', 1) for at, part in enumerate(parts)
    ]


ITEMS = """
SELECT idx, state, attempt, result, (SELECT count(*) FROM events WHERE run = runs.id AND name = 'run.succeeded')
FROM runs WHERE parent = ? ORDER BY idx
"""


@pytest.mark.parametrize("seed", range(3))
def test_a_random_graph_of_2000_steps(real: nb.Runtime, works: ModuleType, seed: int) -> None:
    chance, names = random.Random(seed), [f"s{at}" for at in range(2000)]
    needs = {name: chance.sample(names[:at], min(at, chance.randint(0, 6))) for at, name in enumerate(names)}
    check(real, carried_out(real, works, needs), works, needs)


@pytest.mark.parametrize("options", [{"max_parallel": 2}, {"resources": {"gpu": 1}}])
def test_a_fan_out_of_2000_steps_of_which_few_may_run_at_once(
    tmp_path: Path, works: ModuleType, options: dict[str, Any]
) -> None:
    needs: Needs = {f"s{at}": [] for at in range(2000)}
    with nb.Runtime(tmp_path / "store.db", slots=4, resources={"gpu": 2}) as runtime:
        check(runtime, carried_out(runtime, works, needs, **options), works, needs)
