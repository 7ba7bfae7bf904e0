"""What can be asked of a real server, by its routes."""

from __future__ import annotations

import os
import threading
import time
from typing import Any
from urllib.parse import quote

import pytest

import nbsched as nb
from tests.real import until
from tests.server.notebooks import write_notebook

PIPELINE = """
import os, nbsched as nb

@nb.task
def add(a, b): return a + b

@nb.task
def fail(): raise ValueError("no")

with nb.pipeline("sums", params={"a": 1}) as p:
    add(p.params["a"], 2)
with nb.pipeline("broken") as q:
    fail() >> nb.approve("Really?", name="sure")
with nb.pipeline("asking") as r:
    nb.approve("Really?", name="sure", timeout="1h")
"""


@pytest.fixture(scope="module")
def api(server: Any) -> Any:
    """The server, whose folder has a notebook and a file of pipelines."""
    write_notebook(server.root / "work" / "report.ipynb", "limit + 1")
    (server.root / "work" / "pipelines.py").write_text(PIPELINE)
    return server


def done(api: Any, method: str, path: str, body: Any = None, status: int = 200) -> Any:
    found, answer = api.ask(method, path, body)
    assert found == status, answer
    return answer


def refused(api: Any, method: str, path: str, body: Any = None, status: int = 400) -> str:
    answer = done(api, method, path, body, status)
    assert list(answer) == ["message"]
    return str(answer["message"])


def ended(api: Any, run: int, state: str = "succeeded") -> Any:
    until(lambda: api.ask("GET", f"/runs/{run}")[1]["state"] not in ("pending", "queued", "running"), 30)
    found = done(api, "GET", f"/runs/{run}")
    assert found["state"] == state, found
    return found


def test_a_notebook_runs_and_is_known_by_its_path(api: Any) -> None:
    before = done(api, "GET", "/notebooks?path=work/report.ipynb")
    assert before["parameters"] == [{
        "name": "limit", "type": "int", "default": 3, "required": False, "optional": True, "choices": [],
        "help": "at most so many",
    }]  # fmt: skip
    run = done(
        api, "POST", "/runs", {"path": "work/report.ipynb", "params": {"limit": 4}, "tags": ["x"]}, 201
    )
    assert (run["name"], run["params"]) == ("report", {"limit": 4})
    found = ended(api, run["id"])
    assert found["attempts"][0]["outcome"] == "succeeded"
    assert done(api, "GET", f"/runs/{run['id']}/details")["notebook"] == "work/report.ipynb"
    assert {"run.started", "run.succeeded"} <= {event["name"] for event in found["events"]}
    after = done(api, "GET", "/notebooks?path=work/report.ipynb")
    assert (after["name"], after["last_run"]["id"], after["changed"]) == ("report", run["id"], False)
    assert run["id"] in [one["id"] for one in done(api, "GET", "/runs?name=report&state=succeeded&limit=5")]


def test_a_key_that_was_used_gives_the_run_it_started(api: Any) -> None:
    body = {"path": "work/report.ipynb", "key": "once"}
    assert done(api, "POST", "/runs", body, 201)["id"] == done(api, "POST", "/runs", body, 201)["id"]


def test_a_pipeline_of_a_file_runs_and_its_picture_can_be_asked_for(api: Any) -> None:
    body = {"path": "work/pipelines.py", "pipeline": "sums", "params": {"a": 5}}
    run = done(api, "POST", "/runs", body, 201)
    found = ended(api, run["id"])
    assert found["steps"]["add"]["result"] == 7
    view = done(api, "GET", f"/runs/{run['id']}/pipeline")
    assert [node["name"] for node in view["nodes"]] == ["add"]
    step = found["steps"]["add"]["id"]
    assert done(api, "GET", f"/runs/{step}/details")["path"][0]["id"] == run["id"]
    assert "is no pipeline's" in refused(api, "GET", f"/runs/{step}/pipeline", status=409)
    exported = done(api, "GET", "/pipelines/sums/export?to=python")
    assert "nb.pipeline" in exported["text"]
    assert done(api, "GET", "/why?name=sums")[0]["step"] == "add"
    assert "no run 'nosuch'" in refused(api, "GET", "/why?name=nosuch", status=404)


def test_a_failed_run_is_tried_again_and_a_question_is_answered(api: Any) -> None:
    run = done(api, "POST", "/runs", {"path": "work/pipelines.py", "pipeline": "broken"}, 201)
    ended(api, run["id"], "failed")
    again = done(api, "POST", f"/runs/{run['id']}/retry", {"from_step": ["fail"]}, 201)
    assert again["retry_of"] == run["id"]
    ended(api, again["id"], "failed")
    assert "no step of run" in refused(api, "POST", f"/runs/{run['id']}/retry", {"from_step": ["filed"]})
    asking = done(api, "POST", "/runs", {"path": "work/pipelines.py", "pipeline": "asking"}, 201)["id"]
    sure = done(api, "GET", f"/runs/{asking}")["steps"]["sure"]["id"]
    assert done(api, "GET", f"/runs/{sure}/details")["asks"] == {"kind": "bool", "choices": []}
    done(api, "POST", f"/runs/{asking}/priority", {"priority": "high"})
    done(api, "POST", f"/runs/{asking}/resolve", {"value": "yes"})
    assert ended(api, asking)["steps"]["sure"]["result"] is True


