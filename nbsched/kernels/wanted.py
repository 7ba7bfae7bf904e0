"""Which way of making processes is asked for, by work or by the environment."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Literal

from nbsched.core.errors import UsageError

Way = Literal["fork", "pool", "cold"]
WAYS: Sequence[Way] = ("fork", "pool", "cold")
VARIABLE = "NBSCHED_KERNELS"
"""One of the ways: the one for all processes of which nothing else is said."""


def way_of(said: str) -> Way | None:
    """The way that work asks for, or the environment where it leaves it open; None: whichever is soonest."""
    wanted = os.environ.get(VARIABLE, "auto") if said == "auto" else said
    found = next((way for way in WAYS if way == wanted), None)
    if found is None and wanted not in ("auto", ""):
        raise UsageError(f"{VARIABLE} is {wanted!r}: unset it, or set it to fork, pool or cold")
    return found
