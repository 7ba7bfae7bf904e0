"""Cells in a real kernel: queued like a person's, or beside them."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Literal

import pytest

if TYPE_CHECKING:
    from tests.kernel.conftest import Kernel

Place = Literal["kernel", "thread"]
both = pytest.mark.parametrize("where", ["kernel", "thread"])


@both
def test_a_cell_runs_in_the_namespace_and_its_outputs_come_in_order(kernel: Kernel, where: Place) -> None:
    kernel.run("x = 20")
    kernel.start(
        "g",
        "import sys\nprint(1, flush=True)\nprint(2, file=sys.stderr)\ndisplay(3)\ny = x + 1\ny",
        where=where,
    )
    assert kernel.outcome("g") == "succeeded"
    assert kernel.eval("y, g.text(), g.text('stderr'), g.kinds()") == (
        21, "1\n", "2\n", ["stdout", "stderr", "display_data", "execute_result"]
    )  # fmt: skip
    assert kernel.eval("import os; g.report.pids == [os.getpid()], g.report.displays[-1]") == (
        True, {"output_type": "execute_result", "data": {"text/plain": "21"}, "metadata": {}, "execution_count": None}
    )  # fmt: skip


@both
def test_output_lands_in_no_cell_of_a_person_who_prints_meanwhile(kernel: Kernel, where: Place) -> None:
    loud = "import time\nfor i in range(40):\n    print('mine', i); display(i); time.sleep(0.01)\n'last'"
    kernel.start("g", loud, where=where)
    person = kernel.run("import time\nfor i in range(60):\n    print('yours', i); time.sleep(0.01)")
    assert person.text == "".join(f"yours {i}\n" for i in range(60))
    assert [each["type"] for each in person.outputs if each["type"] != "stream"] == ["execute_input"]
    assert kernel.outcome("g") == "succeeded"
    assert kernel.eval("g.text()") == "".join(f"mine {i}\n" for i in range(40))
    assert kernel.eval("g.kinds().count('display_data'), g.kinds()[-1]") == (40, "execute_result")


@both
@pytest.mark.parametrize("source", ["'ours'", "display('ours'); 'ours'", "1 / 0"])
def test_a_persons_history_and_prompts_are_untouched(kernel: Kernel, where: Place, source: str) -> None:
    count = kernel.run("'kept'").count
    kernel.start("g", source, where=where)
    while kernel.run("print(g.future.done())").text != "True\n":
        time.sleep(0.02)
    asked = kernel.run("_, _i, sorted(Out)[-1], len(In), 'ours' in Out.values()")
    assert asked.count
    assert asked.result == str(("kept", "print(g.future.done())", count, asked.count + 1, False))
    assert kernel.eval(f"[name for name in dir() if name == '_{asked.count - 1}']") == []


def test_a_cell_survives_that_a_persons_failing_cell_empties_the_queue(kernel: Kernel) -> None:
    failing = kernel.send("g = start('done = True'); time.sleep(0.5); raise ValueError('theirs')")
    aborted = kernel.send("'never'")
    kernel.wait(failing)
    kernel.wait(aborted)
    assert (failing.status, aborted.status) == ("error", "aborted")
    assert kernel.outcome("g") == "succeeded"
    assert kernel.eval("done, len(g.report.pids)") == (True, 1)


def test_a_failing_cell_leaves_a_persons_queued_cells_alone(kernel: Kernel) -> None:
    holding = kernel.send("g = start('raise ValueError(\"ours\")'); time.sleep(0.3)")
    queued = kernel.send("'ran'")
    kernel.wait(holding)
    assert kernel.wait(queued).result == "'ran'"
    assert kernel.outcome("g") == "failed: ValueError: ours"


@both
def test_a_failure_tells_type_bases_line_and_a_plain_traceback(kernel: Kernel, where: Place) -> None:
    kernel.run("class Odd(KeyError): pass\ndef fail(): raise Odd('amount')")
    kernel.start("g", "a = 1\nfail()  # here\nb = 2", where=where)
    assert kernel.outcome("g") == "failed: Odd: 'amount'"
    error_types, line, trace, kinds = kernel.eval("o.error_types, o.error.line, o.error.traceback, g.kinds()")
    assert {"__main__.Odd", "Odd", "KeyError", "LookupError", "Exception"} <= set(error_types)
    assert (line, kinds) == ("fail()  # here", ["error"])
    assert "fail()  # here" in trace
    assert not any(alien in trace for alien in ("\x1b", "nbsched"))


@both
def test_a_cell_that_is_not_python_fails_with_the_line(kernel: Kernel, where: Place) -> None:
    kernel.start("g", "a = 1\nb = = 2", where=where)
    assert kernel.outcome("g").startswith("failed: SyntaxError: invalid syntax")
    assert kernel.eval("o.error.line, 'SyntaxError' in o.error_types, g.kinds()") == (
        "b = = 2",
        True,
        ["error"],
    )


@both
def test_leaving_with_zero_is_success_and_with_another_code_failure(kernel: Kernel, where: Place) -> None:
    kernel.start("g", "import sys; sys.exit(0)", where=where)
    assert kernel.outcome("g") == "succeeded"
    kernel.start("g", "import sys; sys.exit(3)", where=where)
    assert kernel.outcome("g") == "failed: SystemExit: 3"


@both
def test_values_and_signals_are_read_from_the_outputs(kernel: Kernel, where: Place) -> None:
    shown = "display({'application/vnd.nbsched.%s+json': %r}, raw=True)"
    value = shown % ("value", {"name": "rows", "value": 3}) + "\n"
    kernel.start("g", value + shown % ("signal", {"kind": "skip", "reason": "no data"}), where=where)
    assert kernel.outcome("g") == "skipped"
    assert kernel.eval("o.values, o.reason, g.report.values") == ({"rows": 3}, "no data", {"rows": 3})
    later = {"kind": "retry_later", "reason": "", "delay_s": 90}
    kernel.start("g", shown % ("signal", later) + "\nraise Exception()", where=where)
    assert kernel.outcome("g") == "retry_later"
    assert kernel.eval("o.delay.total_seconds()") == 90.0
    kernel.start("g", "from nbsched.core.errors import Fail\nraise Fail('bad file')", where=where)
    assert kernel.outcome("g") == "failed: Fail: bad file"
    assert kernel.eval("o.fatal, o.reason") == (True, "bad file")


@both
def test_magics_await_and_the_semicolon_work_as_in_any_cell(kernel: Kernel, where: Place) -> None:
    tasks = "import asyncio\nt = asyncio.create_task(asyncio.sleep(0, 7))\nz = await t"
    source = f"%env NBS_MAGIC=1\n{tasks}\n!echo out\nz;"
    kernel.start("g", source, where=where)
    assert kernel.outcome("g") == "succeeded"
    assert kernel.eval("z, g.kinds().count('execute_result'), 'out' in g.text()") == (7, 0, True)
    kernel.start("g", "async def f(): return 8\nawait f()", where=where)
    assert kernel.outcome("g") == "succeeded"
    assert kernel.eval("g.report.displays[-1]['data']") == {"text/plain": "8"}
    kernel.start("g", "%%time\nz = 9", where=where)
    assert kernel.outcome("g") == "succeeded"
    assert kernel.eval("z, 'Wall' in g.text()") == (9, True)
    kernel.start("g", "%nosuchmagic", where=where)
    assert kernel.outcome("g").startswith("failed: UsageError: Line magic function `%nosuchmagic` not found")


def test_input_fails_and_says_why(kernel: Kernel) -> None:
    why = "failed: StdinNotImplementedError: a scheduled cell cannot ask for input"
    kernel.start("g", "input('name? ')")
    assert kernel.outcome("g").startswith(why)
    kernel.run("g = start('input()', where='thread'); g.outcome()")
    assert kernel.outcome("g").startswith(why)
    kernel.start("g", "input()", where="thread")
    ended = kernel.outcome("g")  # while nobody's cell runs it is Python's own input, which finds no terminal
    assert ended.startswith((why, "failed: EOFError"))


@both
def test_a_cell_knows_its_context_and_others_have_none(kernel: Kernel, where: Place) -> None:
    kernel.run("from nbsched.executors.cell import current_cell_context as own")
    ask = "import asyncio, threading\nfound = own()\nawait asyncio.sleep(0)\nlater = own()"
    kernel.start("g", ask, where=where)
    assert kernel.outcome("g") == "succeeded"
    assert kernel.eval("found['run_id'] == g.assignment.context.run_id, found == later, own()") == (
        True,
        True,
        None,
    )
    assert kernel.eval("found['params'], found['scheduled_at']") == (
        {"n": kernel.eval("g.assignment.context.run_id")}, {"$datetime": "2026-03-01T12:00:00+00:00"}
    )  # fmt: skip


def test_interrupting_a_persons_cell_stops_neither_ours_nor_the_loop(kernel: Kernel) -> None:
    kernel.start(
        "beside", "import time\nfor i in range(100): time.sleep(0.01)\nprint('whole')", where="thread"
    )
    person = kernel.send(
        "g = start('late = 1'); print('up', flush=True); [time.sleep(0.1) for _ in range(300)]"
    )
    kernel.until(person, "up")
    kernel.interrupt()
    assert kernel.wait(person).status == "error"
    assert kernel.outcome("g") == "succeeded"
    assert kernel.outcome("beside") == "succeeded"
    assert kernel.eval("late, beside.text()") == (1, "whole\n")


@pytest.mark.parametrize("nap", ["[time.sleep(0.1) for _ in range(300)]", "await asyncio.sleep(30)"])
def test_a_persons_interrupt_ends_the_queued_cell_that_runs(kernel: Kernel, nap: str) -> None:
    kernel.start("g", f"import asyncio\nprint('up', flush=True)\n{nap}")
    kernel.hear("up")
    kernel.interrupt()
    assert kernel.outcome("g").startswith("interrupted: ")


@both
@pytest.mark.parametrize("nap", ["while True: time.sleep(0.01)", "await asyncio.sleep(30)"])
def test_a_timeout_stops_the_cell_only(kernel: Kernel, where: Place, nap: str) -> None:
    kernel.start("g", f"import asyncio\n{nap}", where=where, timeout=0.3)
    assert kernel.outcome("g") == "timeout: TimeoutError: the cell ran longer than 0.3 s"
    assert kernel.run("'fine'").result == "'fine'"


def test_a_queued_cells_timeout_counts_from_its_start_and_spares_the_running_cell(kernel: Kernel) -> None:
    person = kernel.run("g = start('time.sleep(30)', timeout=0.3); time.sleep(1); 'whole'")
    assert person.result == "'whole'"
    assert kernel.outcome("g") == "timeout: TimeoutError: the cell ran longer than 0.3 s"


def test_a_cell_cancelled_while_queued_never_runs(kernel: Kernel) -> None:
    person = kernel.run("ran = []; g = start('ran.append(1)'); time.sleep(0.3); g.cancel(); 'whole'")
    assert person.result == "'whole'"
    kernel.start("h", "ran.append(2)")
    assert kernel.outcome("h") == "succeeded"
    assert kernel.eval("ran, g.report.pids") == ([2], [])


@both
def test_a_running_cell_is_cancelled(kernel: Kernel, where: Place) -> None:
    source = "try:\n    while True: time.sleep(0.01)\nfinally: cleaned = True"
    watch = "threading.Thread(target=lambda: (g.report.begun.wait(), g.cancel())).start()"
    assert kernel.run(f"cleaned = False; g = start({source!r}, where={where!r}); {watch}").status == "ok"
    deadline = time.monotonic() + 10
    while not kernel.eval("g.cancelled.is_set()"):
        assert time.monotonic() < deadline
    assert kernel.eval("cleaned") is True


@both
def test_a_cell_that_will_not_stop_is_left_with_a_note(kernel: Kernel, where: Place) -> None:
    patient = (
        "import time\nend = time.time() + 3\nwhile time.time() < end:\n"
        "    try: time.sleep(0.05)\n    except BaseException: pass"
    )
    kernel.start("g", patient, where=where, timeout=0.2, grace=0.2)
    assert "did not stop when interrupted" in kernel.outcome("g")
    assert "may still be running" in kernel.eval("g.text('stderr')")


def test_a_thread_cell_runs_beside_a_busy_cell(kernel: Kernel) -> None:
    person = kernel.run("g = start('1 + 1', where='thread'); o = g.outcome(); (o.kind, g.kinds())")
    assert person.result == "('succeeded', ['execute_result'])"


def test_the_person_may_reset_the_namespace(kernel: Kernel) -> None:
    kernel.run("%reset -f")
    kernel.run("import time, threading; from kernel_driver import start")
    kernel.start("g", "v = 5\nv")
    assert kernel.outcome("g") == "succeeded"


@both
def test_a_cells_figures_are_its_own(kernel: Kernel, where: Place) -> None:
    pytest.importorskip("matplotlib")
    kernel.run("%matplotlib inline\nimport matplotlib.pyplot as plt")
    kernel.start("g", "fig, ax = plt.subplots(); ax.plot([1, 2]); print('drawn')", where=where)
    assert kernel.outcome("g") == "succeeded"
    assert kernel.eval("g.kinds(), 'image/png' in g.report.displays[-1]['data'], plt.get_fignums()") == (
        ["stdout", "display_data"], True, []
    )  # fmt: skip
    person = kernel.run("plt.plot([1])")
    assert [each["type"] for each in person.outputs].count("display_data") == 1


@both
def test_the_work_says_what_it_has_to_say(kernel: Kernel, where: Place) -> None:
    kernel.run("import nbsched as nb")
    kernel.start("g", "nb.emit(rows=3, name='x'); who = nb.context()", where=where)
    assert kernel.outcome("g") == "succeeded"
    assert kernel.eval("o.values, who.run_id == g.assignment.context.run_id, who.params == {'n': who.run_id}") == (
        {"rows": 3, "name": "x"}, True, True
    )  # fmt: skip
    kernel.start("g", "nb.skip('nothing new')\nunreached = 1", where=where)
    assert kernel.outcome("g").startswith("skipped")
    assert kernel.eval("o.reason, 'unreached' in dir()") == ("nothing new", False)
    kernel.start("g", "nb.retry_later('2m')", where=where)
    assert kernel.outcome("g").startswith("retry_later")
    kernel.start("g", "nb.fail('broken')", where=where)
    assert kernel.outcome("g") == "failed: Fail: broken"
