"""In SQL: runs in runs."""

from __future__ import annotations

PARTS = """(
WITH RECURSIVE part (id) AS (
  SELECT id FROM runs WHERE parent = :run UNION ALL SELECT r.id FROM part JOIN runs r ON r.parent = part.id
) SELECT id FROM part)"""
"""The runs in the run :run, however deep."""
