"""What the core is lent from above: where files lie, how a function is found again, what starts a run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from nbsched.core.errors import UsageError

if TYPE_CHECKING:
    from nbsched.core.declared import Parameter

Hook = TypeVar("Hook")


class Surroundings(Protocol):
    """Where work is being defined: the current notebook or script, and the files around it."""

    def existing(self, path: str) -> str:
        """The absolute path of a file or folder; DefinitionError when there is none."""

    def absolute(self, path: str, beside: str | None = None) -> str:
        """The absolute path, whether anything is there or not; from the folder of `beside`, else the current one."""

    def beside(self, path: str) -> str:
        """The absolute path, from the folder of the file that defines the work where there is one."""

    def declared_parameters(self, notebook: str) -> Mapping[str, Parameter] | None:
        """What the parameters cell declares; None when there is none; DefinitionError when unreadable."""


FunctionReference = Callable[[Callable[..., Any]], str]
NamedFunction = Callable[[str], Callable[..., Any]]
Runner = Callable[[Any, Mapping[str, Any] | None, Mapping[str, Any]], Any]
"""Starts a run of the work (or pipeline) with the parameters and the policy options."""


@dataclass(slots=True)
class _Lent:
    surroundings: Surroundings | None = None
    function_reference: FunctionReference | None = None
    named_function: NamedFunction | None = None
    runner: Runner | None = None
    scheduler: Callable[[Any, Any], Any] | None = None
    written: Callable[[Any], None] | None = None
    form: Callable[[Any], Any] | None = None


_lent = _Lent()


def use(surroundings: Surroundings) -> None:
    _lent.surroundings = surroundings


def set_function_reference(hook: FunctionReference) -> None:
    _lent.function_reference = hook


def set_named_function(hook: NamedFunction) -> None:
    _lent.named_function = hook


def set_runner(hook: Runner) -> None:
    _lent.runner = hook


def set_written(hook: Callable[[Any], None]) -> None:
    """The hook is given every pipeline whose block was left, also one that no variable holds."""
    _lent.written = hook


def written(pipeline: Any) -> None:
    if _lent.written is not None:
        _lent.written(pipeline)


def set_form(hook: Callable[[Any], Any]) -> None:
    _lent.form = hook


def set_scheduler(hook: Callable[[Any, Any], Any]) -> None:
    _lent.scheduler = hook


def surroundings() -> Surroundings:
    return _there(_lent.surroundings, "read files")


def function_reference(function: Callable[..., Any]) -> str:
    """The text by which any host that can import the function finds it again."""
    return _there(_lent.function_reference, "find functions again")(function)


def function_named(ref: str) -> Callable[..., Any]:
    """The function to which the text leads that `function_reference` gives."""
    return _there(_lent.named_function, "find functions again")(ref)


def start(work: Any, params: Mapping[str, Any] | None, policy: Mapping[str, Any]) -> Any:
    """The run of the work, started now."""
    return _there(_lent.runner, "run work")(work, params, policy)


def schedule(work: Any, trigger: Any) -> None:
    """The work is scheduled, unless it is only being read."""
    _there(_lent.scheduler, "schedule work")(work, trigger)


def form(work: Any) -> Any:
    """The form of the work's parameters, to be shown in a notebook."""
    return _there(_lent.form, "show forms")(work)


def _there(hook: Hook | None, purpose: str) -> Hook:
    if hook is None:
        raise UsageError(f"nothing here can {purpose}: import nbsched as a whole, not its core alone")
    return hook
