"""What keeps our threads from holding up the server's loop, which shares the interpreter with them."""

from __future__ import annotations

import gc
import sys

SWITCH_S = 0.001
"""A thread that computes gives way so soon; Python's default, five times as long, adds up with each such thread."""


def leave_room() -> None:
    """The loop waits at most about a millisecond for each busy thread, and not while all that was loaded is searched.

    What the server has loaded by now stays for good, so the garbage collector need not look through it again
    each time that a long list is read: that took up to a tenth of a second, in which no thread runs.
    """
    sys.setswitchinterval(min(SWITCH_S, sys.getswitchinterval()))
    gc.freeze()
