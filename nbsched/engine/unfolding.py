"""What is in a mapped step, or in a pipeline that is a step, once what it is given is known."""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping, Sequence
from typing import Any

import anyio.to_thread

from nbsched.core.errors import DefinitionError
from nbsched.core.instants import floor_ms
from nbsched.core.mapping import check_side_by_side
from nbsched.core.parameters import bind_params
from nbsched.core.plan import Verdict
from nbsched.core.references import resolve
from nbsched.core.states import Verb
from nbsched.core.wire import decode
from nbsched.engine.carrying import Held, failed_to_prepare, judge, policy_of, report_of
from nbsched.engine.lookups import Lookup
from nbsched.engine.preparing import Row, Surroundings
from nbsched.executors.chunks import EACH
from nbsched.executors.values import store_values
from nbsched.store import runs
from nbsched.store.insert import BOUNDS
from nbsched.store.unfolding import Parts

MOST_ITEMS = 100_000


async def unfold(held: Held, around: Surroundings) -> runs.Settlement:
    """The settlement that makes the parts of the run, or fails it by what is wrong with them."""
    row = held.row
    try:
        parts = await anyio.to_thread.run_sync(parts_of, row, around)
    except Exception as error:
        report = report_of(row, around)
        return judge(row, policy_of(row["policy"]), failed_to_prepare(error), report, around.clock.now())
    return runs.Settlement(
        run=row["id"], fence=row["fence"], verdict=Verdict(Verb.CLAIM), outcome="unfolded", parts=parts,
        ended_ms=floor_ms(around.clock.now()),
    )  # fmt: skip


def parts_of(row: Row, around: Surroundings) -> Parts:
    """The parts; raises what is wrong with the lists or parameters."""
    work, lookup = json.loads(row["work"]), Lookup(row, around)
    if row["kind"] == "pipeline":
        given = resolve(decode(work.get("params", {})), lookup)
        params = bind_params(decode(work.get("declared", {})), given)
        stored = store_values(params, around.folder / str(row["id"]))
        return Parts(work=work, params=json.dumps(stored, ensure_ascii=False))
    items = _items(row["name"], work, lookup)
    if work.get("chunk"):
        items = [{"items": items[at : at + work["chunk"]]} for at in range(0, len(items), work["chunk"])]
    if len(items) > MOST_ITEMS:
        raise DefinitionError(
            f"{row['name']!r} is mapped over {len(items)} items, which is more than {MOST_ITEMS}: use chunk="
        )
    template = _in_chunks(work["work"]) if work.get("chunk") else work["work"]
    texts = [json.dumps(item, ensure_ascii=False) for item in items]
    return Parts(work=template, items=texts, width=_width(work, json.loads(row["policy"])))


def _items(name: str, work: Mapping[str, Any], lookup: Lookup) -> list[dict[str, Any]]:
    """What each item is given, as JSON."""
    lists = {key: _list(name, key, given, lookup) for key, given in work["over"].items()}
    if work.get("product"):
        return [dict(zip(lists, chosen, strict=True)) for chosen in itertools.product(*lists.values())]
    check_side_by_side(name, {key: len(items) for key, items in lists.items()})
    return [dict(zip(lists, chosen, strict=True)) for chosen in zip(*lists.values(), strict=True)]


def _list(name: str, key: str, given: Any, lookup: Lookup) -> Sequence[Any]:
    found = lookup.elements(given)
    if found is None:
        raise DefinitionError(
            f"{name!r} is mapped over {key}, which turned out to be no list: return a list there"
        )
    return found


def _in_chunks(template: Mapping[str, Any]) -> dict[str, Any]:
    """The function's work as that of a function which calls it for each of several items."""
    same = {name: value for name, value in template["params"].items() if not _is_item(value)}
    params = {"ref": template["ref"], "same": same, "items": {"$ref": ["item", "items"]}}
    return {**template, "ref": EACH, "params": params}


def _is_item(value: Any) -> bool:
    return isinstance(value, Mapping) and value.get("$ref", [""])[0] == "item"


def _width(work: Mapping[str, Any], policy: Mapping[str, Any]) -> int | None:
    """How many items are worth admitting at a time: no more than may run at once."""
    bounds = [*policy.get(BOUNDS, {}).values(), *([work["max_parallel"]] if work.get("max_parallel") else [])]
    return min(bounds, default=None)
