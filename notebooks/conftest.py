"""A notebook that takes files of the steps before it is run with its pipeline, by tests/notebooks."""

import os
import shutil

import pytest

collect_ignore = [
    "etl/transform.ipynb",
    "training/deploy.ipynb",
    "training/evaluate.ipynb",
    "training/report.ipynb",
    "training/train.ipynb",
]
PROGRAMS = {"scale_celery.ipynb": "redis-server"}
"""What a notebook starts that pip does not install."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skips a notebook whose program there is not; on CI it is run, and fails."""
    for item in items:
        program = PROGRAMS.get(item.path.name)
        if program and shutil.which(program) is None and "CI" not in os.environ:
            item.add_marker(pytest.mark.skip(reason=f"{program} is not installed: apt-get install {program}"))
