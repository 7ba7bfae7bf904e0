from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbsched.core.errors import UsageError
from nbsched.core.sizes import size


@pytest.mark.parametrize(("text", "found"), [
    ("500", 500), ("500MB", 500_000_000), (" 500 MB ", 500_000_000), ("2GiB", 2 * 1024**3), ("1.5k", 1500),
    ("1 TB", 10**12), ("0", 0), (7, 7), (0, 0), ("100 b", 100),
])  # fmt: skip
def test_sizes_are_read_as_people_write_them(text: object, found: int) -> None:
    assert size("limit", text) == found


@pytest.mark.parametrize(
    "wrong", ["", "much", "-1", -1, True, None, 1.5, "1 PB", "1 MB more", "½ MB", "٣ MB", [], "MB"]
)
def test_what_is_no_size_is_refused_with_its_name(wrong: object) -> None:
    with pytest.raises(UsageError, match=r"^limit .* is no size: write it like 500MB, 2GiB or 1000000$"):
        size("limit", wrong)


@given(st.text(max_size=12) | st.from_regex(r"\A[0-9]{1,400}(\.[0-9]{1,9})? ?[kKmMgGtT]?i?[bB]?\Z"))
def test_whatever_is_written_is_a_size_or_refused(text: str) -> None:
    try:
        found = size("limit", text)
    except UsageError:
        found = 0
    assert found >= 0
