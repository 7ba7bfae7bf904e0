from __future__ import annotations

import asyncio
import contextvars
import functools
import gc
import os
import signal
import subprocess
import sys
import textwrap
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread
import numpy as np
import pytest

import nbsched.inside as nb
from nbsched.core.errors import DefinitionError
from nbsched.core.model import Function, Outcome
from nbsched.executors.contract import Assignment
from nbsched.executors.function import FunctionExecutor, find, load_file, reference_of, register
from nbsched.executors.valuefiles import ValueFile
from nbsched.executors.values import load_value, store_value

pytestmark = pytest.mark.anyio
Assign = Callable[..., Assignment]
Alive = Callable[[int], bool]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(params=["thread", "process"])
def where(request: pytest.FixtureRequest) -> Any:
    return request.param


def work(function: Callable[..., Any], *args: Any, where: Any = "thread", **params: Any) -> Function:
    return Function(name="work", ref=register(function), where=where, args=args, params=params)


@pytest.fixture
def no_collection() -> Iterator[None]:
    """An interrupt that falls into the collector's callbacks breaks off what other tests left to it."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


async def run(assignment: Assignment) -> Outcome:
    with anyio.fail_after(30):
        return await FunctionExecutor().execute(assignment)


# --- what comes of it ---


async def test_the_result_is_what_the_function_returns(assign: Assign, where: Any) -> None:
    def add(a: int, b: int, c: int = 0) -> int:
        return a + b + c

    outcome = await run(assign(work(add, 1, b=2, where=where)))
    assert outcome == Outcome(kind="succeeded", result=3)


async def test_an_async_function_is_awaited(assign: Assign, where: Any) -> None:
    async def answer() -> int:
        await anyio.lowlevel.checkpoint()
        return 42

    assert (await run(assign(work(answer, where=where)))).result == 42


async def test_what_is_returned_is_awaited_whatever_returned_it(assign: Assign) -> None:
    async def answer() -> int:
        return 42

    assert (await run(assign(work(lambda: answer())))).result == 42


async def test_the_keys_of_a_mapping_are_values_beside_what_was_emitted(
    assign: Assign, told: Any, where: Any
) -> None:
    def evaluate() -> dict[str, Any]:
        import nbsched.inside as nb

        nb.emit(loss=0.5, model="a")
        return {"accuracy": 0.97, "model": "b"}

    outcome = await run(assign(work(evaluate, where=where)))
    assert outcome.result == {"accuracy": 0.97, "model": "b"}
    assert outcome.values == {"loss": 0.5, "accuracy": 0.97, "model": "b"}
    assert told.values == {"loss": 0.5, "model": "a"}


async def test_arrays_go_to_the_run_s_folder_once(assign: Assign, where: Any) -> None:
    def predict() -> dict[str, Any]:
        import numpy as np

        return {"scores": np.arange(3)}

    assignment = assign(work(predict, where=where))
    outcome = await run(assignment)
    folder = assignment.folder.parent
    assert isinstance(outcome.values["scores"], ValueFile)
    assert outcome.result == {"scores": outcome.values["scores"]}
    assert [path.name for path in folder.glob("*.npy")] == [outcome.values["scores"].file]
    back = load_value(store_value(outcome.result, "result", folder), folder)
    np.testing.assert_array_equal(back["scores"], [0, 1, 2])


async def test_values_emitted_before_a_failure_are_kept(assign: Assign, where: Any) -> None:
    def train() -> None:
        import nbsched.inside as nb

        nb.emit(epoch=3)
        raise KeyError("amount")

    outcome = await run(assign(work(train, where=where)))
    assert outcome.kind == "failed"
    assert outcome.values == {"epoch": 3}


async def test_an_error_begins_at_the_user_s_code(assign: Assign, where: Any) -> None:
    def inner(row: dict[str, int]) -> int:
        return row["amount"]

    def total() -> int:
        return inner({})

    outcome = await run(assign(work(total, where=where)))
    assert outcome.error is not None
    assert str(outcome.error) == "KeyError: 'amount'"
    assert outcome.error.line == 'return row["amount"]'
    assert outcome.error.traceback.splitlines()[1].endswith("in total")
    assert "nbsched/executors" not in outcome.error.traceback.replace(__file__, "")
    assert outcome.error_types[:3] == ("KeyError", "LookupError", "Exception")
    assert not outcome.fatal


async def test_an_error_of_an_async_function_begins_at_the_user_s_code(assign: Assign, where: Any) -> None:
    async def total() -> None:
        raise ValueError("negative")

    outcome = await run(assign(work(total, where=where)))
    assert outcome.error is not None
    assert outcome.error.traceback.splitlines()[1].endswith("in total")


async def test_error_types_name_the_class_qualified_and_plain(assign: Assign) -> None:
    def fetch() -> None:
        raise subprocess.CalledProcessError(1, "curl")

    outcome = await run(assign(work(fetch)))
    assert {"subprocess.CalledProcessError", "CalledProcessError", "Exception"} <= set(outcome.error_types)


async def test_an_error_whose_text_cannot_be_had_is_still_an_error(assign: Assign) -> None:
    class Mute(Exception):
        def __str__(self) -> str:
            raise RuntimeError

    def fail() -> None:
        raise Mute

    outcome = await run(assign(work(fail)))
    assert outcome.kind == "failed"
    assert "Mute" in outcome.error_types


async def test_wrong_arguments_are_the_function_s_failure(assign: Assign, where: Any) -> None:
    def f(a: int) -> None: ...

    outcome = await run(assign(work(f, b=1, where=where)))
    assert outcome.error is not None
    assert outcome.error.type == "TypeError"


async def test_a_result_that_cannot_be_stored_is_named(assign: Assign, where: Any) -> None:
    outcome = await run(assign(work(lambda: {"model": object()}, where=where)))
    assert outcome.kind == "failed"
    assert "'model' is an object" in str(outcome.error)


async def test_skip_fail_and_retry_later_end_the_run_their_way(assign: Assign, where: Any) -> None:
    def signal(how: str) -> None:
        import nbsched.inside as nb

        {"skip": nb.skip, "fail": nb.fail, "later": lambda text: nb.retry_later("90s", text)}[how]("no data")

    skipped, failed, later = [
        await run(assign(work(signal, how, where=where))) for how in ("skip", "fail", "later")
    ]
    assert (skipped.kind, skipped.reason) == ("skipped", "no data")
    assert (failed.kind, failed.reason, failed.fatal) == ("failed", "no data", True)
    assert (later.kind, later.reason, later.delay) == ("retry_later", "no data", timedelta(seconds=90))


@pytest.mark.parametrize(
    ("code", "kind"), [(None, "succeeded"), (0, "succeeded"), (3, "failed"), ("no", "failed")]
)
async def test_sys_exit_ends_the_function_only(assign: Assign, where: Any, code: Any, kind: str) -> None:
    def leave() -> None:
        sys.exit(code)

    outcome = await run(assign(work(leave, where=where)))
    assert outcome.kind == kind
    assert kind == "succeeded" or outcome.error == f"SystemExit: {code}"


async def test_sys_exit_in_an_async_function_ends_the_function_only(assign: Assign, where: Any) -> None:
    async def leave() -> None:
        sys.exit(3)

    assert (await run(assign(work(leave, where=where)))).error == "SystemExit: 3"


async def test_a_keyboard_interrupt_ends_the_function_only(assign: Assign, where: Any) -> None:
    def stop() -> None:
        raise KeyboardInterrupt

    assert (await run(assign(work(stop, where=where)))).kind == "interrupted"


# --- what it can ask ---


async def test_the_context_is_known_inside(assign: Assign, where: Any) -> None:
    def ask() -> list[Any]:
        import nbsched.inside as nb

        c = nb.context()
        c.log.info("seen %s", 1)
        return [
            c.run_id,
            c.attempt,
            c.scheduled_at,
            c.interval,
            c.pipeline,
            c.step,
            c.key,
            c.event,
            dict(c.params),
        ]

    at = datetime(2026, 1, 2, 3, 4, tzinfo=UTC)
    outcome = await run(assign(work(ask, where=where)))
    assert outcome.result == [7, 1, at, [at, at], "training", "evaluate", None, {"file": "a.csv"}, {}]


async def test_the_run_s_logger_writes_to_its_log(assign: Assign, told: Any, where: Any) -> None:
    def tell() -> None:
        import nbsched.inside as nb

        nb.context().log.warning("only %d rows", 3)

    await run(assign(work(tell, where=where)))
    assert told.text("stderr").endswith("WARNING only 3 rows\n")


async def test_the_context_follows_into_threads_that_asyncio_starts(assign: Assign) -> None:
    async def ask() -> list[int]:
        plain = await asyncio.to_thread(lambda: nb.context().run_id)
        return [plain, await anyio.to_thread.run_sync(lambda: nb.context().run_id)]

    assert (await run(assign(work(ask)))).result == [7, 7]


async def test_context_variables_set_by_one_function_are_not_seen_by_the_next(assign: Assign) -> None:
    variable: contextvars.ContextVar[int] = contextvars.ContextVar("variable", default=0)

    def add() -> int:
        variable.set(variable.get() + 1)
        return variable.get()

    outcomes = await anyio.to_thread.run_sync(FunctionExecutor().run_batch, [assign(work(add))] * 3)
    assert [outcome.result for outcome in outcomes] == [1, 1, 1]


# --- prints ---


async def test_prints_go_to_the_run_and_those_of_others_where_they_always_went(
    assign: Assign, told: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    inside, outside = threading.Event(), threading.Event()

    def loud() -> None:
        print("mine")
        print("my error", file=sys.stderr)
        inside.set()
        outside.wait(10)
        print("mine again")

    async def beside() -> None:
        await anyio.to_thread.run_sync(inside.wait, 10)
        print("theirs")
        outside.set()

    before = sys.stdout
    async with anyio.create_task_group() as both:
        both.start_soon(beside)
        await run(assign(work(loud)))
    assert told.text() == "mine\nmine again\n"
    assert told.text("stderr") == "my error\n"
    assert capsys.readouterr().out == "theirs\n"
    assert sys.stdout is before


async def test_what_a_process_and_its_children_print_goes_to_the_run(assign: Assign, told: Any) -> None:
    def loud() -> None:
        print("printed")
        subprocess.run(["echo", "by a child"], check=True)

    await run(assign(work(loud, where="process")))
    assert told.text() == "printed\nby a child\n"


# --- stopping ---


async def cancelled_when_ready(assignment: Assignment, told: Any) -> None:
    with anyio.fail_after(20):
        async with anyio.create_task_group() as running:
            running.start_soon(FunctionExecutor().execute, assignment)
            await anyio.to_thread.run_sync(told.wait_for, "ready")
            running.cancel_scope.cancel()


async def test_a_cancelled_function_is_interrupted_and_can_clean_up(
    assign: Assign, told: Any, where: Any
) -> None:
    def endless() -> None:
        try:
            print("ready")
            while True:
                threading.Event().wait(0.01)
        finally:
            print("cleaned")

    await cancelled_when_ready(assign(work(endless, where=where)), told)
    assert told.text() == "ready\ncleaned\n"


async def test_a_cancelled_async_function_that_waits_can_clean_up(
    assign: Assign, told: Any, where: Any
) -> None:
    async def endless() -> None:
        try:
            print("ready")
            await asyncio.Event().wait()
        finally:
            await anyio.lowlevel.checkpoint()
            print("cleaned")

    await cancelled_when_ready(assign(work(endless, where=where)), told)
    assert told.text() == "ready\ncleaned\n"


async def test_a_thread_that_does_not_stop_is_left_to_itself_after_the_grace(
    assign: Assign, told: Any
) -> None:
    release = threading.Event()

    def stubborn() -> None:
        print("ready")
        while not release.is_set():
            try:
                release.wait()
            except KeyboardInterrupt:
                continue

    await cancelled_when_ready(assign(work(stubborn), grace=timedelta(seconds=0.1)), told)
    release.set()
    assert "did not stop within 0:00:00.100000" in told.text("stderr")


async def test_a_process_that_does_not_stop_is_killed_with_its_children(
    assign: Assign, told: Any, alive: Alive, gone_soon: Alive
) -> None:
    def stubborn() -> None:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # its child inherits that
        child = subprocess.Popen(["sleep", "1000"])
        print("ready", child.pid)
        child.wait()

    await cancelled_when_ready(assign(work(stubborn, where="process"), grace=timedelta(seconds=0.2)), told)
    assert not alive(told.pids[0])
    assert gone_soon(int(told.text().split()[1]))


@pytest.mark.usefixtures("no_collection")
async def test_a_function_cancelled_at_once_does_not_run_on(assign: Assign) -> None:
    """The interrupt finds the function whenever its thread comes to it."""
    ran_on = threading.Event()

    def slow() -> None:
        for _ in range(100):
            threading.Event().wait(0.01)
        ran_on.set()

    for _ in range(20):
        async with anyio.create_task_group() as running:
            running.start_soon(FunctionExecutor().execute, assign(work(slow)))
            await anyio.lowlevel.checkpoint()
            running.cancel_scope.cancel()
    for thread in threading.enumerate():
        if thread.name.startswith("nbsched run"):
            thread.join(10)
            assert not thread.is_alive()
    assert not ran_on.is_set()


# --- processes ---


async def test_a_process_is_another_one_and_says_which(assign: Assign, told: Any, alive: Alive) -> None:
    outcome = await run(assign(work(os.getpid, where="process")))
    assert told.pids == [outcome.result]
    assert outcome.result != os.getpid()
    assert not alive(outcome.result)


async def test_a_process_has_the_environment_of_its_run(assign: Assign) -> None:
    outcome = await run(assign(work(lambda: os.environ["NBSCHED_RUN"], where="process")))
    assert outcome.result == "7"


async def test_a_function_s_process_reads_an_empty_input(assign: Assign) -> None:
    assert (await run(assign(work(lambda: sys.stdin.read(), where="process")))).result == ""


async def test_a_process_that_dies_says_how(assign: Assign, where: Any) -> None:
    def crash() -> None:
        print("about to crash", file=sys.stderr)
        os.kill(os.getpid(), signal.SIGKILL)

    outcome = await run(assign(work(crash, where="process")))
    assert outcome.kind == "failed"
    assert outcome.error == "ProcessDied: the function's process ended before it returned (killed by SIGKILL)"
    assert outcome.error.traceback == "about to crash"


async def test_a_process_that_cannot_end_is_ended_after_the_grace(
    assign: Assign, told: Any, alive: Alive
) -> None:
    def leaves_a_thread() -> str:
        threading.Thread(target=threading.Event().wait).start()
        return "done"

    outcome = await run(assign(work(leaves_a_thread, where="process"), grace=timedelta(seconds=0.2)))
    assert outcome.result == "done"
    assert not alive(told.pids[0])


async def test_what_cannot_be_sent_to_a_process_is_said(assign: Assign) -> None:
    lock = threading.Lock()
    outcome = await run(assign(work(lambda: lock.locked(), where="process")))
    assert outcome.fatal
    assert "where='thread'" in str(outcome.error)


# --- finding ---


def write(path: Path, text: str) -> Path:
    path.write_text(textwrap.dedent(text))
    return path


def test_a_function_of_a_module_is_found_by_module_and_name() -> None:
    assert reference_of(os.path.join) == "posixpath:join"
    assert find("posixpath:join") is os.path.join
    assert reference_of(textwrap.TextWrapper.fill) == "textwrap:TextWrapper.fill"


def test_a_function_of_a_loaded_file_is_found_by_file_and_name(tmp_path: Path) -> None:
    file = write(tmp_path / "pipeline.py", "def evaluate(): return 1\n")
    module = load_file(file)
    assert reference_of(module.evaluate) == f"{file}:evaluate"
    assert find(f"{file}:evaluate") is module.evaluate


@pytest.mark.parametrize(
    "function", [lambda: None, functools.partial(int, "7"), "text".upper], ids=["lambda", "partial", "bound"]
)
def test_what_no_name_leads_back_to_is_bound_to_this_process(function: Any) -> None:
    ref = reference_of(function)
    assert ref.startswith("__main__:")
    assert ref == reference_of(function)
    assert find(ref) is function


def test_a_replaced_function_is_not_mistaken_for_its_name(tmp_path: Path) -> None:
    module = load_file(write(tmp_path / "twice.py", "def f(): return 1\nold = f\ndef f(): return 2\n"))
    assert reference_of(module.old).startswith("__main__:f#")


def test_two_functions_of_one_name_have_two_references() -> None:
    first, second = (eval("lambda: 0") for _ in range(2))
    assert register(first) != register(second)


def test_a_function_of_another_process_is_said_to_be_gone() -> None:
    with pytest.raises(
        DefinitionError, match="'elsewhere' was defined in a notebook or program that is not this"
    ):
        find("__main__:elsewhere#1")


async def test_a_run_of_a_function_that_is_gone_is_lost(assign: Assign, where: Any) -> None:
    gone = Function(name="gone", ref="__main__:gone#1", where=where)
    outcome = await run(assign(gone))
    assert (outcome.kind, outcome.reason, outcome.fatal) == ("failed", "lost", True)


async def test_a_function_renamed_since_is_named(assign: Assign, tmp_path: Path, where: Any) -> None:
    file = write(tmp_path / "renamed.py", "def new(): pass\n")
    outcome = await run(assign(Function(name="old", ref=f"{file}:old", where=where)))
    assert "there is no 'old' in" in str(outcome.error)
    assert outcome.fatal


async def test_a_file_that_is_gone_is_named(assign: Assign, where: Any) -> None:
    outcome = await run(assign(Function(name="f", ref="/no/such/file.py:f", where=where)))
    assert "/no/such/file.py cannot be read" in str(outcome.error)


async def test_a_file_that_does_not_compile_fails_the_run_with_its_line(
    assign: Assign, tmp_path: Path, where: Any
) -> None:
    file = write(tmp_path / "broken.py", "def f(:\n")
    outcome = await run(assign(Function(name="f", ref=f"{file}:f", where=where)))
    assert outcome.error is not None
    assert outcome.error.type == "SyntaxError"
    assert "broken.py" in outcome.error.traceback


def test_an_edited_file_is_loaded_again_and_an_unchanged_one_is_not(tmp_path: Path) -> None:
    file = write(tmp_path / "edited.py", "def f(): return 1\n")
    first = find(f"{file}:f")
    assert find(f"{file}:f") is first
    write(file, "def f(): return 'two'\n")
    assert find(f"{file}:f")() == "two"
    assert first() == 1


def test_a_file_that_fails_to_load_leaves_the_one_before(tmp_path: Path) -> None:
    file = write(tmp_path / "fails.py", "def f(): return 1\n")
    module = load_file(file)
    write(file, "raise RuntimeError('no')\n")
    with pytest.raises(RuntimeError, match="no"):
        load_file(file)
    assert sys.modules[module.__name__] is module


async def test_modules_beside_a_file_can_be_imported(assign: Assign, tmp_path: Path, where: Any) -> None:
    write(tmp_path / "beside_it.py", "VALUE = 5\n")
    file = write(tmp_path / "imports.py", "import beside_it\ndef f(): return beside_it.VALUE\n")
    assert (await run(assign(Function(name="f", ref=f"{file}:f", where=where)))).result == 5


async def test_a_file_s_lambda_can_be_sent_to_a_process(assign: Assign, tmp_path: Path) -> None:
    module = load_file(write(tmp_path / "lambdas.py", "def g(x): return x * 2\nf = lambda: g(4)\n"))
    assert (await run(assign(work(module.f, where="process")))).result == 8


# --- batches ---


async def test_a_batch_tells_each_start_and_end_in_order(assign: Assign) -> None:
    told: list[Any] = []

    def double(x: int) -> int:
        if x == 2:
            raise ValueError("two")
        return 2 * x

    batch = [assign(work(double, n)) for n in range(4)]
    outcomes = await anyio.to_thread.run_sync(
        lambda: FunctionExecutor().run_batch(
            batch, lambda index, outcome: told.append((index, outcome.kind)), lambda index: told.append(index)
        )
    )
    assert [outcome.result for outcome in outcomes] == [0, 2, None, 6]
    assert told == [0, (0, "succeeded"), 1, (1, "succeeded"), 2, (2, "failed"), 3, (3, "succeeded")]


async def test_interrupting_one_of_a_batch_harms_no_other(assign: Assign) -> None:
    executor, begun = FunctionExecutor(), threading.Event()

    def endless() -> None:
        begun.set()
        while True:
            threading.Event().wait(0.001)

    def quick() -> str:
        return "quick"

    def numbered(run_id: int, function: Callable[[], Any]) -> Assignment:
        plain = assign(work(function))
        return replace(plain, context=replace(plain.context, run_id=run_id))

    async def interrupt() -> None:
        await anyio.to_thread.run_sync(begun.wait, 10)
        assert not executor.interrupt(3)
        assert executor.interrupt(2)

    batch = [numbered(1, quick), numbered(2, endless), numbered(3, quick)]
    async with anyio.create_task_group() as both:
        both.start_soon(interrupt)
        outcomes = await anyio.to_thread.run_sync(executor.run_batch, batch)
    assert [outcome.kind for outcome in outcomes] == ["succeeded", "interrupted", "succeeded"]


def under_fire(executor: FunctionExecutor, batch: list[Assignment]) -> tuple[set[int], set[int]]:
    """Which runs of the batch another thread has aimed at, as fast as it can, and which ended interrupted."""
    aimed, over, at = set[int](), threading.Event(), 0

    def started(index: int) -> None:
        nonlocal at
        at = index

    def fire() -> None:
        while not over.is_set():
            target = at
            if executor.interrupt(target):
                aimed.add(target)

    gunner, patience = threading.Thread(target=fire), sys.getswitchinterval()
    gunner.start()
    try:
        sys.setswitchinterval(1e-6)
        outcomes = executor.run_batch(batch, started=started)
    finally:
        sys.setswitchinterval(patience)
        over.set()
        gunner.join()
    assert len(outcomes) == len(batch)
    return aimed, {index for index, outcome in enumerate(outcomes) if outcome.kind == "interrupted"}


@pytest.mark.usefixtures("no_collection")
def test_an_interrupt_at_any_moment_hits_its_own_run_only(assign: Assign) -> None:
    """Thousands of short functions under fire; each interrupted one was aimed at."""
    plain = assign(work(lambda: sum(range(100))))
    batch = [replace(plain, context=replace(plain.context, run_id=n)) for n in range(5000)]
    for _ in range(20):  # on a busy machine the other thread may come too late for a whole batch
        aimed, hit = under_fire(FunctionExecutor(), batch)
        assert hit <= aimed
        if hit:
            return
    pytest.fail("no run was hit")


@dataclass
class Task:
    """As `nb.task` makes one: an object of nbsched around the user's function."""

    __wrapped__: Callable[..., Any]


