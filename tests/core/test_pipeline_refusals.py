"""Every mistake in a pipeline's definition is refused with the name of its step and what to do about it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from nbsched.core.errors import NbschedError
from nbsched.core.flow import branch, zip_map
from nbsched.core.model import Function, Step
from nbsched.core.pipeline import PipelineBuilder, StepTable, pipeline
from nbsched.core.references import Reference
from nbsched.core.steps import StepHandle, chain
from nbsched.core.work import cell, chord, notebook, shell, task

MakeNotebook = Callable[..., Path]


@task
def one(x: Any = None) -> Any:
    return x


@task
def wants(x: Any) -> Any:
    return x


@task
def two(x: Any, y: Any) -> Any:
    return x, y


def step(name: str = "score") -> StepHandle:
    made: StepHandle = one.options(name=name)()
    return made


def mine(**options: Any) -> Any:
    """The step the mistake is in."""
    return one.options(name="mine", **options)


def far() -> PipelineBuilder:
    """Another pipeline, which `p` is not in."""
    with pipeline("other", params={"limit": 1}) as other:
        step("far")
    return other


def inner() -> Any:
    """A pipeline that can be a step."""
    with pipeline("mine", params={"n": int}) as made:
        step()
    return made


EDGES: dict[str, tuple[Callable[[], Any], str, str]] = {
    "cycle": (
        lambda: chain(a := step("mine"), step("b"), step("c"), a),
        "mine → b → c → mine",
        "take one of these",
    ),
    "self": (lambda: (a := step("mine")) >> a, "mine → mine", "take one of these"),
    "condition's cycle": (
        lambda: mine()(step("a") >> one.options(name="a2", when="mine.x > 1")()),
        "mine",
        "take one",
    ),
    "twice": (lambda: (step("mine"), step("mine")), "'mine'", "rename one of them"),
    "no step": (lambda: step("mine") >> 5, "'mine'", "put steps or lists of steps"),
    "a task": (lambda: step("mine") << one, "'mine'", "put steps or lists of steps"),
    "in a list": (lambda: step("mine") >> [step("b"), "c"], "'mine'", "put steps or lists of steps"),
    "chord": (lambda: chord([step(), 5], mine()), "'mine'", "put steps or lists of steps"),
    "far edge": (
        lambda: far().steps["far"] >> step("mine"),
        "'mine'",
        "use steps and parameters of one pipeline",
    ),
    "far value": (
        lambda: mine()(far().steps["far"]["x"]),
        "'mine'",
        "use steps and parameters of one pipeline",
    ),
    "far parameter": (
        lambda: mine()(far().params["limit"]),
        "'mine'",
        "use steps and parameters of one pipeline",
    ),
    "far condition": (
        lambda: mine(when=far().steps["far"] > 1)(),
        "'mine'",
        "use steps and parameters of its own",
    ),
}
CONDITIONS: dict[str, tuple[Callable[[], Any], str, str]] = {
    "unknown name": (lambda: (step(), mine(when="scroe > 1")()), "'mine'", "did you mean 'score'"),
    "a call": (lambda: mine(when="open('x')")(), "'mine'", "use comparisons"),
    "unreadable": (lambda: mine(when="1 +")(), "'mine'", "write it like"),
    "no condition": (lambda: mine(when=True)(), "'mine'", "write it like"),
    "joined": (lambda: mine(when=(step("mine") > 1) & 5), "'mine > 1'", "put comparisons into parentheses"),
    "and": (lambda: mine(when=(step("mine") > 1) and 5), "'mine > 1'", "write & | ~"),
    "as a value": (lambda: mine()(step()["x"] + 1), "'mine'", "work it out in a step"),
    "in a text": (lambda: shell(f"rm {step('mine')['path']}"), "mine['path']", "pass it as a parameter"),
    "an index": (lambda: one(step("mine")[0]), "mine[0]", "give the name as text"),
}
RULES: dict[str, tuple[Callable[[], Any], str, str]] = {
    "unknown": (lambda: mine(rule="all_sucess")(), "'mine'", "did you mean 'all_success'"),
    "no need": (lambda: mine(rule="one_failed")(), "'mine'", "put one before it"),
    "no result": (lambda: mine(rule="all_failed")(step()), "'mine'", "take no value of it"),
    "no value": (lambda: mine(rule="all_skipped")(step()["x"]), "'mine'", "or another rule"),
}
OPTIONS: dict[str, tuple[Callable[[], Any], str, str]] = {
    name: (lambda given=given: mine(**given)(), "'mine'", remedy) for name, given, remedy in [
        ("unknown", {"retrise": 1}, "did you mean 'retries'"),
        ("retries", {"retries": -1}, "give one"),
        ("timeout", {"timeout": "soon"}, "write it like '90s'"),
        ("priority", {"priority": "urgent"}, "give one"),
        ("backoff", {"backoff": 5j}, "write '90s'"),
        ("part of backoff", {"backoff": {"wiet": 1}}, "use wait, factor"),
        ("setup", {"setup": "yes"}, "give one of them"),
        ("both", {"setup": True, "teardown": True}, "choose one"),
        ("where", {"where": "moon"}, "use 'thread' or 'process'"),
        ("resources", {"resources": {"gpu": -1}}, "give one"),
        ("max_running", {"max_running": 0}, "give one"),
        ("tags", {"tags": 5}, "write it like"),
        ("secrets", {"secrets": 5}, "write it like"),
        ("retry_on", {"retry_on": 5}, "write it like"),
        ("hook", {"on_failure": 5}, "give one"),
        ("rerun", {"rerun": "maybe"}, "give one of them"),
        ("key", {"key": 5}, "write it in quotes"),
        ("rate", {"rate": "fast"}, "write '10/m'"),
        ("executor", {"executor": "moon"}, "there is 'local'"),
    ]
}  # fmt: skip
WORK: dict[str, tuple[Callable[[], Any], str, str]] = {
    "missing notebook": (lambda: notebook("nowhere.ipynb", name="mine"), "'mine'", "check the path"),
    "unnamed": (lambda: notebook("mine.ipynb"), "'mine'", "check the path"),
    "no notebook": (lambda: notebook("text.txt", name="mine"), "'mine'", "give the path of one"),
    "its folder": (lambda: notebook("a.ipynb", cwd="nowhere", name="mine"), "'mine'", "check the path"),
    "undeclared": (
        lambda: notebook("a.ipynb", params={"limt": 1}, name="mine"),
        "'mine'",
        "did you mean 'limit'",
    ),
    "ill-typed": (
        lambda: notebook("a.ipynb", params={"limit": "x"}, name="mine"),
        "'mine'",
        "give a value of that type",
    ),
    "required": (lambda: notebook("b.ipynb", name="mine"), "'mine'", "give it a value"),
    "no mapping": (lambda: notebook("a.ipynb", params=[1], name="mine"), "'mine'", "write it like"),
    "missing argument": (lambda: wants.options(name="mine")(), "'mine'", "call it as wants(x"),
    "unknown argument": (lambda: mine()(y=1), "'mine'", "call it as one(x"),
    "unstorable": (lambda: mine()([object()]), "mine.x[0]", "give JSON"),
    "empty command": (lambda: shell("", name="mine"), "'mine'", "write it out"),
    "command's folder": (lambda: shell("ls", cwd="nowhere", name="mine"), "'mine'", "check the path"),
    "command's env": (lambda: shell("ls", env=[1], name="mine"), "'mine'", "write it like"),
    "empty cell": (lambda: cell("", name="mine"), "'mine'", "write it out"),
    "broken cell": (lambda: cell("x = (", name="mine"), "'mine'", "correct it"),
    "cell's place": (lambda: cell("x", name="mine", where="moon"), "'mine'", "use 'kernel'"),
    "pipeline's value": (lambda: inner()(n="x"), "'mine'", "give a value of that type"),
    "pipeline's parameter": (lambda: inner()(n=1, m=2), "'mine'", "'n'"),
    "pipeline's missing value": (lambda: inner()(), "'mine'", "give it one"),
    "a map of no list": (lambda: mine().map(5), "'mine'", "give it a list"),
    "a map of nothing": (lambda: mine().map(), "'mine'", "give it a list"),
    "maps of other lengths": (
        lambda: zip_map(two.options(name="mine"), [1], [1, 2]),
        "mine",
        "make them equal",
    ),
    "a branch of nothing": (lambda: branch(step("mine"), {}), "mine", "small"),
    "a branch by nothing": (lambda: branch(5, {"a": step()}), "5", "give one"),
    "name": (lambda: one.options(name="mine.x")(), "'mine.x'", "use up to 200 letters"),
}


def described(cases: dict[str, tuple[Callable[[], Any], str, str]]) -> list[Any]:
    return [pytest.param(*case, id=name) for name, case in cases.items()]


@pytest.mark.parametrize(
    ("write", "named", "remedy"), [
        case for cases in (EDGES, CONDITIONS, RULES, OPTIONS, WORK) for case in described(cases)
    ],
)  # fmt: skip
def test_a_mistake_is_refused_with_its_step_and_the_remedy(
    write: Callable[[], Any], named: str, remedy: str, make_notebook: MakeNotebook
) -> None:
    make_notebook("a.ipynb", "limit: int = 3")
    make_notebook("b.ipynb", "path: str")
    Path("text.txt").touch()
    with pytest.raises(NbschedError) as refused, pipeline("p"):
        write()
    tells(refused.value, named, remedy)


PIPELINES: dict[str, tuple[Callable[[], Any], str, str]] = {
    "retries": (lambda: pipeline("p", retries=-1), "'p'", "give one"),
    "unknown": (lambda: pipeline("p", retrise=1), "'p'", "did you mean 'retries'"),
    "max_parallel": (lambda: pipeline("p", max_parallel=0), "'p'", "give one"),
    "a step's": (lambda: pipeline("p", when="x > 1"), "'p'", "give it there"),
    "params": (lambda: pipeline("p", params=[1]), "'p'", "give names with their defaults"),  # type: ignore[arg-type]
    "name of a parameter": (lambda: pipeline("p", params={"a b": 1}), "'p'", "use letters"),
    "default": (lambda: pipeline("p", params={"x": object()}), "'x'", "give JSON"),
    "schedule": (lambda: pipeline("p", schedule="@dail"), "'p'", "write one of"),
    "name": (lambda: pipeline("p/q"), "'p/q'", "use up to 200 letters"),
    "no steps": (lambda: StepTable("p").build(), "'p'", "write at least one"),
    "too early": (lambda: pipeline("p").work, "'p'", "write its steps in its block"),
    "too late": (lambda: (made := far().steps["far"]) >> made, "'far'", "write it inside its block"),
    "unknown step": (lambda: far().steps["fra"], "'fra'", "did you mean 'far'"),
    "unknown parameter": (lambda: far().params["limt"], "'limt'", "did you mean 'limit'"),
    "missing value": (lambda: run_of({"n": int}, {}), "'n'", "give it one"),
    "ill-typed value": (lambda: run_of({"n": int}, {"n": "x"}), "'n'", "give a value of that type"),
    "undeclared value": (lambda: run_of({"n": 1}, {"m": 1}), "'m'", "'n'"),
}


def run_of(declared: dict[str, Any], params: dict[str, Any]) -> Any:
    from nbsched.core.work import as_work

    with pipeline("p", params=declared) as p:
        step()
    return as_work(p, params)


@pytest.mark.parametrize(("write", "named", "remedy"), described(PIPELINES))
def test_a_mistake_in_the_pipeline_itself_is_refused_with_its_name_and_the_remedy(
    write: Callable[[], Any], named: str, remedy: str
) -> None:
    with pytest.raises(NbschedError) as refused:
        write()
    tells(refused.value, named, remedy)


@pytest.mark.parametrize(("given", "remedy"), [
    ({"needs": ("z",)}, "there is 'mine'"),
    ({"when": "z > 1"}, "there is 'mine'"),
    ({"work": Function(name="mine", ref="m:f", params={"x": Reference("step", ("mien",))})}, "did you mean 'mine'"),
    ({"work": Function(name="mine", ref="m:f", params={"x": Reference("param", ("z",))})}, "there is no parameter yet"),
])  # fmt: skip
def test_a_step_of_a_table_that_needs_what_is_not_there_is_refused_with_its_name(
    given: dict[str, Any], remedy: str
) -> None:
    table = StepTable("p")
    table.add(Step(**{"name": "mine", "work": Function(name="mine", ref="m:f"), **given}))
    with pytest.raises(NbschedError) as refused:
        table.build()
    tells(refused.value, "'mine'", remedy)


def tells(error: NbschedError, named: str, remedy: str) -> None:
    """One sentence; the remedy ends it."""
    sentence = str(error)
    assert "\n" not in sentence
    assert named in sentence
    assert remedy in sentence.partition(": ")[2] or remedy in sentence.partition("; ")[2], sentence
