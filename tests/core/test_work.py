from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import anyio
import pytest

from nbsched.core import ports
from nbsched.core.errors import DefinitionError, ParameterError, UsageError
from nbsched.core.model import Cell, Function, Notebook, Shell
from nbsched.core.pipeline import StepTable, pipeline
from nbsched.core.references import Reference, run_id, scheduled_date
from nbsched.core.work import FunctionTask, as_work, cell, chord, notebook, shell, task

MakeNotebook = Callable[..., Path]


@task(retries=2, where="process")
def add(x: int, y: int = 1, *, scale: int = 1) -> int:
    """The sum, scaled."""
    return (x + y) * scale


# --- functions ---


def test_a_task_outside_a_pipeline_is_its_function() -> None:
    assert add(1, y=2, scale=3) == 9
    assert add.__name__ == "add"
    assert add.__doc__ == "The sum, scaled."
    assert inspect.signature(add) == inspect.signature(add.__wrapped__)


def test_a_task_inside_a_pipeline_is_a_step_with_its_arguments_by_name() -> None:
    with pipeline("p") as p:
        add(1, scale=2)
    assert p.work.steps[0].work == Function(
        name="add", params={"x": 1, "scale": 2}, policy={"retries": 2}, ref=f"{__name__}:add", where="process"
    )


def test_an_async_function_is_a_task_too() -> None:
    @task
    async def answer() -> int:
        return 42

    assert anyio.run(answer) == 42


def test_anything_that_can_be_called_is_a_task() -> None:
    class Doubler:
        def __call__(self, x: int) -> int:
            return 2 * x

    assert task(lambda x: x + 1)(1) == 2
    assert task(functools.partial(pow, 2))(3) == 8
    assert task(Doubler())(4) == 8
    assert [task(made).name for made in (lambda: 0, functools.partial(pow, 2), Doubler())] == [
        "lambda", "pow", "Doubler",
    ]  # fmt: skip


@pytest.mark.parametrize(("arguments", "named", "reason"), [
    ((), {}, "missing a required argument: 'x'"),
    ((1, 2, 3), {}, "too many positional arguments"),
    ((1,), {"z": 1}, "unexpected keyword argument 'z'"),
    ((1,), {"x": 1}, "multiple values for argument 'x'"),
])  # fmt: skip
def test_wrong_arguments_are_refused_when_the_step_is_made(arguments: Any, named: Any, reason: str) -> None:
    with pytest.raises(ParameterError, match=f"task 'add': .*{reason}.*call it as add"), pipeline("p"):
        add(*arguments, **named)


def test_arguments_that_have_no_name_stay_positional() -> None:
    @task
    def positional(a: int, /, b: int, **rest: int) -> None: ...

    @task
    def many(first: int, *others: int, last: int = 0) -> None: ...

    with pipeline("p") as p:
        positional(1, 2, a=3)
        many(1, 2, 3, last=4)
        many(1, last=4)
    works = [step.work for step in p.work.steps]
    assert [(work.args, work.params) for work in works if isinstance(work, Function)] == [
        ((1,), {"b": 2, "a": 3}), ((1, 2, 3), {"last": 4}), ((), {"first": 1, "last": 4}),
    ]  # fmt: skip


def test_a_function_that_tells_no_signature_takes_what_it_is_given() -> None:
    class Mute:
        __signature__ = "none"

        def __call__(self, *given: Any) -> Any: ...

    with pipeline("p") as p:
        task(Mute())(1, b=2)
    work = p.work.steps[0].work
    assert isinstance(work, Function)
    assert (work.args, work.params) == ((1,), {"b": 2})


def test_options_make_a_copy_and_leave_the_task_as_it_is() -> None:
    changed = add.options(name="sum", where="thread", retries=5, timeout="1m")
    with pipeline("p") as p:
        changed(1)
        add(1)
    first, second = (step.work for step in p.work.steps)
    assert isinstance(first, Function)
    assert isinstance(second, Function)
    assert (first.name, first.where, first.policy) == ("sum", "thread", {"retries": 5, "timeout": "1m"})
    assert (second.name, second.where, second.policy) == ("add", "process", {"retries": 2})


