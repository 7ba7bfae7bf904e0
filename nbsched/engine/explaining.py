"""Why a step would run again, or would not: its fingerprint as it would be now, beside its last run's."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Literal, TypedDict

from nbsched.core.definitions import work_from_json
from nbsched.core.errors import UnknownName
from nbsched.core.fingerprints import changes, fingerprint
from nbsched.core.graph import topological
from nbsched.core.policy import Policy
from nbsched.core.references import Reference, references_in
from nbsched.core.wire import decode
from nbsched.engine.caching import UNREADABLE, Around, kernel_of, known, refuse_outdated
from nbsched.engine.fingerprinting import Subject, digested, left_by, parts_of
from nbsched.engine.lookups import Lookup
from nbsched.store import cache, results
from nbsched.store.insert import CONTAINERS, NewRun, part_policy, run_policy

Row = Mapping[str, Any]


Would = Literal["cached", "run", "depends"]


class Answer(TypedDict):
    """What would become of a step, or of work that is not a pipeline, and why.

    `cached`: it would not run again; `run`: it would; `depends`: on what a step before it gives, which will run.
    """

    step: str | None
    would: Would
    why: list[str]
    run: int | None
    """The run whose result it would have, or beside which it was put."""


def explain(new: NewRun, around: Around) -> list[Answer]:
    """An answer for each step, in the order they would run; nothing is run."""
    steps = {step["name"]: step for step in new.work.get("steps") or ()}
    if not steps:
        return [_Explained(new, None, new.work, {}, around).answer]
    needs = {name: tuple(step.get("needs", ())) for name, step in steps.items()}
    done: dict[str, _Explained] = {}
    for name in topological(needs):
        done[name] = _Explained(
            new, name, steps[name]["work"], {need: done[need] for need in needs[name]}, around
        )
    return [done[name].answer for name in steps]


class _Explained:
    """A step as it would be now."""

    def __init__(
        self, new: NewRun, step: str | None, work: Row, needs: Mapping[str, _Explained], around: Around
    ) -> None:
        self.hit: Row | None = None
        self._new, self._step, self._needs, self._around = new, step, needs, around
        given = run_policy(new)
        self._policy = Policy.of(part_policy(work.get("policy", {}), given) if step else given)
        self.answer = self._answer(work)

    def _answer(self, work: Row) -> Answer:
        if work["kind"] in CONTAINERS:
            return self._say("depends", ["its parts are looked at one by one when it runs"])
        if work["kind"] in ("wait", "approval"):
            return self._say("run", ["it waits anew each time"])
        if not self._policy.cache:
            return self._say("run", ["cache is off"])
        try:
            return self._compared(self._subject(work))
        except UNREADABLE as error:
            return self._say("run", [str(error)])

    def _say(self, would: Would, why: list[str], run: Row | None = None) -> Answer:
        return Answer(step=self._step, would=would, why=why, run=run["id"] if run else None)

    @property
    def uncertain(self) -> str | None:
        """What is said of it to those who need what it gives."""
        verb = {"run": "will run", "depends": "may run", "cached": None}[self.answer["would"]]
        return verb and f"upstream {self._step} {verb}"

    def _subject(self, data: Mapping[str, Any]) -> Subject:
        work = work_from_json({"name": self._step, **data})
        given = dict(work.params) if self._step else {**work.params, **decode(dict(self._new.params))}
        place = data.get("place") or self._new.place
        return Subject(
            name=work.name, pipeline=self._new.work["name"] if self._step else None, work=work, policy=self._policy,
            given=given, kernel=kernel_of(work, place, self._around.database),
        )  # fmt: skip

    def _compared(self, subject: Subject) -> Answer:
        expected = _Expected(self._new, self._step, self._needs, self._around)
        left = {need: None if step.hit is None else left_by(step.hit, self._around)
                for need, step in self._needs.items() if need not in subject.takes}  # fmt: skip
        parts = parts_of(subject, expected, left)
        refuse_outdated(subject.work, parts)
        unknown = {name: reason for name, value in subject.values for reason in expected.unknown_in(value)}
        unknown |= {f"after {need}": reason for need in left if (reason := self._needs[need].uncertain)}
        gone: list[str] = []
        if not unknown:
            self.hit, gone = known(fingerprint(parts), self._policy, self._around)
        if self.hit is not None:
            return self._say("cached", [f"nothing changed since run {self.hit['id']}"], self.hit)
        last = self._around.database.read(cache.last, subject.pipeline, subject.name)
        why = _differences(last, parts, unknown) or gone
        would: Would = "run" if why else "depends"
        return self._say(would, [*why, *dict.fromkeys(unknown.values())], last)


def _differences(last: Row | None, parts: Mapping[str, Any], unknown: Mapping[str, str]) -> list[str]:
    if last is None or not last["fingerprint"]:
        return ["never run with cache on"]
    before = json.loads(last["parts"])
    return changes(
        *({name: part for name, part in one.items() if name not in unknown} for one in (before, parts))
    )


class _Expected(Lookup):
    """What references would stand for; None, and noted, where that is not known before it runs."""

    def __init__(
        self, new: NewRun, step: str | None, needs: Mapping[str, _Explained], around: Around
    ) -> None:
        row = {
            "id": 0, "step": step, "scope": None, "root": None, "parent": None, "retry_of": None, "key": new.key,
            "schedule": new.schedule, "scheduled_ms": new.scheduled_ms, "previous_ms": new.previous_ms,
            "event": new.event,
        }  # fmt: skip
        super().__init__(row, around, digested)
        self._new, self._needs = new, needs
        self._unknown: dict[Reference, str] = {}

    def __call__(self, reference: Reference) -> Any:
        reason = self._reason(reference)
        if reason is None:
            return super().__call__(reference)
        self._unknown[reference] = reason
        return None

    def unknown_in(self, value: Any) -> list[str]:
        """Why the value is not known, for each reference in it that is not."""
        return [self._unknown[one] for one in references_in(value) if one in self._unknown]

    def _reason(self, reference: Reference) -> str | None:
        if reference.kind == "step":
            return self._needs[reference.path[0]].uncertain
        if reference.kind == "fact" and reference.path[0] in ("run_id", "run_key"):
            return f"{reference.written} is another for each run"
        if reference.kind == "event" and not self._new.event:
            return "it is given a value of an event"
        return None

    def _stored(self, path: tuple[str, ...]) -> results.Found:
        step, *rest = path
        found = self._needs[step].hit
        if found is None:
            raise UnknownName("step", step, self._needs)
        return self._around.database.read(results.of_run, found["id"], rest)

    def _params(self) -> str:
        return json.dumps(dict(self._new.params))
