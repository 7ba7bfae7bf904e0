"""How soon JupyterLab shows what has changed, how smooth it stays, and what that costs the server."""

from __future__ import annotations

import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import psutil

import nbsched as nb
from tests.benchmarks.results import Report, Row, table

CHANGING = Path(__file__).with_name("changing.py")
MOST_MS, LEAST_FPS, MOST_CPU, MOST_ASKED = 200, 50, 5, 10


def report(number: int = 20, runs: int = 10_000, steps: int = 500, seconds: int = 30) -> Report:
    """Against a real server, in a real browser; where there is none, nothing is measured."""
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if found is None:
        return Report("### JupyterLab, live\n\nneeds Chromium\n")
    from playwright.sync_api import sync_playwright

    from tests.ui.conftest import FLAGS

    with ExitStack() as stack:
        playwright = stack.enter_context(sync_playwright())
        browser = playwright.chromium.launch(executable_path=found, args=FLAGS)
        stack.callback(browser.close)
        return latencies(browser, number) + loads(browser, runs, steps, seconds)


@contextmanager
def watched(browser: Any, *options: str) -> Iterator[Any]:
    """A Lab with side panel and page open, in a home of its own."""
    from tests.ui.conftest import Lab
    from tests.ui.watched import Watched

    with tempfile.TemporaryDirectory() as folder:
        lab = Lab(Path(folder), *options)
        context = browser.new_context(viewport={"width": 1700, "height": 1000})
        try:
            yield Watched(context, lab)
        finally:
            context.close()
            lab.stop()


# -- from a change to its pixels ------------------------------------------------------------------------------


def latencies(browser: Any, number: int) -> Report:
    found: dict[str, dict[str, list[float]]] = {}
    with watched(browser) as page:
        found["a kernel"] = kernel(page, number)
        found["the server"] = server(page, number)
        found["another process"] = another(page, number)
        found["the command line"] = command_line(page, number)
    with watched(browser, "--NbschedExtension.host=False") as page:
        found["a daemon, the server only asks"] = daemon(page, number)
    lines, rows = [], []
    for cause, places in found.items():
        for place, times in sorted(places.items()):
            assert len(times) == number, f"{cause}, {place}: {len(times)} of {number} were seen"
            middle, worst = statistics.median(times), max(times)
            lines.append([cause, place, f"{middle:.0f}", f"{worst:.0f}"])
            rows.append(Row(f"State change to pixels: {cause}, {place}", middle, "ms", most=MOST_MS))
    columns = ["what changes it", "where it is seen", "median ms", f"worst ms of {number}"]
    return Report(table("JupyterLab: from a state change to its pixels", columns, lines), tuple(rows))


def kernel(page: Any, number: int) -> dict[str, list[float]]:
    from jupyter_client.manager import start_new_kernel

    manager, client = start_new_kernel(env=page.lab.environment)
    try:
        code = f"import sys; sys.path.insert(0, {str(CHANGING.parent)!r})\nimport changing\nchanging.after({number})"
        printed: list[str] = []
        hook = lambda message: printed.append(message["content"].get("text", ""))  # noqa: E731
        client.execute_interactive(code, output_hook=hook, timeout=120)
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
    return shown(page, [int(word) for word in "".join(printed).split()])


def another(page: Any, number: int) -> dict[str, list[float]]:
    return shown(page, changed(page, "after", number))


def command_line(page: Any, number: int) -> dict[str, list[float]]:
    """Runs that wait for a person are cancelled, one after the other."""
    ids = changed(page, "waiting", number)
    for run in ids:
        command(page, "cancel", str(run)).wait()
    return shown(page, ids, "cancelled")


def server(page: Any, number: int) -> dict[str, list[float]]:
    with store(page) as calls:
        calls.schedule(nb.shell("true", name="yearly"), "@yearly", name="yearly")
        ids = []
        for _ in range(number):
            ids.append(page.ask("POST", "/schedules/yearly/trigger")["id"])
            page.page.wait_for_timeout(500)
    return shown(page, ids)


def daemon(page: Any, number: int) -> dict[str, list[float]]:
    serving = command(page, "serve")
    try:
        with store(page) as calls:
            ids = []
            for at in range(number):
                ids.append(calls.run(nb.shell("true", name=f"change {at}")).id)
                page.page.wait_for_timeout(500)
            for run in ids:
                calls.get_run(run).wait(20)
        return shown(page, ids)
    finally:
        serving.terminate()
        serving.wait()