def test_a_tasks_name_is_the_stem_of_its_steps_names() -> None:
    with pipeline("p") as p:
        for _ in range(2):
            task(lambda: 0, name="stem")()
    assert list(p.steps) == ["stem", "stem_2"]


def test_step_options_of_a_task_are_the_default_of_its_steps() -> None:
    closing = task(lambda: 0, name="close", teardown=True, when="True")
    with pipeline("p") as p:
        closing()
        closing.options(teardown=False, when=None)()
    assert [(step.teardown, step.when) for step in p.work.steps] == [(True, "True"), (False, None)]


@pytest.mark.parametrize("wrong", [
    lambda: task(3),
    lambda: task("add"),
    lambda: task(add),
    lambda: task(lambda: 0, where="kernel"),
    lambda: task(lambda: 0, where="proces"),
    lambda: task(lambda: 0, retrys=1),
    lambda: task(lambda: 0, name=""),
    lambda: add.options(retries="many"),
    lambda: chord([], add),
])  # fmt: skip
def test_a_task_that_cannot_be_is_refused(wrong: Callable[[], Any]) -> None:
    with pytest.raises(DefinitionError):
        wrong()


def test_a_step_given_to_a_task_outside_of_its_pipeline_is_refused() -> None:
    with pipeline("p") as p:
        add(1)
    for argument in (p.steps["add"], p.steps["add"]["x"]):
        with pytest.raises(DefinitionError, match="of pipeline 'p', which it can never reach"):
            add(argument)


def test_the_reference_is_asked_for_when_it_is_needed_and_once() -> None:
    asked: list[Any] = []
    ports.set_function_reference(lambda function: asked.append(function) or "m:f")
    made = task(print)
    assert not asked
    with pipeline("p"):
        made()
        made()
    assert asked == [print]


# --- notebooks ---


def test_a_notebook_is_known_by_its_absolute_path(make_notebook: MakeNotebook, tmp_path: Path) -> None:
    path = make_notebook("in/report.ipynb", "day = None")
    work = notebook(
        "in/report.ipynb", params={"day": scheduled_date}, output="out.ipynb", kernel="k", cwd="in", retries=1
    )
    assert work == Notebook(
        name="report", path=str(path), params={"day": Reference("fact", ("scheduled_date",))}, kernel="k",
        output=str(tmp_path / "out.ipynb"), cwd=str(tmp_path / "in"), policy={"retries": 1},
    )  # fmt: skip
    assert notebook(path).path == str(path)
    assert notebook(path, name="daily").name == "daily"


@pytest.mark.parametrize(("call", "error", "message"), [
    (lambda: notebook("gone.ipynb"), DefinitionError, "there is no 'gone.ipynb' in"),
    (lambda: notebook("text.ipynb"), DefinitionError, "is not a notebook"),
    (lambda: notebook("."), DefinitionError, "cannot be read"),
    (lambda: notebook(""), DefinitionError, "must be a text that is not empty"),
    (lambda: notebook("a.ipynb", cwd="gone"), DefinitionError, "there is no 'gone'"),
    (lambda: notebook("a.ipynb", params={"limt": 3}), ParameterError, "no parameter 'limt': did you mean 'limit'"),
    (lambda: notebook("a.ipynb", params={"limit": "x"}), ParameterError, "'limit' must be"),
    (lambda: notebook("a.ipynb", params=[1]), ParameterError, "is not a mapping"),
    (lambda: notebook("a.ipynb", retries=-1), DefinitionError, "notebook 'a.ipynb': retries -1"),
    (lambda: notebook("a.ipynb", when="x"), DefinitionError, "when= is for the steps of a pipeline"),
    (lambda: notebook("a.ipynb", name=""), DefinitionError, "a name must be"),
])  # fmt: skip
def test_a_notebook_that_cannot_run_is_refused_when_defined(
    make_notebook: MakeNotebook, call: Callable[[], Any], error: type[Exception], message: str
) -> None:
    make_notebook("a.ipynb", "limit: int = 3")
    Path("text.ipynb").write_text("hello")
    with pytest.raises(error, match=message):
        call()


