"""`nbsched serve` and `nbsched schedule`."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading

from nbsched.cli.running import host_given, runtime, visitor
from nbsched.cli.unit import unit
from nbsched.core.errors import UsageError
from nbsched.core.model import Event
from nbsched.engine.paths import default_store
from nbsched.loading.files import StepNotebook, load
from nbsched.options import Parser, params_given, policy_given, schedule_given
from nbsched.stepcells import referring
from nbsched.verbs import Answer
from nbsched.verbs.schedules import echo

LASTING = frozenset({"daemon", "server"})


def serve_words(parser: Parser) -> None:
    """How it is to be a service."""
    parser.add_argument(
        "--unit",
        action="store_true",
        help="print a systemd user unit that serves with these options, and end",
    )


def serve(given: argparse.Namespace) -> int:
    """Schedules fire and runs are carried out here until Ctrl-C or SIGTERM."""
    if hasattr(given, "unit"):
        print(unit(_command(given), os.getcwd(), os.environ), end="")
        return 0
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    with runtime(getattr(given, "store", None), kind="daemon", **host_given(given)) as rt:
        print(f"nbsched serves {rt.store_path}; Ctrl-C stops it", file=sys.stderr, flush=True)
        with rt.subscribe("run.*", tell_run):
            stop.wait()
    return 0


def _command(given: argparse.Namespace) -> list[str]:
    """What serves this store with these options, wherever it is started."""
    store = getattr(given, "store", None)
    path = os.path.abspath(os.path.expanduser(store)) if store else str(default_store())
    words = [sys.executable, "-m", "nbsched", "serve", "--store", path]
    for name in ("slots", "lease", "ageing"):
        words += [f"--{name}", str(getattr(given, name))] if hasattr(given, name) else []
    for name, amount in getattr(given, "resource", ()):
        words += ["--resource", f"{name}={amount:g}"]
    return words


def tell_run(event: Event) -> None:
    """A line for each run that starts or ends."""
    if event.name in ("run.progress", "run.output", "run.value", "run.pending", "run.queued"):
        return
    facts = event.data
    reason = f" ({facts['reason']})" if facts.get("reason") else ""
    step = f".{facts['step']}" if facts.get("step") else ""
    print(f"{event.at.astimezone():%Y-%m-%d %H:%M:%S}  run {facts['id']} {facts['name']}{step} "
          f"{event.name.removeprefix('run.')}{reason}", file=sys.stderr, flush=True)  # fmt: skip


def schedule(given: argparse.Namespace) -> Answer:
    """The file's work is scheduled; a daemon, a server or a kernel fires it."""
    work = load(given.path, getattr(given, "pipeline", None))
    if isinstance(work, StepNotebook):
        raise UsageError(
            f"the steps of {work.path.name} need its kernel: use %pipeline schedule {work.name} in it"
        )
    with visitor(getattr(given, "store", None)) as rt:
        found = rt.schedule(
            work, given.trigger, name=getattr(given, "name", None), params=referring(params_given(given)),
            **schedule_given(given), **policy_given(given),
        )  # fmt: skip
        if not any(host.kind in LASTING for host in rt.hosts()):
            print("nbsched: nothing lives to fire it yet: start `nbsched serve`", file=sys.stderr)
        return echo(found.record)
