from __future__ import annotations

import json
import math
import os
import stat
import subprocess
import sys
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nbsched.core.errors import StoreError, UsageError, ValueNotStorable, ValueTooLarge
from nbsched.executors.valuefiles import DEFAULT_LIMIT, Figure, ValueFile, size_limit
from nbsched.executors.values import (
    INLINE_LIMIT,
    check_storable,
    keep,
    load_values,
    refer,
    store_values,
)

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda parts: (
        st.lists(parts, max_size=4) | st.dictionaries(st.text() | st.just("$file"), parts, max_size=4)
    ),
    max_leaves=10,
)


def through(value: Any, folder: Path) -> Any:
    """What comes back when the JSON has been written and read as text."""
    stored = json.loads(json.dumps(store_values({"x": value}, folder), allow_nan=False))
    return load_values(stored, folder)["x"]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=50)
@given(value=JSON)
def test_every_json_value_comes_back_as_itself(value: Any, tmp_path: Path) -> None:
    assert through(value, tmp_path) == value
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "value",
    [math.inf, -math.inf, date(2026, 1, 2), datetime(2026, 1, 2, 3, tzinfo=UTC), timedelta(minutes=3)],
)
def test_what_json_lacks_comes_back_as_itself(value: Any, tmp_path: Path) -> None:
    back = through({"deep": [value]}, tmp_path)["deep"][0]
    assert back == value
    assert type(back) is type(value)


def test_nan_comes_back_as_nan(tmp_path: Path) -> None:
    assert math.isnan(through(math.nan, tmp_path))


def test_a_tuple_becomes_a_list(tmp_path: Path) -> None:
    assert through((1, (2, 3)), tmp_path) == [1, [2, 3]]


@pytest.mark.parametrize(
    ("value", "plain"),
    [
        (np.int64(3), 3),
        (np.float32(0.5), 0.5),
        (np.bool_(True), True),
        (np.str_("a"), "a"),
        (np.datetime64("2026-01-02T03:04:05", "ns"), datetime.fromisoformat("2026-01-02T03:04:05")),
        (np.timedelta64(3, "m"), timedelta(minutes=3)),
    ],
)
def test_numpy_scalars_become_python_s(value: Any, plain: Any, tmp_path: Path) -> None:
    back = through(value, tmp_path)
    assert back == plain
    assert type(back) is type(plain)


def test_json_over_the_limit_goes_to_a_file_of_the_folder(tmp_path: Path) -> None:
    just_fits, too_large = "x" * (INLINE_LIMIT - 2), "x" * (INLINE_LIMIT - 1)
    stored = store_values({"fits": just_fits, "large": too_large}, tmp_path)
    assert stored["fits"] == just_fits
    assert stored["large"] == {"$file": stored["large"]["$file"], "type": "json"}
    assert [path.name for path in tmp_path.iterdir()] == [stored["large"]["$file"]]
    assert load_values(stored, tmp_path) == {"fits": just_fits, "large": too_large}


def test_a_frame_comes_back_as_itself_also_inside_a_mapping(tmp_path: Path) -> None:
    frame = pd.DataFrame(
        {
            "n": [1, 2],
            "text": ["a", None],
            "at": pd.to_datetime(["2026-01-01", "2026-01-02"]),
            "c": [1.5, math.nan],
        },
        index=pd.Index(["p", "q"], name="key"),
    )
    frame["kind"] = pd.Categorical(["u", "v"])
    back = through({"frames": [frame]}, tmp_path)["frames"][0]
    pd.testing.assert_frame_equal(back, frame)


@pytest.mark.parametrize(
    "array",
    [
        np.arange(6).reshape(2, 3),
        np.array(1.5),
        np.array(["a", "bc"]),
        np.array([(1, 2.0)], dtype=[("a", "i4"), ("b", "f8")]),
        np.zeros((0, 3), dtype=np.float32),
    ],
)
def test_an_array_comes_back_as_itself(array: Any, tmp_path: Path) -> None:
    back = through(array, tmp_path)
    assert back.dtype == array.dtype
    np.testing.assert_array_equal(back, array)


PNG = b"\x89PNG\r\n\x1a\n"


def drawn() -> Any:
    from matplotlib.figure import Figure as Drawing

    figure = Drawing(figsize=(1, 1))
    figure.add_subplot().plot([1, 2])
    return figure


def test_a_figure_comes_back_as_an_image_that_a_notebook_shows(tmp_path: Path) -> None:
    back = through({"plots": [drawn()]}, tmp_path)["plots"][0]
    assert isinstance(back, Figure)
    assert back._repr_png_().startswith(PNG)
    assert back.path.parent == tmp_path
    assert os.fspath(back) == str(back) == str(back.path)


