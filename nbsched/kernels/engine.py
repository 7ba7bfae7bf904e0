"""The papermill engine `nbsched`: a notebook executed cell by cell in a fresh kernel, watched and stoppable.

papermill loads its engines while it is itself being imported, and so is imported here only when it is used.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nbclient import NotebookClient
from nbclient.exceptions import DeadKernelError
from nbformat import NotebookNode

from nbsched.core.sources import code_cells, source_text, tagged
from nbsched.core.usage import Usage
from nbsched.kernels.client import CellClient, Ending, Listener
from nbsched.kernels.journal import Journal
from nbsched.kernels.launch import Launch
from nbsched.kernels.preloads import imported_by
from nbsched.kernels.process import running_kernel
from nbsched.kernels.stop import StopSignal
from nbsched.kernels.usage import Meter

ENGINE = "nbsched"
SKIPPED_TAG = "skip-execution"


class _Silent:
    """Listens to nothing."""

    def started(self, notebook: NotebookNode, pid: int | None) -> None: ...
    def cell_started(self, index: int) -> None: ...
    def cell_ended(self, index: int, usage: Usage) -> None: ...
    def shown(self, output: Mapping[str, Any]) -> None: ...
    def value(self, name: str, value: Any) -> None: ...


@dataclass(kw_only=True)
class Execution:
    """One execution of a notebook: how it is to be done, the handle to stop it, and how it ended."""

    launch: Launch
    source: str = ""
    """Where the notebook was read from, for its metadata."""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    """Those injected already, as JSON, for its metadata."""
    journal: Journal | None = None
    """Where the output goes; None: nowhere, or where papermill was told."""
    listener: Listener = field(default_factory=_Silent)
    start_timeout_s: float = 60
    cell_timeout_s: float | None = None
    grace_s: float = 5
    stop: StopSignal = field(default_factory=StopSignal)
    outputs: NotebookClient | None = None
    """Takes the outputs in; None: one that does nothing else."""
    ending: Ending = field(default_factory=lambda: Ending(kind="stopped"))
    notebook: NotebookNode | None = None


def execute_notebook(
    notebook: NotebookNode,
    execution: Execution,
    *,
    language: str,
    parameters: Mapping[str, Any] | None = None,
) -> Ending:
    """How the execution ended, after papermill has done it; the output is written, also on failure.

    `parameters` are injected by papermill, as literals of the language.
    """
    from papermill.engines import papermill_engines
    from papermill.exceptions import PapermillExecutionError
    from papermill.execute import execute_notebook as execute
    from papermill.execute import remove_error_markers

    papermill_engines.register(ENGINE, NbschedEngine)  # an editable install may lack the entry point
    try:
        # papermill is given no path: it would change this process's working directory to read or write
        execute(notebook, None, parameters=dict(parameters or {}), engine_name=ENGINE, progress_bar=False,
                kernel_name=execution.launch.kernel, language=language, execution=execution)  # fmt: skip
    except PapermillExecutionError:
        if execution.ending.good:
            remove_error_markers(execution.notebook)
    finally:
        if execution.journal and execution.notebook is not None:
            execution.journal.close(execution.notebook)
    return execution.ending


class NbschedEngine:
    """What papermill calls for `engine_name="nbsched"`."""

    @classmethod
    def execute_notebook(
        cls,
        nb: NotebookNode,
        kernel_name: str,
        output_path: str | None = None,
        progress_bar: bool | Mapping[str, Any] = True,
        log_output: bool = False,
        autosave_cell_every: int = 30,
        execution: Execution | None = None,
        start_timeout: float = 60,
        execution_timeout: float | None = None,
        timeout: float | None = None,
        stdout_file: Any = None,
        stderr_file: Any = None,
        allow_errors: bool = False,
        **_: Any,
    ) -> NotebookNode:
        """The notebook, executed; plain papermill gets the options it knows, ours come as an `Execution`."""
        from papermill.clientwrap import PapermillNotebookClient
        from papermill.engines import NotebookExecutionManager
        from papermill.log import logger

        journal = _journal(output_path) if execution is None else None
        saved = None if journal else output_path
        record = NotebookExecutionManager(nb, saved, log_output, progress_bar, autosave_cell_every)
        if execution is not None:
            _carry_out(record, execution)
            return nb
        outputs = PapermillNotebookClient(
            record, log=logger, log_output=log_output, stdout_file=stdout_file, stderr_file=stderr_file,
            allow_errors=allow_errors,
        )  # fmt: skip
        try:
            _carry_out_alone(
                record, kernel_name, outputs, start_timeout, execution_timeout or timeout, journal
            )
        finally:
            if journal:
                journal.close(nb)
        return nb

    @classmethod
    def nb_kernel_name(cls, nb: NotebookNode, name: str | None = None) -> str:
        from papermill.utils import nb_kernel_name

        return str(nb_kernel_name(nb, name))

    @classmethod
    def nb_language(cls, nb: NotebookNode, language: str | None = None) -> str:
        from papermill.utils import nb_language

        return str(nb_language(nb, language))


def _journal(output_path: str | None) -> Journal | None:
    """Instead of papermill's saves, two of the whole notebook per cell; None where that is no file of this machine."""
    from papermill.iorw import LocalHandler, papermill_io

    handler = papermill_io.get_handler(output_path) if output_path else None
    if not isinstance(handler, LocalHandler):
        return None
    path = Path(handler._cwd or ".", output_path or "")  # the working directory is already the notebook's
    return Journal(path, private=False) if path.parent.is_dir() else None


