"""Pipelines made of everything that people can write."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

import nbsched as nb
from nbsched.core.mapping import is_list
from nbsched.executors.lookup import load_file
from tests.exporting.conftest import WORKS

works = load_file(WORKS)

TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=12)
SOURCES = st.sampled_from(
    ["x = 1", 'print("""a""")\n', "a = '\\\\'\n\n", "\n\nb = 2\n", "s = '''q'''\nt = \"'\"\n"]
)
ATOMS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), TEXTS, st.dates(), st.timedeltas().map(abs),
    st.datetimes(timezones=st.sampled_from([datetime.UTC, datetime.timezone(datetime.timedelta(hours=5.5))])),
)  # fmt: skip
VALUES = st.recursive(
    ATOMS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3), max_leaves=5
)
NOTEBOOKS = st.one_of(st.none(), st.booleans(), st.integers(), TEXTS, st.dates())
FACTS = st.sampled_from(
    [nb.scheduled_at, nb.scheduled_date, nb.interval, nb.run_id, nb.run_key, nb.event["field"]["inner"]]
)
NAMES = st.sampled_from(
    ["train", "p", "nb", "class", "print", "01-prepare", "two words", "größe", "datetime"]
)
POLICIES = st.fixed_dictionaries({}, optional={
    "retries": st.integers(0, 9),
    "timeout": st.sampled_from(["90s", "1h30m", None]),
    "rule": st.sampled_from(["all_done", "none_failed"]),
    "backoff": st.sampled_from([nb.Backoff(wait="3s", factor=1.5, jitter=0), "10s"]),
    "priority": st.sampled_from(["high", 3]),
    "retry_on": st.sampled_from([(), (KeyError, "ExitCode")]),
    "resources": st.sampled_from([{}, {"gpu": 1, "big ram": 0.5}]),
    "tags": st.lists(st.sampled_from(["a", "b"]), max_size=2),
    "on_failure": st.sampled_from([None, "it.failed"]),
    "rerun": st.booleans(),
    "rate": st.sampled_from(["10/m", None]),
    "depends_on_previous": st.booleans(),
    "deadline": st.sampled_from(["2h", None]),
    "keep": st.sampled_from(["30d", 5]),
    "max_running": st.integers(1, 3),
})  # fmt: skip


@st.composite
def pipelines(
    draw: st.DrawFn, folder: Path, cells: Sequence[str] = ("kernel", "thread", "process"), flat: bool = False
) -> Any:
    """Any pipeline that people can write, of every kind of step."""
    declared = draw(
        st.dictionaries(
            st.sampled_from(["region", "limit", "p", "größe"]), VALUES | st.sampled_from([int, datetime.date])
        )
    )
    with nb.pipeline("any pipeline", params=declared, max_parallel=draw(st.none() | st.integers(1, 3))) as p:
        steps: list[Any] = []

        def value(plain: st.SearchStrategy[Any] = VALUES) -> Any:
            taken = list(steps) + [step["x y"]["z"] for step in steps] + [p.params[name] for name in declared]
            references = FACTS | st.sampled_from(taken) if taken else FACTS
            return draw(
                plain
                | references
                | st.lists(references, max_size=2)
                | st.dictionaries(TEXTS, references, max_size=2)
            )

        for _ in range(draw(st.integers(1, 5))):
            options: dict[str, Any] = draw(POLICIES)
            if steps and draw(st.booleans()):
                options["when"] = (draw(st.sampled_from(steps))["x y"] > 0.5) | (
                    draw(st.sampled_from(steps)) == "a'b"
                )
            options |= draw(st.sampled_from([{}, {"setup": True}, {"teardown": True}]))
            name = draw(NAMES)
            if name not in p.steps:
                options["name"] = name
            steps.append(_step(draw(st.integers(0, 5 if flat else 13)), draw, folder, cells, value, options))
            for before in draw(st.lists(st.sampled_from(steps[:-1]), max_size=3)) if steps[:-1] else ():
                before >> steps[-1]
    return p


def _step(
    kind: int,
    draw: st.DrawFn,
    folder: Path,
    cells: Sequence[str],
    value: Callable[..., Any],
    options: dict[str, Any],
) -> Any:
    if kind == 0:
        return nb.notebook(
            folder / "report.ipynb",
            params={"value": value(NOTEBOOKS)},
            kernel=draw(st.sampled_from([None, "ir"])),
            **options,
        )
    if kind == 1:
        return nb.shell(draw(SOURCES), env={"A B": value(), "C": value()}, **options)
    if kind == 2:
        options.setdefault("name", f"cell_{draw(st.integers(0, 10**9))}")
        return nb.cell(draw(SOURCES), where=draw(st.sampled_from(cells)), params={"v": value()}, **options)
    if kind == 3:
        return nb.task(works.plain).options(**options)(
            value(), value(), a=value(), **{"not a word": value(), "class": 1}
        )
    if kind == 4:
        return nb.task(works.positional).options(**options)(value(), third=value())
    if kind == 5:
        return works.evaluate.options(**options)(day=value())
    return _nested(kind, draw, value, options)


def _nested(kind: int, draw: st.DrawFn, value: Callable[..., Any], options: dict[str, Any]) -> Any:
    """A mapped step, or a pipeline as a step."""
    items = draw(st.just([1, 2]) | st.just([]).map(lambda _: value(st.nothing())))
    items = items if is_list(items) else [items, items]
    width = draw(st.sampled_from([{}, {"max_parallel": 2}, {"product": True}]))
    if kind == 6:
        chunk = draw(st.sampled_from([None, 3]))
        return works.evaluate.options(**options).map(value=items, day=draw(NOTEBOOKS), chunk=chunk, **width)
    if kind == 7:
        return works.evaluate.options(**options).map(items, day=value(), **width)
    if kind == 8:
        return nb.task(works.plain).options(**options).map(items, items, a=value())
    if kind == 9:
        return nb.shell("true", env={"A": value()}, **options).map(**{"B C": items}, **width)
    if kind == 12:
        waited = [
            nb.on("data.ready"),
            nb.after("fetch"),
            nb.file("*.csv", settle="3s"),
            "every 5m",
            works.later,
        ]
        sensor = draw(st.sampled_from(waited))
        options.setdefault("timeout", None)
        return nb.wait_for(sensor, poke=draw(st.sampled_from(["30s", "5m"])), **options)
    if kind == 13:
        return nb.approve("Go on?", type=draw(st.sampled_from([bool, int, ["yes", 2]])), **options)
    if kind == 10:
        return INNER.options(**options)(n=draw(st.sampled_from([1, nb.run_id])))
    return INNER.options(**options).map(n=items, label=draw(TEXTS), **width)


with nb.pipeline("inner", params={"n": int, "label": "x"}, retries=1) as INNER:
    _first = nb.shell("true", env={"N": INNER.params["n"]}, name="train")
    works.evaluate(_first, day=INNER.params["label"])
