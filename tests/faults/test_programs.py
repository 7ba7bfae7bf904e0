"""Plain programs: they end promptly and quietly, whatever still runs, and a forked one leaves the store alone."""

from __future__ import annotations

import signal
import subprocess
import textwrap
import time
from collections.abc import Callable
from pathlib import Path

import pytest

import nbsched as nb
from nbsched.engine.visiting import Visitor

Start = Callable[..., subprocess.Popen[str]]


def is_alive(pid: int) -> bool:
    stat = Path(f"/proc/{pid}/stat")
    return stat.exists() and stat.read_text().rpartition(")")[2].split()[0] != "Z"


def play(start: Start, tmp_path: Path, source: str, seconds: float = 8, **options: object) -> str:
    """What the program says; it ends by itself in that time, with nothing on its standard error."""
    program = tmp_path / "program.py"
    program.write_text(textwrap.dedent(source))
    began = time.perf_counter()
    process = start(program, **options)
    output, errors = process.communicate(timeout=30)
    assert (process.returncode, errors) == (0, ""), output + errors
    assert time.perf_counter() - began < seconds
    return output


def test_a_program_that_has_waited_ends(start: Start, tmp_path: Path) -> None:
    source = """
        import nbsched as nb

        @nb.task
        def double(x):
            return 2 * x

        print([nb.run(double, {"x": x}).wait().result for x in range(5)])
        print(sum(run.wait().result for run in [nb.run(double, {"x": x}) for x in range(50)]))
    """
    assert play(start, tmp_path, source) == "[0, 2, 4, 6, 8]\n2450\n"


@pytest.mark.parametrize(
    "left",
    [
        "nb.run(stuck); stuck_begun.wait(5)",
        "nb.run(nb.shell('sleep 60')); time.sleep(0.3)",
        "nb.run(nb.task(asleep, where='process')); time.sleep(1)",
        "nb.schedule(stuck, 'every 100ms'); stuck_begun.wait(5)",
        "nb.subscribe('run.*', lambda event: stuck()); nb.run(nb.shell('true')).wait(); stuck_begun.wait(5)",
        "threading.Thread(target=lambda: nb.run(stuck).wait(), daemon=True).start(); stuck_begun.wait(5)",
    ],
    ids=["thread", "shell", "process", "schedule", "handler", "waiting thread"],
)
def test_a_program_ends_while_work_still_runs(start: Start, tmp_path: Path, left: str) -> None:
    source = f"""
        import threading, time
        import nbsched as nb

        stuck_begun = threading.Event()

        def stuck():
            stuck_begun.set()
            time.sleep(60)

        def asleep():
            time.sleep(60)

        {left}
        print("over", flush=True)
    """
    assert play(start, tmp_path, source) == "over\n"
    with Visitor(tmp_path / "store.db") as visitor:
        assert visitor.hosts() == []
        assert visitor.runs(state="running") == []


def test_a_run_can_be_awaited_under_asyncio_run(start: Start, tmp_path: Path) -> None:
    source = """
        import asyncio
        import nbsched as nb

        async def triple(x):
            await asyncio.sleep(0)
            return 3 * x

        async def main():
            one = await nb.run(triple, {"x": 1})
            many = await asyncio.gather(*(nb.run(triple, {"x": x}) for x in range(20)))
            print(one.result, sum(run.result for run in many))

        asyncio.run(main())
        asyncio.run(main())
    """
    assert play(start, tmp_path, source) == "3 570\n3 570\n"


def test_calls_inside_the_block_are_the_runtime_s(start: Start, tmp_path: Path) -> None:
    source = """
        import nbsched as nb

        def one():
            return nb.run(lambda: 2).wait().result

        with nb.Runtime("a.db") as a:
            first = nb.run(one)
            with nb.Runtime("b.db"):
                nb.run(one).wait()
                nb.run(lambda: 3).wait()
                print(len(nb.runs()))
            print(len(nb.runs()), first.wait().result in (2,))
        with nb.Runtime("a.db") as again:
            print(nb.get_run(first.id).state, first.state, first.result)
        print(a.open, again.open)
    """
    out = play(start, tmp_path, source).splitlines()
    assert out[0] == "3"
    assert out[2] == "succeeded succeeded 2"
    assert out[3] == "False False"


