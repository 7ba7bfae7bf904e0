"""The page and a real server: what a kernel starts is followed, and what a button asks for is done."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.ui

OPEN = "() => window.jupyterapp.commands.execute('nbsched:open-panel')"
WORK = """
import nbsched as nb
run = nb.run(nb.shell("echo begun; sleep 1; echo broken >&2; exit 3", name="fragile"))
"""


def test_a_run_of_a_kernel_is_followed_to_its_failure_and_tried_again(open_page: Callable[..., Any]) -> None:
    lab = open_page(WORK)
    lab.page.evaluate(OPEN)
    side = lab.page.locator(".nbs-side")
    row = partial(side.get_by_role, "option")
    side.get_by_role("region", name="Recent runs Section").wait_for()
    lab.run(0, wait=False)
    expect(row(name=re.compile("fragile running"))).to_be_visible(timeout=15_000)
    failed = row(name=re.compile("fragile failed"))
    expect(failed).to_be_visible()
    expect(lab.page.locator(".Toastify__toast")).to_contain_text("fragile failed")
    expect(lab.page.locator(".nbs-status")).to_contain_text("failed today")
    failed.hover()
    failed.get_by_role("button", name="Retry").click()
    expect(failed).to_have_count(2, timeout=10_000)
