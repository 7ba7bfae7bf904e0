"""JupyterLab and its real server, whatever happens between them: what has ended is on the screen in the end."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys

import pytest
from playwright.sync_api import expect

import nbsched as nb
from nbsched.engine.visiting import Visitor
from tests.benchmarks.live import CHANGING, shown
from tests.ui.watched import Watched

pytestmark = [pytest.mark.ui, pytest.mark.timeout(120)]
SEEN = """ids => {
    const row = id => `[role=option][aria-label^="${id} "][aria-label*=" succeeded,"]`;
    const ended = place => id => document.querySelector(`${place} ${row(id)}`);
    return ['.nbs-side .recent', '.nbs.full .runs'].every(place => ids.every(ended(place)));
}"""
HIDE = """hidden => {
    Object.defineProperty(document, 'hidden', {configurable: true, get: () => hidden});
    document.dispatchEvent(new Event('visibilitychange'));
}"""


def changed(watched: Watched, number: int) -> list[int]:
    """The runs of another process, which have ended."""
    command = [sys.executable, str(CHANGING), "after", str(number)]
    done = subprocess.run(command, env=watched.lab.environment, capture_output=True, text=True, check=True)
    return [int(word) for word in done.stdout.split()]


def everything_is_seen(watched: Watched, ids: list[int]) -> None:
    watched.page.wait_for_function(SEEN, arg=ids, timeout=15_000)


def test_what_another_process_does_is_seen_at_once(watched: Watched) -> None:
    times = shown(watched, changed(watched, 5))
    assert {place: len(found) for place, found in times.items()} == {"side panel": 5, "page": 5}
    print(json.dumps(times))
    assert all(statistics.median(found) < 400 for found in times.values())


def test_one_change_is_asked_for_once(watched: Watched, visitor: Visitor) -> None:
    waiting = [visitor.run(nb.approve("Well?", name=f"well {n}")) for n in range(3)]
    watched.page.wait_for_timeout(1500)
    for run in waiting:
        before = len(watched.requests)
        watched.ask("POST", f"/runs/{run.id}/cancel")
        watched.page.wait_for_timeout(700)
        assert len(watched.requests) - before == 1, watched.requests[before:]


def test_after_a_hundred_changes_a_second_every_final_state_is_seen(
    watched: Watched, visitor: Visitor
) -> None:
    before = len(watched.requests)
    subprocess.run([sys.executable, str(CHANGING), "flood", "5"], env=watched.lab.environment, check=True)
    assert len(watched.requests) - before <= 50, "in six seconds"
    ended = visitor.database.read(
        lambda db: dict(
            db.execute("SELECT state, count(*) FROM runs WHERE parent IS NULL GROUP BY state").fetchall()
        )
    )
    for state in ("succeeded", "failed"):
        chip = watched.whole.locator(".chip").filter(has_text=state)
        expect(chip.locator("em")).to_have_text(str(ended[state]), timeout=5000)


def test_after_a_cut_everything_that_has_ended_is_seen_without_a_reload(
    watched: Watched, visitor: Visitor
) -> None:
    watched.page.context.set_offline(True)
    ids = changed(watched, 3)
    expect(watched.side.get_by_text("Offline since")).to_be_visible(timeout=40_000)
    watched.page.context.set_offline(False)
    everything_is_seen(watched, ids)
    expect(watched.side.get_by_text("Offline since")).to_be_hidden()
    everything_is_seen(watched, changed(watched, 1))


def test_after_the_server_was_killed_and_started_again_everything_is_seen_without_a_reload(
    watched: Watched,
) -> None:
    watched.lab.kill()
    ids = changed(watched, 2)
    watched.lab.start()
    everything_is_seen(watched, ids)
    everything_is_seen(watched, changed(watched, 1))


def test_after_the_page_slept_everything_is_seen(watched: Watched) -> None:
    session = watched.page.context.new_cdp_session(watched.page)
    watched.page.evaluate(HIDE, True)
    session.send("Page.setWebLifecycleState", {"state": "frozen"})
    ids = changed(watched, 3)
    session.send("Page.setWebLifecycleState", {"state": "active"})
    watched.page.evaluate(HIDE, False)
    everything_is_seen(watched, ids)
