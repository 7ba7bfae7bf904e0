"""What a cell used is measured in its process, from its beginning to its end."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest

from nbsched.kernels.usage import Meter

CHILD = """
import subprocess, sys
for line in sys.stdin:
    exec(line)
    print(flush=True)
"""
BURN = "import time; until = time.process_time() + 0.3\nwhile time.process_time() < until: pass"

Do = Callable[[str], None]


@pytest.fixture
def process() -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen([sys.executable, "-c", CHILD], stdin=-1, stdout=-1, text=True) as started:
        yield started
        started.kill()


@pytest.fixture
def do(process: subprocess.Popen[str]) -> Do:
    assert process.stdin is not None
    assert process.stdout is not None
    to, back = process.stdin, process.stdout

    def tell(code: str) -> None:
        to.write(f"exec({code!r})\n")
        to.flush()
        back.readline()

    return tell


def test_each_cell_has_its_own_time_of_the_processor_and_that_of_the_children_it_waited_for(
    process: subprocess.Popen[str], do: Do
) -> None:
    meter = Meter(process.pid)
    meter.begin()
    do(BURN)
    assert 0.25 <= meter.end()["cpu_s"] < 0.6
    meter.begin()
    do(f"subprocess.run([sys.executable, '-c', {BURN!r}])")
    assert 0.25 <= meter.end()["cpu_s"] < 1
    meter.begin()
    do("import time; time.sleep(0.2)")
    used = meter.end()
    assert used["cpu_s"] < 0.1
    assert 0.2 <= used["wall_s"] < 2


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere it is the memory at the end")
def test_the_peak_of_memory_is_the_cells_own_though_it_was_given_back(
    process: subprocess.Popen[str], do: Do
) -> None:
    meter = Meter(process.pid)
    peaks = []
    for size in (0, 200_000_000, 50_000_000):
        meter.begin()
        do(f"x = bytearray({size}); del x")
        peaks.append(meter.end()["peak_memory_mb"])
    base, first, second = peaks
    assert 195 < first - base < 215
    assert 45 < second - base < 65


def test_where_no_peak_can_be_had_it_is_the_memory_at_the_end(
    process: subprocess.Popen[str], do: Do, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nbsched.kernels.usage._forget_peak", lambda pid: False)
    meter = Meter(process.pid)
    meter.begin()
    do("x = bytearray(200_000_000); del x; y = bytearray(50_000_000)")
    assert 50 < meter.end()["peak_memory_mb"] < 150


def test_of_a_process_that_is_gone_or_elsewhere_only_the_time_is_known(
    process: subprocess.Popen[str],
) -> None:
    meter = Meter(process.pid)
    meter.begin()
    process.kill()
    process.wait()
    assert set(meter.end()) == {"wall_s"}
    for pid in (None, process.pid):
        meter = Meter(pid)
        meter.begin()
        assert set(meter.end()) == {"wall_s"}
