"""Real engines, with two workers each, for all tests of a process."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.away.engines import DaskCluster, ObjectStore, Redis, Worker, needs
from tests.executors.conftest import assign, told  # noqa: F401 - fixtures


@pytest.fixture(scope="session")
def objects(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ObjectStore]:
    needs("moto.server")
    needs("s3fs")
    store = ObjectStore(tmp_path_factory.mktemp("objects"))
    yield store
    store.kill()


@pytest.fixture
def bucket(objects: ObjectStore, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The URL of an object store's bucket, as this process is told of it."""
    import s3fs
    from fsspec.config import conf, set_conf_env

    for name, value in objects.names.items():
        monkeypatch.setenv(name, value)
    set_conf_env(conf)
    yield "s3://bucket/runs"
    s3fs.S3FileSystem.clear_instance_cache()
    conf.pop("s3", None)


@pytest.fixture(scope="session")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Redis]:
    needs("celery", "redis-server")
    server = Redis(tmp_path_factory.mktemp("redis"))
    yield server
    server.kill()


@pytest.fixture(scope="session")
def celery(redis: Redis, objects: ObjectStore, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Worker]:
    folder = tmp_path_factory.mktemp("celery")
    worker = Worker(folder, redis.url, "--concurrency", "2", names=objects.names)
    yield worker
    worker.kill()


@pytest.fixture(scope="session")
def dask(objects: ObjectStore, tmp_path_factory: pytest.TempPathFactory) -> Iterator[DaskCluster]:
    needs("distributed")
    cluster = DaskCluster(tmp_path_factory.mktemp("dask"), objects.names)
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
