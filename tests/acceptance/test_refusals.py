"""Wrong input at every door: one sentence that names the thing, and nothing stored has changed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import nbsched as nb

NAIVE = datetime(2026, 1, 1)


@pytest.fixture(scope="module")
def runtime(tmp_path_factory: pytest.TempPathFactory, works: ModuleType) -> Iterator[nb.Runtime]:
    """A store that holds a succeeded run (1), a failed one (2) and a schedule."""
    with nb.Runtime(tmp_path_factory.mktemp("refusals") / "store.db", slots=2) as runtime:
        nb.run(works.add).wait()
        nb.run(works.fails).wait()
        nb.schedule(works.add, "@yearly", name="report_yearly")
        yield runtime


def dump(runtime: nb.Runtime) -> str:
    """All that is stored but for the signs of life of its host."""
    lines: list[str] = runtime.database.read(lambda db: list(db.iterdump()))
    return "\n".join(line for line in lines if '"hosts"' not in line)


Do = Callable[[ModuleType, Path], Any]

RUNS: list[tuple[Do, str]] = [
    (lambda w, p: nb.run(None), "None"),
    (lambda w, p: nb.run(5), "5"),
    (lambda w, p: nb.run("report.ipynb"), "report.ipynb"),
    (lambda w, p: nb.run(w.add, {"zz": 1}), "zz"),
    (lambda w, p: nb.run(w.add, [1]), "add"),
    (lambda w, p: nb.run(w.same), "x"),
    (lambda w, p: nb.run(w.same, {"x": object()}), "'x'"),
    (lambda w, p: nb.run(w.same, {"x": {1, 2}}), "'x'"),
    (lambda w, p: nb.run(w.add, key=5), "key"),
    (lambda w, p: nb.run(w.add, key=""), "key"),
    (lambda w, p: nb.run(w.add, retrys=1), "did you mean 'retries'"),
    (lambda w, p: nb.run(w.add, retries=-1), "retries"),
    (lambda w, p: nb.run(w.add, retries=True), "retries"),
    (lambda w, p: nb.run(w.add, timeout="soon"), "timeout 'soon'"),
    (lambda w, p: nb.run(w.add, timeout=-1), "timeout"),
    (lambda w, p: nb.run(w.add, cell_timeout="x"), "cell_timeout"),
    (lambda w, p: nb.run(w.add, grace="x"), "grace"),
    (lambda w, p: nb.run(w.add, expires="x"), "expires"),
    (lambda w, p: nb.run(w.add, priority="urgent"), "priority 'urgent'"),
    (lambda w, p: nb.run(w.add, rate="fast"), "rate 'fast'"),
    (lambda w, p: nb.run(w.add, rule="most"), "'most'"),
    (lambda w, p: nb.run(w.add, executor="moon"), "'moon'"),
    (lambda w, p: nb.run(w.add, resources={"gpu": 1}), "'gpu'"),
    (lambda w, p: nb.run(w.add, resources={"gpu": -1}), "'gpu'"),
    (lambda w, p: nb.run(w.add, max_running=0), "max_running"),
    (lambda w, p: nb.run(w.add, keep="some"), "keep"),
    (lambda w, p: nb.run(w.add, secrets=5), "secrets"),
    (lambda w, p: nb.run(w.add, tags=5), "tags"),
    (lambda w, p: nb.run(w.add, cache="perhaps"), "cache"),
    (lambda w, p: nb.run(w.add, rerun="maybe"), "rerun"),
    (lambda w, p: nb.run(w.add, retry_on=5), "retry_on"),
    (lambda w, p: nb.run(w.add, backoff=5j), "backoff"),
    (lambda w, p: nb.run(w.add, on_failure=5), "on_failure"),
    (lambda w, p: nb.run(w.add, when="a > 1"), "when= is for the steps of a pipeline"),
    (lambda w, p: nb.run(w.add, setup=True), "setup"),
    (lambda w, p: nb.run(nb.cell("x = 1", name="c")), "where='process'"),
    (lambda w, p: nb.get_run(999), "999"),
    (lambda w, p: nb.get_run("one"), "'one'"),
    (lambda w, p: nb.cancel(999), "999"),
    (lambda w, p: nb.cancel(1), "already succeeded"),
    (lambda w, p: nb.retry(999), "999"),
    (lambda w, p: nb.set_priority(1, 3), "already succeeded"),
    (lambda w, p: nb.set_priority(1, "urgent"), "'urgent'"),
    (lambda w, p: nb.resolve(1, True), "waits for nobody"),
    (lambda w, p: nb.runs(state="gone"), "'gone'"),
    (lambda w, p: nb.runs(limit=-1), "limit"),
    (lambda w, p: nb.runs(limit="x"), "limit"),
]
WORKS: list[tuple[Do, str]] = [
    (lambda w, p: nb.notebook("nowhere.ipynb"), "nowhere.ipynb"),
    (lambda w, p: nb.notebook(p), "cannot be read"),
    (lambda w, p: nb.notebook(__file__), "is not a notebook"),
    (lambda w, p: nb.shell(None), "None"),
    (lambda w, p: nb.shell(""), "''"),
    (lambda w, p: nb.shell("ls", cwd=p / "nowhere"), "nowhere"),
    (lambda w, p: nb.shell("ls", env=[1]), "ls"),
    (lambda w, p: nb.cell("x = (", name="c"), "cell 'c': the cell does not compile"),
    (lambda w, p: nb.cell("", name="c"), "source"),
    (lambda w, p: nb.cell("x = 1", name="c", where="moon"), "'moon'"),
    (lambda w, p: nb.task(3), "3"),
    (lambda w, p: nb.task(lambda: 1, where="moon"), "'moon'"),
    (lambda w, p: nb.Runtime(p / "x.db", slots=0), "slots"),
    (lambda w, p: nb.Runtime(p / "x.db", lease="x"), "lease"),
    (lambda w, p: nb.Runtime(p / "x.db", ageing="x"), "ageing"),
    (lambda w, p: nb.run(w.add, rate="10"), "rate '10' is not a count per period: write '10/m'"),
    (lambda w, p: nb.run(w.add, deadline="x"), "deadline"),
    (lambda w, p: nb.run(w.add, depends_on_previous="yes"), "depends_on_previous"),
    (lambda w, p: nb.run(w.add, on_recovery=3), "on_recovery"),
    (lambda w, p: nb.Runtime(p / "x.db", resources={"gpu": "x"}), "'gpu'"),
    (lambda w, p: nb.Runtime(p / "x.db", resources=5), "resources"),
]
SCHEDULES: list[tuple[Do, str]] = [
    (lambda w, p: nb.schedule("x", "@daily"), "'x'"),
    (lambda w, p: nb.schedule(w.add, "hello"), "'hello'"),
    (lambda w, p: nb.schedule(w.add, None), "None"),
    (lambda w, p: nb.schedule(w.add, "61 * * * *"), "'61'"),
    (lambda w, p: nb.schedule(w.add, "@dail"), "'@dail'"),
    (lambda w, p: nb.schedule(w.add, "at 2020-01-01T00:00"), "no offset"),
    (lambda w, p: nb.schedule(w.add, "at 2020-01-01T00:00Z"), "past"),
    (lambda w, p: nb.schedule(w.add, nb.at(NAIVE)), "no zone"),
    (lambda w, p: nb.schedule(w.add, "@daily", name=""), "name"),
    (lambda w, p: nb.schedule(w.add, "@daily", name=5), "name 5"),
    (lambda w, p: nb.schedule(w.add, "@daily", overlap="x"), "overlap"),
    (lambda w, p: nb.schedule(w.add, "@daily", missed="x"), "missed"),
    (lambda w, p: nb.schedule(w.add, "@daily", catchup="x"), "catchup"),
    (lambda w, p: nb.schedule(w.add, "@daily", jitter="x"), "jitter"),
    (lambda w, p: nb.schedule(w.add, "@daily", start=NAIVE), "no zone"),
    (lambda w, p: nb.schedule(w.add, "@daily", end="2027-01-01T00:00"), "no offset"),
    (lambda w, p: nb.schedule(w.add, "@daily", end="2020-01-01T00:00Z"), "never fires"),
    (lambda w, p: nb.schedule(w.add, "@daily", limit=0), "limit"),
    (lambda w, p: nb.schedule(w.add, "@daily", params={"zz": 1}), "zz"),
    (lambda w, p: nb.schedule(w.add, "@daily", retrys=1), "did you mean 'retries'"),
    (lambda w, p: nb.schedule(w.add, "@daily", when="x"), "when="),
    (lambda w, p: nb.pause("report_yearl"), "did you mean 'report_yearly'"),
    (lambda w, p: nb.resume("nope"), "'nope'"),
    (lambda w, p: nb.resume("report_yearly", missed="x"), "'x'"),
    (lambda w, p: nb.trigger("nope"), "'nope'"),
    (lambda w, p: nb.unschedule("nope"), "'nope'"),
    (lambda w, p: nb.reschedule("nope", "@daily"), "'nope'"),
    (lambda w, p: nb.reschedule("report_yearly", "@dail"), "'@dail'"),
    (lambda w, p: nb.simulate(NAIVE, NAIVE), "no zone"),
    (lambda w, p: nb.simulate(nb.at("2027-01-01T00:00Z").when, nb.at("2026-01-01T00:00Z").when), "before"),
    (lambda w, p: nb.next_times("@daily", -1), "n=-1"),
    (lambda w, p: nb.next_times("@daily", "x"), "n='x'"),
    (lambda w, p: nb.next_times(5), "5"),
    (lambda w, p: nb.next_times("@daily", after=NAIVE), "no zone"),
    (lambda w, p: nb.next_times("@daily", tz="Mars/Olympus"), "Mars/Olympus"),
]
EVENTS: list[tuple[Do, str]] = [
    (lambda w, p: nb.publish("run.started"), "nbsched's own"),
    (lambda w, p: nb.publish("run.of.mine"), "nbsched's own"),
    (lambda w, p: nb.publish("schedule.fired"), "nbsched's own"),
    (lambda w, p: nb.publish("data.*"), "'data.*'"),
    (lambda w, p: nb.publish(""), "''"),
    (lambda w, p: nb.publish(None), "None"),
    (lambda w, p: nb.publish("data.ready", [1]), "data.ready"),
    (lambda w, p: nb.publish("data.ready", {"x": object()}), "data.ready"),
    (lambda w, p: nb.subscribe("data.*", 5), "5"),
    (lambda w, p: nb.subscribe("", print), "''"),
    (lambda w, p: nb.subscribe("data.*", print, durable=True), "name="),
]


def pipeline(write: Callable[[], Any], **options: Any) -> Any:
    with nb.pipeline("training", **options) as built:
        write()
    return built


def cycle() -> None:
    one, two, three = (nb.shell("true", name=name) for name in ("one", "two", "three"))
    one >> two >> three >> one


def undeclared() -> None:
    with nb.pipeline("training") as built:
        nb.shell("true", env={"A": built.params["regoin"]})


def twice() -> None:
    nb.shell("true", name="one")
    nb.shell("false", name="one")


PIPELINES: list[tuple[Do, str]] = [
    (lambda w, p: pipeline(cycle), "one → two → three → one"),
    (lambda w, p: pipeline(twice), "'one'"),
    (lambda w, p: pipeline(lambda: nb.notebook("nowhere.ipynb")), "nowhere.ipynb"),
    (lambda w, p: undeclared(), "'regoin'"),
    (lambda w, p: pipeline(lambda: w.add(zz=1)), "'zz'"),
    (lambda w, p: pipeline(lambda: w.same(object())), "same.x"),
    (lambda w, p: pipeline(lambda: None), "no steps"),
    (lambda w, p: pipeline(lambda: nb.shell("true", name=5)), "5"),
    (lambda w, p: pipeline(lambda: nb.shell("true", when="import os")), "import os"),
    (lambda w, p: pipeline(lambda: nb.shell("true", when="nosuch.value > 1")), "'nosuch'"),
    (lambda w, p: pipeline(lambda: nb.shell("true") >> 5), "5"),
    (lambda w, p: pipeline(lambda: bool(nb.shell("true", name="one"))), "'one'"),
    (lambda w, p: pipeline(lambda: nb.shell("true"), params=[1]), "[1]"),
    (lambda w, p: pipeline(lambda: nb.shell("true"), params={"x": object()}), "'x'"),
    (lambda w, p: pipeline(lambda: nb.shell("true"), max_parallel=0), "max_parallel"),
    (lambda w, p: pipeline(lambda: nb.shell("true"), retrys=1), "did you mean 'retries'"),
    (lambda w, p: pipeline(lambda: nb.shell("true"), schedule="@dail"), "'@dail'"),
    (lambda w, p: nb.pipeline(""), "''"),
    (lambda w, p: pipeline(lambda: nb.shell("true"), params={"n": int}).run(), "'n'"),
    (lambda w, p: pipeline(lambda: nb.shell("true"), params={"n": int}).run({"n": "x"}), "'n'"),
    (lambda w, p: pipeline(lambda: nb.shell("true"), params={"n": int}).run({"n": True}), "'n'"),
    (lambda w, p: pipeline(lambda: nb.shell("true"), params={"n": 1}).run({"n": 1, "m": 2}), "'m'"),
]


@pytest.mark.parametrize(("do", "names"), [*RUNS, *WORKS, *SCHEDULES, *EVENTS, *PIPELINES])
def test_a_mistake_is_one_sentence_and_changes_nothing(
    do: Do, names: str, runtime: nb.Runtime, works: ModuleType, tmp_path: Path
) -> None:
    before = dump(runtime)
    with pytest.raises(nb.NbschedError) as refused:
        do(works, tmp_path)
    sentence = str(refused.value)
    assert names in sentence
    assert "\n" not in sentence
    assert dump(runtime) == before