def test_a_run_is_cancelled(api: Any) -> None:
    run = done(api, "POST", "/runs", {"path": "work/pipelines.py", "pipeline": "asking"}, 201)["id"]
    done(api, "POST", f"/runs/{run}/cancel")
    ended(api, run, "cancelled")
    refused(api, "POST", f"/runs/{run}/cancel", status=409)


def test_what_is_told_of_a_schedule_makes_it_again(api: Any) -> None:
    body = {"path": "work/dated.ipynb", "trigger": "every 1h", "name": "again", "params": {"day": "@scheduled_date"},
            "catchup": "2h", "jitter": "5m", "limit": 3, "start": "2026-01-01T00:00:00+00:00", "missed": "all",
            "timeout": "30m"}  # fmt: skip
    write_notebook(
        api.root / "work" / "dated.ipynb",
        "str(day)",
        parameters="from datetime import date\nday: date = None",
    )
    done(api, "POST", "/schedules", body, 201)
    found = done(api, "GET", "/schedules/again")
    for name in ("path", "params", "catchup", "jitter", "limit", "start", "missed"):
        assert found[name] == body[name]
    told = {name: found[name] for name in body if found.get(name) is not None} | found["policy"]
    done(api, "POST", "/schedules", told, 201)
    assert done(api, "GET", "/schedules/again") == found
    run = done(api, "POST", "/runs", {"path": "work/dated.ipynb", "params": {"day": "@scheduled_date"}}, 201)
    assert ended(api, run["id"])["params"]["day"].startswith("20")
    done(api, "DELETE", "/schedules/again")


def test_a_schedule_lives_from_its_making_to_its_end(api: Any) -> None:
    body = {"path": "work/report.ipynb", "trigger": "0 2 * * *", "tz": "Europe/Berlin", "name": "by night/1",
            "params": {"limit": 9}, "overlap": "queue_one", "retries": 2, "catchup": "2h"}  # fmt: skip
    made = done(api, "POST", "/schedules", body, 201)
    assert (made["name"], made["trigger"], made["overlap"]) == (
        "by night/1",
        "0 2 * * * tz Europe/Berlin",
        "queue_one",
    )
    own = f"/schedules/{quote('by night/1', safe='')}"
    found = done(api, "GET", own)
    assert (found["path"], found["params"], found["policy"]) == (
        "work/report.ipynb",
        {"limit": 9},
        {"retries": 2},
    )
    assert len(found["following"]) == 5
    assert done(api, "POST", f"{own}/pause")["paused"] == "by user"
    assert done(api, "POST", f"{own}/resume", {"missed": "skip"})["paused"] is None
    assert done(api, "POST", f"{own}/reschedule", {"trigger": "every 1h"})["trigger"].startswith(
        "every 1h from"
    )
    assert done(api, "POST", f"{own}/trigger", status=201)["schedule"] == "by night/1"
    assert "by night/1" in [one["name"] for one in done(api, "GET", "/schedules")]
    [about] = done(api, "GET", "/notebooks?path=work/report.ipynb")["schedules"]
    assert about["name"] == "by night/1"
    assert done(api, "DELETE", f"{own}?cancel_running=true") == {"name": "by night/1", "removed": True}
    assert "no schedule" in refused(api, "GET", own, status=404)


def test_past_instants_are_told_and_filled(api: Any) -> None:
    done(
        api,
        "POST",
        "/schedules",
        {"path": "work/report.ipynb", "trigger": "0 0 * * * tz UTC", "name": "daily"},
        201,
    )
    span = {"start": "2026-01-01", "end": "2026-01-03T00:00+00:00"}
    asked = "/schedules/daily/occurrences?start=2026-01-01&end=2026-01-03T00%3A00%2B00%3A00"
    assert [(row["at"], row["reason"]) for row in done(api, "GET", asked)] == [
        ("2026-01-01T00:00:00+00:00", "not run"), ("2026-01-02T00:00:00+00:00", "not run"),
    ]  # fmt: skip
    assert done(api, "POST", "/schedules/daily/backfill", {**span, "dry_run": True}) == [
        "2026-01-01T00:00:00+00:00", "2026-01-02T00:00:00+00:00",
    ]  # fmt: skip
    runs = done(api, "POST", "/schedules/daily/backfill", {**span, "max_parallel": 2})
    assert [row["run"] for row in done(api, "GET", asked)] == [run["id"] for run in runs]
    for run in runs:
        ended(api, run["id"])
    foreseen = done(api, "GET", "/simulate?start=2030-01-01T00:00%2B00:00&end=2030-01-03T00:00%2B00:00")
    assert [(row["schedule"], row["at"][:10]) for row in foreseen] == [
        ("daily", "2030-01-01"),
        ("daily", "2030-01-02"),
    ]
    done(api, "DELETE", "/schedules/daily")


