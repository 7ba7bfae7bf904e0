"""The pictures of README and of the tour can be taken again at any time."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TOUR = (ROOT / "notebooks" / "lab.ipynb").read_text()
SHOWN = sorted(set(re.findall(r"\(pictures/(\w+\.png)\)", TOUR)))


@pytest.mark.pictures
@pytest.mark.timeout(300)
def test_the_script_takes_every_picture_of_the_tour_and_none_is_blank(tmp_path: Path, chromium: str) -> None:
    from PIL import Image

    subprocess.run(
        [sys.executable, "-m", "tests.ui.pictures", tmp_path], cwd=ROOT, check=True, timeout=280,
        env=os.environ | {"NBSCHED_CHROMIUM": chromium},
    )  # fmt: skip
    assert sorted(path.name for path in tmp_path.iterdir()) == SHOWN
    for path in tmp_path.iterdir():
        with Image.open(path) as image:
            assert image.width == 1400
            assert len(image.convert("RGB").getcolors(1 << 24)) > 50, path.name


def test_the_tours_pictures_are_there_and_light() -> None:
    for name in SHOWN:
        assert 10_000 < (ROOT / "notebooks" / "pictures" / name).stat().st_size < 150_000, name
