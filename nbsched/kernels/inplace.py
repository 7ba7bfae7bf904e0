"""Running a cell in the user's namespace without the kernel's queue: in a thread, or inside a cell that waits."""

from __future__ import annotations

import ast
import asyncio
import contextlib
import contextvars
import copy
import inspect
import sys
import threading
from collections import deque
from collections.abc import Iterator
from types import CodeType
from typing import Any, NamedTuple

from nbsched.kernels.cells import END, KernelCell, running
from nbsched.kernels.figures import own_figures
from nbsched.kernels.interrupts import sigint_raises
from nbsched.kernels.routing import Parent, parent_message, publish, routed
from nbsched.kernels.sparing import is_quiet

AWAKE_S = 0.5
"""A kernel's loop that sleeps longer than this hears Ctrl-C that much later: ipykernel's handler does not wake it."""


def start_thread(shell: Any, cell: KernelCell) -> threading.Thread:
    """The cell runs in a thread of its own, with an event loop of its own where it awaits."""
    run = contextvars.Context().run
    thread = threading.Thread(target=run, args=(run_here, shell, cell), name="nbsched-cell", daemon=True)
    thread.start()
    return thread


def run_here(shell: Any, cell: KernelCell) -> None:
    """The cell has run on this thread; what it raised is its `error`."""
    with _as(shell, cell) as parent:
        parts = _parts(shell, cell.source)
        if any(part.awaits for part in parts):
            asyncio.run(_run_parts(shell, cell, parent, parts))
            return
        with _interruptible(cell):
            for part in parts:
                part.show(shell, parent, part.evaluate(shell))


async def run_here_async(shell: Any, cell: KernelCell) -> None:
    """The cell has run in a task of this loop; what it raised is its `error`."""
    task = asyncio.get_running_loop().create_task(_run_task(shell, cell))
    try:
        while not task.done():
            await asyncio.wait({task}, timeout=AWAKE_S)
    except asyncio.CancelledError:
        task.cancel()
        await asyncio.wait({task})
        raise


async def _run_task(shell: Any, cell: KernelCell) -> None:
    with _as(shell, cell) as parent:
        await _run_parts(shell, cell, parent, _parts(shell, cell.source))


async def _run_parts(shell: Any, cell: KernelCell, parent: Parent, parts: list[_Part]) -> None:
    left, value = deque(parts), None
    while left:
        with _interruptible(cell):
            value, waits = _until_await(shell, left)
        if waits:
            value = await cell.interrupter.awaiting(value)
    with _interruptible(cell):
        for part in parts[-1:]:
            part.show(shell, parent, value)


def _until_await(shell: Any, left: deque[_Part]) -> tuple[Any, bool]:
    """The value of the last statement that was run, and whether it has to be awaited.

    No Ctrl-C falls between two statements: ipykernel would then only cancel what awaits.
    """
    while True:
        part = left.popleft()
        value = part.evaluate(shell)
        if part.awaits or not left:
            return value, part.awaits


def awaits(shell: Any, source: str) -> bool:
    """Whether the cell awaits outside of a function; False also when it does not compile."""
    try:
        return any(part.awaits for part in _parts(shell, source))
    except Exception:
        return False


class _Part(NamedTuple):
    """One statement of a cell; the value of the last one is shown if it is an expression."""

    code: CodeType
    shown: bool

    @property
    def awaits(self) -> bool:
        return bool(self.code.co_flags & inspect.CO_COROUTINE)

    def evaluate(self, shell: Any) -> Any:
        return eval(self.code, shell.user_global_ns, shell.user_ns)

    def show(self, shell: Any, parent: Parent, value: Any) -> None:
        if not self.shown or value is None:
            return
        data, metadata = shell.display_formatter.format(value)
        if data:
            content = {"data": _encoded(data), "metadata": metadata, "execution_count": None}
            publish(shell, parent, "execute_result", content)


def _encoded(data: dict[str, Any]) -> dict[str, Any]:
    from ipykernel import jsonutil

    encoded: dict[str, Any] = jsonutil.encode_images(data)
    return encoded


def _parts(shell: Any, source: str) -> list[_Part]:
    """The cell's statements, compiled as IPython would; SyntaxError when they cannot be."""
    text = shell.transform_cell(source)
    name = shell.compile.cache(text, shell.execution_count, raw_code=source)
    body = shell.transform_ast(ast.parse(text, name)).body
    shown = bool(body) and isinstance(body[-1], ast.Expr) and not is_quiet(text)
    compiled = [_compiled(shell, ast.Module([node], []), name, "exec") for node in body[: len(body) - shown]]
    parts = [_Part(code, False) for code in compiled]
    if shown:
        parts.append(_Part(_compiled(shell, ast.Expression(body[-1].value), name, "eval"), True))
    return parts


def _compiled(shell: Any, tree: ast.AST, name: str, mode: str) -> CodeType:
    flags = shell.compile.flags | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
    code: CodeType = compile(tree, name, mode, flags=flags, dont_inherit=True)  # type: ignore[call-overload]
    return code


@contextlib.contextmanager
def _interruptible(cell: KernelCell) -> Iterator[None]:
    with sigint_raises(), cell.interrupter.covering_this_thread():
        yield


@contextlib.contextmanager
def _as(shell: Any, cell: KernelCell) -> Iterator[Parent]:
    """The block's output is the cell's and its end is the cell's end, whatever it raised."""
    parent = parent_message(shell, cell.id, cell.metadata)
    token = running.set(cell)
    try:
        with routed(shell, parent):
            try:
                with own_figures():
                    yield parent
            except BaseException as error:
                cell.error = error
                _show_error(shell, parent, error)
    finally:
        running.reset(token)
        cell.sign("reply")
        publish(shell, parent, END, {})


def _show_error(shell: Any, parent: Parent, error: BaseException) -> None:
    from IPython.core.error import UsageError

    if isinstance(error, UsageError):
        print(f"UsageError: {error}", file=sys.stderr)
    elif not (isinstance(error, SystemExit) and not error.code):
        content = {"ename": type(error).__name__, "evalue": str(error), "traceback": _formatted(shell, error)}
        publish(shell, parent, "error", content)


def _formatted(shell: Any, error: BaseException) -> list[str]:
    """The traceback as IPython shows it, from the cell's first own frame."""
    if isinstance(error, SyntaxError):
        return list(shell.SyntaxTB.structured_traceback(type(error), error, []))
    trace = error.__traceback__
    while trace is not None and trace.tb_frame.f_globals is not shell.user_global_ns:
        trace = trace.tb_next
    formatter = copy.copy(shell.InteractiveTB)  # it keeps state, and the user's cell may be failing too
    return list(formatter.structured_traceback(type(error), error, trace, tb_offset=0))
