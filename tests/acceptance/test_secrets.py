"""Secrets reach the environment of the work that names them, and nothing that is kept or shown."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import quote

import pytest

import nbsched as nb

TOKEN = 's3cr3t/ "wörd" \'+&'
FORMS = [
    TOKEN, json.dumps(TOKEN)[1:-1], repr(TOKEN)[1:-1], quote(TOKEN), quote(TOKEN, safe=""),
    base64.b64encode(TOKEN.encode()).decode(),
]  # fmt: skip
SAYS = (
    "import base64, json, os, sys, urllib.parse\n"
    "t = os.environ['TOKEN']\n"
    "for text in (t, json.dumps(t), repr(t), urllib.parse.quote(t), urllib.parse.quote(t, safe=''),\n"
    "             base64.b64encode(t.encode()).decode()):\n"
    "    print(text); print(text, file=sys.stderr)\n"
    "sys.stdout.write('cut ' + t[:4]); sys.stdout.flush()\n"
    "sys.stdout.write(t[4:] + ' whole\\n'); sys.stdout.flush()\n"
)


@pytest.fixture(autouse=True)
def token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOKEN", TOKEN)


@pytest.fixture
def heard(rt: nb.Runtime) -> Iterator[list[Any]]:
    told: list[Any] = []
    with rt.subscribe("run.*", lambda event: told.append(dict(event.data))):
        yield told


def kept(rt: nb.Runtime) -> str:
    """All that is stored: rows and files."""
    rows = "\n".join(rt.database.read(lambda db: list(db.iterdump())))
    files = [path.read_bytes().decode(errors="replace") for path in rt.folder.rglob("*") if path.is_file()]
    return "\n".join([rows, *files])


def assert_secret(rt: nb.Runtime, heard: list[Any], run: nb.Run) -> None:
    shown = [
        repr(run.result),
        repr(dict(run.values)),
        run.log,
        repr(run.error),
        repr(run.attempts),
        repr(heard),
    ]
    for form in FORMS:
        assert form not in kept(rt)
        assert not [text for text in shown if form in text]
    assert "***" in run.log


def test_a_shell_command_has_its_secret_and_tells_it_to_nobody(rt: nb.Runtime, heard: list[Any]) -> None:
    command = f'python3 - <<\'X\'\n{SAYS}X\nprintf %s "$TOKEN" | wc -c; echo "$TOKEN"'
    run = nb.run(nb.shell(command, name="says", secrets="TOKEN")).wait(check=True)
    assert_secret(rt, heard, run)
    assert str(len(TOKEN.encode())) in run.log
    assert "cut *** whole" in run.log
    assert run.result == "***"


def test_a_failing_command_tells_no_secret_in_its_error(rt: nb.Runtime, heard: list[Any]) -> None:
    run = nb.run(nb.shell('echo "$TOKEN is wrong" >&2; exit 3', secrets=("TOKEN",))).wait()
    assert str(run.error) == "exit status 3: *** is wrong" or "*** is wrong" in str(run.error)
    assert_secret(rt, heard, run)


def test_a_function_tells_no_secret_in_log_value_and_traceback(
    rt: nb.Runtime, heard: list[Any], works: ModuleType
) -> None:
    run = nb.run(works.tells_the_token, secrets=("TOKEN",)).wait()
    assert run.values == {"token": "***"}
    assert run.error == "RuntimeError: refused: ***"
    assert_secret(rt, heard, run)


def test_a_notebook_tells_no_secret_in_output_journal_and_error(
    rt: nb.Runtime, heard: list[Any], tmp_path: Path, write_notebook: Callable[..., Path]
) -> None:
    path = write_notebook(
        tmp_path / "says.ipynb", SAYS, "import nbsched as nb\nnb.emit(t=t, many=[t] * 10000)\nt",
        "from IPython.display import HTML\nHTML(f'<b>{t}</b>')", "raise ValueError(t)",
    )  # fmt: skip
    run = nb.run(nb.notebook(path, secrets=("TOKEN",), output=tmp_path / "out.ipynb")).wait()
    assert run.state == "failed"
    assert run.values["t"] == "***"
    assert set(run.values["many"]) == {"***"}
    assert run.error == "ValueError: ***"
    written = (tmp_path / "out.ipynb").read_text()
    assert not [form for form in FORMS if form in written or json.dumps(form)[1:-1] in written]
    assert "cut *** whole" in run.log
    assert_secret(rt, heard, run)


def test_only_the_step_that_names_it_is_redacted_and_the_pipeline_goes_on(rt: nb.Runtime) -> None:
    with nb.pipeline("login") as p:
        one = nb.shell('echo "$TOKEN"', name="one", secrets=("TOKEN",))
        nb.shell('echo "$GIVEN"', name="two", env={"GIVEN": one})
    run = p.run().wait(check=True)
    assert run.steps["two"].result == "***"


def test_a_secret_that_is_nowhere_fails_the_run_with_its_name(
    rt: nb.Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TOKEN")
    run = nb.run(nb.shell("true", secrets=("TOKEN",), retries=3)).wait()
    assert (run.state, run.attempt) == ("failed", 1)
    assert "the secret 'TOKEN' is neither in the environment nor in the keyring" in str(run.error)


def test_what_is_secret_in_the_cells_of_a_process_stays_so(rt: nb.Runtime, heard: list[Any]) -> None:
    run = nb.run(nb.cell(SAYS, name="says", where="process", secrets=("TOKEN",))).wait(check=True)
    assert_secret(rt, heard, run)
