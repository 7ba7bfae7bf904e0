"""The next instants of cron expressions, beside the libraries that people would use."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from itertools import islice
from statistics import median

import nbsched as nb
from tests.benchmarks.measure import OURS, Spent, in_turns, spent
from tests.benchmarks.results import Report, Row, table

EXPRESSIONS = {
    "every minute": "* * * * *",
    "every 5 minutes": "*/5 * * * *",
    "weekdays at 9": "0 9 * * 1-5",
    "monthly": "0 0 1 * *",
    "29 February": "0 0 29 2 *",
    "lists and steps": "5,35 8-18/2 * * 1,3,5",
}
START = datetime(2026, 1, 1, tzinfo=UTC)


def ours(expression: str, number: int) -> Callable[[], object]:
    trigger = nb.cron(expression, tz="UTC")
    return lambda: list(islice(trigger.walk(START), number))


def croniters(expression: str, number: int) -> Callable[[], object]:
    from croniter import croniter

    def work() -> None:
        found = croniter(expression, START)
        for _ in range(number):
            found.get_next(datetime)

    return work


def cronsims(expression: str, number: int) -> Callable[[], object]:
    from cronsim import CronSim

    return lambda: list(islice(CronSim(expression, START), number))


def one_at_a_time(expression: str, number: int) -> Callable[[], object]:
    """As the scheduler asks: each instant by itself."""
    trigger = nb.cron(expression, tz="UTC")

    def work() -> None:
        at: datetime | None = START
        for _ in range(number):
            assert at is not None
            at = trigger.next(at)

    return work


def report(number: int = 200, rounds: int = 5) -> Report:
    makers = {f"{OURS} walk": ours, f"{OURS} next": one_at_a_time, "croniter": croniters, "cronsim": cronsims}
    rows: list[list[str]] = []
    all_found: list[dict[str, Spent]] = []
    for label, expression in EXPRESSIONS.items():
        works = {name: make(expression, number) for name, make in makers.items()}
        found: dict[str, Spent] = in_turns(
            {name: lambda work=work: spent(work, number) for name, work in works.items()}, rounds
        )
        all_found.append(found)
        rows.append([label, *(f"{found[name].cpu * 1e6:.1f}" for name in makers)])
    took = {name: median(found[name].cpu for found in all_found) * 1e6 for name in makers}
    what = f"Next instant of a cron expression, CPU, median of {len(rows)} expressions"
    return Report(table(f"Cron, CPU µs per instant ({number} in a row, UTC)", ["", *makers], rows), tuple(
        Row(what, took[f"{OURS} walk"], "µs", peer, took[peer], most=most)
        for peer, most in {"croniter": 0.2, "cronsim": 1}.items()
    ))  # fmt: skip
