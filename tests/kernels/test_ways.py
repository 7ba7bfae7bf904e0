"""Kernels forked, pooled and started cold: chosen with a reason, fresh each, and alike."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import nbformat
import psutil  # type: ignore[import-untyped]
import pytest
from jupyter_client.kernelspec import KernelSpec

from nbsched.core.errors import UsageError
from nbsched.kernels.ahead import own_ahead
from nbsched.kernels.engine import Execution, execute_notebook
from nbsched.kernels.forks import Forks, own_forks
from nbsched.kernels.journal import Journal
from nbsched.kernels.launch import Launch, is_local
from nbsched.kernels.process import running_kernel
from nbsched.kernels.ways import Choice, choose
from tests.real import ends, is_alive, until


@pytest.fixture(autouse=True)
def _as_for_users(monkeypatch: pytest.MonkeyPatch) -> None:
    """ipykernel hears less of what is printed where it believes to be tested itself."""
    monkeypatch.delenv("PYTEST_CURRENT_TEST")


ways = pytest.mark.parametrize("way", ["fork", "pool", "cold"])


def launch(folder: Path, way: str = "auto", kernel: str = "python3", **env: str) -> Launch:
    return Launch(
        kernel=kernel,
        cwd=folder,
        env={**os.environ, **env},
        way=way,
        log=folder / "log",
        modules=("numpy", "numpy.random"),
    )


def executed(launch: Launch, *sources: str) -> tuple[Any, str]:
    """The ending, and all that was printed."""
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in sources])
    execution = Execution(launch=launch, journal=Journal(launch.cwd / "out.ipynb"))
    ending = execute_notebook(book, execution, language="python")
    cells = nbformat.read(launch.cwd / "out.ipynb", 4).cells
    outputs = [output for cell in cells for output in cell.get("outputs", ())]
    return ending, "".join(output.get("text", "") for output in outputs)


def until_ready() -> None:
    """Another one waits for work."""
    until(lambda: any(own_ahead()._ready.values()))


FACTS = """
import json, os, random, sys
import numpy
facts = {
    "cwd": os.getcwd(), "given": os.environ.get("GIVEN"), "taken": os.environ.get("TAKEN"),
    "backend": os.environ.get("MPLBACKEND"), "pager": os.environ.get("PAGER"),
    "argv": ' '.join([os.path.basename(sys.argv[0]), *sys.argv[1:2]]), "name": __name__, "path": "" in sys.path,
    "openblas": os.environ.get("OPENBLAS_NUM_THREADS"),
    "leader": os.getsid(0) == os.getpid(), "globals": ' '.join(sorted(n for n in globals() if not n.startswith("_"))),
    "stdin": os.read(0, 10).decode(),
}
print(json.dumps(facts))
"""


def test_a_kernel_looks_the_same_to_its_notebook_whichever_way_it_came(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TAKEN", "no")
    seen = {}
    for way in ("cold", "fork", "pool"):
        given = launch(tmp_path, way, GIVEN="über 'all'")
        del given.env["TAKEN"]  # type: ignore[attr-defined]
        for turn in (1, 2):
            ending, text = executed(given, FACTS)
            assert ending.kind == "finished", ending
            seen[way, turn] = json.loads(text)
            if way != "cold":
                until_ready()
    first = seen["cold", 1]
    assert (first["cwd"], first["given"], first["taken"]) == (str(tmp_path), "über 'all'", None)
    assert {key: facts.items() - first.items() for key, facts in seen.items() if facts != first} == {}


def test_a_forked_kernel_has_imported_what_any_other_has(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = Forks()  # what other tests have had imported ahead is not there
    monkeypatch.setattr(own_forks, "_made", own)
    source = "import sys; open('modules', 'w').write(' '.join(sys.modules))"
    found = {}
    for way in ("cold", "fork"):
        executed(replace(launch(tmp_path, way), modules=()), source)
        found[way] = set((tmp_path / "modules").read_text().split())
    own_ahead().discard()
    own.close()
    assert {name.partition(".")[0] for name in found["fork"] - found["cold"]} <= {
        "gc",
        "psutil",
        "pwd",
        "resource",
    }


@ways
def test_no_state_of_one_run_is_seen_by_the_next(tmp_path: Path, way: str) -> None:
    source = (
        "import random, sys, uuid, json, os, tempfile\nimport numpy\n"
        "print(getattr(json, 'left', None), 'left' in globals(), random.random(), numpy.random.random(),"
        " uuid.uuid4(), next(tempfile._get_candidate_names()), os.getpid())\n"
        "left = json.left = sys.left = 1; os.environ['LEFT'] = '1'; random.seed(1); numpy.random.seed(1)"
    )
    said = []
    for _ in range(3):
        said.append(executed(launch(tmp_path, way), source)[1].split())
        if way != "cold":
            until_ready()
    assert [words[:2] for words in said] == [["None", "False"]] * 3
    for column in range(2, 7):
        assert len({words[column] for words in said}) == 3, said


@pytest.mark.parametrize("way", ["fork", "pool"])
def test_what_a_kernel_logged_before_it_had_work_is_in_the_log_of_its_run(tmp_path: Path, way: str) -> None:
    own_ahead().discard()
    executed(launch(tmp_path, way), "pass")
    until_ready()
    for ready in [one for waiting in own_ahead()._ready.values() for one in waiting]:
        ready.log.write_text("before\n")
    executed(launch(tmp_path, way), "pass")
    assert "before\n" in (tmp_path / "log").read_text()


@ways
def test_a_dead_kernel_is_noticed_at_once(tmp_path: Path, way: str) -> None:
    executed(launch(tmp_path, way), "pass")
    source = "import os, time; open('died', 'w').write(str(time.time())); os.kill(os.getpid(), 9)"
    ending, _ = executed(launch(tmp_path, way), source)
    late_s = time.time() - float((tmp_path / "died").read_text())
    assert (ending.kind, ending.evalue) == ("died", "the kernel was killed by SIGKILL")
    assert late_s < 0.5


@ways
def test_all_that_a_notebook_started_ends_with_it(tmp_path: Path, way: str) -> None:
    source = "import subprocess\nchild = subprocess.Popen(['sleep', '600'])\nprint(child.pid)"
    assert ends(int(executed(launch(tmp_path, way), source)[1]))


@ways
def test_what_ends_with_the_kernel_has_ended_with_the_run(tmp_path: Path, way: str) -> None:
    (tmp_path / "mine.py").write_text(
        "file = open('of a module', 'w')\nfile.write('all of it')\n"
        "class Closing:\n    def __del__(self, open=open):\n"
        "        with open('closed', 'w') as file:\n            file.write('by itself')\n"
        "held = Closing()"
    )
    source = (
        "import atexit, threading, time, mine\nfile = open('kept', 'w')\nfile.write('all of it')\nfile\n"
        "@atexit.register\ndef late():\n    time.sleep(0.2)\n    open('late', 'w').write('done')\n"
        "def slow():\n    time.sleep(0.3)\n    open('slow', 'w').write('done')\n"
        "threading.Thread(target=slow).start()"
    )
    executed(launch(tmp_path, way), source)
    texts = [(tmp_path / name).read_text() for name in ("kept", "of a module", "closed", "late", "slow")]
    assert texts == ["all of it", "all of it", "by itself", "done", "done"]


def test_linear_algebra_has_the_same_threads_in_a_forked_kernel(tmp_path: Path) -> None:
    source = (
        "import numpy, threadpoolctl\nnumpy.ones((300, 300)) @ numpy.ones((300, 300))\n"
        "print([(one['internal_api'], one['num_threads']) for one in threadpoolctl.threadpool_info()])"
    )
    said = [executed(launch(tmp_path, way), source)[1] for way in ("cold", "fork")]
    assert "openblas" in said[0]
    assert said[0] == said[1]


# --- the choice ---


@pytest.fixture
def spec(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Installs a kernelspec."""

    def install(name: str, **facts: Any) -> str:
        folder = tmp_path / "kernels" / name
        folder.mkdir(parents=True)
        argv = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
        (folder / "kernel.json").write_text(
            json.dumps({"argv": argv, "display_name": name, "language": "python", **facts})
        )
        return name

    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path))
    return install


