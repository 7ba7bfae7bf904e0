"""The process that forks others: what it imports ahead, when it may not fork any more, how it ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from nbsched.kernels.forking import CannotFork, Forked, Zygote
from nbsched.kernels.forks import Forks
from tests.real import ends


@pytest.fixture
def forks() -> Iterator[Forks]:
    forks = Forks(base=())
    yield forks
    forks.close()


@pytest.fixture
def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], Path]:
    """Installs a module of that name where the zygote finds it."""
    folder = tmp_path / "site-packages"
    folder.mkdir()
    monkeypatch.setenv("PYTHONPATH", str(folder))

    def install(name: str, source: str) -> Path:
        path = folder / f"{name}.py"
        path.write_text(source)
        return path

    return install


def run(zygote: Zygote, source: str, cwd: Path) -> Forked:
    """A forked worker that executes the source, which finds `cwd` as its folder."""
    (cwd / "job.py").write_text(f"def main(payload, send):\n    exec({source!r}, {{}})\n")
    read, write = os.pipe()
    request = {
        "job": "worker", "entry": "job:main", "path": str(cwd), "cwd": str(cwd), "env": dict(os.environ), "unset": [],
    }  # fmt: skip
    output = os.open(cwd / "said", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    process = zygote.fork(request, [read, output, output, output])
    from nbsched.kernels import worker

    os.write(write, worker.request(b"", os.environ).replace(b'"path": [', f'"path": ["{cwd}", '.encode()))
    _held.append(write)
    for descriptor in (read, output):
        os.close(descriptor)
    return process


_held: list[int] = []
"""Our ends of the workers' stdin: closing one ends its worker."""


@pytest.fixture(autouse=True)
def _let_go() -> Iterator[None]:
    yield
    while _held:
        os.close(_held.pop())


def said(cwd: Path) -> str:
    return (cwd / "said").read_text()


def test_what_is_asked_for_is_imported_once_and_found_by_each_process(
    forks: Forks, library: Callable[[str, str], Path], tmp_path: Path
) -> None:
    library("counted", f"open({str(tmp_path / 'imports')!r}, 'a').write('x')\nstate = []")
    zygote = forks.prepare(None, ["counted", "counted.nothing"])
    assert forks.unfit == {}
    source = "import sys, counted; print(len(counted.state)); counted.state.append(1)"
    for _ in range(2):
        assert run(zygote, source, tmp_path).wait(20) == 0
    assert said(tmp_path) == "0\n0\n"
    assert (tmp_path / "imports").read_text() == "x"


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ("print('hello')", "says something"),
        ("import os; os.write(2, b'x')", "says something"),
        ("import warnings; warnings.warn('old')", "says something"),
        ("import threading; threading.Thread(target=threading.Event().wait, daemon=True).start()", "starts threads"),
        ("1 / 0", "raises ZeroDivisionError"),
        ("import nowhere_to_be_found", "needs nowhere_to_be_found"),
        ("raise SystemExit(3)", "raises SystemExit"),
    ],
)  # fmt: skip
def test_a_library_that_a_notebook_would_notice_is_left_to_the_notebook(
    forks: Forks, library: Callable[[str, str], Path], source: str, why: str
) -> None:
    library("odd", source)
    library("plain", "")
    zygote = forks.prepare(None, ["odd", "plain"])
    assert why in forks.unfit["odd"]
    assert "plain" in zygote.modules
    assert "odd" not in zygote.modules
    assert forks.prepare(None, ["odd"]) is zygote


def test_a_library_that_has_changed_is_imported_anew(
    forks: Forks, library: Callable[[str, str], Path], tmp_path: Path
) -> None:
    path = library("versioned", "number = 1")
    old = forks.prepare(None, ["versioned"])
    assert forks.prepare(None, []) is old
    path.write_text("number = 22")
    new = forks.prepare(None, [])
    assert new is not old
    assert run(new, "import versioned; print(versioned.number)", tmp_path).wait(20) == 0
    assert said(tmp_path) == "22\n"
    assert ends(old.pid)


