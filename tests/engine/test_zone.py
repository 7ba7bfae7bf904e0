"""The machine's zone from its variable, its link, its file."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from nbsched.engine import zone


@pytest.fixture(autouse=True)
def a_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(zone, "_LINK", tmp_path / "localtime")
    monkeypatch.setattr(zone, "_NAME_FILE", tmp_path / "timezone")
    monkeypatch.delenv("TZ", raising=False)
    zone._zone_of.cache_clear()
    yield tmp_path
    zone._zone_of.cache_clear()


@pytest.mark.parametrize(
    ("variable", "expected"),
    [
        ("Asia/Tokyo", "Asia/Tokyo"),
        (":Asia/Tokyo", "Asia/Tokyo"),
        ("/usr/share/zoneinfo/Asia/Tokyo", "Asia/Tokyo"),
        ("", "UTC"),
    ],
)
def test_the_variable_comes_first(
    a_machine: Path, monkeypatch: pytest.MonkeyPatch, variable: str, expected: str
) -> None:
    (a_machine / "timezone").write_text("Europe/Berlin\n")
    monkeypatch.setenv("TZ", variable)
    assert zone.machine_zone() == expected


def test_then_the_link_then_the_file_then_utc(a_machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert zone.machine_zone() == "UTC"
    monkeypatch.setenv("TZ", "CET-1CEST")
    (a_machine / "timezone").write_text("Europe/Berlin\n")
    assert zone.machine_zone() == "Europe/Berlin"
    monkeypatch.delenv("TZ")
    zone._zone_of.cache_clear()
    target = a_machine / "zoneinfo" / "America" / "Havana"
    target.parent.mkdir(parents=True)
    target.touch()
    (a_machine / "localtime").symlink_to(target)
    assert zone.machine_zone() == "America/Havana"


def test_a_cron_without_zone_is_in_the_machines() -> None:
    code = "import nbsched as nb; print(nb.cron('0 2 * * *'), nb.parse_trigger('@daily').stored, sep=';')"
    asked = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "TZ": "Asia/Kathmandu"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert asked.stdout.strip() == "0 2 * * * tz Asia/Kathmandu;@daily tz Asia/Kathmandu"
