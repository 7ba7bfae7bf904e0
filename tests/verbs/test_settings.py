"""Settings are shown without what is secret in them."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbsched.core.settings import VARIABLES
from nbsched.verbs.settings import shown, without_secrets


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in (*VARIABLES, "CELERY_BROKER_URL"):
        monkeypatch.delenv(name, raising=False)


def test_without_a_file_it_is_said_where_one_was_looked_for(tmp_path: Path) -> None:
    absent = f"no nbsched.toml and no [tool.nbsched] in {tmp_path} or above: executor local"
    assert dict(shown()) == {"settings": absent}


def test_each_section_that_says_something_is_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "nbsched.toml"
    file.write_text('executor = "dask"\nfiles = "/f"\n[resources]\ngpu = 2\nram = 0.5\n')
    monkeypatch.setenv("NBSCHED_DASK_WORKERS", "2")
    assert dict(shown()) == {
        "settings": f"{file}: executor dask, files /f, resources gpu=2 ram=0.5",
        "settings [dask]": "workers 2, files /f, limit 64,000,000",
        "settings from the environment": "NBSCHED_DASK_WORKERS",
    }
    monkeypatch.setenv("CELERY_BROKER_URL", "redis://:secret@h/0;redis://a")
    assert dict(shown())["settings [celery]"] == (
        "broker redis://:***@h/0;redis://a, queue nbsched, files /f, limit 64,000,000"
    )


@pytest.mark.parametrize(("url", "seen"), [
    ("redis://localhost:6379/0", "redis://localhost:6379/0"),
    ("amqp://me:secret@h:5672//", "amqp://me:***@h:5672//"),
    ("redis://:se/cr@et@h", "redis://:***@h"),
    ("https://token@h/x", "https://***@h/x"),
    ("redis://h?password=secret&db=1", "redis://h?password=***&db=***"),
    ("redis://h?password=sec@ret", "redis://***"),
    ("redis://:sec?ret@h", "redis://***"),
    ("tcp://10.0.0.1:8786", "tcp://10.0.0.1:8786"),
    ("/shared/runs", "/shared/runs"),
])  # fmt: skip
def test_a_url_is_shown_without_its_secrets(url: str, seen: str) -> None:
    assert without_secrets(url) == seen


_PART = st.text(st.sampled_from("a?@:/#;&=%[]"), max_size=5)


@given(_PART, _PART, st.sampled_from(["u", ""]))
def test_no_password_is_shown_whatever_is_in_it(before: str, behind: str, user: str) -> None:
    assert "X" not in without_secrets(f"redis://{user}:{before}X{behind}@h")
