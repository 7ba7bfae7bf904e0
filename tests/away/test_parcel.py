from __future__ import annotations

import json
import pickle
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from nbsched.away.parcel import Parcel, Terms, enclosed, header_of, load_of, moved, pack
from nbsched.core.errors import DefinitionError
from nbsched.core.model import Function, Notebook, Shell
from nbsched.core.policy import Policy
from nbsched.executors.contract import Assignment
from nbsched.executors.lookup import reference_of
from nbsched.executors.valuefiles import Figure, Unread
from tests.away import remote

Assign = Callable[..., Assignment]


@pytest.fixture
def terms(tmp_path: Path) -> Terms:
    return Terms(sender="me", lease_s=10, mark=tmp_path / ".seen", files=None, limit=1000)


@pytest.fixture
def packed(assign: Assign, terms: Terms) -> Callable[..., Parcel]:
    return lambda work, **changes: pack(assign(work, **changes), "id", terms)


def function(called: Callable[..., Any], **facts: Any) -> Function:
    return Function(name=called.__name__, ref=reference_of(called), **facts)


def test_the_header_is_text_that_any_version_can_read(packed: Callable[..., Parcel]) -> None:
    parcel = packed(function(remote.where))
    header = json.loads(parcel.data.split(b"\n")[0])
    assert header == header_of(parcel.data)
    assert (header["id"], header["sender"], header["ask"]) == ("id", "me", False)


def test_work_that_must_not_run_twice_is_asked_for_first(packed: Callable[..., Parcel]) -> None:
    parcel = packed(function(remote.where), policy=Policy(rerun=False))
    assert header_of(parcel.data)["ask"]
    assert parcel.ref is None


def test_secrets_do_not_travel(packed: Callable[..., Parcel]) -> None:
    parcel = packed(Shell(name="s", command="true"), env={"TOKEN": "hunter2", "OTHER": "seen"},
                    policy=Policy(secrets=("TOKEN",)))  # fmt: skip
    assert b"hunter2" not in parcel.data
    assert load_of(parcel.data).env == {"OTHER": "seen"}
    assert header_of(parcel.data)["secrets"] == ["TOKEN"]


CALLED = """
import pickle, sys
class Series:
    def sum(self):
        return 4
print(pickle.loads(sys.stdin.buffer.read())({"x": Series()}, 3))
"""


def test_a_function_of_ones_own_travels_by_value_to_where_its_module_is_not(
    packed: Callable[..., Parcel], tmp_path: Path
) -> None:
    load = load_of(packed(function(remote.total)).data)
    assert load.function
    done = subprocess.run(
        [sys.executable, "-c", CALLED], input=load.function, capture_output=True, cwd=tmp_path, check=True
    )
    assert done.stdout == b"12\n"


def test_what_is_installed_everywhere_travels_by_its_name(packed: Callable[..., Parcel]) -> None:
    assert load_of(packed(Function(name="dumps", ref="json:dumps")).data).function is None


def test_a_process_that_loads_nobodys_functions_sends_their_names(
    assign: Assign, terms: Terms, tmp_path: Path
) -> None:
    (tmp_path / "mine.py").write_text("raise RuntimeError('this was loaded')")
    work = Function(name="f", ref=f"{tmp_path}/mine.py:f")
    with pytest.raises(RuntimeError, match="this was loaded"):
        pack(assign(work), "id", terms)
    assert load_of(pack(assign(work), "id", replace(terms, apart=True)).data).function is None


def test_a_function_that_cannot_be_sent_is_refused_with_its_name(packed: Callable[..., Parcel]) -> None:
    import threading

    lock = threading.Lock()

    def held() -> bool:
        return lock.locked()

    with pytest.raises(DefinitionError, match="'held' cannot be sent to a worker"):
        packed(function(held))


def test_only_short_functions_that_may_run_again_travel_together(packed: Callable[..., Parcel]) -> None:
    assert packed(function(remote.where)).ref == reference_of(remote.where)
    assert packed(function(remote.where, where="process")).ref is None
    assert packed(function(remote.where), policy=Policy(timeout=timedelta(seconds=1))).ref is None


def test_files_of_runs_and_the_notebook_are_enclosed_and_nothing_else(assign: Assign, tmp_path: Path) -> None:
    frame, figure, file = (tmp_path / "3" / name for name in ("x.parquet", "y.png", "z.csv"))
    params = {
        "a": [Unread(frame, "dataframe")],
        "b": {"c": Figure(figure)},
        "d": file,
        "e": Path("/etc/hosts"),
    }
    given = assign(Notebook(name="n", path=str(tmp_path / "n.ipynb")), params=params)
    assert enclosed(given) == [tmp_path / "n.ipynb", frame, figure, file]


def test_files_that_have_moved_are_found_where_they_are() -> None:
    there = {Path("/a/x"): Path("/b/x")}
    value = {"f": [Unread(Path("/a/x"), "dataframe")], "g": (Path("/a/y"), 3)}
    found = moved(value, lambda path: there.get(path, path))
    assert found == {"f": [Unread(Path("/b/x"), "dataframe")], "g": (Path("/a/y"), 3)}


def test_what_lies_in_a_parcel_needs_nothing_of_the_senders_program(packed: Callable[..., Parcel]) -> None:
    load = load_of(packed(function(remote.where)).data)
    assert pickle.loads(pickle.dumps(load)).work == load.work
