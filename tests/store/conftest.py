"""A store in memory, as its verbs see it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from nbsched.store import database
from nbsched.store.database import Db


def open_db() -> Db:
    return database._prepared(database._connect(Path(":memory:")), Path(":memory:"))


@pytest.fixture
def db() -> Iterator[Db]:
    found = open_db()
    yield found
    found.close()


@pytest.fixture
def another() -> Callable[[], Db]:
    return open_db
