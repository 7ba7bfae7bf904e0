"""Real engines, with two workers each, for all tests of a process."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.away.engines import DaskCluster, Redis, Worker, needs
from tests.executors.conftest import assign, told  # noqa: F401 - fixtures


@pytest.fixture(scope="session")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Redis]:
    needs("celery", "redis-server")
    server = Redis(tmp_path_factory.mktemp("redis"))
    yield server
    server.kill()


@pytest.fixture(scope="session")
def celery(redis: Redis, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Worker]:
    worker = Worker(tmp_path_factory.mktemp("celery"), redis.url, "--concurrency", "2")
    yield worker
    worker.kill()


@pytest.fixture(scope="session")
def dask(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DaskCluster]:
    needs("distributed")
    cluster = DaskCluster(tmp_path_factory.mktemp("dask"))
    yield cluster
    cluster.kill()


@pytest.fixture(params=["dask", "celery"])
def engine(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """One of the engines, with two workers that are there."""
    there = request.getfixturevalue(request.param)
    if request.param == "dask":
        monkeypatch.setenv("NBSCHED_DASK_ADDRESS", there.address)
    else:
        monkeypatch.setenv("NBSCHED_CELERY_BROKER", there.broker)
    return str(request.param)
