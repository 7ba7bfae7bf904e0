"""A notebook's `%%step` cells without its front end: one fresh kernel takes the place of the person's.

The ordinary cells above the last step run first, in order, so that imports, definitions and data are there;
cells below it, which look at results, do not run, nor do other magics of nbsched.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import re
import subprocess
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NoReturn

from nbsched.core.errors import NbschedError
from nbsched.core.sources import kernel_name
from nbsched.loading.files import StepNotebook

if TYPE_CHECKING:
    from nbsched.engine.runtime import Runtime

_STEP = re.compile(r"\s*%{1,2}step\s")
_OTHER_CELL = re.compile(r"\s*%%(schedule|task|on)\b")
_OTHER_LINE = re.compile(r"^[ \t]*%(schedule|pipeline|nbsched|load_ext[ \t]+nbsched)\b.*$", re.MULTILINE)
_START_S = 120
_LOOK_S = 0.5


class KernelFailed(NbschedError):
    """The fresh kernel could not do what comes before the pipeline."""


def ordinary(cells: Sequence[str]) -> list[str]:
    """What the fresh kernel runs: the cells up to the last step, without the lines that would act on their own."""
    last = max(at for at, cell in enumerate(cells) if _has_step(cell))
    kept = (cell for cell in cells[: last + 1] if not _OTHER_CELL.match(cell))
    return [text for cell in kept if (text := _OTHER_LINE.sub("", cell)).strip()]


def _has_step(cell: str) -> bool:
    return any(_STEP.match(line) for line in cell.splitlines())


@contextlib.contextmanager
def steps_in_a_kernel(
    rt: Runtime,
    notebook: StepNotebook,
    params: Mapping[str, Any],
    policy: Mapping[str, Any],
    host: Mapping[str, Any],
) -> Iterator[int]:
    """The pipeline runs in a kernel that lives as long as the block; gives the run's id.

    KernelFailed when a cell before the pipeline fails, and at the end of the block when the kernel has died in it.
    """
    with _kernel(rt, notebook) as client:
        _execute(client, _opening({**host, "store": str(rt.store_path)}))
        for cell in ordinary(notebook.cells):
            _execute(client, cell)
        arguments = json.dumps([notebook.line, notebook.name, dict(params), dict(policy)])
        start = f"__import__('nbsched.jupyter.pipelines', fromlist=['start']).start({arguments!r})"
        run = int(_execute(client, "", {"run": start})["run"])
        with _stopped_with_its_kernel(rt, run, client):
            yield run


@contextlib.contextmanager
def _stopped_with_its_kernel(rt: Runtime, run: int, client: Any) -> Iterator[None]:
    """The run is cancelled when its kernel dies, for nothing else could carry on its cells."""
    over, died = threading.Event(), threading.Event()

    def watch() -> None:
        while not over.wait(_LOOK_S):
            if not client.is_alive():
                died.set()
                with contextlib.suppress(NbschedError):  # it has ended meanwhile
                    rt.cancel(run)
                return

    watcher = threading.Thread(target=watch, name="nbsched-kernel-watch", daemon=True)
    watcher.start()
    try:
        yield
    finally:
        over.set()
        watcher.join()
    if died.is_set():
        raise KernelFailed(
            f"the kernel died while run {run} was on: see `nbsched show {run}`, and run it again"
        )


@contextlib.contextmanager
def _kernel(rt: Runtime, notebook: StepNotebook) -> Iterator[Any]:
    """A client of a new kernel in the notebook's folder; its sockets are files that only this person can open."""
    from jupyter_client.manager import KernelManager

    with tempfile.TemporaryDirectory(prefix="nbs-", ignore_cleanup_errors=True) as folder:
        sockets = {"transport": "ipc", "ip": f"{folder}/k"} if os.name == "posix" else {}
        manager = KernelManager(
            kernel_name=_kernel_name(notebook), connection_file=f"{folder}/kernel.json", **sockets
        )
        manager.start_kernel(
            cwd=str(notebook.path.parent), env=_environment(rt, notebook), stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        client = manager.blocking_client()
        try:
            client.start_channels(stdin=False, hb=False)
            client.wait_for_ready(timeout=_START_S)
            yield client
        finally:
            client.stop_channels()
            manager.shutdown_kernel(now=False)


def _environment(rt: Runtime, notebook: StepNotebook) -> dict[str, str]:
    inherited = {name: value for name, value in os.environ.items() if name != "NBSCHED_RUN"}
    return {**inherited, "NBSCHED_STORE": str(rt.store_path), "JPY_SESSION_NAME": str(notebook.path)}


def _kernel_name(notebook: StepNotebook) -> str:
    from jupyter_client.kernelspec import KernelSpecManager

    name = kernel_name(json.loads(notebook.path.read_text("utf-8")))
    return name if name in KernelSpecManager().find_kernel_specs() else "python3"


def _opening(host: Mapping[str, Any]) -> str:
    opened = "__import__('nbsched.jupyter.hosting', fromlist=['host_here']).host_here(%r)"
    return f"%load_ext nbsched\n{opened % (dict(host),)}"


def _execute(client: Any, source: str, asked: Mapping[str, str] | None = None) -> Mapping[str, str]:
    """What the kernel answers for each expression asked, once the source has run; KernelFailed when it fails."""
    request = client.execute(
        source, store_history=False, allow_stdin=False, user_expressions=dict(asked or {})
    )
    reply = _reply(client, request, source)
    if reply["status"] != "ok":
        _fail(source, reply)
    answers = reply.get("user_expressions", {})
    for answer in answers.values():
        if answer["status"] != "ok":
            _fail("", answer)
    return {name: answer["data"]["text/plain"] for name, answer in answers.items()}


def _reply(client: Any, request: str, source: str) -> Mapping[str, Any]:
    while True:
        try:
            message = client.get_shell_msg(timeout=_LOOK_S)
        except queue.Empty:
            if not client.is_alive():
                _fail(source, {"ename": "DeadKernel", "evalue": "the kernel died"})
            continue
        if message["parent_header"].get("msg_id") == request:
            content: Mapping[str, Any] = message["content"]
            return content


def _fail(source: str, reply: Mapping[str, Any]) -> NoReturn:
    first = next(iter(source.strip().splitlines()), "")
    place = f"the cell that begins {first!r} failed: " if first else ""
    kind = "" if reply.get("ename") == "UsageError" else f"{reply.get('ename')}: "
    raise KernelFailed(f"{place}{kind}{reply.get('evalue')}")
