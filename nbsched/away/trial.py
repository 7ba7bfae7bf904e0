"""The work by which it is tried out whether workers can be sent any."""

from __future__ import annotations

from pathlib import Path

TRIAL = f"{__name__}:trial"


def trial(file: Path | None = None) -> list[str]:
    """Where the file lies for whoever carries this out, and what is in it; without a file nothing is done."""
    return [str(file), file.read_text()] if file else []
