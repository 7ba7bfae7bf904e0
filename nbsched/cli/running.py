"""`nbsched run`, and what else stays until a run has ended."""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Callable, Collection
from datetime import datetime
from typing import TYPE_CHECKING, Any

from nbsched.cli import terminal
from nbsched.cli.kernel import steps_in_a_kernel
from nbsched.core.errors import UsageError
from nbsched.core.panel import Line
from nbsched.core.states import State
from nbsched.loading.files import StepNotebook, load
from nbsched.options import Parser, add_params, number, params_given, policy_given, whole
from nbsched.store import showing
from nbsched.verbs import VERBS, Answer
from nbsched.verbs.why import ask

if TYPE_CHECKING:
    from nbsched.engine.calls import Calls
    from nbsched.engine.live import Run
    from nbsched.engine.runtime import Runtime
    from nbsched.engine.visiting import Visitor

EXIT = {State.SUCCEEDED: 0, State.SKIPPED: 0, State.FAILED: 1, State.CANCELLED: 130}


def path_words(parser: Parser) -> None:
    """PATH and what is chosen in it."""
    parser.add_argument("path", metavar="PATH", help="a notebook, or a Python file that defines a pipeline")
    add_params(parser)
    _pipeline_option(parser)


def name_or_path(parser: Parser) -> None:
    """NAME or PATH and what is chosen in it."""
    help_ = "what ran last under this name; or a notebook, or a Python file that defines a pipeline"
    parser.add_argument("name", metavar="NAME|PATH", help=help_)
    _pipeline_option(parser)


def _pipeline_option(parser: Parser) -> None:
    parser.add_argument("--pipeline", metavar="NAME", help="which pipeline, where the file defines several")


def host_words(parser: Parser) -> None:
    """What a host offers."""
    parser.add_argument(
        "--slots", type=whole, metavar="N", help="how many runs at once; default the number of cores"
    )
    parser.add_argument(
        "--resource",
        action="append",
        type=_resource,
        metavar="NAME=N",
        help="a named slot it offers, such as gpu=1; without any those of nbsched.toml",
    )
    parser.add_argument(
        "--lease", metavar="TIME", help="how long after its death another host takes over (10s)"
    )
    parser.add_argument(
        "--ageing", metavar="TIME", help="what waits gains one priority each so long, so that nothing starves"
    )


def _resource(text: str) -> tuple[str, float]:
    name, _, amount = text.partition("=")
    return name, number(amount)


def host_given(given: argparse.Namespace) -> dict[str, Any]:
    """The host's options that were given, as arguments of a runtime."""
    found = {name: getattr(given, name) for name in ("slots", "lease", "ageing") if hasattr(given, name)}
    return found | ({"resources": dict(given.resource)} if hasattr(given, "resource") else {})


def runtime(store: str | None, kind: str = "script", **host: Any) -> Runtime:
    """A runtime of this process on the store."""
    from nbsched.engine.runtime import Runtime

    return Runtime(store, kind=kind, **host)


def visitor(store: str | None) -> Visitor:
    """The store, asked by a process that does not work for it."""
    from nbsched.engine.visiting import Visitor

    return Visitor(store)


def run(given: argparse.Namespace) -> int:
    """The file's work has run; the exit code says how it ended."""
    params, policy = params_given(given), policy_given(given)
    store, host = getattr(given, "store", None), host_given(given)
    work = load(given.path, getattr(given, "pipeline", None))
    with runtime(store, **host) as rt:
        if isinstance(work, StepNotebook):
            with steps_in_a_kernel(rt, work, params, policy, host) as id_:
                return follow(rt, rt.get_run(id_), given)
        return follow(rt, rt.run(work, params, **policy), given)


def why(given: argparse.Namespace) -> Answer:
    """What of the file's work, or of what ran last under the name, would run again now, and why."""
    work: Any = given.name
    if given.name.endswith((".py", ".ipynb")):
        work = load(given.name, getattr(given, "pipeline", None))
    if isinstance(work, StepNotebook):
        raise UsageError(
            f"the steps of {work.path.name} need its kernel: use %pipeline why {work.name} in it"
        )
    with visitor(getattr(given, "store", None)) as rt:
        return ask(rt, work, given)


def follow(rt: Calls, run: Run, given: argparse.Namespace, wait: Callable[[Run], bool] | None = None) -> int:
    """The run has ended, its progress was shown and its table is printed; the exit code.

    `wait` returns when it has ended, and whether a person ended it; else Ctrl-C does.
    """
    interrupted = False

    def look() -> tuple[list[Line], datetime]:
        return rt.database.read(showing.lines, run.id), rt.clock.now().astimezone()

    with terminal.progress(look):
        interrupted = (wait or _wait)(run)
    if hasattr(given, "json"):
        print(VERBS["show"].do(rt, argparse.Namespace(id=run.id)).json)
    else:
        lines, now = look()
        terminal.print_table(lines, now)
        _say_why(rt, run.id, [row["id"] for _, row in lines if row["state"] == State.FAILED])
    return 130 if interrupted and run.state is not State.SUCCEEDED else EXIT[run.state]


def exit_code(rt: Calls, run: Run) -> int:
    """The exit code of the run, which has ended; a failure is said on stderr."""
    if run.state is State.FAILED:
        _say_why(rt, run.id, [run.id])
    return EXIT[run.state]


def _wait(run: Run) -> bool:
    """The run has ended; True when a person's Ctrl-C (or a SIGTERM) ended it. A second one does not wait."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        run.wait()
    except KeyboardInterrupt:
        if not run.state.final:
            run.cancel()
        run.wait()
        return True
    finally:
        signal.signal(signal.SIGTERM, before)
    return False


def _say_why(rt: Calls, whole: int, failed: Collection[int]) -> None:
    """One line on stderr for each failed part, with where to read more; the last one for the whole run."""
    for record in sorted(rt.database.read(showing.some, failed), key=lambda one: (one.id == whole, one.id)):
        if record.id == whole or (record.error and record.kind != "pipeline"):
            why = record.error or record.reason or "a step failed"
            print(
                f"nbsched: run {record.id} of {record.name} failed: {why} (nbsched show {record.id})",
                file=sys.stderr,
            )
