"""What a dead writer's journal brings back is what a living one would have written."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import nbformat
import pytest
from hypothesis import given
from hypothesis import strategies as st
from nbclient import NotebookClient

from nbsched.core.redaction import Redaction
from nbsched.kernels import journal as journal_module
from nbsched.kernels.client import CellClient
from nbsched.kernels.engine import Execution, execute_notebook
from nbsched.kernels.journal import Journal, recover
from nbsched.kernels.launch import Launch
from nbsched.kernels.stop import StopSignal
from tests.kernels.told import message, messages, notebook, printed


def texts(path: Path) -> list[list[str]]:
    cells = nbformat.read(path, 4).cells
    return [
        [
            output.text if output.output_type == "stream" else output.data["text/plain"]
            for output in cell.outputs
        ]
        for cell in cells
    ]


def die(journal: Journal, book: Any) -> Path:
    """What is there of the notebook when the journal's writer dies now."""
    left = journal.path.parent / "left" / journal.path.name
    left.parent.mkdir()
    shutil.copy(journal.path, left)
    shutil.copy(f"{journal.path}.journal", f"{left}.journal")
    journal.close(book)
    return left


def begin(journal: Journal, book: Any, index: int) -> None:
    book.cells[index].metadata["status"] = "running"
    journal.begin(index, book.cells[index])


def test_a_journal_brings_back_finished_cells_and_what_the_running_one_has_shown(tmp_path: Path) -> None:
    book, journal = notebook("a", "b", "c"), Journal(tmp_path / "out.ipynb")
    journal.open(book)
    begin(journal, book, 0)
    journal.hear(0, printed("é\u2028\x85 one\n"))
    book.cells[0].update(execution_count=1, metadata={"status": "completed"})
    journal.end(0, book.cells[0])
    begin(journal, book, 1)
    journal.hear(1, printed("half"))
    path = die(journal, book)
    with open(f"{path}.journal", "ab") as file:
        file.write('{"index": 1, "message": {"msg_type": "stream", "content": {"text": "é'.encode()[:-1])
    shutil.copy(f"{path}.journal", tmp_path / "again")
    assert recover(path)
    assert texts(path) == [["é\u2028\x85 one\n"], ["half"], []]
    found = nbformat.read(path, 4)
    assert [cell.metadata.get("status") for cell in found.cells] == ["completed", "running", None]
    assert [cell.execution_count for cell in found.cells] == [1, None, None]
    assert not recover(path)

    shutil.copy(tmp_path / "again", f"{path}.journal")  # who recovered it died before the journal was gone
    before = path.read_bytes()
    assert recover(path)
    assert path.read_bytes() == before


def test_an_output_is_in_the_journal_once(tmp_path: Path) -> None:
    book, path = notebook("a"), tmp_path / "out.ipynb"
    journal = Journal(path)
    journal.open(book)
    begin(journal, book, 0)
    big = "x" * 100_000
    journal.hear(0, printed(big))
    book.cells[0].outputs = [nbformat.v4.new_output("stream", text=big)]
    journal.end(0, book.cells[0])
    assert os.path.getsize(f"{path}.journal") < 101_000
    journal.close(book)
    assert [found.name for found in tmp_path.iterdir()] == ["out.ipynb"]
    assert texts(path) == [[big]]


def test_a_writer_that_dies_after_its_last_write_has_left_a_whole_notebook(tmp_path: Path) -> None:
    book, path = notebook("a"), tmp_path / "out.ipynb"
    book.metadata["papermill"] = {"end_time": None}
    journal = Journal(path)
    journal.open(book)
    begin(journal, book, 0)
    journal.hear(0, printed("said\n"))
    shutil.copy(f"{path}.journal", tmp_path / "left")
    book.metadata["papermill"]["end_time"] = "2026-07-01T02:00:00+00:00"
    book.cells.insert(0, nbformat.v4.new_markdown_cell("An Exception was encountered"))
    journal.close(book)
    before = path.read_bytes()
    shutil.copy(tmp_path / "left", f"{path}.journal")
    assert recover(path)
    assert path.read_bytes() == before


def test_with_secrets_a_running_cell_is_written_only_when_it_has_ended(tmp_path: Path) -> None:
    book, journal = notebook("a", "b"), Journal(tmp_path / "out.ipynb", Redaction(["hunter22"]))
    journal.open(book)
    for index in (0, 1):
        begin(journal, book, index)
        for piece in ("hunt", "er22\n"):
            journal.hear(index, printed(piece))
    book.cells[0].outputs = [nbformat.v4.new_output("stream", text=piece) for piece in ("hunt", "er22\n")]
    journal.end(0, book.cells[0])
    path = die(journal, book)
    assert "hunt" not in Path(f"{path}.journal").read_text()
    assert recover(path)
    assert ["".join(cell) for cell in texts(path)] == ["***\n", ""]


@given(st.lists(st.lists(messages, max_size=6), min_size=1, max_size=4))
def test_a_replay_gives_what_the_messages_gave_when_they_came(
    tmp_path_factory: pytest.TempPathFactory, heard: list[list[dict[str, Any]]]
) -> None:
    book = notebook(*"abcd"[: len(heard)])
    journal, live = Journal(tmp_path_factory.mktemp("replay") / "out.ipynb"), NotebookClient(book)
    journal.open(book)
    for index, one in enumerate(heard):
        live.clear_before_next_output = False
        journal.begin(index, book.cells[index])
        for sent in one:
            again = json.loads(json.dumps(sent))
            journal.hear(index, again)
            live.process_message(again, book.cells[index], index)
        if index + 1 < len(heard):
            journal.end(index, book.cells[index])
    path = die(journal, book)
    assert recover(path)
    assert path.read_text() == journal.path.read_text()


