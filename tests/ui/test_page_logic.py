"""What the page decides, without a page."""

from __future__ import annotations

import re
from pathlib import Path

from tests.ui.node import run_node

HERE = Path(__file__).parent
VIEW = HERE.parents[1] / "nbsched" / "panel" / "view"


def test_the_page_decides_as_it_should() -> None:
    run_node("--test", str(HERE / "page_logic.test.mjs"))


def test_the_widgets_modules_define_no_name_twice() -> None:
    from nbsched.jupyter.widget import PARTS

    found: dict[str, str] = {}
    for part in PARTS:
        for name in re.findall(
            r"^(?:export )?(?:async )?(?:const|function|class) ([A-Za-z_]\w*)",
            (VIEW / f"{part}.js").read_text("utf-8"),
            re.MULTILINE,
        ):
            assert name not in found, f"{name} is defined in {found[name]}.js and in {part}.js"
            found[name] = part
    assert "Panel" in found


def test_the_widget_joins_every_module_that_its_modules_import() -> None:
    from nbsched.jupyter.widget import PARTS

    for at, part in enumerate(PARTS):
        for needed in re.findall(
            r'^import .* from "\./(\w+)\.js"', (VIEW / f"{part}.js").read_text("utf-8"), re.MULTILINE
        ):
            assert needed in PARTS[:at], f"{part}.js imports {needed}.js, which does not stand before it"