def test_a_missing_parameter_is_refused_in_a_pipeline_but_may_come_with_the_run(
    make_notebook: MakeNotebook,
) -> None:
    make_notebook("a.ipynb", "day: 'date'")
    work = notebook("a.ipynb")
    assert as_work(work, {"day": "2026-01-31"}).params == {"day": date(2026, 1, 31)}

    def in_a_pipeline() -> None:
        with pipeline("p"):
            notebook("a.ipynb")

    for refused in (lambda: as_work(work, {}), in_a_pipeline):
        with pytest.raises(ParameterError, match="needs the parameter 'day'"):
            _in_own_context(refused)


def _in_own_context(call: Callable[[], Any]) -> Any:
    import contextvars

    return contextvars.copy_context().run(call)


# --- commands and cells ---


def test_a_command_runs_where_it_was_written(tmp_path: Path) -> None:
    assert shell("FOO=1 make all", env={"RUN": run_id}, name="build") == Shell(
        name="build", command="FOO=1 make all", env={"RUN": Reference("fact", ("run_id",))}, cwd=str(tmp_path)
    )
    assert shell("/bin/ls -l").name == "ls"


def test_a_cell_has_a_place() -> None:
    assert cell("1 + 1", name="sum", where="process") == Cell(name="sum", source="1 + 1", where="process")
    with pytest.raises(DefinitionError, match="no place 'thred': did you mean 'thread'"):
        cell("1", name="sum", where="thred")  # type: ignore[arg-type]
    with pytest.raises(DefinitionError, match="source must be a text"):
        cell("  \n", name="sum")
    with pytest.raises(DefinitionError, match="a shell command must be"):
        shell(" ")


# --- what is handed to run and schedule ---


def test_whatever_stands_for_work_becomes_it() -> None:
    with pipeline("p") as p:
        add(1)
    table = StepTable("t")
    table.add(p.work.steps[0])
    command = shell("true")
    assert as_work(p) is p.work
    assert as_work(table).name == "t"
    assert as_work(command) is command
    assert as_work(add) == Function(name="add", ref=f"{__name__}:add", where="process", policy={"retries": 2})
    assert as_work(print).name == "print"
    assert isinstance(task(print), FunctionTask)


@pytest.mark.parametrize("value", [3, None, "a.ipynb", [], {}])
def test_what_is_no_work_is_refused(value: object) -> None:
    with pytest.raises(DefinitionError, match="is not work: give"):
        as_work(value)


def test_a_step_alone_is_no_work() -> None:
    with pipeline("p") as p:
        add(1)
    with pytest.raises(DefinitionError, match="runs with its pipeline only"):
        as_work(p.steps["add"])


def test_parameters_given_with_the_run_are_checked_and_bound() -> None:
    with pipeline("p", params={"region": "EU", "limit": int}) as p:
        add(p.params["limit"])
    assert as_work(p, {"limit": 3}).params == {"region": "EU", "limit": 3}
    assert as_work(add, {"x": 3}).params == {"x": 3}
    assert as_work(shell("true"), {"x": 3}).params == {"x": 3}
    for value, params in ((p, {}), (p, {"limit": "x"}), (add, {}), (add, {"x": 1, "z": 2}), (add, [1])):
        with pytest.raises(ParameterError):
            as_work(value, params)  # type: ignore[arg-type]


def test_a_task_for_steps_only_is_no_work_of_its_own() -> None:
    with pytest.raises(DefinitionError, match="teardown= is for steps"):
        as_work(add.options(teardown=True))


def test_every_work_runs_through_the_runner(make_notebook: MakeNotebook) -> None:
    make_notebook("a.ipynb")
    asked: list[Any] = []
    ports.set_runner(lambda work, params, policy: asked.append((work, params, policy)))
    works = [notebook("a.ipynb"), shell("true"), cell("1", name="c"), add]
    for work in works:
        work.run({"x": 1}, key="k")
    assert asked == [(work, {"x": 1}, {"key": "k"}) for work in works]


def test_the_core_alone_says_what_it_lacks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ports, "_lent", ports._Lent())
    for call in (lambda: notebook("a.ipynb"), lambda: as_work(add), lambda: add.run()):
        add.__dict__.pop("_ref", None)
        with pytest.raises(UsageError, match="import nbsched as a whole"):
            call()