class Copying:
    """Keeps a copy of the journal as it is before its notebook is written for the last time."""

    def __init__(self, journal: Journal, to: Path) -> None:
        self.journal, self.to = journal, to

    def started(self, notebook: Any, pid: int | None) -> None:
        shutil.copy(self.journal.path, self.to)

    def cell_started(self, index: int) -> None: ...

    def cell_ended(self, index: int, usage: Any) -> None:
        shutil.copy(f"{self.journal.path}.journal", f"{self.to}.journal")

    def shown(self, output: Mapping[str, Any]) -> None: ...
    def value(self, name: str, value: Any) -> None: ...


def test_a_notebook_cut_off_at_its_end_has_the_outputs_of_one_that_was_not(tmp_path: Path) -> None:
    book = notebook(
        "from IPython.display import display, clear_output\nhandle = display('first', display_id=True)\n6 * 7",
        "import sys; print('größe'); print('warn', file=sys.stderr); handle.update('second')",
        "for n in range(3): clear_output(wait=True); print(n, flush=True)",
        "1 / 0",
    )
    book.cells[-1].metadata["tags"] = ["raises-exception"]
    journal, cut = Journal(tmp_path / "out.ipynb"), tmp_path / "cut.ipynb"
    execution = Execution(
        launch=Launch(kernel="python3", cwd=tmp_path, env=os.environ),
        journal=journal,
        listener=Copying(journal, cut),
    )
    assert execute_notebook(book, execution, language="python").kind == "finished"
    assert recover(cut)
    whole, found = nbformat.read(journal.path, 4).cells, nbformat.read(cut, 4).cells
    assert [cell.outputs for cell in found] == [cell.outputs for cell in whole]
    assert found[0].outputs[0].data["text/plain"] == "'second'"
    assert [cell.execution_count for cell in found[:-1]] == [cell.execution_count for cell in whole[:-1]]


class Scripted:
    """A kernel that says what it is given to say, whatever it is asked."""

    def __init__(self, *said: dict[str, Any]) -> None:
        idle = message("status", execution_state="idle")
        self.said = [{**one, "parent_header": {"msg_id": "asked"}} for one in (*said, idle)]
        self.client, self.exited = self, asyncio.get_running_loop().create_future()
        self.session = self.shell_channel = self.socket = self

    def execute(self, *_: Any, **__: Any) -> str:
        return "asked"

    async def get_shell_msg(self, timeout: None) -> dict[str, Any]:
        return {**message("execute_reply", status="ok"), "parent_header": {"msg_id": "asked"}}

    async def get_iopub_msg(self, timeout: None) -> dict[str, Any]:
        return self.said.pop(0)

    def msg(self, *_: Any, **__: Any) -> None: ...
    def get(self, _: int) -> None: ...
    def send(self, _: None) -> None: ...


def test_what_a_widget_captures_is_no_output_of_its_cell_in_the_journal_either(tmp_path: Path) -> None:
    book, journal = notebook("a"), Journal(tmp_path / "out.ipynb")
    model = {"_model_module": "@jupyter-widgets/output", "_model_name": "OutputModel", "outputs": []}

    async def run() -> None:
        kernel: Any = Scripted(
            printed("before"),
            message("comm_open", comm_id="w", target_name="jupyter.widget", data={"state": model}),
            message("comm_msg", comm_id="w", data={"state": {"msg_id": "asked"}}),
            printed("inside"),
            message("comm_msg", comm_id="w", data={"state": {"msg_id": ""}}),
            printed("after"),
        )
        client = CellClient(
            kernel, NotebookClient(book), Copying(journal, tmp_path / "cut.ipynb"), StopSignal(), journal
        )
        begin(journal, book, 0)
        assert await client.execute(book.cells[0], 0, None, 1) is None
        client.close()

    journal.open(book)
    asyncio.run(run())
    path = die(journal, book)
    assert recover(path)
    assert texts(path) == texts(journal.path) == [["before", "after"]]


def test_the_whole_notebook_is_written_twice_however_many_cells_it_has(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    writes: list[int] = []
    write = journal_module.write_notebook

    def counted(path: Path, whole: Any, *, private: bool) -> None:
        writes.append(sum(len(cell.outputs) for cell in whole.cells))
        write(path, whole, private=private)

    monkeypatch.setattr(journal_module, "write_notebook", counted)
    journal = Journal(tmp_path / "out.ipynb")
    launch = Launch(kernel="python3", cwd=tmp_path, env=os.environ)
    book = notebook(*["print('x' * 10_000)"] * 8)
    book.cells[0].metadata["nbsched"] = {"wall_s": 1e6}
    execute_notebook(book, Execution(launch=launch, journal=journal), language="python")
    assert writes == [0, 8]
    used = [cell.metadata.nbsched for cell in nbformat.read(journal.path, 4).cells]
    assert all(0 < one.wall_s < 60 and one.peak_memory_mb > 10 for one in used)