def test_a_fault_in_the_block_is_the_program_s_and_work_is_asked_to_stop(
    start: Start, tmp_path: Path
) -> None:
    program = tmp_path / "program.py"
    program.write_text(
        textwrap.dedent("""
        import pathlib, time
        import nbsched as nb

        def tidy():
            pathlib.Path("begun").touch()
            try:
                while True:
                    time.sleep(0.02)
            except KeyboardInterrupt:
                pathlib.Path("tidied").touch()
                raise

        with nb.Runtime("store.db") as rt:
            rt.run(tidy)
            while not pathlib.Path("begun").exists():
                time.sleep(0.01)
            raise LookupError("mine")
    """)
    )
    process = start(program)
    _, errors = process.communicate(timeout=20)
    assert errors.rstrip().endswith("LookupError: mine")
    assert errors.count("Traceback") == 1
    assert (tmp_path / "tidied").exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_program_leaves_nothing_running(start: Start, tmp_path: Path, number: int) -> None:
    program = tmp_path / "program.py"
    program.write_text(
        textwrap.dedent("""
        import nbsched as nb
        run = nb.run(nb.shell("exec sleep 60"))
        run.wait()
    """)
    )
    process = start(program)
    with Visitor(tmp_path / "store.db") as visitor:
        while not any(attempt.pid for run in visitor.runs() for attempt in run.attempts):
            assert process.poll() is None
            time.sleep(0.02)
        (pid,) = (attempt.pid for attempt in visitor.runs()[0].attempts)
    process.send_signal(number)
    process.communicate(timeout=20)
    if number == signal.SIGTERM:  # it was given no chance to say good-bye: the next host tidies up
        with nb.Runtime(tmp_path / "store.db"):
            pass
    assert not is_alive(pid)


@pytest.mark.parametrize("ending", ["os._exit(0)", "sys.exit(0)", "pass"])
def test_a_forked_process_runs_no_scheduler_and_harms_nothing(
    start: Start, tmp_path: Path, ending: str
) -> None:
    source = f"""
        import os, sys, threading, warnings
        import nbsched as nb
        from nbsched.core.errors import StoreError

        warnings.simplefilter("ignore", DeprecationWarning)

        def count(x):
            return x

        rt = nb.Runtime(lease="1s").start()
        run = rt.run(count, {{"x": 1}}).wait()
        rt.schedule(count, "every 50ms", name="often", params={{"x": 2}})
        for _ in range(5):
            pid = os.fork()
            if pid == 0:
                assert not rt.open
                assert [t.name for t in threading.enumerate()] == ["MainThread"]
                again = nb.Runtime(rt.store_path).start
                for call in (nb.runs, lambda: rt.run(count, {{"x": 1}}), lambda: run.state, again):
                    try:
                        call()
                    except StoreError:
                        continue
                    os._exit(3)
                {ending}
                sys.exit(0)
            _, status = os.waitpid(pid, 0)
            assert status == 0, status
        print(rt.run(count, {{"x": 7}}).wait(5).result, len(rt.hosts()))
        print(rt.database.read(lambda db: db.execute("PRAGMA integrity_check").fetchone()[0]))
        rt.close()
    """
    assert play(start, tmp_path, source, 15) == "7 1\nok\n"


def test_a_pool_of_forked_processes_in_a_task_works(start: Start, tmp_path: Path) -> None:
    source = """
        import multiprocessing, warnings
        import nbsched as nb

        warnings.simplefilter("ignore", DeprecationWarning)

        def square(x):
            return x * x

        def many():
            with multiprocessing.get_context("fork").Pool(2) as pool:
                return pool.map(square, range(10))

        print(sum(nb.run(many).wait().result))
    """
    assert play(start, tmp_path, source) == "285\n"


READER = """
    import os, pathlib, sys, time
    import nbsched as nb

    log = pathlib.Path("log")

    def handle(event):
        with log.open("a") as file:
            file.write(f"{event.data['n']}\\n")
        if sys.argv[1] == "dies" and event.data["n"] == 2:
            os.kill(os.getpid(), 9)

    with nb.Runtime("store.db") as rt:
        rt.subscribe("data", handle, name="reader", durable=True)
        if sys.argv[1] == "dies":
            for n in range(5):
                rt.publish("data", {"n": n})
        while len(log.read_text().split()) < int(sys.argv[2]):
            time.sleep(0.02)
"""


def test_a_durable_handler_killed_before_it_is_done_hears_the_event_again(
    start: Start, tmp_path: Path
) -> None:
    program = tmp_path / "reader.py"
    program.write_text(textwrap.dedent(READER))
    (tmp_path / "log").touch()
    assert start(program, "dies", 9).wait(20) == -signal.SIGKILL
    again = start(program, "lives", 6)
    output, errors = again.communicate(timeout=20)
    assert (again.returncode, errors) == (0, ""), output
    assert (tmp_path / "log").read_text().split() == ["0", "1", "2", "2", "3", "4"]
