"""What cells say: the kinds of their messages, and their text without colours."""

from __future__ import annotations

import re

VALUE_TYPE = "application/vnd.nbsched.value+json"
"""`{"name", "value"}`: a named value, as `core.wire` encodes it."""

SHOWN_TYPE = "application/vnd.nbsched.shown-value+json"
"""The same of a notebook that no run of ours executes: for whoever does, such as papermill alone."""

SIGNAL_TYPE = "application/vnd.nbsched.signal+json"
"""`{"kind": "skip" | "fail" | "retry_later", "reason", "delay_s"}`: how the work wants to end."""

OUTPUTS = frozenset(
    {"stream", "display_data", "execute_result", "update_display_data", "clear_output", "error"}
)
"""The messages that show something, or take it back."""

NO_INPUT = "a scheduled cell cannot ask for input, nobody may be there: use a parameter or nb.approve(...)"
"""Why `input()` fails in a cell that no person has run."""

_COLOUR = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")


def without_colours(text: str) -> str:
    """The text as a terminal without colours would show it."""
    return _COLOUR.sub("", text)
