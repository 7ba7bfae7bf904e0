"""Fan-out known only at run time: a work over lists."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from nbsched.core.conditions import Operand
from nbsched.core.errors import DefinitionError
from nbsched.core.model import Cell, Function, Map, Notebook, Pipeline, Shell, Work
from nbsched.core.references import Reference

_LIST = "give it a list, a step, or a value of one"


def mapped(
    work: Work, over: Mapping[str, Any], *, product: bool = False, chunk: int | None = None,
    max_parallel: int | None = None,
) -> Map:  # fmt: skip
    """The work over the lists, by the parameter (of a shell command: the variable) that gets their items."""
    if not isinstance(work, (Cell, Function, Notebook, Pipeline, Shell)):
        kind = type(work).__name__.lower()
        raise DefinitionError(f"{work.name!r} is a {kind}, which cannot be mapped: map what it carries out")
    if not over:
        raise DefinitionError(f"{work.name!r} is mapped over nothing: {_LIST}")
    lists = {name: _items(work.name, name, items) for name, items in over.items()}
    _check_lengths(work.name, lists, product)
    _check_count(work.name, "max_parallel", max_parallel)
    _check_count(work.name, "chunk", chunk)
    if chunk and (not isinstance(work, Function) or work.args):
        raise DefinitionError(
            f"{work.name!r}: chunk= is for functions whose arguments have names: leave it out"
        )
    rule = {name: value for name, value in work.policy.items() if name == "rule"}
    own = {name: value for name, value in work.policy.items() if name != "rule"}
    template = with_items(replace(work, policy=own), lists)
    return Map(
        name=work.name, work=template, over=lists, product=product, chunk=chunk, max_parallel=max_parallel,
        policy=rule,
    )  # fmt: skip


def is_list(value: Any) -> bool:
    """Whether the value is a list, or stands for one that is not known yet."""
    return isinstance(value, (list, tuple, range, Operand, Reference))


def _items(work: str, name: str, items: Any) -> Any:
    if isinstance(items, (Operand, Reference)):
        return items
    if isinstance(items, (str, bytes, Mapping)) or not isinstance(items, Iterable):
        raise DefinitionError(f"{work!r} is mapped over {name}={items!r}, which is no list: {_LIST}")
    return list(items)


def _check_lengths(work: str, lists: Mapping[str, Any], product: bool) -> None:
    lengths = {name: len(items) for name, items in lists.items() if isinstance(items, list)}
    if not product:
        check_side_by_side(work, lengths)


def check_side_by_side(work: str, lengths: Mapping[str, int]) -> None:
    """DefinitionError when lists of these lengths cannot stand side by side."""
    if len(set(lengths.values())) > 1:
        found = ", ".join(f"{name} has {length}" for name, length in lengths.items())
        raise DefinitionError(
            f"{work!r} is mapped over lists of different lengths ({found}): make them equal, "
            "or use nb.product_map for every combination"
        )


def _check_count(work: str, option: str, value: object) -> None:
    if value is not None and (type(value) is not int or value < 1):
        raise DefinitionError(f"{work!r}: {option} {value!r} is no whole number above 0: give one")


def with_items(work: Work, names: Iterable[str]) -> Work:
    """The work with an item of each name among what it is given."""
    items = {name: Reference("item", (name,)) for name in names}
    if isinstance(work, Shell):
        return replace(work, env={**work.env, **items})
    if isinstance(work, Function):
        items = {name: item for name, item in items.items() if item not in work.args}
    return replace(work, params={**work.params, **items})
