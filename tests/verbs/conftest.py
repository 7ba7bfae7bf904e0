"""The real engines that work elsewhere is tried with."""

from tests.away.conftest import dask as cluster
from tests.away.conftest import objects, redis

__all__ = ["cluster", "objects", "redis"]
