"""The power fails: the store's files end anywhere, and what is left is a whole store."""

from __future__ import annotations

import random
import shutil
from pathlib import Path

import nbsched as nb
from nbsched.executors.lookup import load_file
from nbsched.store.database import Database

works = load_file(Path(__file__).with_name("works.py"))


def test_a_log_cut_off_anywhere_leaves_a_sound_store_with_what_came_before(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    with nb.Runtime(path) as rt:
        for _ in range(12):
            rt.run(works.rank).wait(10)
        copied = {suffix: (tmp_path / f"store.db{suffix}").read_bytes() for suffix in ("", "-wal")}
    whole = len(copied["-wal"])
    cuts = {0, 32, 31, whole, whole - 1, *random.Random(7).sample(range(whole), 25)}
    seen: list[tuple[int, int]] = []
    for cut in sorted(cuts):
        folder = tmp_path / str(cut)
        folder.mkdir()
        (folder / "store.db").write_bytes(copied[""])
        (folder / "store.db-wal").write_bytes(copied["-wal"][:cut])
        store = Database(folder / "store.db")
        assert store.read(lambda db: db.execute("PRAGMA integrity_check").fetchone()[0]) == "ok"
        (ended,) = store.read(
            lambda db: db.execute("SELECT count(*) FROM runs WHERE state = 'succeeded'").fetchone()
        )
        seen.append((cut, ended))
        store.close()
        shutil.rmtree(folder)
    assert [ended for _, ended in seen] == sorted(ended for _, ended in seen)
    assert seen[-1] == (whole, 12)
