"""Whoever reads an output notebook while it is written has, at every moment, what its cells had shown by then."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import nbformat
import pytest
from hypothesis import given
from hypothesis import strategies as st
from nbclient import NotebookClient

from nbsched.core.redaction import Redaction
from nbsched.kernels import reading
from nbsched.kernels.engine import Execution, execute_notebook
from nbsched.kernels.journal import Journal, recover
from nbsched.kernels.launch import Launch
from nbsched.kernels.reading import NOTHING, WRITTEN, NotebookReader, Reading
from tests.kernels.told import messages, notebook, printed


class Follower:
    """Somebody who asks on from where they were, and keeps what they were told."""

    def __init__(self) -> None:
        self.version, self.cells = NOTHING, dict[int, Any]()

    def ask(self, reader: NotebookReader) -> Reading:
        found = reader.read(self.version)
        if found.whole:
            self.cells.clear()
        self.cells.update(found.cells)
        self.version = found.version
        return found

    @property
    def notebook(self) -> list[Any]:
        return [self.cells[index] for index in range(len(self.cells))]


def plain(cells: Any) -> list[Any]:
    return [reading._copied(cell) for cell in cells]


def on_disk(path: Path) -> list[Any]:
    return plain(nbformat.v4.reads(path.read_text("utf-8")).cells)


asked = st.sampled_from(["first", "second", "another reader"])
steps = st.lists(st.one_of(messages, asked), max_size=8)


class Writing:
    """A notebook that is written, and those who read it."""

    def __init__(self, path: Path, cells: int) -> None:
        self.path, self.book, self.journal = path, notebook(*"abcd"[:cells]), Journal(path)
        self.live, self.reader = NotebookClient(self.book), NotebookReader(path)
        self.followers = {"first": Follower(), "second": Follower(), "another reader": Follower()}

    def ask(self, who: str) -> Follower:
        """What the follower has by now; one has another reader each time, as after a restart."""
        follower = self.followers[who]
        follower.ask(NotebookReader(self.path) if who == "another reader" else self.reader)
        return follower

    def run(self, index: int, steps: list[Any]) -> None:
        """The cell has begun and has shown what the steps say; it is asked for where they name who asks."""
        cell, self.live.clear_before_next_output = self.book.cells[index], False
        cell.metadata["status"] = "running"
        self.journal.begin(index, cell)
        for step in steps:
            if isinstance(step, str):
                assert self.ask(step).notebook == plain(self.book.cells)
            else:
                self.journal.hear(index, step)
                self.live.process_message(step, cell, index)

    def end_cell(self, index: int) -> None:
        self.book.cells[index].metadata["status"] = "completed"
        self.journal.end(index, self.book.cells[index])

    def end(self, how: str) -> None:
        if how == "killed":
            assert self.journal._lines
            self.journal._lines.close()
            assert recover(self.path)
            return
        self.book.metadata["papermill"] = {"end_time": "2026-07-01T02:00:00+00:00"}
        self.book.cells[-1].metadata["status"] = "failed"
        if how == "marked":
            self.book.cells.insert(0, nbformat.v4.new_markdown_cell("An Exception was encountered"))
        self.journal.close(self.book)


@given(
    st.lists(steps, min_size=1, max_size=4),
    st.lists(asked, max_size=2),
    st.sampled_from(["complete", "marked", "killed"]),
)
def test_reading_at_any_moments_gives_what_there_is_and_in_the_end_the_finished_notebook(
    tmp_path_factory: pytest.TempPathFactory, told: list[list[Any]], early: list[str], how: str
) -> None:
    writing = Writing(tmp_path_factory.mktemp("reading") / "out.ipynb", len(told))
    for who in early:
        assert writing.ask(who).notebook == []
    writing.journal.open(writing.book)
    for index, cell in enumerate(told):
        writing.run(index, cell)
        if index + 1 < len(told):
            writing.end_cell(index)
    writing.end(how)
    for who in writing.followers:
        follower = writing.ask(who)
        assert follower.notebook == on_disk(writing.path)
        assert follower.version == WRITTEN
        assert follower.ask(writing.reader).cells == {}


def test_a_line_that_is_half_written_is_read_when_it_is_whole(tmp_path: Path) -> None:
    book, journal = notebook("a"), Journal(tmp_path / "out.ipynb")
    journal.open(book)
    journal.begin(0, book.cells[0])
    for text in ("é\u2028 one\n", "two {\n"):
        journal.hear(0, printed(text))
    copy = tmp_path / "copy.ipynb"
    shutil.copy(journal.path, copy)
    whole, follower, reader = Path(f"{journal.path}.journal").read_bytes(), Follower(), NotebookReader(copy)
    seen = []
    with Path(f"{copy}.journal").open("wb", buffering=0) as lines:
        for at in range(len(whole)):
            lines.write(whole[at : at + 1])
            follower.ask(reader)
            seen.append("".join(output["text"] for output in follower.notebook[0]["outputs"]))
    assert list(dict.fromkeys(seen)) == ["", "é\u2028 one\n", "é\u2028 one\ntwo {\n"]
    journal.close(book)


def test_with_secrets_nothing_of_them_is_read(tmp_path: Path) -> None:
    book, journal = notebook("key = 'hunter22'"), Journal(tmp_path / "out.ipynb", Redaction(["hunter22"]))
    reader, follower = NotebookReader(journal.path), Follower()
    journal.open(book)
    journal.begin(0, book.cells[0])
    for piece in ("hunt", "er22\n"):
        journal.hear(0, printed(piece))
        follower.ask(reader)
        assert "hunt" not in str(follower.cells)
    book.cells[0].outputs = [nbformat.v4.new_output("stream", text=piece) for piece in ("hunt", "er22\n")]
    journal.end(0, book.cells[0])
    follower.ask(reader)
    assert "hunt" not in str(follower.cells)
    assert follower.notebook[0]["source"] == "key = '***'"
    journal.close(book)


def test_a_notebook_is_loaded_when_it_begins_and_when_it_has_ended_however_often_it_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loads: list[Path] = []
    load = reading._load

    def counted(path: Path) -> Any:
        loads.append(path)
        return load(path)

    monkeypatch.setattr(reading, "_load", counted)
    book, journal = notebook("a"), Journal(tmp_path / "out.ipynb")
    reader, follower = NotebookReader(journal.path), Follower()
    assert follower.ask(reader) == Reading(NOTHING, {}, whole=True)
    loads.clear()
    journal.open(book)
    journal.begin(0, book.cells[0])
    for number in range(50):
        journal.hear(0, printed(f"{number}\n"))
        follower.ask(reader)
    book.metadata["papermill"] = {"end_time": "2026-07-01T02:00:00+00:00"}
    journal.close(book)
    for _ in range(50):
        follower.ask(reader)
    assert len(loads) == 2


def test_what_was_said_of_the_journal_before_its_notebook_was_there_is_nothing(tmp_path: Path) -> None:
    path = tmp_path / "out.ipynb"
    Path(f"{path}.journal").write_bytes(b"")
    assert NotebookReader(path).read() == Reading(NOTHING, {}, whole=True)
    assert recover(path)
    assert not list(tmp_path.iterdir())


class Silent:
    def started(self, notebook: Any, pid: int | None) -> None: ...
    def cell_started(self, index: int) -> None: ...
    def cell_ended(self, index: int, usage: Any) -> None: ...
    def shown(self, output: Mapping[str, Any]) -> None: ...
    def value(self, name: str, value: Any) -> None: ...


def test_readers_beside_a_real_kernel_miss_nothing(tmp_path: Path) -> None:
    book = notebook(
        "from IPython.display import display, clear_output\nhandle = display('first', display_id=True)\n6 * 7",
        "for n in range(300): print(n, flush=True)",
        "handle.update('second')\nfor n in range(5): clear_output(wait=True); print(n, flush=True)",
        "1 / 0",
        "'not reached'",
    )
    path, over = tmp_path / "out.ipynb", threading.Event()
    reader, followers = NotebookReader(path), [Follower() for _ in range(3)]
    seen: list[set[int]] = [set() for _ in followers]

    def read_on(at: int) -> None:
        while not over.is_set():
            for index, cell in followers[at].ask(reader).cells.items():
                seen[at].add(len(cell["outputs"]) if index == 1 else 0)

    threads = [threading.Thread(target=read_on, args=(at,)) for at in range(3)]
    for thread in threads:
        thread.start()
    try:
        launch = Launch(kernel="python3", cwd=tmp_path, env=os.environ)
        ending = execute_notebook(
            book, Execution(launch=launch, journal=Journal(path), listener=Silent()), language="python"
        )
    finally:
        over.set()
        for thread in threads:
            thread.join()
    assert ending.kind == "failed"
    for follower in followers:
        follower.ask(reader)
        assert follower.notebook == on_disk(path)
    assert all(len(sizes) > 1 for sizes in seen), "nothing was read while it ran"