def test_a_task_is_found_as_the_function_in_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Task, "__module__", "nbsched.core.pipeline")
    module = load_file(write(tmp_path / "tasks.py", "def evaluate(): return 1\n"))
    function = module.evaluate
    vars(module)["evaluate"] = Task(function)
    assert reference_of(function) == f"{tmp_path}/tasks.py:evaluate"
    assert find(f"{tmp_path}/tasks.py:evaluate") is function


async def test_an_interrupt_waits_until_a_report_has_been_made(assign: Assign, told: Any) -> None:
    """Nothing that others share (the log, the bus) is left half done."""
    executor, reporting, go_on = FunctionExecutor(), threading.Event(), threading.Event()
    output, made = told.output, []

    def slow_output(text: str, stream: str = "stdout") -> None:
        reporting.set()
        go_on.wait(10)
        output(text, stream)
        made.append(text)

    told.output = slow_output
    after: list[str] = []

    def loud() -> None:
        nb.context().log.info("once")
        after.append("reached")

    async def interrupt() -> None:
        await anyio.to_thread.run_sync(reporting.wait, 10)
        assert executor.interrupt(7)
        go_on.set()

    async with anyio.create_task_group() as both:
        both.start_soon(interrupt)
        outcome = await executor.execute(assign(work(loud)))
    assert outcome.kind == "interrupted"
    assert len(made) == 1
    assert after == []
