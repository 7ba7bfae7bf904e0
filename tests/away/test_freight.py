from __future__ import annotations

import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbsched.away import freight
from nbsched.core.errors import UsageError


@given(data=st.binary(max_size=64), size=st.integers(1, 9))
def test_a_file_in_pieces_arrives_as_it_was(
    tmp_path_factory: pytest.TempPathFactory, data: bytes, size: int
) -> None:
    folder = tmp_path_factory.mktemp("freight")
    (folder / "sent").write_bytes(data)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(freight, "PIECE", size)
        arrivals = freight.Arrivals(folder / "there")
        found = [arrivals.take(piece) for piece in freight.pieces("a/b", folder / "sent")]
    assert found[:-1] == [None] * (len(found) - 1)
    assert found[-1] == folder / "there/a/b"
    assert found[-1].read_bytes() == data
    assert found[-1].stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("name", ["../x", "/etc/passwd", "a/../../x"])
def test_a_file_outside_of_its_folder_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match="lies outside of its run's folder"):
        freight.inside(tmp_path, name)


def test_too_many_bytes_for_messages_are_refused_with_the_remedy() -> None:
    freight.refuse_large("train", 10, 10)
    with pytest.raises(UsageError, match=r"'train' have 11 bytes.*give files="):
        freight.refuse_large("train", 11, 10)


def goes_there_and_back(url: str, folder: Path) -> None:
    (folder / "sent").write_text("data")
    freight.put(folder / "sent", f"{url}/7/out/a.txt")
    freight.get(f"{url}/7/out/a.txt", folder / "got/a.txt")
    assert (folder / "got/a.txt").read_text() == "data"
    freight.remove(f"{url}/7")
    with pytest.raises(FileNotFoundError):
        freight.get(f"{url}/7/out/a.txt", folder / "again")


def test_files_go_through_an_object_store(bucket: str, tmp_path: Path) -> None:
    goes_there_and_back(bucket, tmp_path)


def test_files_go_through_a_shared_folder_that_is_its_owners_only(tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    goes_there_and_back(str(shared), tmp_path)
    freight.put(tmp_path / "sent", f"{shared}/8/a.txt")
    assert (shared / "8").stat().st_mode & 0o077 == 0


def test_several_threads_take_pieces_of_different_files(tmp_path: Path) -> None:
    (tmp_path / "sent").write_bytes(bytes(range(256)))
    arrivals = freight.Arrivals(tmp_path / "there")

    def take(name: str) -> None:
        for piece in freight.pieces(name, tmp_path / "sent"):
            arrivals.take(piece)

    threads = [threading.Thread(target=take, args=(f"{at}",)) for at in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {path.read_bytes() for path in (tmp_path / "there").iterdir()} == {bytes(range(256))}
