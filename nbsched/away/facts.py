"""What is known of an engine's workers: what they offer, and what they say of themselves when they are asked."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypedDict

import nbsched
from nbsched.away.mismatch import check_needs, check_versions, this_worker
from nbsched.away.parcel import HERE, Header
from nbsched.core.errors import WorkerMismatch


class About(TypedDict):
    """What a worker says of itself."""

    version: str
    python: str
    differs: str
    """Why it can read nothing of what the sender sends; empty if it can."""
    lacks: str
    """What of the sender's needs it has not; empty if nothing."""
    sees: bool
    """Whether it sees the sender's folder of runs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerFacts:
    """One worker as its engine sees it."""

    name: str
    offers: str
    """Its places and resources, or what it takes work from."""
    about: About | None
    trouble: str = ""
    """Why it said nothing of itself."""
    concerns: tuple[str, ...] = ()
    """What in its settings would lose or repeat work, each with the remedy."""


def about(header: Header, name: str) -> About:
    """On a worker: what it says to the sender of the parcel with that header."""
    where = this_worker(name)
    return About(
        version=nbsched.__version__, python=platform.python_version(), differs=_why(check_versions, header, where),
        lacks=_why(check_needs, header, where), sees=os.path.exists(header["mark"]),
    )  # fmt: skip


def trouble(error: BaseException) -> str:
    """Why a worker could not say anything of itself, with the remedy."""
    if isinstance(error, TimeoutError):
        return "it does not answer: its process may be held up; see the worker's log"
    return (
        f"it has no nbsched, or another one than {HERE} here ({error}): "
        f"pip install nbsched=={nbsched.__version__} there"
    )


def _why(check: Callable[[Header, str], None], header: Header, where: str) -> str:
    try:
        check(header, where)
    except WorkerMismatch as error:
        return str(error)
    return ""
