"""How many kernels are kept ready, and which: with processes that cost nothing."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from nbsched.kernels import ahead
from nbsched.kernels.ahead import Ahead, Ready
from tests.real import until


@pytest.fixture
def kept(monkeypatch: pytest.MonkeyPatch) -> Iterator[Ahead]:
    monkeypatch.setattr(ahead, "MOST", 3)
    kept = Ahead()
    yield kept
    kept.close()


def make() -> Ready:
    process = subprocess.Popen(["sleep", "600"], start_new_session=True)
    connection: Any = {}
    return Ready(TemporaryDirectory(prefix="nbs-"), connection, process, lambda cwd, env: "")


def ready(kept: Ahead) -> int:
    return sum(len(each) for each in kept._ready.values())


def becomes(kept: Ahead, count: int) -> bool:
    until(lambda: ready(kept) == count and not any(kept._making.values()))
    return True


def test_as_many_are_ready_as_were_used_lately_but_not_more_than_the_most(kept: Ahead) -> None:
    assert kept.take("a", make) is None
    assert becomes(kept, 1)
    given = [kept.take("a", make) for _ in range(5)]
    assert given[0] is not None
    assert becomes(kept, 3)
    for one in given:
        if one:
            one.discard()


def test_each_is_given_once_and_only_for_its_kind(kept: Ahead) -> None:
    kept.take("a", make)
    assert becomes(kept, 1)
    assert kept.take("b", make) is None
    first, second = kept.take("a", make), kept.take("a", make)
    assert first is not None
    assert first is not second
    first.discard()
    if second:
        second.discard()


def test_a_dead_one_is_not_given(kept: Ahead) -> None:
    kept.take("a", make)
    assert becomes(kept, 1)
    (waiting,) = kept._ready["a"]
    waiting.process.kill()
    waiting.process.wait()
    assert kept.take("a", make) is None


def test_what_nobody_wants_any_more_is_let_go(kept: Ahead, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ahead, "KEPT_S", 0.2)
    kept.take("a", make)
    assert becomes(kept, 1)
    (waiting,) = kept._ready["a"]
    assert becomes(kept, 0)
    assert waiting.process.wait(10) != 0


def test_what_is_made_after_the_end_is_gone_at_once(kept: Ahead) -> None:
    made: list[Ready] = []

    def slowly() -> Ready:
        kept.close()
        made.append(make())
        return made[0]

    kept.take("a", slowly)
    until(lambda: made and made[0].process.poll() is not None)
    assert ready(kept) == 0


def test_one_that_cannot_be_made_is_not_tried_again_and_again(kept: Ahead) -> None:
    tries: list[int] = []

    def fail() -> Ready:
        tries.append(1)
        raise OSError("no room")

    kept.take("a", fail)
    kept.take("a", fail)
    until(lambda: len(tries) == 2)
    assert becomes(kept, 0)
    assert len(tries) == 2
