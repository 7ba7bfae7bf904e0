"""Several hosts on one store, some of which die, freeze, or close."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from collections import Counter
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from types import ModuleType
from typing import Any

import nbsched as nb
from nbsched.core.instants import from_ms
from nbsched.engine.visiting import Visitor
from tests.real import until

Hosts = Callable[..., Any]
PERIOD_MS = 200


def pause(seconds: float) -> None:
    threading.Event().wait(seconds)


def test_no_instant_is_lost_or_run_twice_while_hosts_die_and_freeze(
    host: Hosts, visitor: Visitor, works: ModuleType, tmp_path: Path
) -> None:
    log = tmp_path / "ticks"
    dies, freezes, stays = host(), host(), host()
    visitor.schedule(works.tick, nb.every(PERIOD_MS / 1000), name="ticks", overlap="allow", missed="all",
                     params={"log": str(log)})  # fmt: skip
    since_ms = visitor.database.read(lambda db: db.execute("SELECT after_ms FROM schedules").fetchone()[0])
    pause(1)
    dies.signal(signal.SIGKILL)
    pause(0.7)
    freezes.signal(signal.SIGSTOP)
    pause(2.5)
    freezes.signal(signal.SIGCONT)
    pause(1)
    visitor.pause("ticks")
    until(lambda: not visitor.runs(state="running") and not visitor.runs(state="queued"))
    until_ms = visitor.database.read(lambda db: db.execute("SELECT after_ms FROM schedules").fetchone()[0])
    runs = visitor.runs(schedule="ticks", limit=None)
    theory = [from_ms(at) for at in range(since_ms + PERIOD_MS, until_ms + 1, PERIOD_MS)]
    assert len(theory) > 15
    assert sorted(run.scheduled_at for run in runs) == theory
    assert {run.state for run in runs} == {"succeeded"}
    ticks = Counter(datetime.fromisoformat(line) for line in log.read_text().split())
    attempts = {run.scheduled_at: run.attempt for run in runs}
    assert set(ticks) == set(theory)
    assert all(times <= attempts[at] <= 2 for at, times in ticks.items())
    freezes.close()
    stays.close()


def test_a_frozen_host_s_work_is_taken_over_and_its_late_result_refused(
    host: Hosts, visitor: Visitor, works: ModuleType, tmp_path: Path
) -> None:
    there, begun = tmp_path / "there", tmp_path / "there.begun"
    frozen = host()
    run = visitor.get_run(int(frozen.ask(f"rt.run(works.until_there, {{'path': {str(there)!r}}}).id")))
    until(begun.exists)
    other = host()
    frozen.signal(signal.SIGSTOP)
    taken_after = until(lambda: run.attempt == 2 and run.state == "running")
    assert taken_after < 1 + 1 + 1.5  # lease, a second, and what a busy machine takes
    there.touch()
    assert run.wait(10).result == other.pid
    frozen.signal(signal.SIGCONT)
    until(lambda: len(visitor.hosts()) == 2)
    assert frozen.ask("rt.run(works.rank).wait(10).result") == "0"
    assert (run.state, run.result, run.attempt) == ("succeeded", other.pid, 2)
    assert [attempt.outcome for attempt in run.attempts] == ["lost", "succeeded"]
    frozen.close()
    other.close()


def test_a_killed_host_s_work_is_taken_over_within_its_lease(
    host: Hosts, visitor: Visitor, works: ModuleType, tmp_path: Path
) -> None:
    there, begun = tmp_path / "there", tmp_path / "there.begun"
    killed = host("9s")
    run = visitor.get_run(int(killed.ask(f"rt.run(works.until_there, {{'path': {str(there)!r}}}).id")))
    until(begun.exists)
    other = host("9s")
    killed.signal(signal.SIGKILL)
    killed.process.wait()
    assert until(lambda: run.attempt == 2) < 4.5  # a third of the lease: the process is seen to be gone
    there.touch()
    assert run.wait(10).result == other.pid
    other.close()


def test_a_host_that_closes_hands_its_work_over_at_once(
    host: Hosts, visitor: Visitor, works: ModuleType, tmp_path: Path
) -> None:
    there, begun = tmp_path / "there", tmp_path / "there.begun"
    closing, other = host("60s"), host("60s")
    run = visitor.get_run(int(closing.ask(f"rt.run(works.until_there, {{'path': {str(there)!r}}}).id")))
    until(begun.exists)
    closing.close()
    assert until(lambda: run.attempt == 2, 5) < 5
    there.touch()
    assert run.wait(10).result == other.pid
    assert visitor.get_run(run.id).record.state == "succeeded"
    other.close()


def test_what_kills_its_hosts_is_given_up_in_the_end(
    start: Callable[..., subprocess.Popen[str]], visitor: Visitor, works: ModuleType
) -> None:
    run = visitor.run(works.kills_its_host, on_failure="it.failed", on_retry="it.again")
    for _ in range(7):
        program = start(Path(__file__).with_name("host.py"), stdin=subprocess.PIPE)
        until(lambda program=program: program.poll() is not None or run.state.final)
    assert (run.state, run.reason, run.attempt) == ("failed", "lost", 6)
    until(lambda: told(visitor, "it.failed") == [run.id])
    assert told(visitor, "it.again") == [run.id] * 5
    _, errors = program.communicate(timeout=20)
    assert (program.returncode, errors) == (0, "")


def told(visitor: Visitor, name: str) -> list[int]:
    return [event.data["id"] for event in visitor.events(name=name)]


def test_a_host_killed_between_the_end_of_a_run_and_its_hook_has_the_next_one_tell_it(
    host: Hosts, visitor: Visitor, works: ModuleType, tmp_path: Path
) -> None:
    log = tmp_path / "told"
    dies = host(env={"TOLD": str(log)})
    run = visitor.run(works.rank, on_success=works.dies_at_first)
    dies.process.wait(20)
    assert run.state == "succeeded"
    other = host(env={"TOLD": str(log)})
    until(lambda: log.read_text().splitlines() == [f"{run.id} succeeded"] * 2)
    until(
        lambda: (
            visitor.database.read(lambda db: db.execute("SELECT count(*) FROM notices").fetchone()[0]) == 0
        )
    )
    other.close()
    assert len(log.read_text().splitlines()) == 2


def test_the_slots_of_a_killed_host_are_free_for_others(
    host: Hosts, visitor: Visitor, works: ModuleType, tmp_path: Path
) -> None:
    there, never = tmp_path / "there", tmp_path / "never"
    asked = f"rt.run(works.until_there, {{'path': {str(never)!r}}}, max_running=1, rerun=False).id"
    killed = host()
    run = visitor.get_run(int(killed.ask(asked)))
    until((tmp_path / "never.begun").exists)
    there.touch()
    waiting = visitor.run(works.until_there, {"path": str(there)}, max_running=1)
    other = host()
    pause(0.5)
    assert waiting.state == "queued"
    killed.signal(signal.SIGKILL)
    assert waiting.wait(10).result == other.pid
    assert run.reason == "lost"
    other.close()


def test_hosts_share_a_rate_and_one_that_is_killed_has_used_its_starts(
    host: Hosts, visitor: Visitor, works: ModuleType, tmp_path: Path
) -> None:
    hosts = [host(), host()]
    limited = nb.task(works.notes, rate="4/s")
    runs = [visitor.run(limited, {"log": str(tmp_path / "log")}) for _ in range(14)]
    until(lambda: sum(run.state == "succeeded" for run in runs) >= 5)
    hosts[0].signal(signal.SIGKILL)
    until(lambda: all(run.state == "succeeded" for run in runs))
    starts = sorted(attempt.started_at for run in runs for attempt in run.attempts)
    assert all((starts[at + 4] - starts[at]).total_seconds() >= 1 for at in range(len(starts) - 4))
    assert (starts[-1] - starts[0]).total_seconds() < 6
    hosts[1].close()


def test_work_that_must_not_run_again_is_lost_with_its_host(
    host: Hosts, visitor: Visitor, works: ModuleType, tmp_path: Path
) -> None:
    there = tmp_path / "there"
    killed = host()
    asked = f"rt.run(works.until_there, {{'path': {str(there)!r}}}, rerun=False).id"
    run = visitor.get_run(int(killed.ask(asked)))
    until((tmp_path / "there.begun").exists)
    killed.signal(signal.SIGKILL)
    other = host()
    until(lambda: run.state.final)
    assert (run.state, run.reason) == ("failed", "lost")
    other.close()


def test_a_backoff_outlives_a_killed_host(host: Hosts, visitor: Visitor, works: ModuleType) -> None:
    killed = host()
    run = visitor.get_run(
        int(
            killed.ask(
                "rt.run(works.bad_until, {'attempt': 2}, retries=1, backoff=nb.Backoff('4s', jitter=0)).id"
            )
        )
    )
    until(lambda: run.record.not_before is not None)
    due = run.record.not_before
    killed.signal(signal.SIGKILL)
    other = host()
    until(lambda: run.state.final)
    assert (run.state, run.attempt) == ("succeeded", 2)
    late = run.attempts[1].started_at - due
    assert 0 <= late.total_seconds() < 1
    other.close()


def test_the_processes_of_a_killed_host_do_not_live_on_beside_the_next_attempt(
    host: Hosts, visitor: Visitor, tmp_path: Path
) -> None:
    log = tmp_path / "log"
    killed = host()
    command = f"echo $$ >> {log}; trap '' TERM INT HUP; while [ ! -e {tmp_path}/there ]; do sleep 0.05; done"
    run = visitor.get_run(int(killed.ask(f"rt.run(nb.shell({command!r})).id")))
    until(lambda: log.exists() and run.attempts[0].pid)
    killed.signal(signal.SIGKILL)
    other = host()
    until(lambda: len(log.read_text().split()) == 2)
    first, second = map(int, log.read_text().split())
    assert not Path(f"/proc/{first}").exists() or "Z" in Path(f"/proc/{first}/stat").read_text().split()[2]
    assert Path(f"/proc/{second}").exists()
    (tmp_path / "there").touch()
    assert run.wait(10).state == "succeeded"
    other.close()


def test_a_second_program_with_the_same_key_follows_the_first_and_carries_on_when_it_is_gone(
    start: Callable[..., subprocess.Popen[str]], tmp_path: Path, visitor: Visitor
) -> None:
    program = tmp_path / "keyed.py"
    program.write_text(KEYED)
    first = start(program, "first")
    until((tmp_path / "begun").exists)
    second = start(program, "second")
    until(lambda: len(visitor.hosts()) == 2)
    os.kill(first.pid, signal.SIGKILL)
    output, errors = second.communicate(timeout=20)
    assert (second.returncode, output, errors) == (0, "second 2\n", "")
    assert len(visitor.runs()) == 1


KEYED = """
import sys, pathlib, threading
import nbsched as nb

def typed_here():
    if sys.argv[1] == "first":
        pathlib.Path("begun").touch()
        threading.Event().wait(60)
    return sys.argv[1]

with nb.Runtime(lease="1s") as rt:
    run = rt.run(typed_here, key="daily").wait(30)
    print(run.result, run.attempt)
"""
