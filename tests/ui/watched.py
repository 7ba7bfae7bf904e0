"""When a person sees what: noted in the page as soon as it has been painted."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator
from typing import Any

PLACES = {"side panel": ".nbs-side", "page": ".nbs.full"}
NOTE = r"""places => {
    window.seen = {};
    const said = /^(\d+) .* (pending|queued|running|succeeded|failed|cancelled|skipped),/;
    const note = () => {
        const fresh = [];
        for (const [place, selector] of Object.entries(places))
            for (const row of document.querySelectorAll(`${selector} .runs [role=option]:not([hidden])`)) {
                const found = said.exec(row.ariaLabel), key = found && `${place} ${found[1]} ${found[2]}`;
                if (key && !(key in window.seen)) { window.seen[key] = 0; fresh.push(key); }
            }
        if (fresh.length) setTimeout(() => fresh.forEach(key => { window.seen[key] = Date.now(); }));
    };
    const what = {subtree: true, childList: true, attributes: true, attributeFilter: ['aria-label', 'hidden']};
    new MutationObserver(note).observe(document.body, what);
}"""
"""Rows change within a frame; what is put off there happens once the frame has been painted."""
FRAMES = """async ([selector, seconds]) => {
    const box = document.querySelector(selector), start = performance.now();
    let frames = 0, worst = 0, last = start;
    while (last - start < 1000 * seconds) {
        const at = await new Promise(requestAnimationFrame);
        frames += 1; worst = Math.max(worst, at - last); last = at;
        if (box) box.scrollTop += frames % 200 < 100 ? 30 : -30;
    }
    return {fps: 1000 * frames / (last - start), worst};
}"""
"""Scrolls what the selector finds, if there is such, and counts frames."""


class Watched:
    """A Lab with side panel and page open side by side, which notes what is seen in them."""

    def __init__(self, context: Any, lab: Any) -> None:
        self.lab, self.page = lab, context.new_page()
        self.asked: list[str] = []
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.side, self.whole = (self.page.locator(place) for place in PLACES.values())
        self.page.goto(lab.url(f"lab/workspaces/watched{id(self)}?token={lab.token}&reset"))
        self.open()

    def open(self) -> None:
        """Side panel and page are in front, and what is seen in them is noted from now on."""
        self.page.wait_for_function("() => window.jupyterapp?.commands.hasCommand('nbsched:open-page')")
        self.command("nbsched:open-page")
        self.command("nbsched:open-panel")
        self.whole.wait_for()
        self.side.get_by_role("region", name="Recent runs Section").wait_for()
        self.page.evaluate(NOTE, PLACES)

    def command(self, name: str, **arguments: Any) -> None:
        self.page.evaluate(
            "([id, args]) => window.jupyterapp.commands.execute(id, args).then(() => null)", [name, arguments]
        )

    def sides(self) -> Iterator[str]:
        """Each side of the chosen run is in front, one after the other."""
        self.page.wait_for_timeout(500)  # what a run has is known with its details
        for name in ("Details", "Output", "Log", "Events", "Compare"):
            tab = self.whole.locator("aside").get_by_role("tab", name=name, exact=True)
            if tab.is_visible():
                tab.click()
                self.page.wait_for_timeout(250)
                yield name

    def seen(self, run: int, state: str) -> dict[str, float]:
        """By place, when the run was seen to be in that state: milliseconds since the epoch."""
        found: dict[str, float] = self.page.evaluate("() => window.seen")
        times = {place: found.get(f"{place} {run} {state}", 0) for place in PLACES}
        return {place: at for place, at in times.items() if at}

    @property
    def requests(self) -> list[str]:
        """What was asked of nbsched."""
        return [url for url in self.asked if "/nbsched/api" in url]

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """The server's answer to a client beside the page."""
        request = urllib.request.Request(
            self.lab.url(f"nbsched/api{path}"),
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"token {self.lab.token}"},
        )
        with urllib.request.urlopen(request, timeout=20) as answer:
            return json.load(answer)
