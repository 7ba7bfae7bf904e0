"""What a cell of ours leaves alone in IPython: the user's `_` and `Out`, and the user."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from nbsched.core.messages import NO_INPUT
from nbsched.kernels.cells import running

Method = Callable[..., Any]


def spare(shell: Any) -> None:
    """Results of our cells are shown and not remembered, and our cells ask nobody for input."""
    hook, kernel = shell.displayhook, shell.kernel
    hook.update_user_ns = _only_the_users(hook.update_user_ns)
    hook.log_output = _only_the_users(hook.log_output)
    hook.quiet = _own_semicolon(shell, hook.quiet)
    kernel.raw_input = _no_input(kernel.raw_input)
    kernel.getpass = _no_input(kernel.getpass)


def is_quiet(text: str) -> bool:
    """Whether the cell, as Python, ends in a semicolon that hides its last value."""
    from IPython.core.displayhook import DisplayHook

    return bool(DisplayHook.semicolon_at_end_of_expression(text))


def _only_the_users(method: Method) -> Method:
    return lambda *args: None if running.get() else method(*args)


def _own_semicolon(shell: Any, quiet: Method) -> Method:
    """IPython looks at the last cell in the history, which ours is not in."""

    def own_quiet() -> bool:
        cell = running.get()
        return is_quiet(shell.transform_cell(cell.source)) if cell else bool(quiet())

    return own_quiet


def _no_input(method: Method) -> Method:
    def ask(*args: Any, **kwargs: Any) -> Any:
        if running.get() is None:
            return method(*args, **kwargs)
        from IPython.core.error import StdinNotImplementedError

        raise StdinNotImplementedError(NO_INPUT)

    return ask
