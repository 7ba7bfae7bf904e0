"""What notebooks hold beside code that runs."""

from __future__ import annotations

import nbformat

from tests.kernels.corpus.case import PYTHON, case, code

PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNkYAAAAAYAAjCB0C8AAAAASUVORK5CYII="
OLD = nbformat.v4.new_code_cell(
    "print('new')",
    execution_count=42,
    outputs=[
        nbformat.v4.new_output("stream", text="old"),
        nbformat.v4.new_output("error", ename="Old", evalue="", traceback=[]),
    ],
    metadata={"papermill": {"status": "failed", "own": 1}, "execution": {"old": "time"}},
)
MARKED = nbformat.v4.new_markdown_cell("an old mark", metadata={"tags": ["papermill-error-cell-tag"]})

CASES = (
    case(
        "cells of every kind",
        MARKED,
        nbformat.v4.new_markdown_cell("# Ünïcode ![i](attachment:i.png)", attachments={"i.png": {"image/png": PNG}}),
        nbformat.v4.new_raw_cell("raw *as it is*", metadata={"format": "text/restructuredtext"}),
        nbformat.v4.new_markdown_cell(""),
        code("n = 1", "parameters", "own-tag", collapsed=True, scrolled="auto", own={"deep": [1]}, jupyter={"source_hidden": True}),
        code("", "empty"),
        "\n\n# a comment\n",
        OLD,
        nbformat.v4.new_code_cell("# a comment, and outputs of old", outputs=[nbformat.v4.new_output("stream", text="old")]),
        nbformat.v4.new_code_cell("", outputs=[nbformat.v4.new_output("stream", text="old")], execution_count=5),
        code("n = 2  # of a former run", "injected-parameters"),
        "n",
        "trailing = 1  \n\n\n",
        "windows = 'line ends'\r\nprint(windows)\r\n",
        parameters={"n": 3},
        as_run=True,
        metadata={**PYTHON, "own": {"kept": ["é", 1]}, "title": "Title", "authors": [{"name": "A"}], "widgets": {"old": 1},
                  "language_info": {"name": "python", "version": "2.7"}, "papermill": {"own": "kept", "exception": True}},
    ),
    case("cells without ids", "1 + 1", nbformat.v4.new_markdown_cell("text"), code("a = 1", "parameters"), "a", minor=0, parameters={"a": 2}, as_run=True),
    case("a notebook without cells"),
    case("parameters without a cell for them", "n, text", parameters={"n": 1, "text": "no parameters cell"}),
)  # fmt: skip
