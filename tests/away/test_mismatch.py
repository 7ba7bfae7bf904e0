from __future__ import annotations

from typing import Any

import pytest

import nbsched
from nbsched.away.mismatch import check
from nbsched.away.parcel import PYTHON
from nbsched.core.errors import WorkerMismatch

WELL = {
    "name": "train", "from": "nbsched 1 on Python 3.11", "version": nbsched.__version__, "python": PYTHON,
    "needs": {"kernel": "python3", "packages": ["json"]},
}  # fmt: skip


def test_a_worker_like_its_sender_is_well() -> None:
    check(WELL, "the worker w")


@pytest.mark.parametrize(
    ("what", "said"),
    [
        ({"version": "9.9"}, "has another nbsched: pip install nbsched==9.9 there"),
        ({"python": "3.99"}, "another Python: start workers with Python 3.99"),
        (
            {"needs": {"packages": ["json", "nowhere"]}},
            "has no nowhere, which it imports: install that there",
        ),
        ({"needs": {"kernel": "ir"}}, "has no kernel 'ir' (it has: "),
    ],
)
def test_what_a_worker_lacks_is_said_in_one_sentence_with_both_sides(what: dict[str, Any], said: str) -> None:
    with pytest.raises(WorkerMismatch) as refused:
        check({**WELL, **what}, "the worker w")
    assert str(refused.value).startswith("'train' was sent by nbsched 1 on Python 3.11, and the worker w ")
    assert said in str(refused.value)
