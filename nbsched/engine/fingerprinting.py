"""What the result of a run depends on, as parts: read from its work, its values and its files; nothing is run."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nbsched.core.fingerprints import OUTPUT, SOURCE, Parts, param_part, value_part
from nbsched.core.model import Cell, Notebook, Shell, Work
from nbsched.core.policy import Policy
from nbsched.core.references import Reference, references_in, resolve
from nbsched.engine.code import code_of
from nbsched.engine.files import content, digest, matching, version
from nbsched.engine.lookups import Around
from nbsched.executors.values import marked
from nbsched.store import cache, results

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """A run whose result is asked about."""

    name: str
    pipeline: str | None
    work: Work
    policy: Policy
    given: Mapping[str, Any]
    """Its parameters; references are still in them."""
    kernel: str = ""
    """Whose namespace the work has, if it has one that is not its own."""

    @property
    def takes(self) -> set[str]:
        """The steps whose values it is given."""
        held = [self.given, getattr(self.work, "args", ()), getattr(self.work, "env", {})]
        return {one.path[0] for one in references_in(held) if one.kind == "step"}

    @property
    def values(self) -> Iterator[tuple[str, Any]]:
        """What it is given, by the names of the parts."""
        yield from ((param_part(name, value), value) for name, value in self.given.items())
        yield from ((f"args[{at}]", value) for at, value in enumerate(getattr(self.work, "args", ())))
        yield from ((f"env.{name}", value) for name, value in getattr(self.work, "env", {}).items())


def parts_of(subject: Subject, lookup: Callable[[Reference], Any], left: Mapping[str, Any]) -> Parts:
    """Every part; `left` is what the steps before it left whose values it is not given."""
    work, policy = subject.work, subject.policy
    code = code_of(work, subject.given)
    found: Parts = {"work": value_part([type(work).__name__, subject.pipeline, subject.name])}
    found |= {SOURCE: {**code.source, "name": code.source["name"] or subject.name}}
    found |= {param_part(name, value): value_part(value, name) for name, value in code.defaults.items()}
    found |= {name: value_part(resolve(value, lookup), name) for name, value in subject.values}
    found |= _own(work)
    found |= {f"after {step}": value_part(value) for step, value in left.items()}
    found |= code.parts
    if subject.kernel:
        found["the kernel's process"] = f"={json.dumps(subject.kernel)}"
    found |= {name: value_part(names) for name in ("secrets", "outputs") if (names := getattr(policy, name))}
    return found | {f"input {path}": content(path) for path in matching(policy.inputs)}


def _own(work: Work) -> dict[str, str]:
    """What only this kind of work has."""
    names = {Shell: ("command", "cwd"), Notebook: ("kernel", "cwd"), Cell: ("where",)}.get(type(work), ())
    return {name: value_part(getattr(work, name)) for name in names}


def outputs_of(work: Work, policy: Policy) -> dict[str, Any]:
    """The parts of the files that the run has left."""
    patterns = list(policy.outputs)
    if isinstance(work, Notebook) and work.output:
        patterns.append(str(Path(work.path).parent / work.output))
    return {f"{OUTPUT}{path}": content(path) for path in matching(patterns)}


def inputs_of(policy: Policy) -> Parts:
    """The parts of the files alone, unread: what is known of a run that is not to stand for another."""
    return {f"input {path}": version(path) for path in matching(policy.inputs)}


def digested(stored: Any, folder: Path) -> Any:
    """The stored value, with the marks of frames and arrays in their place; OSError when a file is gone."""
    return marked(stored, folder, lambda path: digest(str(path)))


def left_by(row: Row, around: Around) -> Any:
    """What the step has left that can be compared; where there is nothing, which runs it was.

    What only prepares or waits leaves nothing to be looked at.
    """
    policy, place = Policy.of(json.loads(row["policy"])), around.folder / str(row["id"])
    result = digested(around.database.read(results.result, row["id"]), place)
    named = json.loads(around.database.read(cache.named_of, row["id"]))
    files = {path: content(path)["hash"] for path in matching(policy.outputs)}
    gate = row["setup"] or row["kind"] in ("wait", "approval")
    known = row["state"] != "succeeded" or gate or not _is_nothing(result) or named or files
    makers = [] if known else around.database.read(cache.makers, row["id"])
    return [row["state"], result, digested(named, place), files, makers]


def _is_nothing(result: Any) -> bool:
    if isinstance(result, (list, dict)):
        return all(map(_is_nothing, result.values() if isinstance(result, dict) else result))
    return result is None
