from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from jupyter_client.manager import KernelManager

import nbsched.inside as nb
from nbsched.core.errors import RetryLater, UsageError, ValueNotStorable
from nbsched.core.messages import SHOWN_TYPE, SIGNAL_TYPE, VALUE_TYPE
from nbsched.core.wire import encode
from nbsched.executors.values import load_values

AT = datetime(2026, 1, 2, 3, 4, tzinfo=UTC)
Cell = Callable[[str], "Heard"]


def context_of_run(folder: Path) -> dict[str, Any]:
    return {
        "run_id": 7,
        "attempt": 2,
        "scheduled_at": encode(AT),
        "interval": encode([AT - timedelta(days=1), AT]),
        "params": {"region": "EU"},
        "pipeline": "training",
        "step": "evaluate",
        "key": "k",
        "event": {"file": "a.csv"},
        "folder": str(folder),
    }


class Heard:
    """What one cell said."""

    def __init__(self, messages: list[dict[str, Any]]) -> None:
        self.displays = [m["content"]["data"] for m in messages if m["msg_type"] == "display_data"]
        self.streams = [
            (m["content"]["name"], m["content"]["text"]) for m in messages if m["msg_type"] == "stream"
        ]
        self.errors = [m["content"]["ename"] for m in messages if m["msg_type"] == "error"]

    def shown(self, kind: str) -> list[Any]:
        return [data[kind] for data in self.displays if kind in data]


