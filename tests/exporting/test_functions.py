"""Functions typed into a notebook or a program go with their pipeline as source."""

from __future__ import annotations

import importlib.util
import itertools
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import nbsched as nb
from nbsched.core.errors import DefinitionError
from tests.exporting.conftest import exported
from tests.exporting.stand_in import dag_of

Read = Callable[[str], Any]
Typed = Callable[[str], ModuleType]


@pytest.fixture
def typed(tmp_path: Path) -> Iterator[Typed]:
    """A module that nobody can import by its name, as `__main__` is."""
    numbers, names = itertools.count(), list[str]()

    def make(source: str) -> ModuleType:
        path = tmp_path / f"typed_{next(numbers)}.py"
        path.write_text(source)
        spec = importlib.util.spec_from_file_location("__main__", path)
        assert spec
        assert spec.loader
        module = importlib.util.module_from_spec(spec)
        module.__name__ = f"__typed_{path.stem}__"
        names.append(module.__name__)
        module.__spec__ = None
        sys.modules[module.__name__] = module
        exec(compile(source, str(path), "exec"), vars(module))
        return module

    yield make
    for name in names:
        del sys.modules[name]


WHOLE = """
import math as m
from json import dumps
import nbsched as nb

FACTOR = {"a": [1, 2]}

def helper(x):
    return m.floor(x) + FACTOR["a"][1]

@nb.task(
    retries=2,
)
def prepare(n: int, at=FACTOR):
    return dumps([helper(part) for part in n])

with nb.pipeline("typed") as p:
    prepare([1.5, 2.5])
"""


def test_a_typed_function_comes_with_all_that_it_reads(typed: Typed, read_again: Read) -> None:
    text = exported(typed(WHOLE).p, "python")
    again = read_again(text)
    assert again.prepare([1.5]) == "[3]"
    (step,) = again.p.work.steps
    assert step.work.ref == f"{again.__file__}:prepare"
    assert (step.name, step.work.policy, step.work.params) == ("prepare", {"retries": 2}, {"n": [1.5, 2.5]})


def test_it_goes_to_airflow_as_well(typed: Typed) -> None:
    dag = dag_of(exported(typed(WHOLE).p, "airflow"))
    assert dag.tasks["prepare"].given["python_callable"]() == "[3, 4]"


def test_a_function_that_is_called_when_a_step_fails_comes_too(typed: Typed, read_again: Read) -> None:
    module = typed(
        "import nbsched as nb\ndef tell(run):\n    return 'told'\n"
        "with nb.pipeline('hooks', on_success=tell) as p:\n    nb.shell('true', name='tell', on_failure=tell)\n"
    )
    with nb.Runtime(Path(module.__file__ or "").with_name("store.db")) as rt:
        text = rt.export(module.p, "python")
    again = read_again(text)
    assert again.p.work.policy["on_success"] is again.tell
    assert again.p.work.steps[0].work.policy["on_failure"] is again.tell


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("lock = object()\ndef f():\n    return lock", r"'f' reads 'lock', a object"),
        (
            "def make():\n    n = 1\n    def f():\n        return n\n    return f\nf = make()",
            "'f' takes 'n' from the function",
        ),
        ("f = lambda: 1", "no source of its own|has no definition|not to be had"),
        ("import functools\nf = functools.partial(print, 1)", "no source of its own"),
    ],
)
def test_what_cannot_come_is_refused_with_its_name_and_a_way_out(
    typed: Typed, source: str, said: str
) -> None:
    module = typed(
        f"{source}\nimport nbsched as nb\nwith nb.pipeline('typed') as p:\n    nb.task(f, name='it')()\n"
    )
    with pytest.raises(DefinitionError, match=said) as refused:
        exported(module.p, "python")
    assert "module" in str(refused.value)


def test_a_function_of_another_process_is_refused() -> None:
    from nbsched.core.model import Function, Pipeline, Step

    work = Function(name="gone", ref="__main__:gone#7")
    with pytest.raises(DefinitionError, match=r"'gone' cannot be exported.*run that again"):
        exported(Pipeline(name="p", steps=(Step(name="gone", work=work),)), "python")


def test_a_function_is_a_task_by_its_reference(tmp_path: Path) -> None:
    (tmp_path / "there.py").write_text("def one():\n    return 1\n")
    assert nb.task("json:dumps")({}) == "{}"
    assert nb.task(f"{tmp_path}/there.py:one", retries=1).work().ref == f"{tmp_path}/there.py:one"


@pytest.mark.parametrize(
    ("ref", "said"),
    [("json", "'json' names no function"), ("nosuchmodule:f", "nosuchmodule"), ("json:nosuch", "no 'nosuch' in json"),
     ("nosuch.py:f", "there is no 'nosuch.py'")],
)  # fmt: skip
def test_a_reference_to_nothing_is_refused(ref: str, said: str) -> None:
    with pytest.raises(DefinitionError, match=said):
        nb.task(ref)


def test_a_file_that_is_read_for_a_function_adds_nothing_to_the_pipeline_being_written(
    tmp_path: Path,
) -> None:
    (tmp_path / "other.py").write_text(
        "import nbsched as nb\nnb.shell('true', name='stray')\ndef one():\n    pass\n"
    )
    with nb.pipeline("outer") as p:
        nb.task(f"{tmp_path}/other.py:one")()
    assert list(p.steps) == ["one"]
