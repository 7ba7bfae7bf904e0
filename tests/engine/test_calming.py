"""Calls that come in floods."""

from __future__ import annotations

import pytest

from nbsched.engine.calming import FLOOD, TOGETHER_S, Calm
from nbsched.engine.clock import ticks

pytestmark = pytest.mark.anyio


async def test_few_calls_are_made_at_once() -> None:
    made: list[float] = []
    calm, began = Calm(lambda: made.append(ticks())), ticks()
    for _ in range(FLOOD - 1):
        await calm()
    assert len(made) == FLOOD - 1
    assert ticks() - began < TOGETHER_S


async def test_in_a_flood_each_call_waits_a_moment_and_none_is_lost() -> None:
    made: list[float] = []
    calm = Calm(lambda: made.append(ticks()))
    for _ in range(FLOOD + 3):
        await calm()
    assert len(made) == FLOOD + 3
    assert made[-1] - made[-4] > 3 * TOGETHER_S * 0.9
    assert not calm.due
