"""One parcel as its sender sees it: on its way, begun by a worker, over."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import anyio

from nbsched.away import freight
from nbsched.away.parcel import Parcel, header_of
from nbsched.core.model import Notebook, Outcome
from nbsched.executors.child import outcome_from_json
from nbsched.executors.contract import Assignment
from nbsched.executors.current import values_folder
from nbsched.executors.notebook import copy_output
from nbsched.executors.prepared import copy_of
from nbsched.executors.values import refer

LOST = Outcome(kind="lost")


class Passage:
    """What is known of a parcel; on the loop only, but for `write`."""

    def __init__(self, parcel: Parcel, assignment: Assignment, lease_s: float) -> None:
        self.parcel, self.assignment, self.over = parcel, assignment, anyio.Event()
        self.worker: str | None = None
        """Who has begun it."""
        self.until = float("inf")
        """When it is given up unless something is heard of it."""
        self.shared: str | None = None
        """Where files of it lie that go through a folder or URL; none is to stay there."""
        self.sent_at: float | None = None
        """When it was sent, or looked why nobody takes it."""
        self._lease_s, self._given_up = lease_s, LOST
        self._told, self._pieces, self._said = 0, 0, ""
        self._end: Mapping[str, Any] | None = None
        self._arrivals = freight.Arrivals(values_folder(assignment.folder))
        self._output: Path | None = None

    # -- what its worker tells ---------------------------------------------------------------------------------

    def begun_by(self, worker: str) -> None:
        """It is that worker's, and it lives."""
        if self.worker is None:
            self.worker = worker
            if self._said:
                self.say("")
        self.until = time.monotonic() + self._lease_s

    def write(self, kind: str, fact: Any) -> None:
        """What is only for the disk; in any one thread."""
        if kind == "piece":
            self._arrivals.take(fact)
        elif kind == "written":
            self._write_on(fact)
        elif kind == "output_file":
            self._output = freight.inside(self.assignment.folder, fact)

    def _write_on(self, text: str) -> None:
        """The output notebook is as far as on the worker: its first text is the whole, the others its journal's."""
        from nbsched.kernels.journal import journal_of

        if self._output is None:
            return
        lines = journal_of(self._output)
        self._output.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        whole = lines if self._output.exists() else self._output
        lines.touch(mode=0o600)
        whole.touch(mode=0o600)
        with whole.open("ab") as file:
            file.write(text.encode("utf-8", "surrogatepass"))

    def hear(self, kind: str, fact: Any) -> None:
        """One piece of news, in order."""
        self._told += 1
        report = self.assignment.report
        match kind:
            case "progress":
                report.progress(*fact)
            case "output":
                report.output(*fact)
            case "shown":
                report.display({"output_type": "stream", "name": fact[1], "text": fact[0]})
            case "display":
                report.display(fact)
            case "value":
                report.value(fact[0], refer(fact[1]))
            case "output_file":
                report.output_file(freight.inside(self.assignment.folder, fact))
        self._look()

    def arrived(self) -> None:
        """One piece of a file more is there."""
        self._pieces += 1
        self._look()

    def end(self, message: Mapping[str, Any]) -> None:
        """It is over, once all is there that was told of it."""
        self._end = self._end or message
        self.shared = self.shared or message.get("url")
        self.until = time.monotonic() + self._lease_s
        self._look()

    def _look(self) -> None:
        end = self._end
        if end and self._told >= end["told"] and self._pieces >= end.get("pieces", 0):
            self.over.set()

    def give_up(self, outcome: Outcome | None) -> None:
        """It has ended so, or it is lost, unless its end is known."""
        self._given_up = outcome or LOST
        self.over.set()

    def waits_too_long(self, now: float) -> bool:
        """Whether no worker has begun it though it was sent, or looked after, a while ago."""
        return self.worker is None and self.sent_at is not None and now - self.sent_at > self._lease_s / 2

    @property
    def begun(self) -> bool:
        """Whether a worker has it or had it."""
        return self.worker is not None or self._end is not None

    @property
    def enclosed(self) -> frozenset[str]:
        """The files that its worker may ask for."""
        return frozenset(header_of(self.parcel.data)["enclosed"])

    # -- what is said of it ------------------------------------------------------------------------------------

    def say(self, text: str) -> None:
        """The run's row says what keeps it from beginning."""
        if text != self._said:
            self._said = text
            self.assignment.report.progress(0, 0, text)

    def outcome(self) -> Outcome:
        """How it ended, its files being where they are to be; may take long."""
        from nbsched.kernels.journal import journal_of, recover

        if self._end is None:
            if self._output is not None:
                recover(self._output)
            return self._given_up
        found = outcome_from_json(self._end["outcome"])
        folder = values_folder(self.assignment.folder)
        for name in self._end.get("names", ()):
            freight.get(f"{self._end['url']}/{name}", freight.inside(folder, name))
        if self._output is not None:
            journal_of(self._output).unlink(missing_ok=True)
        work = self.assignment.work
        if isinstance(work, Notebook) and (target := copy_of(work)):
            copy_output(self.assignment.folder / Path(work.path).name, target)
        return LOST if found.kind == "cancelled" else found

    @property
    def is_quick(self) -> bool:
        """Whether `outcome` takes no time."""
        return self._output is None and self.shared is None
