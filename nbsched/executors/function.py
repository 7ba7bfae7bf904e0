"""Functions: in a thread of this process, many short ones in one thread, or in a process of their own."""

from __future__ import annotations

import asyncio
import functools
import json
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress

import anyio
import anyio.to_thread

from nbsched.core.model import Error, Function, Outcome
from nbsched.executors import stdout
from nbsched.executors.call import carry_out, ended_by
from nbsched.executors.child import ENTRY, installed_modules, outcome_from_json, request
from nbsched.executors.contract import Assignment
from nbsched.executors.interrupt import Stretch
from nbsched.executors.lookup import find, load_file, reference_of, register
from nbsched.executors.values import refer
from nbsched.kernels.group import Child, ProcessGroup, child_environment, ending, process_group
from nbsched.kernels.workers import Workers

__all__ = ["FunctionExecutor", "find", "load_file", "reference_of", "register"]


class FunctionExecutor:
    """Calls functions where their work says."""

    def __init__(self) -> None:
        self._stretches: set[Stretch] = set()
        self._workers = Workers(ENTRY)

    async def execute(self, assignment: Assignment) -> Outcome:
        work = assignment.work
        assert isinstance(work, Function)
        if work.where == "process":
            return await _in_process(assignment, work, self._workers)
        return await self._in_thread(assignment)

    def run_batch(
        self,
        assignments: Sequence[Assignment],
        done: Callable[[int, Outcome], None] | None = None,
        started: Callable[[int], None] | None = None,
    ) -> list[Outcome]:
        """The outcomes of thread functions, called one after the other in the thread that calls this.

        `started` and `done` are told the index of each as it begins and ends.
        """
        outcomes = []
        with self.together() as call:
            for index, assignment in enumerate(assignments):
                if started is not None:
                    started(index)
                outcomes.append(call(assignment))
                if done is not None:
                    done(index, outcomes[-1])
        return outcomes

    @contextmanager
    def together(self) -> Iterator[Callable[[Assignment], Outcome]]:
        """What calls thread functions, one after the other, in the thread that enters the block."""
        stretch, find_once = Stretch(), functools.cache(find)
        self._stretches.add(stretch)
        stdout.install()
        try:
            yield lambda assignment: carry_out(assignment, find_once, stretch)
        finally:
            stdout.uninstall()
            self._stretches.discard(stretch)

    def interrupt(self, run_id: int) -> bool:
        """Whether that run was being called in a thread; KeyboardInterrupt has then been raised in it."""
        return any(stretch.interrupt(run_id) for stretch in tuple(self._stretches))

    async def _in_thread(self, assignment: Assignment) -> Outcome:
        """A daemon thread: one that cannot be stopped must not keep the program from ending."""
        ended, outcomes = anyio.Event(), []
        loop = asyncio.get_running_loop()

        def main() -> None:
            outcomes.extend(self.run_batch([assignment]))
            with suppress(RuntimeError):  # nobody waits any more, and the loop is closed
                loop.call_soon_threadsafe(ended.set)

        name = f"nbsched run {assignment.context.run_id}"
        threading.Thread(target=main, name=name, daemon=True).start()
        try:
            await ended.wait()
        except anyio.get_cancelled_exc_class():
            with anyio.CancelScope(shield=True):
                await self._stop(assignment, ended)
            raise
        return outcomes[0]

    async def _stop(self, assignment: Assignment, ended: anyio.Event) -> None:
        with anyio.move_on_after(assignment.grace.total_seconds()):
            while not ended.is_set() and not self.interrupt(assignment.context.run_id):
                with anyio.move_on_after(0.001):  # the thread has not come to the function yet
                    await ended.wait()
            await ended.wait()
        if not ended.is_set():
            note = f"it did not stop within {assignment.grace}; its thread is left to itself\n"
            assignment.report.output(note, "stderr")


async def _in_process(assignment: Assignment, work: Function, workers: Workers) -> Outcome:
    try:
        child = await anyio.to_thread.run_sync(_ask, assignment, work, workers)
    except Exception as error:
        return ended_by(error, {})
    replies = _Replies(assignment)
    async with process_group(child, assignment.report.output, replies.hear) as group:
        assignment.report.started(group.pid)
        status = await replies.until_ended(group)
    return replies.outcome or _died(status, group)


def _ask(assignment: Assignment, work: Function, workers: Workers) -> Child:
    env = child_environment(assignment.env)
    return workers.ask(request(assignment, work), env, installed_modules(work), assignment.launch)


class _Replies:
    """What the child says, passed on to the report, and its outcome."""

    def __init__(self, assignment: Assignment) -> None:
        self.outcome: Outcome | None = None
        self._assignment = assignment
        self._ending = anyio.CancelScope()

    async def until_ended(self, group: ProcessGroup) -> int:
        """The child's exit status; once its outcome is known it has `grace` left to end by itself."""
        with self._ending:
            await group.wait(lambda: self._assignment.grace)
        return await group.wait(lambda: self._assignment.grace)

    def hear(self, line: bytes) -> None:
        for said, facts in json.loads(line).items():
            if said == "outcome":
                self.outcome = outcome_from_json(facts)
                grace_s = self._assignment.grace.total_seconds()
                asyncio.get_running_loop().call_later(grace_s, self._ending.cancel)
            elif said == "value":
                self._assignment.report.value(facts[0], refer(facts[1]))
            elif said == "progress":
                self._assignment.report.progress(*facts)


def _died(status: int, group: ProcessGroup) -> Outcome:
    lines = [line for line in group.stderr.tail if line]
    message = f"the function's process ended before it returned ({ending(status)})"
    error = Error("ProcessDied", message, traceback="\n".join(lines))
    return Outcome(kind="failed", error=error, error_types=(error.type,))
