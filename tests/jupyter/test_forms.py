"""Forms of what pipelines, notebooks and functions ask for, without a page."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import ipywidgets as widgets
import pytest

import nbsched as nb
from nbsched.engine.runtime import Runtime
from nbsched.executors.lookup import load_file
from nbsched.jupyter.forms import Form
from nbsched.jupyter.widget import Panel


@pytest.fixture
def rt(tmp_path: Path) -> Iterator[Runtime]:
    with nb.Runtime(tmp_path / "store.db") as runtime:
        yield runtime
        widgets.Widget.close_all()  # before the store that the panels look at


DECLARED: dict[str, Any] = {
    "region": "EU", "limit": 5, "needed": int, "rate": 0.5, "share": float, "dry": True, "day": date(2026, 1, 2),
    "at": datetime(2026, 1, 2, tzinfo=UTC), "from_": date, "tags": ["a"], "more": {"k": 1}, "what": str, "any": None,
    "on": nb.scheduled_date,
}  # fmt: skip


@pytest.fixture
def form(rt: Runtime) -> Form:
    with nb.pipeline("asks", params=DECLARED) as p:
        nb.shell(
            "echo $region $limit", env={name: p.params[name] for name in ("region", "limit")}, name="echo"
        )
    made: Form = p.form()
    return made


def test_each_parameter_has_the_widget_of_its_type(form: Form) -> None:
    assert {name: type(field).__name__ for name, field in form.fields.items()} == {
        "region": "Text", "limit": "IntText", "needed": "IntText", "rate": "FloatText", "share": "FloatText",
        "dry": "Checkbox", "day": "DatePicker", "at": "DatetimePicker", "from_": "DatePicker", "tags": "Textarea",
        "more": "Textarea", "what": "Text", "any": "Text", "on": "Text",
    }  # fmt: skip
    assert [field.description for field in form.fields.values()] == list(DECLARED)


def test_its_values_are_the_defaults_until_they_are_changed(form: Form) -> None:
    assert {name: form.values[name] for name in ("region", "limit", "rate", "dry", "day", "at")} == {
        name: DECLARED[name] for name in ("region", "limit", "rate", "dry", "day", "at")
    }
    assert json.loads(form.values["tags"]) == ["a"]
    assert form.values.keys().isdisjoint({"from_", "what", "any", "on"})
    form.fields["limit"].value = 7
    form.fields["region"].value = "2026"
    assert (form.values["limit"], form.values["region"]) == (7, "2026")


def test_what_is_refused_is_said_beside_the_button_and_nothing_runs(form: Form, rt: Runtime) -> None:
    form.button.click()
    assert form.message.value == "parameter 'from_' (date) has no value: give it one"
    form.fields["from_"].value, form.fields["what"].value = date(2026, 2, 1), "x"
    form.fields["tags"].value = "[not json"
    form.button.click()
    assert "parameter 'tags' must be list, not the str '[not json'" in form.message.value
    assert rt.runs() == []


def test_its_button_starts_a_run_with_what_it_says_and_shows_it(form: Form, rt: Runtime) -> None:
    form.fields["from_"].value, form.fields["what"].value = date(2026, 2, 1), "007"
    form.fields["any"].value, form.fields["tags"].value, form.fields["region"].value = "[1]", '["b"]', "US"
    form.button.click()
    [run] = rt.runs()
    assert form.message.value == f"run {run.id} of asks has been started"
    assert isinstance(form.children[-1], Panel)
    assert (run.params["from_"], run.params["what"]) == (date(2026, 2, 1), "007")
    assert (run.params["any"], run.params["tags"], run.params["more"]) == ([1], ["b"], {"k": 1})
    assert run.wait(20).steps["echo"].result == "US 5"
    form.button.click()
    assert len(rt.runs()) == 2
    assert sum(isinstance(child, Panel) for child in form.children) == 1


def test_a_notebook_s_form_has_its_choices_and_its_comments(rt: Runtime, tmp_path: Path) -> None:
    source = "mode: Literal['fast', 'full'] = 'full'  # how thorough\nn: int = 3\nlate: str | None = None\npath: str"
    cell = {"cell_type": "code", "id": "p", "metadata": {"tags": ["parameters"]}, "source": source, "outputs": [],
            "execution_count": None}  # fmt: skip
    path = tmp_path / "asks.ipynb"
    path.write_text(json.dumps({"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}))
    found = nb.form(nb.notebook(path, params={"n": 4}))
    mode = found.fields["mode"]
    assert (type(mode).__name__, [value for _, value in mode.options], mode.value) == (
        "Dropdown",
        ["fast", "full"],
        "full",
    )
    assert "how thorough" in {label.value for row in found.children[1:-1] for label in row.children[1:]}
    assert found.values == {"mode": "full", "n": 4}
    found.button.click()
    assert "needs the parameter 'path' (str)" in found.message.value


WORKS = """
def double(n: int, mode: "Literal['a', 'b']" = "b", note=None):
    return [n * 2, mode, note]
"""


def test_a_function_s_form_is_made_of_its_signature(rt: Runtime, tmp_path: Path) -> None:
    (tmp_path / "formed.py").write_text(WORKS)
    found = nb.form(load_file(tmp_path / "formed.py").double)
    assert [type(field).__name__ for field in found.fields.values()] == ["IntText", "Dropdown", "Text"]
    found.fields["n"].value, found.fields["note"].value = 4, "007x"
    run = found.run()
    assert run is not None
    assert run.wait(20).result == [8, "b", "007x"]


def test_nothing_of_a_form_is_read_as_html(rt: Runtime) -> None:
    with nb.pipeline("html", params={"x": "<b>bold</b>"}) as p:
        nb.shell("true")
    found = p.form()
    assert not any(isinstance(one, (widgets.HTML, widgets.HTMLMath)) for one in found.children)
    assert not found.fields["x"].description_allow_html
