"""A cell that waits for a run executes the cells that wait for its kernel."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.kernel.conftest import Kernel

SERVE = """
from nbsched.executors.cell import current_cell_context, serve_cells_until, serve_cells_until_async, ring_waiting_cells
def wait(*going, timeout=10):
    return serve_cells_until(lambda: all(each.future.done() for each in going), timeout)
async def wait_async(*going, timeout=10):
    return await serve_cells_until_async(lambda: all(each.future.done() for each in going), timeout)
import asyncio
"""
waits = pytest.mark.parametrize("wait", ["wait", "await wait_async"])


@pytest.fixture(autouse=True)
def serving(kernel: Kernel) -> None:
    assert kernel.run(SERVE).status == "ok"


@waits
def test_waiting_cells_run_what_they_wait_for_and_show_nothing_of_it(kernel: Kernel, wait: str) -> None:
    person = kernel.run(
        'got = []\na = start(\'got.append(1)\\nprint("a")\\ndisplay(2)\\n"a"\')\n'
        "b = start('got.append(2); 1 / 0')\n"
        f"print('before')\nover = {wait}(a, b)\nprint('after')\nover, sorted(got), a.outcome().kind, b.outcome().error"
    )
    assert person.result == "(True, [1, 2], 'succeeded', 'ZeroDivisionError: division by zero')"
    assert person.text == "before\nafter\n"
    assert {each["type"] for each in person.outputs} == {"execute_input", "stream", "execute_result"}
    kernel.run("None")
    assert kernel.eval("sorted(got), a.text(), a.kinds(), b.kinds()") == (
        [1, 2], "a\n", ["stdout", "display_data", "execute_result"], ["error"]
    )  # fmt: skip


@waits
def test_each_cell_runs_once_whoever_takes_it(kernel: Kernel, wait: str) -> None:
    person = kernel.run(
        "got = []\nmany = [start(f'got.append({n})') for n in range(30)]\n"
        f"over = {wait}(*many[:10])\nover, all(n in got for n in range(10))"
    )
    assert person.result == "(True, True)"
    rest = kernel.run(
        f"{wait}(*many) and sorted(got) == list(range(30)) and [len(m.report.pids) for m in many] == [1] * 30"
    )
    assert rest.result == "True"


@waits
def test_a_waited_for_cell_may_await(kernel: Kernel, wait: str) -> None:
    person = kernel.run(
        "a = start('import asyncio\\nprint(1)\\nawait asyncio.sleep(0.05)\\nprint(2)\\n3')\n"
        f"{wait}(a), a.outcome().kind, a.text(), a.kinds()"
    )
    assert person.result == r"(True, 'succeeded', '1\n2\n', ['stdout', 'execute_result'])"
    assert person.text == ""


@waits
def test_a_wait_gives_up_after_its_timeout(kernel: Kernel, wait: str) -> None:
    person = kernel.run(
        "a = start('import time; time.sleep(1.5)', where='thread')\n"
        f"began = time.monotonic()\nover = {wait}(a, timeout=0.3)\nover, time.monotonic() - began < 1"
    )
    assert person.result == "(False, True)"


def test_a_future_ends_a_wait_at_once_and_a_bell_ends_any(kernel: Kernel) -> None:
    person = kernel.run(
        "from concurrent.futures import Future\nf = Future()\n"
        "threading.Timer(0.2, f.set_result, [1]).start()\n"
        "serve_cells_until(f, 10), await serve_cells_until_async(f, 10)"
    )
    assert person.result == "(True, True)"
    assert (
        kernel.run("ring_waiting_cells(); e = threading.Event(); e.set(); serve_cells_until(e)").result
        == "True"
    )


@waits
@pytest.mark.parametrize("nap", ["while True: time.sleep(0.01)", "import asyncio; await asyncio.sleep(30)"])
def test_a_timeout_ends_the_lent_cell_and_not_the_wait(kernel: Kernel, wait: str, nap: str) -> None:
    person = kernel.run(
        f"a = start({nap!r}, timeout=0.3)\nb = start('5')\n{wait}(a, b), str(a.outcome().kind), b.outcome().kind"
    )
    assert person.result == "(True, 'timeout', 'succeeded')"


NAPS = (
    "print('up', flush=True); [time.sleep(0.1) for _ in range(300)]",
    "import asyncio\nasync def nap():\n    print('up', flush=True)\n    await asyncio.sleep(30)\nawait nap()",
)


@waits
@pytest.mark.parametrize("nap", NAPS, ids=["blocks", "awaits"])
def test_a_persons_interrupt_ends_the_lent_cell_and_the_wait(kernel: Kernel, wait: str, nap: str) -> None:
    person = kernel.send(f"a = start({nap!r})\n{wait}(a, timeout=60)")
    kernel.hear("up")
    kernel.interrupt()
    kernel.wait(person)
    assert person.status == "error"
    assert "KeyboardInterrupt" in person.error or "CancelledError" in person.error
    assert kernel.outcome("a").startswith("interrupted: ")
    assert kernel.run("'alive'").result == "'alive'"


def test_a_persons_interrupt_ends_a_lent_cell_that_has_only_just_begun(kernel: Kernel) -> None:
    """Ctrl-C falls into the start of the thread in which a cell that awaits runs."""
    person = kernel.run(
        "import nbsched.kernels.serving as serving\nwhole = serving.start_thread\n"
        "def interrupted(shell, cell):\n    whole(shell, cell)\n    raise KeyboardInterrupt\n"
        "serving.start_thread = interrupted\n"
        "a = start('import asyncio; await asyncio.sleep(30)')\n"
        "try:\n    wait(a, timeout=60)\nfinally:\n    serving.start_thread = whole"
    )
    assert "KeyboardInterrupt" in person.error
    assert kernel.outcome("a").startswith("interrupted: ")


@pytest.mark.parametrize("serve", ["serve_cells_until", "await serve_cells_until_async"])
@pytest.mark.parametrize("done", ["threading.Event()", "__import__('concurrent.futures').futures.Future()"])
def test_a_persons_interrupt_ends_a_wait_for_nothing(kernel: Kernel, serve: str, done: str) -> None:
    person = kernel.send(f"print('up', flush=True)\n{serve}({done}, 60)")
    kernel.until(person, "up")
    kernel.interrupt()
    assert kernel.wait(person).status == "error"
    assert kernel.run("'alive'").result == "'alive'"


@waits
def test_a_lent_cell_may_wait_too(kernel: Kernel, wait: str) -> None:
    inner = "inner = start('print(\"deep\"); 7'); wait(inner); print('outer')"
    person = kernel.run(f"a = start({inner!r})\n{wait}(a), a.text(), inner.text(), inner.kinds()")
    assert person.result == r"(True, 'outer\n', 'deep\n', ['stdout', 'execute_result'])"


def test_a_queued_cell_may_wait_for_another(kernel: Kernel) -> None:
    kernel.start("a", "b = start('c = 1'); wait(b)\nprint('outer')")
    assert kernel.outcome("a") == "succeeded"
    assert kernel.eval("c, a.text(), a.kinds(), b.outcome().kind == 'succeeded'") == (
        1,
        "outer\n",
        ["stdout"],
        True,
    )


@waits
def test_a_lent_cell_knows_its_context_and_the_waiting_cell_has_none(kernel: Kernel, wait: str) -> None:
    person = kernel.run(
        f"a = start('own = current_cell_context()')\n{wait}(a)\n"
        "own['run_id'] == a.assignment.context.run_id, current_cell_context(), _"
    )
    assert person.result.startswith("(True, None, ")


def test_a_cell_waiting_in_a_thread_does_not_serve(kernel: Kernel) -> None:
    kernel.run("k = None")
    kernel.start("t", "k = start('kk = 1'); ok = wait(k)\nok", where="thread")
    assert kernel.outcome("t") == "succeeded"
    assert kernel.eval("ok, kk") == (True, 1)


@waits
def test_a_lent_cells_figures_are_its_own_and_the_waiting_cells_stay(kernel: Kernel, wait: str) -> None:
    pytest.importorskip("matplotlib")
    kernel.run("%matplotlib inline\nimport matplotlib.pyplot as plt")
    person = kernel.run(f"a = start('plt.figure(); plt.plot([1])')\nplt.plot([2])\n{wait}(a), a.kinds()")
    assert person.result == "(True, ['execute_result', 'display_data'])"
    assert [each["type"] for each in person.outputs].count("display_data") == 1
