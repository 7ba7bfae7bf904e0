"""A form made of what work asks for: one widget per parameter, and a button that starts the run."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import datetime
from inspect import isfunction
from typing import Any

import ipywidgets as widgets

import nbsched as nb
from nbsched.core.declared import Parameter
from nbsched.core.errors import NbschedError
from nbsched.core.rawtext import RawText
from nbsched.core.work import FunctionTask, as_work, declared_by, task
from nbsched.engine.live import Run
from nbsched.jupyter.widget import Panel, dashboard

Start = Callable[[Mapping[str, Any]], Run]


class Form(widgets.VBox):  # type: ignore[misc]
    """Shows the parameters with their defaults; its button starts a run with what they say, and shows it below."""

    def __init__(self, name: str, parameters: Mapping[str, Parameter], start: Start) -> None:
        self.fields = {one.name: _field(one) for one in parameters.values()}
        self.button = widgets.Button(description="Run", tooltip=f"Run {name}", button_style="primary")
        self.message = widgets.Label()
        self._parameters, self._start = dict(parameters), start
        self._panel: Panel | None = None
        rows = [widgets.HBox([self.fields[one.name], widgets.Label(one.help)]) for one in parameters.values()]
        self._rows = (widgets.Label(name), *rows, widgets.HBox([self.button, self.message]))
        super().__init__(self._rows)
        self.button.on_click(lambda _: self.run())

    @property
    def values(self) -> dict[str, Any]:
        """What the fields say, by name; one left empty that need not be is left out, so that its default stands."""
        given = {name: _given(self._parameters[name], field) for name, field in self.fields.items()}
        return {name: value for name, value in given.items() if value is not None}

    def run(self) -> Run | None:
        """The run, started and shown below; None when it was refused, with the reason beside the button."""
        try:
            run = self._start(self.values)
        except NbschedError as error:
            self.message.value = " ".join(str(error).split())
            return None
        self.message.value = f"run {run.id} of {run.name} has been started"
        if self._panel is not None:
            self._panel.close()
        self._panel = dashboard(run)
        self.children = (*self._rows, self._panel)
        return run


def form(work: Any) -> Form:
    """The form of a pipeline, a notebook or a function."""
    found = task(work) if isfunction(work) else work if isinstance(work, FunctionTask) else as_work(work)
    return Form(found.name, declared_by(found), lambda values: nb.run(found, values))


def _field(parameter: Parameter) -> Any:
    """The widget that fits the parameter's choices or type."""
    default = parameter.default
    common = {"description": parameter.name, "style": {"description_width": "initial"}}
    if parameter.choices:
        chosen = default if default in parameter.choices else parameter.choices[0]
        return widgets.Dropdown(
            options=[(str(one), one) for one in parameter.choices], value=chosen, **common
        )
    make = _MAKERS.get(_type(parameter))
    return make(parameter, common) if make else _text(parameter, common)


def _type(parameter: Parameter) -> str:
    """The one type it has, `""` where it may be of several or may be left out."""
    if parameter.default is not None:
        found = type(parameter.default).__name__
        return "float" if found == "int" and parameter.kinds == {"float"} else found
    return next(iter(parameter.kinds)) if len(parameter.kinds) == 1 else ""


def _text(parameter: Parameter, common: Mapping[str, Any]) -> Any:
    default = parameter.default
    shown = default if isinstance(default, str) else _json(default)
    return widgets.Text(value=shown, placeholder=_hint(parameter), **common)


def _hint(parameter: Parameter) -> str:
    return parameter.type if parameter.required or parameter.default is None else ""


def _json(default: Any) -> str:
    """What is not JSON, such as the date of the run, is left to the work itself."""
    try:
        return "" if default is None else json.dumps(default, ensure_ascii=False)
    except (TypeError, ValueError):
        return ""


def _instant(parameter: Parameter, common: Mapping[str, Any]) -> Any:
    default = parameter.default
    naive = isinstance(default, datetime) and default.tzinfo is None
    return (widgets.NaiveDatetimePicker if naive else widgets.DatetimePicker)(value=default, **common)


def _number(widget: Any) -> Callable[[Parameter, Mapping[str, Any]], Any]:
    return lambda parameter, common: widget(value=parameter.default or 0, **common)


def _area(parameter: Parameter, common: Mapping[str, Any]) -> Any:
    return widgets.Textarea(
        value=_json(parameter.default), placeholder=f"{_hint(parameter)} as JSON", **common
    )


_MAKERS: Mapping[str, Callable[[Parameter, Mapping[str, Any]], Any]] = {
    "bool": lambda parameter, common: widgets.Checkbox(value=bool(parameter.default), **common),
    "int": _number(widgets.IntText),
    "float": _number(widgets.FloatText),
    "date": lambda parameter, common: widgets.DatePicker(value=parameter.default, **common),
    "datetime": _instant,
    "list": _area,
    "dict": _area,
}


def _given(parameter: Parameter, field: Any) -> Any:
    """The field's value; a text is read as the work declares it, None where nothing is said."""
    value = field.value
    if not isinstance(value, str) or isinstance(field, widgets.Dropdown):
        return value
    if not value and not isinstance(parameter.default, str):
        return None
    return value if _type(parameter) == "str" else RawText(value)