def _carry_out_alone(
    record: Any,
    kernel_name: str,
    outputs: NotebookClient,
    start_timeout_s: float,
    cell_timeout_s: float | None,
    journal: Journal | None,
) -> None:
    """The notebook is executed as papermill's user asked; DeadKernelError where papermill finds no failed cell."""
    papers = dict(record.nb.metadata.papermill)
    execution = Execution(
        launch=Launch(
            kernel=kernel_name,
            cwd=Path.cwd(),
            env=os.environ,
            modules=imported_by(map(source_text, code_cells(record.nb))),
        ),
        source=papers.get("input_path", ""),
        parameters=papers.get("parameters", {}),
        outputs=outputs,
        journal=journal,
        start_timeout_s=start_timeout_s,
        cell_timeout_s=cell_timeout_s,
    )
    _carry_out(record, execution)
    if execution.ending.index is None and not execution.ending.good:
        raise DeadKernelError(execution.ending.evalue)


def _carry_out(record: Any, execution: Execution) -> None:
    notebook = execution.notebook = record.nb
    notebook.metadata.papermill["input_path"] = execution.source
    if execution.parameters:
        notebook.metadata.papermill["parameters"] = dict(execution.parameters)
    if execution.journal and execution.outputs is None:
        notebook.metadata.papermill["output_path"] = str(execution.journal.path)
    record.notebook_start()
    for cell in notebook.cells:
        cell.metadata.pop("nbsched", None)  # of an earlier execution
    if execution.journal:
        execution.journal.open(notebook)
    try:
        execution.ending = _run(record, execution)
    finally:
        record.notebook_complete()
        _mark_what_was_left(record)


def _mark_what_was_left(record: Any) -> None:
    """Cells that were not reached are pending: papermill takes them for completed where none has failed."""
    left = [cell for cell in record.nb.cells if cell.metadata.papermill["start_time"] is None]
    for cell in left:
        cell.metadata.papermill["status"] = record.PENDING
    if left:
        record.save()


def _run(record: Any, execution: Execution) -> Ending:
    """The execution in a loop of its own, and in another thread where this one has a loop already."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return _run_here(record, execution)
    with ThreadPoolExecutor(max_workers=1) as threads:
        try:
            return threads.submit(_run_here, record, execution).result()
        except BaseException:
            execution.stop.request()
            raise


def _run_here(record: Any, execution: Execution) -> Ending:
    # zmq needs a selector loop, which is not everywhere the default
    with asyncio.Runner(loop_factory=asyncio.SelectorEventLoop) as runner:
        return runner.run(_execute(record, execution))


async def _execute(record: Any, execution: Execution) -> Ending:
    if execution.stop.requested:
        return Ending(kind="stopped")
    async with running_kernel(execution.launch) as kernel:
        execution.listener.started(record.nb, kernel.pid)
        outputs = execution.outputs or NotebookClient(record.nb)
        client = CellClient(kernel, outputs, execution.listener, execution.stop, execution.journal)
        try:
            ending = await client.ready(execution.start_timeout_s)
            return ending or await _execute_cells(client, record, execution, Meter(kernel.pid))
        finally:
            client.close()


async def _execute_cells(client: CellClient, record: Any, execution: Execution, meter: Meter) -> Ending:
    for index, cell in enumerate(record.nb.cells):
        if execution.stop.requested:
            return Ending(kind="stopped", index=index)
        record.cell_start(cell, index)
        if execution.journal:
            execution.journal.begin(index, cell)
        ending = None
        if cell.cell_type == "code":
            ending = await _execute_cell(client, cell, index, execution, meter)
        if ending and not ending.good:
            record.cell_exception(cell, index)
        record.cell_complete(cell, index)
        if execution.journal:
            execution.journal.end(index, cell)
        if ending:
            return ending
    return Ending(kind="finished")


async def _execute_cell(
    client: CellClient, cell: NotebookNode, index: int, execution: Execution, meter: Meter
) -> Ending | None:
    execution.listener.cell_started(index)
    meter.begin()
    ending = None
    if cell.source.strip() and not tagged(cell, SKIPPED_TAG):
        ending = await client.execute(cell, index, execution.cell_timeout_s, execution.grace_s)
    usage = cell.metadata["nbsched"] = meter.end()
    execution.listener.cell_ended(index, usage)
    return ending