def test_a_kernel_of_this_python_is_forked(tmp_path: Path) -> None:
    assert choose(launch(tmp_path)) == Choice("fork")


@pytest.mark.parametrize(
    ("facts", "env", "way", "why"),
    [
        ({"argv": ["/opt/python", "-m", "ipykernel_launcher", "-f", "{connection_file}"]}, {}, "pool", "this Python"),
        ({"argv": ["bash_kernel", "{connection_file}"], "language": "bash"}, {}, "pool", "this Python"),
        ({"argv": ["ir", "{connection_file}"], "language": "R"}, {}, "cold", "to tell a started R kernel"),
        ({}, {"OMP_NUM_THREADS": "7"}, "cold", "OMP_NUM_THREADS is set for it"),
        ({"env": {"CUDA_VISIBLE_DEVICES": "1"}}, {}, "pool", "CUDA_VISIBLE_DEVICES is set for it"),
        ({}, {"ANYTHING": "else", "NBSCHED_RUN": "3"}, "fork", ""),
    ],
)  # fmt: skip
def test_the_soonest_way_that_is_safe_is_taken_and_says_why(
    tmp_path: Path, spec: Any, facts: dict[str, Any], env: dict[str, str], way: str, why: str
) -> None:
    chosen = choose(launch(tmp_path, kernel=spec("some", **facts), **env))
    assert chosen.way == way
    assert why in chosen.why


