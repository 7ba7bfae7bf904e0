"""Which queue of Celery's a piece of work waits in."""

from __future__ import annotations

from collections.abc import Mapping

from nbsched.away.parcel import Parcel
from nbsched.core.errors import UsageError


class Queues:
    """`default` is for what needs no resource; a resource's queue has its name unless `named` says otherwise."""

    def __init__(self, default: str, named: Mapping[str, str]) -> None:
        self._default, self._named = default, named

    @property
    def all(self) -> frozenset[str]:
        """Those that are known to be ours."""
        return frozenset({self._default, *self._named.values()})

    def of(self, parcel: Parcel) -> str:
        """The parcel's queue; UsageError when it needs several resources."""
        wanted = list(parcel.policy.resources)
        if len(wanted) > 1:
            raise UsageError(
                f"{parcel.name!r} needs {', '.join(wanted)}, and a Celery run goes to one queue: give it one resource"
            )
        return self._named.get(wanted[0], wanted[0]) if wanted else self._default
