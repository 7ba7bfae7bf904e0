"""A station whose senders are the test: what it asks, tells and stops."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import pytest

from nbsched.away.parcel import Terms, pack
from nbsched.away.station import Station
from nbsched.core.model import Function, Shell
from nbsched.core.policy import Policy
from nbsched.executors.contract import Assignment
from nbsched.executors.lookup import reference_of
from tests.away import remote
from tests.real import ends, until


class Sender:
    """Hears what a station tells, and answers when it is told to."""

    def __init__(self, folder: Path, assign: Callable[..., Assignment]) -> None:
        self.told: SimpleQueue[dict[str, Any]] = SimpleQueue()
        self.heard: list[dict[str, Any]] = []
        self.station = Station(lambda _, text: self.told.put(json.loads(text)), "here")
        self.assign, self.folder, self.endings = assign, folder, list[dict[str, Any]]()

    def parcel(
        self, called: Any, id: str = "id", *, lease_s: float = 10, seen: bool = True, **policy: Any
    ) -> bytes:
        mark = self.folder / ".seen"
        if seen:
            mark.touch()
        terms = Terms(sender="me", lease_s=lease_s, mark=mark, files=None, limit=10**6)
        work = called if isinstance(called, Shell) else Function(name="f", ref=reference_of(called))
        return pack(self.assign(work, policy=Policy(**policy)), id, terms).data

    def begin(self, *parcels: bytes, ask: bool = False) -> threading.Thread:
        def carry() -> None:
            self.endings += map(json.loads, self.station.carry(parcels, ask=ask))

        thread = threading.Thread(target=carry)
        thread.start()
        return thread

    def say(self, kind: str, id: str = "", **facts: Any) -> None:
        self.station.hear({"t": kind, "sender": "me", "id": id, **facts})

    def grant(self, id: str = "id") -> None:
        self.say("answer", id, to="ask", fact={})

    def next(self) -> dict[str, Any]:
        return self.told.get(timeout=10)

    def news(self, kind: str) -> Any:
        """The next news of the kind."""
        while True:
            for _, found, fact in self.next()["news"]:
                if found == kind:
                    return fact


@pytest.fixture
def sender(tmp_path: Path, assign: Callable[..., Assignment]) -> Iterator[Sender]:
    made = Sender(tmp_path, assign)
    yield made
    made.station.close()


def test_a_sender_that_was_not_heard_of_is_asked_first(sender: Sender) -> None:
    thread = sender.begin(sender.parcel(remote.where))
    assert sender.news("ask") == ""
    assert thread.is_alive()
    sender.grant()
    thread.join(10)
    assert [end["outcome"]["kind"] for end in sender.endings] == ["succeeded"]
    sender.begin(sender.parcel(remote.where, "second")).join(10)  # it is known now
    assert len(sender.endings) == 2


def test_what_may_run_only_once_is_asked_for_each_time(sender: Sender) -> None:
    sender.say("ping")
    thread = sender.begin(sender.parcel(remote.where, rerun=False))
    sender.news("ask")
    sender.say("stop", "id", grace_s=0)
    thread.join(10)
    assert sender.endings == []


def test_work_for_a_sender_that_is_gone_is_never_begun(sender: Sender) -> None:
    thread = sender.begin(sender.parcel(remote.where, lease_s=0.3))
    thread.join(10)
    assert sender.endings == []


def test_work_stops_when_its_sender_is_not_heard_of_any_more(sender: Sender, tmp_path: Path) -> None:
    sender.say("ping")
    thread = sender.begin(
        sender.parcel(Shell(name="s", command=f"echo $$ > {tmp_path}/pid; sleep 60"), lease_s=0.6)
    )
    until(lambda: (tmp_path / "pid").exists() and (tmp_path / "pid").read_text())
    thread.join(10)
    assert ends(int((tmp_path / "pid").read_text()))
    assert [end["outcome"]["kind"] for end in sender.endings] == ["cancelled"]


def test_work_that_lasts_is_told_of_three_times_in_a_lease(sender: Sender, tmp_path: Path) -> None:
    sender.say("ping")
    thread = sender.begin(sender.parcel(Shell(name="s", command="sleep 1.2"), lease_s=0.9))
    signs = 0
    while thread.is_alive():
        signs += not sender.told.empty() and sender.next()["lives"] == ["id"]
        sender.say("ping")
        thread.join(0.05)
    assert signs >= 3


def test_an_end_says_how_much_was_told_before(sender: Sender) -> None:
    sender.say("ping")
    sender.begin(sender.parcel(Shell(name="s", command="echo one; sleep 0.3; echo two"))).join(10)
    end = sender.endings[-1]
    texts = []
    while len(texts) < end["told"]:
        texts += [fact for _, _, fact in sender.next()["news"]]
    assert texts == [["one\n", "stdout"], ["two\n", "stdout"]]


def test_short_ones_travel_back_together_and_slow_ones_keep_no_other_waiting(
    sender: Sender, tmp_path: Path
) -> None:
    sender.say("ping")
    parcels = [sender.parcel(remote.where, f"{at}") for at in range(3)]
    sender.begin(*parcels).join(10)
    assert [end["id"] for end in sender.endings] == ["0", "1", "2"]
    slow = sender.parcel(Shell(name="s", command="sleep 1"), "slow")
    sender.begin(parcels[0], slow, parcels[1], parcels[2]).join(10)
    posted = []
    while not sender.told.empty():
        posted.append(sender.next())
    assert [(one["t"], one["id"]) for one in posted if one["t"] != "news"] == [
        ("end", "0"), ("back", "1"), ("back", "2"),
    ]  # fmt: skip
    assert [end["id"] for end in sender.endings[3:]] == ["slow"]


def test_what_was_written_in_a_folder_of_its_own_comes_back_in_pieces(sender: Sender) -> None:
    sender.say("ping")
    sender.begin(sender.parcel(remote.big, seen=False)).join(20)
    *pieces, end = sender.endings
    assert end["pieces"] == len(pieces) > 1
    assert {piece["t"] for piece in pieces} == {"piece"}


def test_too_much_for_messages_fails_with_the_remedy(sender: Sender, monkeypatch: pytest.MonkeyPatch) -> None:
    sender.say("ping")
    data = sender.parcel(remote.big, seen=False)
    sender.begin(data.replace(b'"limit": 1000000', b'"limit": 1000')).join(20)
    [end] = sender.endings
    assert end["outcome"]["kind"] == "failed"
    assert end["outcome"]["fatal"]
    assert "at most 1,000 go with messages: give files=" in end["outcome"]["error"]["message"]