@pytest.mark.parametrize(("name", "local"), [("nbsched", True), ("local-provisioner", True), ("far", False)])
def test_kernels_of_others_are_left_to_them(name: str, local: bool) -> None:
    assert is_local(KernelSpec(metadata={"kernel_provisioner": {"provisioner_name": name}})) is local


def test_one_may_ask_for_a_way_for_one_step_or_for_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NBSCHED_KERNELS", "pool")
    assert choose(launch(tmp_path)).way == "pool"
    assert choose(launch(tmp_path, "cold")).way == "cold"
    assert choose(launch(tmp_path, "fork")).way == "fork"
    monkeypatch.setenv("NBSCHED_KERNELS", "spoon")
    with pytest.raises(
        UsageError, match="NBSCHED_KERNELS is 'spoon': unset it, or set it to fork, pool or cold"
    ):
        choose(launch(tmp_path))
    with pytest.raises(UsageError, match="'python3' cannot be forked: OMP_NUM_THREADS is set for it"):
        choose(launch(tmp_path, "fork", OMP_NUM_THREADS="3"))


# --- many ---


def descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


def many(folder: Path, count: int, at_once: int) -> list[str]:
    def one(number: int) -> str:
        own = folder / str(number)
        own.mkdir()
        ending, text = executed(launch(own), f"print({number})")
        return f"{ending.kind} {text.strip()}" + (
            f" {ending} {(own / 'log').read_text()}" if not ending.good else ""
        )

    with ThreadPoolExecutor(at_once) as threads:
        return list(threads.map(one, range(count)))


@pytest.mark.parametrize(
    ("count", "at_once"),
    [(16, 4), pytest.param(200, 4, marks=pytest.mark.slow), pytest.param(1000, 1, marks=pytest.mark.slow)],
)
@pytest.mark.timeout(400)
def test_many_kernels_fail_never_and_leave_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, count: int, at_once: int
) -> None:
    work, folders = tmp_path / "work", Path(tempfile.mkdtemp(prefix="nbs-"))  # short: there are sockets in it
    work.mkdir()
    executed(launch(tmp_path), "pass")
    own_ahead().discard()
    monkeypatch.setattr("tempfile.tempdir", str(folders))
    before = descriptors()
    assert many(work, count, at_once) == [f"finished {number}" for number in range(count)]
    zygote = own_forks().living
    assert zygote

    def nothing_is_left() -> bool:
        own_ahead().discard()
        kernels = [each.pid for each in psutil.Process(zygote.pid).children() if is_alive(each.pid)]
        return not kernels and not os.listdir(folders) and descriptors() <= before

    until(nothing_is_left)
    folders.rmdir()


def test_sockets_have_a_short_path_where_the_usual_folder_has_a_long_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deep = tmp_path / ("d" * 60) / ("e" * 60)
    deep.mkdir(parents=True)
    monkeypatch.setattr("tempfile.tempdir", str(deep))
    for way in ("cold", "fork", "pool"):
        assert executed(launch(tmp_path, way), "print('well')")[1] == "well\n"


def written(file: Path) -> tuple[int, int]:
    facts = file.stat()
    return facts.st_ino, facts.st_mtime_ns


@pytest.mark.parametrize("way", ["fork", "pool"])
def test_the_file_that_a_ready_kernel_may_still_be_reading_stays_as_it_is(tmp_path: Path, way: str) -> None:
    own_ahead().discard()
    executed(launch(tmp_path, way), "pass")
    until_ready()
    own = [Path(one.folder.name, "kernel.json") for waiting in own_ahead()._ready.values() for one in waiting]
    before = {file: written(file) for file in own}

    async def use() -> None:
        async with running_kernel(launch(tmp_path, way)) as kernel:
            assert kernel._ready
            file = Path(kernel._ready.folder.name, "kernel.json")
            assert written(file) == before[file]

    asyncio.run(use())


def test_a_kernel_that_waits_for_work_and_dies_is_not_given_away(tmp_path: Path) -> None:
    executed(launch(tmp_path), "pass")
    until_ready()
    for ready in [one for waiting in own_ahead()._ready.values() for one in waiting]:
        os.kill(ready.process.pid, signal.SIGKILL)
        ready.process.wait(10)
    assert executed(launch(tmp_path), "print('well')")[1] == "well\n"