class Kernel:
    """A real kernel; its cells are run one by one."""

    def __init__(self, env: dict[str, str], folder: Path) -> None:
        self.manager = KernelManager()
        self.manager.start_kernel(
            env=env, cwd=str(folder), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        self.client = self.manager.client()
        self.client.start_channels()
        self.client.wait_for_ready(timeout=40)

    def __call__(self, code: str) -> Heard:
        messages: list[dict[str, Any]] = []
        self.client.execute_interactive(code, output_hook=messages.append, timeout=30)
        return Heard(messages)

    def close(self) -> None:
        self.client.stop_channels()
        self.manager.shutdown_kernel(now=True)
        self.manager.cleanup_resources()


def environment(**changes: str) -> dict[str, str]:
    import os

    return {**os.environ, **changes}


@pytest.fixture(scope="module")
def run_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs") / "7" / "2"
    folder.mkdir(parents=True)
    return folder


@pytest.fixture(scope="module")
def in_run(run_folder: Path) -> Iterator[Kernel]:
    """A kernel that executes a notebook for a run."""
    context = json.dumps(context_of_run(run_folder))
    kernel = Kernel(environment(NBSCHED_RUN="7", NBSCHED_CONTEXT=context), run_folder)
    kernel("import nbsched.inside as nb")
    yield kernel
    kernel.close()


@pytest.fixture(scope="module")
def by_hand(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kernel]:
    """A kernel that a person works in."""
    kernel = Kernel(environment(), tmp_path_factory.mktemp("plain"))
    kernel("import nbsched.inside as nb")
    yield kernel
    kernel.close()


# --- in a notebook that a run executes ---


def test_a_value_is_sent_and_shown_readably(in_run: Kernel) -> None:
    heard = in_run("nb.emit(accuracy=0.97)")
    assert heard.displays == [
        {VALUE_TYPE: {"name": "accuracy", "value": 0.97}, "text/plain": "accuracy = 0.97"}
    ]


def test_dates_and_nan_are_sent_as_the_wire_has_them(in_run: Kernel) -> None:
    heard = in_run("import datetime; nb.emit(day=datetime.date(2026, 1, 2), loss=float('nan'))")
    sent = {value["name"]: value["value"] for value in heard.shown(VALUE_TYPE)}
    assert sent == {"day": {"$date": "2026-01-02"}, "loss": {"$float": "nan"}}


def test_a_frame_is_written_to_the_run_s_folder_and_sent_by_reference(
    in_run: Kernel, run_folder: Path
) -> None:
    heard = in_run("import pandas as pd; nb.emit(rows=pd.DataFrame({'a': [1, 2]}))")
    [sent] = heard.shown(VALUE_TYPE)
    assert sent["value"]["type"] == "dataframe"
    assert heard.shown("text/plain") == ["rows =\n   a\n0  1\n1  2"]
    assert load_values({"rows": sent["value"]}, run_folder.parent)["rows"]["a"].tolist() == [1, 2]


def test_a_value_that_cannot_be_stored_fails_the_cell(in_run: Kernel) -> None:
    heard = in_run("nb.emit(model=object())")
    assert heard.errors == ["ValueNotStorable"]
    assert heard.displays == []


def test_the_context_is_that_of_the_run(in_run: Kernel) -> None:
    heard = in_run(
        "c = nb.context()\n"
        "print(c.run_id, c.attempt, c.scheduled_at.isoformat(), c.interval[0].isoformat(), c.params,"
        " c.pipeline, c.step, c.key, c.event['file'])"
    )
    assert "".join(text for _, text in heard.streams) == (
        "7 2 2026-01-02T03:04:00+00:00 2026-01-01T03:04:00+00:00 {'region': 'EU'} training evaluate k a.csv\n"
    )


def test_the_log_of_a_notebook_s_run_is_its_stderr(in_run: Kernel) -> None:
    [(stream, line)] = in_run("nb.context().log.warning('only %d rows', 3)").streams
    assert stream == "stderr"
    assert line.endswith("WARNING only 3 rows\n")


@pytest.mark.parametrize(
    ("call", "facts", "error"),
    [
        ("skip('no data')", {"kind": "skip", "reason": "no data"}, "Skip"),
        ("fail('no data')", {"kind": "fail", "reason": "no data"}, "Fail"),
        (
            "retry_later('90s', 'soon')",
            {"kind": "retry_later", "reason": "soon", "delay_s": 90.0},
            "RetryLater",
        ),
    ],
)
def test_a_signal_is_sent_before_it_ends_the_cell(in_run: Kernel, call: str, facts: Any, error: str) -> None:
    heard = in_run(f"nb.{call}; print('never')")
    assert heard.shown(SIGNAL_TYPE) == [facts]
    assert heard.errors == [error]
    assert heard.streams == []


def test_a_command_that_a_notebook_starts_cannot_emit_and_is_told_so(in_run: Kernel) -> None:
    code = "import nbsched.inside as nb; print(nb.context().run_id); nb.emit(x=1)"
    heard = in_run(
        f"import subprocess, sys\ncommand = [sys.executable, '-c', {code!r}]\n"
        "print(subprocess.run(command, capture_output=True, text=True))"
    )
    said = "".join(text for _, text in heard.streams)
    assert "stdout='7\\n'" in said
    assert "nb.emit(x=…) is not heard from a command" in said


# --- in a notebook that a person works in ---


def test_by_hand_a_value_is_shown_and_can_be_read_from_the_output(by_hand: Kernel) -> None:
    heard = by_hand("nb.emit(accuracy=0.97)")
    assert heard.displays == [
        {SHOWN_TYPE: {"name": "accuracy", "value": 0.97}, "text/plain": "accuracy = 0.97"}
    ]
    assert heard.shown(VALUE_TYPE) == []


def test_by_hand_a_large_value_and_a_frame_are_only_shown(by_hand: Kernel) -> None:
    heard = by_hand(
        "import pandas as pd; nb.emit(text='x' * 70_000); nb.emit(frame=pd.DataFrame({'a': [1]}))"
    )
    assert [set(display) for display in heard.displays] == [{"text/plain"}] * 2


def test_by_hand_a_value_that_could_not_be_stored_is_told_already(by_hand: Kernel) -> None:
    assert by_hand("nb.emit(model=object())").errors == ["ValueNotStorable"]


def test_by_hand_a_signal_is_raised_and_not_sent(by_hand: Kernel) -> None:
    heard = by_hand("nb.skip('no data')")
    assert heard.errors == ["Skip"]
    assert heard.displays == []


def test_a_cell_that_nbsched_executes_here_has_its_own_context(by_hand: Kernel, run_folder: Path) -> None:
    heard = by_hand(
        "import sys, types, json\n"
        "module = types.ModuleType('nbsched.executors.cell')\n"
        f"module.current_cell_context = lambda: json.loads({json.dumps(context_of_run(run_folder))!r})\n"
        "before = sys.modules.get(module.__name__)\n"
        "sys.modules[module.__name__] = module\n"
        "nb.emit(step=nb.context().step)\n"
        "del sys.modules[module.__name__]\n"
        "nb.emit(step='none')"
    )
    assert heard.shown(VALUE_TYPE) == [{"name": "step", "value": "evaluate"}]
    assert heard.shown("text/plain") == ["step = 'evaluate'", "step = 'none'"]


# --- in a program ---


def test_outside_any_run_the_context_is_refused_with_a_remedy() -> None:
    with pytest.raises(UsageError, match=r"known only inside a run: start it with nb\.run"):
        nb.context()


def test_outside_any_run_a_value_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    nb.emit(accuracy=0.97, label="x" * 5000)
    first, second = capsys.readouterr().out.splitlines()
    assert first == "accuracy = 0.97"
    assert len(second) < 2100


def test_outside_any_run_a_value_that_could_not_be_stored_is_refused() -> None:
    with pytest.raises(ValueNotStorable, match="'model' is an object"):
        nb.emit(model=object())


def test_a_delay_that_is_none_is_refused() -> None:
    with pytest.raises(UsageError, match="delay 'soon' is not a duration"):
        nb.retry_later("soon")
    with pytest.raises(RetryLater) as later:
        nb.retry_later(90)
    assert later.value.delay == timedelta(seconds=90)


def test_a_program_started_by_a_shell_command_knows_its_run(tmp_path: Path) -> None:
    env = environment(NBSCHED_RUN="7", NBSCHED_CONTEXT=json.dumps(context_of_run(tmp_path)))
    code = "import nbsched.inside as nb; print(nb.context().params['region'])"
    ran = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True)
    assert ran.stdout == "EU\n"


def test_importing_it_brings_nothing_heavy() -> None:
    heavy = {"IPython", "pandas", "numpy", "asyncio", "anyio"}
    code = f"import sys, nbsched.inside; print({heavy} & set(sys.modules))"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout == "set()\n"
