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
NEEDS = {
    "scale_dask.ipynb": "distributed",
    "scale_celery.ipynb": "redis-server",
    "scale_where.ipynb": "dask_jobqueue",
}
"""The notebooks that start workers elsewhere, each with the program or module of others that it shows."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks those notebooks, and skips one that lacks what it needs; on CI it is run, and fails."""
    for item in items:
        if needed := NEEDS.get(item.path.name):
            item.add_marker("engines")
            if "CI" not in os.environ and not (shutil.which(needed) or find_spec(needed)):
                item.add_marker(pytest.mark.skip(reason=f"{needed} is not installed"))
