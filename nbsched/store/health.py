"""Whether the store's file is as it should be."""

from __future__ import annotations

from nbsched.store.database import Db


def journal_mode(db: Db) -> str:
    return str(db.execute("PRAGMA journal_mode").fetchone()[0])


def soundness(db: Db) -> str:
    """`ok`, or what SQLite finds wrong with the file."""
    return "; ".join(str(row[0]) for row in db.execute("PRAGMA quick_check"))