def store(page: Any) -> Any:
    from nbsched.engine.visiting import Visitor

    return Visitor(page.lab.store)


def changed(page: Any, *arguments: object) -> list[int]:
    command = [sys.executable, str(CHANGING), *map(str, arguments)]
    done = subprocess.run(command, env=page.lab.environment, capture_output=True, text=True, check=True)
    return [int(word) for word in done.stdout.split()]


def command(page: Any, *arguments: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "nbsched", *arguments], env=page.lab.environment, stdout=subprocess.DEVNULL
    )


def shown(page: Any, ids: Sequence[int], state: str = "succeeded") -> dict[str, list[float]]:
    """By place, milliseconds from each run's end, as the store has it, to its pixels."""
    page.page.wait_for_timeout(1000)
    found: dict[str, list[float]] = {}
    with store(page) as calls:
        for run in ids:
            ended = calls.get_run(run).record.ended_at.timestamp() * 1000
            for place, at in page.seen(run, state).items():
                found.setdefault(place, []).append(at - ended)
    return found


# -- much at once ---------------------------------------------------------------------------------------------


def loads(browser: Any, runs: int, steps: int, seconds: int) -> Report:
    with watched(browser) as page:
        fill(page, runs)
        listed = load(page, f"{runs:,} runs", ["flood", str(seconds + 5)], {
            "side panel": ".nbs-side .recent .scroll", "page": ".nbs.full .runs .scroll",
        }, seconds)  # fmt: skip
        with pipeline(page, steps) as wide:
            page.command("nbsched:open-page", run=wide)
            page.whole.get_by_role("tab", name="Graph").click()
            page.whole.locator("svg").first.wait_for()
            while_it_runs = min(seconds, steps // 40)
            graph = load(page, f"{steps} steps", None, {"page, graph": ".nbs.full .graph"}, while_it_runs)
    return listed + graph


def load(page: Any, what: str, changes: list[str] | None, places: Mapping[str, str], seconds: int) -> Report:
    """A hundred changes a second: frames, the server's processor time and what is asked, all at once."""
    from tests.ui.watched import FRAMES

    feed = changing(page, *changes) if changes else None
    page.page.wait_for_timeout(2000)
    server = psutil.Process(page.lab.process.pid)
    asked, used, began = len(page.requests), used_by(server), time.perf_counter()
    frames = {place: page.page.evaluate(FRAMES, [selector, seconds / len(places)])
              for place, selector in places.items()}  # fmt: skip
    spent = time.perf_counter() - began
    cpu, asked = 100 * (used_by(server) - used) / spent, len(page.requests) - asked
    if feed:
        feed.wait()
    title = f"{what}, 100 changes a second, one client"
    lines = [[place, f"{one['fps']:.1f}", f"{one['worst']:.0f}", f"{cpu:.1f}", f"{asked / spent:.1f}"]
             for place, one in frames.items()]  # fmt: skip
    rows = [Row(f"{title}: frames in the {place}", one["fps"], "per second", least=LEAST_FPS)
            for place, one in frames.items()]  # fmt: skip
    rows.append(Row(f"{title}: server", cpu, "% of a core", most=MOST_CPU))
    rows.append(Row(f"{title}: asked", asked / spent, "per second", most=MOST_ASKED))
    columns = [
        "while scrolling in",
        "frames per second",
        "longest frame ms",
        "server % of a core",
        "requests per second",
    ]
    return Report(table(title, columns, lines), tuple(rows))


def used_by(process: psutil.Process) -> float:
    """Seconds of processor time, without that of its children."""
    times = process.cpu_times()
    return float(times.user + times.system)


def fill(page: Any, runs: int) -> None:
    """So many runs that have ended, as if they had been carried out."""
    from tests.server.test_loop import fill

    with store(page) as calls:
        fill(calls, runs)
    page.page.reload()
    page.open()


def changing(page: Any, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, str(CHANGING), *arguments],
        env=page.lab.environment,
        stdout=subprocess.PIPE,
        text=True,
    )


@contextmanager
def pipeline(page: Any, steps: int) -> Iterator[int]:
    """The run of a wide pipeline, whose steps begin to run."""
    feed = changing(page, "pipeline", str(steps))
    try:
        assert feed.stdout is not None
        run, begin = feed.stdout.readline().split()
        with store(page) as calls:
            calls.resolve(int(begin), True)
        yield int(run)
    finally:
        feed.terminate()
        feed.wait()
