"""Keeps so many schedules none of which is due: `idling.py nbsched|apscheduler NUMBER FOLDER`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from serve import serve

NUMBER, FOLDER = int(sys.argv[2]), Path(sys.argv[3])


def nothing() -> None: ...


@contextmanager
def nbsched() -> Iterator[None]:
    import nbsched as nb

    with nb.Runtime(FOLDER / "store.db") as runtime:
        for at in range(NUMBER):
            runtime.schedule(nothing, "0 0 1 1 *", name=f"new year {at}")
        yield


@contextmanager
def apscheduler() -> Iterator[None]:
    from apscheduler.jobstores.sqlalchemy import SQLAlchemyJobStore
    from apscheduler.schedulers.background import BackgroundScheduler

    store = SQLAlchemyJobStore(url=f"sqlite:///{FOLDER}/jobs.db")
    scheduler = BackgroundScheduler(jobstores={"default": store})
    scheduler.start()
    for _ in range(NUMBER):
        scheduler.add_job(nothing, "cron", month=1, day=1)
    yield
    scheduler.shutdown()


if __name__ == "__main__":
    with {"nbsched": nbsched, "apscheduler": apscheduler}[sys.argv[1]]():
        serve({})
