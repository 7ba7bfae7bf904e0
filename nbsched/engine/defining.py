"""From what people ask for to what the store keeps: checked, resolved, and placed."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

from nbsched.core import ports, triggers
from nbsched.core.definitions import kind_of, work_from_json, work_to_json
from nbsched.core.durations import duration
from nbsched.core.errors import DefinitionError, TriggerError, UnknownName, UsageError
from nbsched.core.executors import LOCAL, goes_away, leaves, refuse_out_of_reach
from nbsched.core.instants import floor_ms, from_ms, span_ms, to_ms
from nbsched.core.ledger import next_after
from nbsched.core.model import Approval, Cell, Function, Map, Pipeline, Step, Wait, Work, parts
from nbsched.core.parameters import with_params
from nbsched.core.policy import FILES, located, normalise
from nbsched.core.settings import Settings
from nbsched.core.triggers import Trigger, as_trigger
from nbsched.core.wire import decode, encode
from nbsched.core.work import as_work
from nbsched.engine.clock import Clock
from nbsched.engine.settings import settings_here
from nbsched.store import hosts, schedules
from nbsched.store.database import Database
from nbsched.store.hosts import Host, place_of
from nbsched.store.insert import NewRun
from nbsched.store.schedules import NewSchedule

OVERLAPS = ("skip", "queue_one", "queue_all", "cancel_other", "kill_other", "allow")
MISSED = ("latest", "all", "earliest", "none")
_TICK = timedelta(milliseconds=1)


class Definer:
    """Reads definitions for one host; nothing it does changes the store."""

    def __init__(self, host: Host, database: Database, clock: Clock) -> None:
        self._host, self._db, self._clock = host, database, clock

    def run(
        self, work: Any, params: Mapping[str, Any] | None, key: str | None, policy: Mapping[str, Any]
    ) -> NewRun:
        """A run of the work by hand, now."""
        found = as_work(work, params or {})
        given = self._given(found, policy)
        key = normalise({"key": key})["key"] or given.pop("key", None) or found.policy.get("key")
        now_ms = floor_ms(self._clock.now())
        place = place_of(self._host)
        return NewRun(
            work=self._work(replace(found, params={}), given), params=_params(found), policy=self._hooked(given),
            scheduled_ms=now_ms, previous_ms=now_ms, place=place, key=key,
        )  # fmt: skip

    def _given(self, work: Work, policy: Mapping[str, Any]) -> dict[str, Any]:
        """The options that were given for the work, in their one form, with their files where they are.

        The executor is the settings' where nothing else is asked for.
        """
        for name in FILES & policy.keys():
            if isinstance(work, Pipeline):
                raise UsageError(
                    f"{name}= is for the steps of {work.name!r}: give it to those that use the files"
                )
        given = located(normalise(policy), lambda file: ports.surroundings().beside(file))
        refuse_out_of_reach(work, {**work.policy, **given})
        if "executor" not in {**work.policy, **given} and _any_goes(work, self._settings.executor):
            given = {**given, "executor": self._settings.executor}
        return given

    @cached_property
    def _settings(self) -> Settings:
        return settings_here()

    def redone(
        self, work: Mapping[str, Any], params: Mapping[str, Any], given: Mapping[str, Any]
    ) -> dict[str, Any]:
        """The parameters that a run of the stored work is given anew, as JSON; ParameterError when one cannot be."""
        if not given:
            return {}
        whole = with_params(replace(work_from_json(work), params=decode(params)), given)
        return {name: value for name, value in _params(whole).items() if name in given}

    def schedule(
        self, work: Any, trigger: Any, *, name: str | None, overlap: str, missed: str, catchup: Any, jitter: Any,
        start: Any, end: Any, limit: int | None, params: Mapping[str, Any] | None, policy: Mapping[str, Any],
    ) -> NewSchedule:  # fmt: skip
        found = as_work(work, params or {})
        given = self._given(found, policy)
        if given:
            found = replace(found, policy={**found.policy, **given})
        _one_of("overlap", overlap, OVERLAPS)
        _one_of("missed", missed, MISSED)
        if limit is not None and (isinstance(limit, bool) or not isinstance(limit, int) or limit < 1):
            raise UsageError(f"limit {limit!r} is not a whole number of 1 or more")
        times: dict[str, Any] = {
            "start_ms": to_ms(_instant("start", start)),
            "end_ms": to_ms(_instant("end", end)),
        }
        caught = duration(catchup, "catchup")
        name = found.name if name is None else name
        return NewSchedule(
            name=_schedule_name(name), work=json.dumps(self._work(replace(found, params={}), {}), ensure_ascii=False),
            params=json.dumps(_params(found), ensure_ascii=False), overlap=overlap, missed=missed,
            catchup_ms=span_ms(caught), jitter_ms=None if jitter is None else span_ms(duration(jitter, "jitter")),
            max_fires=limit, **self._owner(found), **times,
            **self._first_timing(name, as_trigger(trigger), times, caught),
        )  # fmt: skip

    def trigger(self, row: Mapping[str, Any], trigger: Any) -> dict[str, Any]:
        """What changes in a schedule's row under another trigger."""
        return self._timing(row["name"], as_trigger(trigger), row, timedelta(milliseconds=row["catchup_ms"]))

    def _first_timing(
        self, name: str, trigger: Trigger, times: Mapping[str, Any], catchup: timedelta
    ) -> dict[str, Any]:
        """As `_timing`; what is defined as it was before keeps what it has, whatever has become of it since."""
        known = self._db.read(schedules.is_given, name, str(trigger), times["start_ms"])
        try:
            return self._timing(name, trigger, times, catchup)
        except TriggerError:
            if not known:
                raise
            now_ms = floor_ms(self._clock.now())
            return _timing_json(trigger, trigger, now_ms, None)

    def _timing(
        self, name: str, trigger: Trigger, times: Mapping[str, Any], catchup: timedelta
    ) -> dict[str, Any]:
        now = from_ms(floor_ms(self._clock.now()))
        start, end = from_ms(times["start_ms"]), from_ms(times["end_ms"])
        anchored = trigger.anchored(start or now)
        after = _after(name, trigger, now, catchup)
        following = next_after(anchored, after, start, end)
        if following is None and not trigger.event_patterns:
            raise TriggerError(f"{trigger} never fires for {name!r} from now on: check its start and end")
        return _timing_json(trigger, anchored, to_ms(after), to_ms(following))

    def _work(self, work: Work, policy: Mapping[str, Any]) -> dict[str, Any]:
        """The work as the store keeps it, with a place for each part that only this process or kernel can run."""
        self._check_resources(work, {**work.policy, **policy})
        return self._placed(work_to_json(self.without_callables(work)), work)

    def _placed(self, data: dict[str, Any], work: Work) -> dict[str, Any]:
        if isinstance(work, Map):
            self._placed(data["work"], work.work)
        elif isinstance(work, Pipeline):
            for written, step in zip(data.get("steps", ()), work.steps, strict=True):
                self._placed(written["work"], step.work)
        elif (place := self._place(work)) is not None:
            data["place"] = place
        return data

    def without_callables(self, work: Work) -> Work:
        """The work with references in the place of the functions in its policy, and so in all that it is made of."""
        if isinstance(work, Map):
            work = replace(work, work=self.without_callables(work.work))
        if isinstance(work, Pipeline):
            work = replace(work, steps=tuple(self._step_without_callables(step) for step in work.steps))
        hooked = any(map(callable, work.policy.values()))
        return replace(work, policy=self._hooked(work.policy)) if hooked else work

    def _step_without_callables(self, step: Step) -> Step:
        work = self.without_callables(step.work)
        return step if work is step.work else replace(step, work=work)

    def _hooked(self, policy: Mapping[str, Any]) -> dict[str, Any]:
        """The policy with its callables as references, so that any host that can find them can call them."""
        return {name: self._reference(value) if callable(value) else value for name, value in policy.items()}

    def _reference(self, function: Any) -> dict[str, str]:
        """How the function is found again, and by whom if only this process can."""
        call = ports.function_reference(getattr(function, "__wrapped__", function))
        return {"call": call, "place": self._host.id} if call.startswith("__main__:") else {"call": call}

    def _place(self, work: Work) -> str | None:
        host = self._host
        if isinstance(work, Cell) and work.where != "process":
            if host.kind != "kernel":
                raise DefinitionError(
                    f"the cell {work.name!r} runs in its notebook's kernel, and this process is none: "
                    "give where='process'"
                )
            return f"notebook:{work.notebook or host.notebook}"
        if isinstance(work, (Function, Wait)) and work.bound:
            return f"process:{host.id}"
        return None

    def _owner(self, work: Work) -> dict[str, Any]:
        """Where alone the work can be fired, if a part of it can only run there, and whose notebook that is."""
        place = next((found for part in parts(work) if (found := self._place(part))), None)
        kind, _, key = (place or "").partition(":")
        return {"place": place, "notebook": key if kind == "notebook" else None}

    def _check_resources(self, work: Work, policy: Mapping[str, Any]) -> None:
        wanted = _resources(work, policy)
        if not wanted:
            return
        living = self._db.read(hosts.living, floor_ms(self._clock.now()))
        offers = [self._host.resources, self._settings.resources, *(host.resources for host in living)]
        for name, amount in wanted.items():
            if not any(offer.get(name, 0) >= amount for offer in offers):
                others = sorted({resource for offer in offers for resource in offer} - {name})
                raise UnknownName("resource", name, others, _offer(name, amount))


