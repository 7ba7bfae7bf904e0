"""The call that makes a step, one function for each kind of work."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Protocol

from nbsched.core.errors import DefinitionError
from nbsched.core.mapping import is_list
from nbsched.core.model import Approval, Cell, Function, Map, Notebook, Pipeline, Shell, Step, Wait, Work
from nbsched.core.references import Reference
from nbsched.exporting.literals import call, keywords, text
from nbsched.exporting.subject import refuse

_INDENT = 4


class Block(Protocol):
    """The pipeline around the step, as it is written."""

    def literal(self, value: Any) -> str: ...
    def option(self, owner: str, value: Any) -> str: ...
    def function(self, ref: str) -> str: ...
    def inside(self, work: Pipeline) -> str: ...


Write = Callable[[Any, Mapping[str, str], Block], str]
"""Gives the call for the work; the mapping is the source of its name and options."""


def step_source(step: Step, block: Block) -> str:
    """The call that makes the step."""
    if isinstance(step.work, Map):
        return _map(step, step.work, block)
    return _written(step, step.work, _options(step, step.work.policy, block), block)


def _written(step: Step, work: Work, options: Mapping[str, str], block: Block) -> str:
    write = _WRITERS.get(type(work))
    if write is None:
        raise refuse(step, "the Python export", "export the steps around it, and add this one by hand")
    return write(work, options, block)


def _options(step: Step, policy: Mapping[str, Any], block: Block) -> dict[str, str]:
    """The name, the policy and what only steps have."""
    found = {"when": step.when, "setup": step.setup, "teardown": step.teardown}
    only = {name: repr(value) for name, value in found.items() if value}
    return {
        "name": text(step.name),
        **{key: block.option(step.name, value) for key, value in policy.items()},
        **only,
    }


def _fields(block: Block, **fields: Any) -> dict[str, str]:
    return {name: block.literal(value) for name, value in fields.items() if value not in (None, {}, ())}


def _notebook(work: Notebook, options: Mapping[str, str], block: Block) -> str:
    fields = _fields(block, params=work.params, output=work.output, kernel=work.kernel, cwd=work.cwd)
    return call("nb.notebook", [text(work.path), *keywords({**fields, **options})], _INDENT)


def _shell(work: Shell, options: Mapping[str, str], block: Block) -> str:
    fields = _fields(block, env=work.env, cwd=work.cwd)
    return call("nb.shell", [text(work.command), *keywords({**fields, **options})], _INDENT)


def _cell(work: Cell, options: Mapping[str, str], block: Block) -> str:
    fields = _fields(block, where=None if work.where == "kernel" else work.where, params=work.params)
    return call("nb.cell", [text(work.source), *keywords({**fields, **options})], _INDENT)


def _function(work: Function, options: Mapping[str, str], block: Block) -> str:
    arguments = {name: block.literal(value) for name, value in work.params.items()}
    return call(_task(work, options, block), [*map(block.literal, work.args), *keywords(arguments)], _INDENT)


def _task(work: Function, options: Mapping[str, str], block: Block) -> str:
    where = _fields(block, where=None if work.where == "thread" else work.where)
    return call(f"{block.function(work.ref)}.options", keywords({**where, **options}), _INDENT)


def _pipeline(work: Pipeline, options: Mapping[str, str], block: Block) -> str:
    arguments = {name: block.literal(value) for name, value in work.params.items()}
    return call(_inner(work, options, block), keywords(arguments), _INDENT)


def _inner(work: Pipeline, options: Mapping[str, str], block: Block) -> str:
    """The inner pipeline under the step's name; its own block has the policy."""
    named = {name: source for name, source in options.items() if name not in work.policy}
    return call(f"{block.inside(work)}.options", keywords(named), _INDENT)


def _wait(work: Wait, options: Mapping[str, str], block: Block) -> str:
    fields = _fields(block, poke=work.poke, match=work.match, params=work.params)
    limited = {"timeout": "None", **fields, **options}
    return call("nb.wait_for", [_awaited(work, block), *keywords(limited)], _INDENT)


def _awaited(work: Wait, block: Block) -> str:
    if work.files is not None:
        return call("nb.file", [text(work.files), f"settle={text(work.settle)}"])
    return block.function(work.ref) if work.ref is not None else text(work.trigger or "")


def _approval(work: Approval, options: Mapping[str, str], block: Block) -> str:
    asked = block.literal(list(work.choices) if work.choices else work.type)
    return call("nb.approve", [text(work.message), *keywords({"type": asked, **options})], _INDENT)


_WRITERS: Mapping[type[Work], Write] = {
    Wait: _wait,
    Approval: _approval,
    Notebook: _notebook,
    Shell: _shell,
    Cell: _cell,
    Function: _function,
    Pipeline: _pipeline,
}


# Mapped steps -------------------------------------------------------------------------------------------


def _map(step: Step, work: Map, block: Block) -> str:
    """What is mapped, without its items, and the lists."""
    options = _options(step, {**work.work.policy, **work.policy}, block)
    lists = {name: block.literal(items) for name, items in work.over.items()}
    chosen = _fields(block, product=work.product or None, chunk=work.chunk, max_parallel=work.max_parallel)
    match work.work:
        case Function() as function:
            mapper, given = f"{_task(function, options, block)}.map", _function_lists(function, lists, block)
        case Pipeline() as pipeline:
            _refuse_other_lists(step, pipeline)
            mapper, given = (
                f"{_inner(pipeline, options, block)}.map",
                keywords({**lists, **_others(pipeline, block)}),
            )
        case other:
            mapper, given = f"{_written(step, _without_items(other), options, block)}.map", keywords(lists)
    return call(mapper, [*given, *keywords(chosen)], _INDENT)


def _function_lists(work: Function, lists: Mapping[str, str], block: Block) -> list[str]:
    """By name, unless another argument is a list, which by name would be mapped as well."""
    others = _others(work, block)
    if work.args or any(map(is_list, _same(work.params).values())):
        return [*lists.values(), *keywords(others)]
    return keywords({**lists, **others})


def _refuse_other_lists(step: Step, work: Pipeline) -> None:
    for name, value in _same(work.params).items():
        if is_list(value):
            raise DefinitionError(
                f"step {step.name!r} maps a pipeline whose {name!r} is a list for every item, which the Python export "
                "cannot tell from a mapped one: make it the default of the inner pipeline's parameter"
            )


def _others(work: Work, block: Block) -> dict[str, str]:
    return {name: block.literal(value) for name, value in _same(work.params).items()}


def _without_items(work: Work) -> Work:
    """The work as it was before it was mapped."""
    if isinstance(work, Shell):
        return replace(work, env=_same(work.env))
    return replace(work, params=_same(work.params))


def _same(given: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in given.items() if not _is_item(value)}


def _is_item(value: Any) -> bool:
    return isinstance(value, Reference) and value.kind == "item"
