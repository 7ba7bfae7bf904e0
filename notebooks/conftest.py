"""A notebook that takes files of the steps before it is run with its pipeline, by tests/notebooks."""

import os
import shutil
from importlib.util import find_spec

import pytest

collect_ignore = [
    "etl/transform.ipynb",
    "training/deploy.ipynb",
    "training/evaluate.ipynb",
    "training/report.ipynb",
    "training/train.ipynb",
]
NEEDS = {"scale_celery.ipynb": "redis-server", "scale_where.ipynb": "dask_jobqueue"}
"""The program or module of others that a notebook shows."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skips a notebook whose program or module there is not; on CI it is run, and fails."""
    for item in items:
        needed = NEEDS.get(item.path.name)
        if needed and "CI" not in os.environ and not (shutil.which(needed) or find_spec(needed)):
            item.add_marker(pytest.mark.skip(reason=f"{needed} is not installed"))