def _after(name: str, trigger: Trigger, now: datetime, catchup: timedelta) -> datetime:
    """Instants up to here are not the schedule's; a single past one within `catchup` still is."""
    if not isinstance(trigger, triggers.At) or trigger.when > now:
        return now
    if now - trigger.when > catchup:
        raise TriggerError(
            f"{trigger} for {name!r} is past by more than its catch-up of {catchup}: give a later one, or run it"
        )
    return trigger.when - _TICK


def _timing_json(trigger: Trigger, anchored: Trigger, after_ms: int, next_ms: int | None) -> dict[str, Any]:
    return {
        "given": str(trigger), "trigger": anchored.stored, "tz": anchored.tz, "after_ms": after_ms,
        "next_ms": next_ms, "patterns": json.dumps(list(trigger.event_patterns)),
    }  # fmt: skip


def _offer(name: str, amount: float) -> str:
    return (
        f"no host offers {amount:g} of it: start one with --resource {name}={amount:g} "
        f"or Runtime(resources={{{name!r}: {amount:g}}})"
    )


def _resources(work: Work, policy: Mapping[str, Any]) -> dict[str, float]:
    """What is taken of a host at most; what waits takes nothing, and what goes away takes of others."""
    wanted: dict[str, float] = {}
    for part, options in leaves(work, policy):
        if isinstance(part, (Wait, Approval)) or _goes(part, options):
            continue
        for name, amount in options.get("resources", {}).items():
            wanted[name] = max(amount, wanted.get(name, 0))
    return wanted


def _any_goes(work: Work, executor: str) -> bool:
    """Whether anything of the work goes away when it is the executor's."""
    options = {**work.policy, "executor": executor}
    return executor != LOCAL and any(_goes(part, its) for part, its in leaves(work, options))


def _goes(part: Work, options: Mapping[str, Any]) -> bool:
    return goes_away(kind_of(part), getattr(part, "where", None), options)


def _params(work: Work) -> dict[str, Any]:
    return {name: encode(value, f"the parameter {name!r}") for name, value in work.params.items()}


def _one_of(name: str, value: str, allowed: Sequence[str]) -> None:
    if value not in allowed:
        raise UnknownName(name, value, allowed, f"use {', '.join(allowed)}")


def _instant(name: str, value: Any) -> datetime | None:
    return None if value is None else triggers.at(value).when


def _schedule_name(name: object) -> str:
    if not isinstance(name, str) or not name.strip():
        raise DefinitionError(f"the schedule's name {name!r} is not a text: give name=")
    return name