def test_a_zygote_that_forks_no_more_keeps_the_processes_it_has(forks: Forks, tmp_path: Path) -> None:
    zygote = forks.prepare(None, [])
    process = run(zygote, "import time; time.sleep(0.5); print('done')", tmp_path)
    zygote.retire()
    assert process.wait(20) == 0
    assert said(tmp_path) == "done\n"
    assert ends(zygote.pid)


def test_how_a_process_ended_is_told_at_once(forks: Forks, tmp_path: Path) -> None:
    zygote = forks.prepare(None, [])
    assert run(zygote, "raise SystemExit(7)", tmp_path).wait(20) == 7
    sleeping = run(zygote, "import time; time.sleep(600)", tmp_path)
    with pytest.raises(subprocess.TimeoutExpired):
        sleeping.wait(0.1)
    began = time.monotonic()
    sleeping.kill()
    assert sleeping.wait(5) == -signal.SIGKILL
    assert time.monotonic() - began < 0.5
    sleeping.terminate()  # it has gone already


def test_a_killed_zygote_takes_its_processes_along_and_another_takes_its_place(
    forks: Forks, tmp_path: Path
) -> None:
    zygote = forks.prepare(None, [])
    process = run(zygote, "import time; time.sleep(600)", tmp_path)
    os.kill(zygote.pid, signal.SIGKILL)
    assert process.wait(10) == -signal.SIGKILL
    assert ends(process.pid)
    assert not zygote.alive
    with pytest.raises(CannotFork):
        zygote.checked()
    other = forks.prepare(None, [])
    assert other.pid != zygote.pid
    assert run(other, "pass", tmp_path).wait(20) == 0


def test_many_threads_may_ask_at_once(forks: Forks, tmp_path: Path) -> None:
    codes: list[int] = []

    def ask(number: int) -> None:
        folder = tmp_path / str(number)
        folder.mkdir()
        codes.append(run(forks.prepare(None, []), f"raise SystemExit({number})", folder).wait(20))

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(codes) == list(range(12))


def test_a_process_has_a_session_signals_and_descriptors_of_its_own(forks: Forks, tmp_path: Path) -> None:
    zygote = forks.prepare(None, [])
    source = (
        "import os, signal, socket\n"
        "print(os.getsid(0) == os.getpid(), signal.getsignal(signal.SIGINT) is signal.default_int_handler,"
        " signal.getsignal(signal.SIGCHLD) is signal.SIG_DFL)\n"
        "here = '/proc/self/fd/'\n"
        "links = [os.readlink(here + n) for n in os.listdir(here) if os.path.lexists(here + n)]\n"
        "print(sum('socket' in link for link in links), os.environ.get('OPENBLAS_NUM_THREADS'))"
    )
    run(zygote, source, tmp_path).wait(20)
    assert said(tmp_path) == f"True True True\n0 {os.environ.get('OPENBLAS_NUM_THREADS')}\n"


HOST = """
import os, sys, time
sys.path[:0] = {folders!r}
from pathlib import Path
from nbsched.kernels.forks import Forks
from test_zygote import run
zygote = Forks(base=()).prepare(None, [])
process = run(zygote, {job!r}, Path.cwd())
while not os.path.exists('pids') or not open('pids').read().endswith('\\n'):
    time.sleep(0.02)
print(zygote.pid, *open('pids').read().split(), flush=True)
{end}
"""


JOB = """
import os, subprocess
child = subprocess.Popen(["sleep", "600"])
open("pids", "w").write(f"{os.getpid()} {child.pid}\\n")
child.wait()
"""


@pytest.mark.parametrize("end", ["os.kill(os.getpid(), 9)", "sys.exit(0)"])
def test_when_the_starter_ends_however_it_does_nothing_of_it_is_left(tmp_path: Path, end: str) -> None:
    source = HOST.format(folders=[str(Path(__file__).parents[up]) for up in (0, 2)], job=JOB, end=end)
    ran = subprocess.run(
        [sys.executable, "-c", source], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    pids = [int(pid) for pid in ran.stdout.split()]
    assert len(pids) == 3, ran.stderr
    assert all(map(ends, pids))
