"""A store in memory, as its verbs see it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from nbsched.store.database import Db, in_memory


def open_db() -> Db:
    return in_memory()


@pytest.fixture
def db() -> Iterator[Db]:
    found = open_db()
    yield found
    found.close()


@pytest.fixture
def another() -> Callable[[], Db]:
    return open_db
