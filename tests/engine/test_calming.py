"""Calls that come in floods."""

from __future__ import annotations

import anyio
import pytest

from nbsched.engine.calming import FLOOD, TOGETHER_S, Calm

pytestmark = pytest.mark.anyio


async def test_few_calls_are_made_at_once() -> None:
    made: list[int] = []
    calm = Calm(lambda: made.append(1))
    for _ in range(FLOOD - 1):
        calm()
    assert len(made) == FLOOD - 1
    assert not calm.due


async def test_of_a_flood_many_are_made_as_one_and_the_last_is_never_lost() -> None:
    made: list[int] = []
    calm = Calm(lambda: made.append(1))
    for _ in range(100):
        calm()
    assert len(made) == FLOOD - 1
    assert calm.due
    with anyio.move_on_after(5 * TOGETHER_S):
        await anyio.Event().wait()
    assert len(made) == FLOOD
    assert not calm.due
