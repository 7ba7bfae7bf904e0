"""Secrets of the work, which only the process that carries it out has."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

from nbsched.core.errors import UsageError
from nbsched.core.model import Error, Outcome
from nbsched.core.redaction import Redaction
from nbsched.executors.valuefiles import ValueFile
from nbsched.executors.values import redact_file


def secret(name: str) -> str:
    """The secret of this environment or keyring; UsageError when there is none."""
    found = os.environ.get(name) or _in_keyring(name)
    if not found:
        raise UsageError(
            f"the secret {name!r} is neither in the environment nor in the keyring: set it where this runs"
        )
    return found


def _in_keyring(name: str) -> str | None:
    try:
        import keyring
    except ImportError:
        return None
    try:
        found: str | None = keyring.get_password("nbsched", name)
    except keyring.errors.KeyringError:  # there is none on this machine
        return None
    return found


def without_secrets(outcome: Outcome, redaction: Redaction, folder: Path) -> Outcome:
    """The outcome redacted, and the texts in its files, which lie in the folder, too."""
    redact, error = redaction.value, outcome.error
    for value in (outcome.result, *outcome.values.values()):
        if isinstance(value, ValueFile) and value.type == "json":
            redact_file(folder / value.file, redaction)
    return replace(
        outcome,
        result=redact(outcome.result),
        values=redact(dict(outcome.values)),
        reason=redact(outcome.reason),
        error=Error.from_json(redact(error.to_json())) if error else None,
    )