def test_a_trigger_is_told_in_words_with_its_next_times(api: Any) -> None:
    found = done(api, "GET", "/next?trigger=30+2+29+3+*&tz=Europe/Berlin&n=2")
    assert found["words"] == "at 02:30 on day 29 of the month in March"
    assert (found["trigger"], found["tz"]) == ("30 2 29 3 * tz Europe/Berlin", "Europe/Berlin")
    assert [time["at"][4:16] for time in found["times"]] == ["-03-29T02:30"] * 2
    assert done(api, "GET", "/next?trigger=on+data.ready")["times"] == []
    assert "03:00" in done(api, "GET", "/next?trigger=30+2+*+3+7L&tz=Europe/Berlin&n=1")["times"][0]["note"]
    zones = done(api, "GET", "/zones")
    assert {"Europe/Berlin", "UTC"} <= set(zones)
    assert len(zones) == len(set(zones))


def test_events_are_published_and_read(api: Any) -> None:
    assert done(api, "POST", "/events", {"name": "data.ready", "data": {"k": 1}}, 201)["published"] is True
    [event] = done(api, "GET", "/events?name=data.*&limit=100")
    assert (event["name"], event["data"]) == ("data.ready", {"k": 1})
    assert done(api, "GET", f"/events?after={event['seq']}&name=data.ready") == []
    assert "nbsched's own" in refused(api, "POST", "/events", {"name": "run.failed"})
    assert done(api, "GET", "/events/dead") == []


def test_the_store_tells_of_itself(api: Any) -> None:
    assert done(api, "GET", "") == {"version": nb.__version__, "store": str(api.store), "host": True}
    assert done(api, "GET", "/hosts")[0]["kind"] == "server"
    assert done(api, "POST", "/prune", {"dry_run": True}) == {"runs": 0, "events": 0}


@pytest.mark.parametrize(
    "path", ["../secret.ipynb", "/etc/hosts", "work/../../x.ipynb", "nosuch.ipynb", "work", "a\0b"]
)
def test_a_file_outside_the_folder_or_that_is_not_there_is_refused(api: Any, path: str) -> None:
    write_notebook(api.root.parent / "secret.ipynb")
    before = done(api, "GET", "/runs?limit=1")
    for route, more in (("/runs", {}), ("/schedules", {"trigger": "@daily", "name": "bad"})):
        said = refused(api, "POST", route, {"path": path, **more})
        assert "outside the server's folder" in said or "there is no file" in said
    assert done(api, "GET", "/runs?limit=1") == before


def test_bad_input_is_one_sentence_and_changes_nothing_stored(api: Any) -> None:
    good = {"path": "work/report.ipynb", "trigger": "@daily", "name": "kept"}
    done(api, "POST", "/schedules", good, 201)
    before = done(api, "GET", "/schedules/kept")
    for more, says in (
        ({"retires": 3}, "no field 'retires': did you mean 'retries'"),
        ({"retries": -1}, "retries -1"),
        ({"trigger": "61 * * * *"}, "minute '61' at position 1 is out of range"),
        ({"params": {"limti": 1}}, "did you mean 'limit'"),
        ({"tz": "Europe/Berln"}, "did you mean Europe/Berlin"),
        ({"start": "tomorrow"}, "'tomorrow' is not an instant"),
    ):
        assert says in refused(api, "POST", "/schedules", {**good, **more})
    assert done(api, "GET", "/schedules/kept") == before
    done(api, "DELETE", "/schedules/kept")


def test_what_is_not_there_is_told_with_what_is_near(api: Any) -> None:
    done(
        api, "POST", "/schedules", {"path": "work/report.ipynb", "trigger": "@daily", "name": "nightly"}, 201
    )
    assert "did you mean 'nightly'" in refused(api, "POST", "/schedules/nigtly/pause", status=404)
    assert "no run 999999" in refused(api, "GET", "/runs/999999", status=404)
    assert "id 'x' is not a whole number" in refused(api, "GET", "/runs/x")
    refused(api, "GET", f"/runs/{2**63}")
    done(api, "DELETE", "/schedules/nightly")


def test_a_long_answer_keeps_no_other_waiting(api: Any) -> None:
    with nb.Runtime(api.store, slots=1) as rt:
        for _ in range(400):
            rt.cancel(rt.run(nb.shell("true", name="many"), priority="low").id)
    waits: list[float] = []
    asking = threading.Thread(target=lambda: done(api, "GET", "/runs?name=many&limit=400"))
    asking.start()
    while asking.is_alive():
        began = time.perf_counter()
        done(api, "GET", "")
        waits.append(time.perf_counter() - began)
    asking.join()
    assert sorted(waits)[len(waits) // 2] < 0.3


def test_files_that_people_have_written_are_not_executed_in_the_server(api: Any) -> None:
    (api.root / "pid.py").write_text(
        "import os, pathlib, nbsched as nb\npathlib.Path('pid').write_text(str(os.getpid()))\n"
        "with nb.pipeline('p'):\n    nb.shell('true')\n"
    )
    ended(api, done(api, "POST", "/runs", {"path": "pid.py"}, 201)["id"])
    assert int((api.root / "pid").read_text()) not in (api.process.pid, os.getpid())
