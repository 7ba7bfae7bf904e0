"""Fetch from three sources at once, transform, store, notify; one source has to be asked three times.

Run it with `nbsched run notebooks/etl/pipeline.py`.
"""

from __future__ import annotations

import sqlite3
import urllib.request
from contextlib import closing
from pathlib import Path
from urllib.error import HTTPError

import sources

import nbsched as nb

RESULTS = Path(__file__).parent / "results"


@nb.task(retries=4, backoff=nb.Backoff(wait="300ms"), retry_on=HTTPError, timeout="30s")
def fetch(name: str) -> dict[str, object]:
    """The source's answer is in a file; a refusal is worth another try."""
    with urllib.request.urlopen(f"{sources.address()}/{name}", timeout=10) as answer:
        body = answer.read()
    path = RESULTS / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(body)
    print(f"{name}: {len(body)} bytes at attempt {nb.context().attempt}")
    return {"path": str(path), "bytes": len(body)}


@nb.task
def store(table: str) -> int:
    """The table is in SQLite, all of it or, after a crash, what was there before; gives its number of rows."""
    import pandas as pd

    with closing(sqlite3.connect(RESULTS / "measurements.sqlite")) as database, database:
        pd.read_csv(table).to_sql("measurements", database, if_exists="replace", index=False)
        [(rows,)] = database.execute("SELECT count(*) FROM measurements")
    return int(rows)


@nb.task
def notify(rows: int) -> None:
    """Whoever waits for the data is told, in this process or another one on the same store."""
    nb.publish("data.available", {"table": "measurements", "rows": rows})
    print(f"data.available: {rows} rows")


with nb.pipeline("etl") as etl:
    flowers, wines, tumours = (
        fetch.options(name=f"fetch_{name.partition('.')[0]}")(name)
        for name in ("flowers.csv", "wines.json", "tumours.jsonl")
    )
    tidy = nb.notebook(
        "transform.ipynb",
        params={"flowers": flowers["path"], "wines": wines["path"], "tumours": tumours["path"]},
    )
    rows = store(tidy["table"])
    notify(rows)