def test_a_stored_figure_can_be_stored_by_another_run(tmp_path: Path) -> None:
    back = through(drawn(), tmp_path / "1")
    again = through(back, tmp_path / "2")
    assert again.path.parent == tmp_path / "2"
    assert again._repr_png_() == back._repr_png_()


def test_what_draws_itself_is_a_figure_and_one_that_cannot_be_drawn_is_refused(tmp_path: Path) -> None:
    class Plot:
        def savefig(self, file: Any, format: str) -> None:
            raise ZeroDivisionError("no data")

    with pytest.raises(ValueNotStorable, match=r"'x' is a Plot that cannot be drawn .*no data"):
        store_values({"x": Plot()}, tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_file_is_kept_as_it_is_now_under_its_own_name(tmp_path: Path) -> None:
    source, folder = tmp_path / "prices 2026.csv", tmp_path / "run"
    source.write_text("old")
    stored = store_values({"x": source}, folder)
    source.write_text("new and longer")
    source.unlink()
    back = load_values(json.loads(json.dumps(stored)), folder)["x"]
    assert isinstance(back, Path)
    assert (back.name, back.read_text()) == ("prices 2026.csv", "old")
    assert back.is_relative_to(folder)
    assert stat.S_IMODE(back.stat().st_mode) == 0o600


def test_values_are_found_where_their_folder_has_gone(tmp_path: Path) -> None:
    source = tmp_path / "a.txt"
    source.write_text("kept")
    stored = store_values({"x": source, "fig": drawn()}, tmp_path / "here")
    (tmp_path / "here").rename(tmp_path / "there")
    back = load_values(stored, tmp_path / "there")
    assert back["x"].read_text() == "kept"
    assert back["fig"]._repr_png_().startswith(PNG)


@pytest.mark.parametrize(
    ("path", "named"),
    [
        (".", r"'x' is a path of a folder, .*give a file of it"),
        ("nosuch.csv", "'x' is a path .*no file, .*write the file first"),
    ],
)
def test_a_path_that_is_no_file_is_refused_with_a_remedy(path: str, named: str, tmp_path: Path) -> None:
    for storing in (
        lambda value: store_values({"x": value}, tmp_path),
        lambda value: check_storable(value, "x"),
    ):
        with pytest.raises(ValueNotStorable, match=named.replace("no file: write", "no file.*write")):
            storing(tmp_path / path)
    assert not list(tmp_path.iterdir())


def test_an_arrow_table_comes_back_as_one(tmp_path: Path) -> None:
    import pyarrow as pa

    table = pa.table({"a": [1, None], "b": ["x", "y"]})
    assert through(table, tmp_path).equals(table)


@pytest.mark.parametrize("make", ["json", "frame", "array", "figure", "file"])
def test_a_value_over_the_limit_is_refused_and_leaves_no_file(
    make: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = tmp_path / "big.bin"
    source.write_bytes(b"x" * 200_000)
    value = {"json": lambda: "x" * 200_000, "frame": lambda: pd.DataFrame({"a": [1] * 100}), "figure": drawn,
             "array": lambda: np.zeros(100_000), "file": lambda: source}[make]()  # fmt: skip
    monkeypatch.setenv("NBSCHED_VALUE_LIMIT", "100")
    with pytest.raises(ValueTooLarge, match=r"'x' has .* one value may have 100 bytes: give less") as refused:
        store_values({"x": value}, tmp_path / "run")
    assert refused.value.limit == 100
    assert refused.value.size > 100
    assert not list((tmp_path / "run").glob("*"))


@pytest.mark.parametrize(
    ("text", "size"),
    [("100", 100), ("2MB", 2_000_000), ("1.5 kib", 1536), ("2GiB", 2 << 30), ("", DEFAULT_LIMIT)],
)
def test_the_limit_is_read_as_people_write_sizes(
    text: str, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NBSCHED_VALUE_LIMIT", text)
    assert size_limit() == size


def test_a_limit_that_is_no_size_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NBSCHED_VALUE_LIMIT", "plenty")
    with pytest.raises(UsageError, match="NBSCHED_VALUE_LIMIT 'plenty' is no size"):
        size_limit()


def test_errors_about_values_can_be_sent_between_processes() -> None:
    import pickle

    for error in (ValueTooLarge("x", 2000, 1000), ValueNotStorable("x", "lock", "do without")):
        again = pickle.loads(pickle.dumps(error))
        assert (type(again), str(again), vars(again)) == (type(error), str(error), vars(error))


class Model:
    pass


def holds_itself() -> list[Any]:
    loop: list[Any] = []
    loop.append(loop)
    return loop


@pytest.mark.parametrize(
    ("value", "named"),
    [
        (Model(), "'x' is a Model"),
        ({"deep": [Model()]}, "x['deep'][0]"),
        ({1: 2}, "x[1]"),
        (b"bytes", "'x' is a bytes"),
        ({1, 2}, "'x' is a set"),
        (1j, "'x' is a complex"),
        (np.complex128(1j), "'x' is a complex"),
        (np.longdouble(1), "'x' is a longdouble"),
        (np.datetime64("NaT"), "'x' is a datetime64"),
        (np.array([Model()]), "ndarray of Python objects"),
        (np.ma.masked_array([1, 2], [0, 1]), "'x' is a MaskedArray"),
        (pd.Series([1]), "'x' is a Series"),
        (pd.NaT, "'x' is a NaTType"),
        (holds_itself(), "holds itself"),
        pytest.param(10**5000, "int that JSON cannot hold", id="digits"),
    ],
)
def test_anything_else_is_refused_by_name_and_nothing_is_written(
    value: Any, named: str, tmp_path: Path
) -> None:
    with pytest.raises(ValueNotStorable) as refused:
        store_values({"x": value}, tmp_path)
    assert named in str(refused.value)
    with pytest.raises(ValueNotStorable):
        check_storable(value, "x")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "frame",
    [pd.DataFrame({"mixed": [1, "a"]}), pd.DataFrame([[1, 2]], columns=["a", "a"])],
    ids=["mixed", "twice"],
)
def test_a_frame_that_parquet_cannot_hold_is_refused_by_name(frame: Any, tmp_path: Path) -> None:
    with pytest.raises(ValueNotStorable, match="'x' is a DataFrame that Parquet cannot hold"):
        store_values({"x": frame}, tmp_path)
    assert not list(tmp_path.iterdir())


def test_without_pyarrow_the_error_names_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ValueNotStorable, match=r"nbsched\[data\]"):
        store_values({"x": pd.DataFrame({"a": [1]})}, tmp_path)


def test_files_are_readable_by_their_owner_only(tmp_path: Path) -> None:
    store_values({"x": np.arange(3)}, tmp_path)
    assert [stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()] == [0o600]


def test_a_value_kept_is_not_changed_by_what_is_done_later(tmp_path: Path) -> None:
    scores, frame = [1], pd.DataFrame({"a": [1]})
    kept = {"scores": keep(scores, "scores", tmp_path), "frame": keep(frame, "frame", tmp_path)}
    scores.append(2)
    frame["a"] = 9
    assert isinstance(kept["frame"], ValueFile)
    back = load_values(store_values(kept, tmp_path), tmp_path)
    assert back["scores"] == [1]
    assert back["frame"]["a"].tolist() == [1]
    assert len(list(tmp_path.iterdir())) == 1


def test_a_reference_is_passed_on_without_reading_its_file(tmp_path: Path) -> None:
    stored = {"$file": "x-1.parquet", "type": "dataframe"}
    assert refer({"deep": [stored]}) == {"deep": [ValueFile("x-1.parquet", "dataframe")]}
    assert store_values({"x": refer(stored)}, tmp_path) == {"x": stored}


@pytest.mark.parametrize("name", ["../secret.npy", "/etc/passwd"])
def test_a_file_outside_the_folder_is_never_read(name: str, tmp_path: Path) -> None:
    np.save(tmp_path / "secret.npy", np.arange(3))
    folder = tmp_path / "run"
    folder.mkdir()
    with pytest.raises(StoreError, match="outside its run's folder"):
        load_values({"x": {"$file": name, "type": "ndarray"}}, folder)


def test_a_pickle_in_an_array_s_place_is_not_loaded(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.array([Model()]), allow_pickle=True)
    with pytest.raises(ValueError, match="allow_pickle=False"):
        load_values({"x": {"$file": "x.npy", "type": "ndarray"}}, tmp_path)


@pytest.mark.parametrize("stored", [{"$file": "a", "type": "pickle"}, {"$new": 1}])
def test_a_form_that_is_not_known_is_an_error(stored: Any, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="of no known form"):
        load_values({"x": stored}, tmp_path)


def test_a_file_that_is_gone_is_named(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"gone\.npy is gone"):
        load_values({"x": {"$file": "gone.npy", "type": "ndarray"}}, tmp_path)


def test_plain_values_import_neither_pandas_nor_numpy(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from nbsched.executors.values import store_values;"
        "store_values({'x': [1.5, {'a': 'b'}]}, Path('.')); print({'numpy', 'pandas'} & set(sys.modules))"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=os.getcwd()
    )
    assert ran.stdout.strip() == "set()"
