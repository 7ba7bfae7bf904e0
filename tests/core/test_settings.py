"""What the settings file and the environment say is read, or refused in one sentence."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbsched.core.errors import UsageError
from nbsched.core.settings import VARIABLES, CelerySettings, DaskSettings, Settings, located, settings_of

WHOLE = """
executor = "dask"
files = "/shared"

[resources]
gpu = 1
ram = 0.5

[dask]
address = "tcp://head:8786"
workers = 4
limit = "200 MB"

[celery]
broker = "redis://localhost"
queue = "work"
files = "s3://bucket/runs"

[celery.queues]
gpu = "big"
"""


def read(text: str = "", **environment: str) -> Settings:
    return settings_of(tomllib.loads(text), environment, "nbsched.toml")


def test_a_file_says_what_holds_for_all_work() -> None:
    assert read(WHOLE) == Settings(
        executor="dask", resources={"gpu": 1, "ram": 0.5}, files="/shared",
        dask=DaskSettings(address="tcp://head:8786", workers=4, files="/shared", limit=200_000_000),
        celery=CelerySettings(
            broker="redis://localhost", queue="work", queues={"gpu": "big"}, files="s3://bucket/runs"
        ),
    )  # fmt: skip


def test_nothing_said_is_work_on_this_host() -> None:
    assert read() == Settings()
    assert (Settings().executor, Settings().dask.limit, Settings().celery.queue) == (
        "local",
        64_000_000,
        "nbsched",
    )


def test_the_environment_has_the_last_word() -> None:
    found = read(
        WHOLE, NBSCHED_EXECUTOR="celery", NBSCHED_DASK_ADDRESS="tcp://other:1", NBSCHED_DASK_WORKERS="2",
        NBSCHED_CELERY_BROKER="amqp://q", NBSCHED_CELERY_QUEUE="mine", NBSCHED_FILES="/else",
        NBSCHED_FILES_LIMIT="1KiB",
    )  # fmt: skip
    assert found == Settings(
        executor="celery", resources={"gpu": 1, "ram": 0.5}, files="/else",
        dask=DaskSettings(address="tcp://other:1", workers=2, files="/else", limit=1024),
        celery=CelerySettings(
            broker="amqp://q", queue="mine", queues={"gpu": "big"}, files="/else", limit=1024
        ),
    )  # fmt: skip
    assert read(WHOLE, **dict.fromkeys(VARIABLES, " ")) == read(WHOLE)  # an empty variable says nothing


@pytest.mark.parametrize(("text", "environment", "broker"), [
    ("", {}, None), ("", {"CELERY_BROKER_URL": "redis://c"}, "redis://c"),
    ("celery.broker = 'redis://f'", {"CELERY_BROKER_URL": "redis://c"}, "redis://f"),
    ("", {"CELERY_BROKER_URL": "redis://c", "NBSCHED_CELERY_BROKER": "redis://n"}, "redis://n"),
])  # fmt: skip
def test_celery_s_own_variable_counts_where_nothing_else_is_said(
    text: str, environment: dict[str, str], broker: str | None
) -> None:
    assert read(text, **environment).celery.broker == broker


@pytest.mark.parametrize(("text", "sentence"), [
    ("executer = 'dask'", "nbsched.toml: no setting 'executer': did you mean 'executor'?"),
    ("executor = 'dusk'", "nbsched.toml: no executor 'dusk': did you mean 'dask'?"),
    ("executor = 5", "nbsched.toml: no executor 5: there is 'local', 'dask', 'celery'"),
    ("dask = 'tcp://h'", "nbsched.toml: dask 'tcp://h' is not a table: write what belongs to it under [dask]"),
    ("dask.worker = 4", "nbsched.toml: no [dask] setting 'worker': did you mean 'workers'?"),
    ("dask.address = ''", "nbsched.toml: dask.address '' is not a text: write it in quotes"),
    ("dask.workers = 0", "nbsched.toml: dask.workers 0 is not a whole number of 1 or more: give one"),
    ("dask.workers = true", "nbsched.toml: dask.workers True is not a whole number of 1 or more: give one"),
    ("dask.limit = 'much'", "nbsched.toml: dask.limit 'much' is no size: write it like 500MB, 2GiB or 1000000"),
    ("files = 1", "nbsched.toml: files 1 is not a text: write it in quotes"),
    ("celery.queues = ['a']",
     "nbsched.toml: celery.queues ['a'] is not a table: write what belongs to it under [celery.queues]"),
    ("celery.queues.gpu = 1", "nbsched.toml: celery.queues.gpu 1 is not a text: write it in quotes"),
    ("resources = ['gpu']",
     "nbsched.toml: resources ['gpu'] is not a table: write what belongs to it under [resources]"),
    ("resources.gpu = 0",
     "nbsched.toml: resources: the amount 0 of 'gpu' is not a number above zero: give one"),
])  # fmt: skip
def test_a_mistake_is_one_sentence_with_the_file_and_the_key(text: str, sentence: str) -> None:
    with pytest.raises(UsageError) as refused:
        read(text)
    assert str(refused.value) == sentence


@pytest.mark.parametrize(("variable", "value", "sentence"), [
    ("NBSCHED_EXECUTOR", "dusk", "NBSCHED_EXECUTOR: no executor 'dusk': did you mean 'dask'?"),
    ("NBSCHED_DASK_WORKERS", "two", "NBSCHED_DASK_WORKERS 'two' is not a whole number of 1 or more: give one"),
    ("NBSCHED_DASK_WORKERS", "0", "NBSCHED_DASK_WORKERS 0 is not a whole number of 1 or more: give one"),
    ("NBSCHED_FILES_LIMIT", "x", "NBSCHED_FILES_LIMIT 'x' is no size: write it like 500MB, 2GiB or 1000000"),
])  # fmt: skip
def test_a_mistake_in_the_environment_names_the_variable(variable: str, value: str, sentence: str) -> None:
    with pytest.raises(UsageError) as refused:
        read(**{variable: value})
    assert str(refused.value) == sentence


def test_folders_are_placed_and_urls_are_not() -> None:
    found = located(read("files = 'runs'\ncelery.files = 's3://b/runs'"), "/home/{}".format)
    assert (found.files, found.dask.files, found.celery.files) == ("/home/runs", "/home/runs", "s3://b/runs")
    assert located(Settings(), "/home/{}".format) == Settings()


_NAMES = st.sampled_from(
    ["executor", "files", "resources", "dask", "celery", "address", "workers", "limit", "broker", "queue", "queues"]
) | st.text(max_size=5)  # fmt: skip
_VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.sampled_from(["dask", "2GB", "x", ""]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(_NAMES, inner, max_size=3),
)


@given(
    st.dictionaries(_NAMES, _VALUES, max_size=4), st.dictionaries(st.sampled_from([*VARIABLES]), st.text())
)
def test_whatever_is_written_is_read_or_refused(data: dict[str, Any], environment: dict[str, str]) -> None:
    try:
        found = settings_of(data, environment, "here")
    except UsageError as error:
        sentence = str(error)
    else:
        sentence = f"here: {found}"
    assert sentence.startswith(("here: ", "NBSCHED_"))
