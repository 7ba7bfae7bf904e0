"""What a running attempt tells of itself, and what it is told."""

from __future__ import annotations

from nbsched.store.database import Db
from nbsched.store.runs import ACTIVE


def tell(
    db: Db,
    run: int,
    fence: int,
    *,
    progress: str | None = None,
    output: str | None = None,
    pid: int | None = None,
    birth: str | None = None,
    cells: str | None = None,
) -> None:
    """What a running attempt tells of itself is in its row."""
    row = db.execute(
        "UPDATE runs SET progress = coalesce(?, progress), output = coalesce(?, output) "
        "WHERE id = ? AND fence = ? AND state = 'running' RETURNING attempt",
        (progress, output, run, fence),
    ).fetchone()
    if row is not None and cells is not None:
        db.execute("INSERT OR REPLACE INTO usage (run, cells) VALUES (?, ?)", (run, cells))
    if row is not None and (pid is not None or output is not None):
        db.execute(
            "UPDATE attempts SET pid = coalesce(?, pid), birth = coalesce(?, birth), output = coalesce(?, output) "
            "WHERE run = ? AND number = ?",
            (pid, birth, output, run, row["attempt"]),
        )


def cancelled_of(db: Db, host: str) -> dict[int, str]:
    """The running runs of the host that are asked to stop, and how."""
    return dict(db.execute(
        f"SELECT id, cancel FROM runs WHERE {ACTIVE} AND cancel IS NOT NULL AND host = ? "
        "AND lane <> 'none'", (host,)
    ).fetchall())  # fmt: skip
