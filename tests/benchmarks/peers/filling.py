"""Makes a store with so many schedules or finished runs: `filling.py schedules|runs NUMBER STORE`.

One is made by nbsched, the others are copies of its rows under other names and numbers.
"""

from __future__ import annotations

import sqlite3
import sys
from collections.abc import Mapping
from contextlib import closing

import nbsched as nb

NEXT_YEAR = "0 0 1 1 *"


def copied(db: sqlite3.Connection, table: str, number: int, changed: Mapping[str, str]) -> None:
    """So many more rows for each that the table had; `changed` are columns' expressions of `n`, which counts them."""
    columns = [column for _, column, *_ in db.execute(f"PRAGMA table_info({table})")]
    values = ", ".join(changed.get(column, column) for column in columns)
    db.execute(f"CREATE TEMP TABLE seed AS SELECT * FROM {table}")
    db.execute(
        "WITH RECURSIVE counted (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM counted WHERE n < :number) "
        f"INSERT INTO {table} SELECT {values} FROM counted, seed",
        {"number": number},
    )
    db.execute("DROP TABLE seed")


def schedules(db: sqlite3.Connection, number: int) -> None:
    name = "'filled ' || n"
    copied(db, "schedules", number, {"name": name, "next_ms": "next_ms + n"})
    db.execute("DELETE FROM events WHERE name <> 'schedule.added'")
    last = db.execute("SELECT max(seq) FROM events").fetchone()[0]
    copied(db, "events", number, {"seq": f"{last} + n", "data": f"json_set(data, '$.name', {name})"})


def runs(db: sqlite3.Connection, number: int) -> None:
    db.execute("DELETE FROM events WHERE run IS NULL")
    last, events = db.execute("SELECT max(seq), count(*) FROM events").fetchone()
    copied(db, "runs", number, {"id": "id + n", "seq": "seq + (n << 20)"})
    copied(db, "attempts", number, {"run": "run + n"})
    copied(db, "events", number, {"seq": f"seq + {last + events} * n", "run": "run + n"})


if __name__ == "__main__":
    kind, number, path = sys.argv[1], int(sys.argv[2]), sys.argv[3]
    with nb.Runtime(path) as runtime:
        if kind == "schedules":
            runtime.schedule(nb.shell("true"), NEXT_YEAR, name="filled")
        else:
            runtime.run(nb.shell("true", name="filled")).wait(check=True)
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("PRAGMA synchronous = OFF")
        db.execute("BEGIN")
        {"schedules": schedules, "runs": runs}[kind](db, number - 1)
        db.execute("COMMIT")
