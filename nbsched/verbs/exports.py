"""What is said and written when a pipeline is exported."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from nbsched.core.errors import UsageError
from nbsched.exporting import Exported


def write_export(given: argparse.Namespace, exported: Exported) -> str:
    """The text is in the file that was asked for, and its notes are on stderr; what is left to be shown."""
    shown = str(exported).rstrip("\n")
    if hasattr(given, "file"):
        file = Path(given.file).expanduser()
        try:
            file.write_text(exported, encoding="utf-8")
        except OSError as error:
            raise UsageError(
                f"{given.file!r} cannot be written ({error.strerror}): give another path"
            ) from None
        shown = f"{given.name}: written to {file} for {given.to}"
    for note in exported.notes:
        print(f"not exported: {note}", file=sys.stderr)
    return shown
