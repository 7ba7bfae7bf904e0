"""Whatever a notebook does, our engine makes of it what papermill's own makes, apart from times and ids.

`NBSCHED_KERNELS=fork pytest tests/kernels/test_fidelity.py` runs the corpus on kernels that are started so.
"""

from __future__ import annotations

import difflib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

import nbsched as nb
from nbsched.kernels.ahead import own_ahead
from nbsched.kernels.engine import ENGINE
from nbsched.kernels.forks import Forks, own_forks
from tests.kernels import homemade
from tests.kernels.comparing import assigned, normal
from tests.kernels.corpus import failures, formats, languages, outputs, running, widgets
from tests.kernels.corpus.case import PYTHON, Case, Executed, case, marked

CASES = sorted(
    (case for module in (outputs, failures, running, widgets, formats, languages) for case in module.CASES),
    key=lambda case: (
        case.name != "its own surroundings"
    ),  # first: a library that others import may change them
)
LIMIT_S = 30
"""For each cell, so that one that hangs is named."""


class Papers:
    """A process that executes notebooks by papermill with one engine."""

    def __init__(self, engine: str | None, log: Path) -> None:
        self._engine = engine
        with open(log, "wb") as file:
            self._process = subprocess.Popen(
                [sys.executable, Path(__file__).with_name("papers.py")], stdin=subprocess.PIPE,
                stdout=subprocess.PIPE, stderr=file, text=True, env=dict(os.environ),
            )  # fmt: skip
        self._thread = ThreadPoolExecutor(1)

    def execute(self, case: Case, folder: Path) -> Future[dict[str, Any]]:
        folder.mkdir()
        (folder / "in.ipynb").write_text(case.text(), "utf-8")
        options = {"execution_timeout": LIMIT_S, **case.options}
        job = {
            "folder": str(folder),
            "engine": self._engine,
            "parameters": case.parameters,
            "options": options,
        }
        return self._thread.submit(self._ask, job)

    def _ask(self, job: dict[str, Any]) -> dict[str, Any]:
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps(job) + "\n")
        self._process.stdin.flush()
        answer: dict[str, Any] = json.loads(self._process.stdout.readline())
        return answer

    def close(self) -> None:
        self._thread.shutdown()
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.close()
        self._process.wait(timeout=20)
        self._process.stdout.close()


@pytest.fixture(scope="module")
def start(request: pytest.FixtureRequest) -> Iterator[str | None]:
    """How our kernels are started: as the environment says, or as the test is parametrised (indirectly) with."""
    how = getattr(request, "param", None)
    with pytest.MonkeyPatch.context() as patch:
        if how is not None:
            patch.setenv("NBSCHED_KERNELS", how)
        yield how or os.environ.get("NBSCHED_KERNELS")


@pytest.fixture(scope="module")
def logs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("logs")


@pytest.fixture(scope="module")
def kernels(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Kernels of other languages can be started by name."""
    folder = tmp_path_factory.mktemp("jupyter")
    bash = {"display_name": "Bash", "language": "bash", "argv": [sys.executable, "-m", "bash_kernel"]}
    own = {**homemade.SPEC, "argv": [sys.executable, homemade.__file__]}
    for name, spec in (("bash", bash), ("homemade", own)):
        whole = {**spec, "argv": [*spec["argv"], "-f", "{connection_file}"]}
        path = folder / "kernels" / name / "kernel.json"
        path.parent.mkdir(parents=True)
        path.write_text(json.dumps(whole))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JUPYTER_PATH", str(folder))
        yield


@pytest.fixture(scope="module")
def theirs(logs: Path, kernels: None) -> Iterator[Papers]:
    papers = Papers(None, logs / "theirs")
    yield papers
    papers.close()


@pytest.fixture(scope="module")
def ours(logs: Path, start: str | None, kernels: None) -> Iterator[Papers]:
    papers = Papers(ENGINE, logs / "ours")
    yield papers
    papers.close()


@pytest.fixture(scope="module")
def runtime(logs: Path, start: str | None, kernels: None) -> Iterator[nb.Runtime]:
    own = Forks()  # what other tests have had imported ahead is not there
    with pytest.MonkeyPatch.context() as patch, nb.Runtime(logs / "store.db", slots=2) as runtime:
        patch.setattr(own_forks, "_made", own)
        yield runtime
    own_ahead().discard()
    own.close()


@pytest.mark.parametrize(
    "case",
    [pytest.param(case, id=case.name, marks=[pytest.mark.slow] if case.slow else []) for case in CASES],
)
def test_a_notebook_has_the_same_outputs_with_either_engine_and_as_a_run(
    case: Case, theirs: Papers, ours: Papers, runtime: nb.Runtime, tmp_path: Path
) -> None:
    with_theirs = theirs.execute(case, tmp_path / "theirs")
    with_ours = ours.execute(case, tmp_path / "ours")
    as_run = start_run(runtime, case, tmp_path / "run") if case.as_run else None

    assert with_theirs.result()["raised"] == case.raised, with_theirs.result()
    raised = case.difference.raised if case.difference and case.difference.raised else case.raised
    assert with_ours.result()["raised"] == raised, with_ours.result()
    same(expected(case, tmp_path / "theirs"), made_by_ours(case, plain(tmp_path / "ours")))
    assert files(tmp_path / "theirs") == files(tmp_path / "ours")

    if as_run is not None:
        as_run.wait(timeout=50)
        assert as_run.state == case.state, as_run.error
        same(as_a_run(case, expected(case, tmp_path / "theirs")), of_run(case, as_run, tmp_path / "run"))
        assert files(tmp_path / "theirs") == files(tmp_path / "run")


def same(theirs: Executed, ours: Executed) -> None:
    """Cell by cell, so that a failure names the cell."""
    for number, (their, our) in enumerate(zip(theirs["cells"], ours["cells"], strict=False)):
        if our != their:
            pytest.fail(f"cell {number}:\n{difference(their, our)}", pytrace=False)
    if ours != theirs:
        pytest.fail(difference(theirs, ours), pytrace=False)


def difference(theirs: Any, ours: Any) -> str:
    texts = [
        json.dumps(part, indent=1, ensure_ascii=False, sort_keys=True).splitlines() for part in (theirs, ours)
    ]
    return "\n".join(line[:1000] for line in difflib.unified_diff(*texts, "theirs", "ours", lineterm="", n=2))


def plain(folder: Path) -> Executed:
    return normal((folder / "out.ipynb").read_text("utf-8"), ("folder", folder))


def made_by_ours(case: Case, notebook: Executed) -> Executed:
    if case.difference:
        case.difference.forget(notebook)
    return with_new_ids(case, notebook)


def with_new_ids(case: Case, notebook: Executed) -> Executed:
    """The ids of cells that had none are new each time."""
    for cell in notebook["cells"] if case.minor < 5 else ():
        assert cell["id"]
        cell["id"] = "<new>"
    return notebook


def expected(case: Case, folder: Path) -> Executed:
    """What papermill's engine made, but for the case's difference."""
    notebook = plain(folder)
    if case.difference:
        case.difference.change(notebook)
    return with_new_ids(case, notebook)


def files(folder: Path) -> dict[str, str]:
    """What the notebook itself has left in its folder."""
    found = (path for path in folder.rglob("*") if path.is_file() and path.suffix not in (".ipynb", ".pyc"))
    return {str(path.relative_to(folder)): path.read_text("utf-8") for path in found}


# --- as a run ---


def start_run(runtime: nb.Runtime, case: Case, folder: Path) -> nb.Run:
    folder.mkdir()
    path = folder / "in.ipynb"
    path.write_text(case.text(), "utf-8")
    return runtime.run(nb.notebook(path), params=dict(case.parameters), cell_timeout=LIMIT_S)


def of_run(case: Case, run: nb.Run, folder: Path) -> Executed:
    output = run.output
    assert output is not None
    text = Path(output).read_text("utf-8")
    notebook = normal(text, ("output", Path(output)), ("folder", folder))
    return with_values(made_by_ours(case, notebook))


def as_a_run(case: Case, notebook: Executed) -> Executed:
    """The run is told the whole path of its source and has an output of its own; a success has no error marks."""
    papers = notebook["metadata"]["papermill"]
    papers.update(input_path="<folder>/in.ipynb", output_path="<output>")
    if case.state == "succeeded":
        _, notebook["cells"] = marked(notebook["cells"])
    return with_values(notebook)


def with_values(notebook: Executed) -> Executed:
    """Parameters are compared by their values: a run writes them as `repr` does."""
    for cell in notebook["cells"]:
        if "injected-parameters" in cell["metadata"]["tags"] and is_python(notebook):
            cell["source"] = assigned(cell)
    return notebook


def is_python(notebook: Executed) -> bool:
    return bool(notebook["metadata"]["kernelspec"] == PYTHON["kernelspec"])


# --- what no two executions share, and what is not in a notebook ---

RANDOM = """
import os, random, secrets, tempfile, uuid
import numpy
print(random.random(), numpy.random.random(), numpy.random.default_rng().random(), secrets.token_hex(), uuid.uuid4(),
      uuid.uuid1(), os.urandom(4), next(tempfile._get_candidate_names()), os.getpid(), sep="\\n")
"""


def test_no_random_number_is_the_same_in_two_kernels(
    ours: Papers, runtime: nb.Runtime, tmp_path: Path
) -> None:
    random = case("random", RANDOM)
    with_ours = ours.execute(random, tmp_path / "ours")
    runs = [start_run(runtime, random, tmp_path / str(number)) for number in range(2)]
    assert with_ours.result()["raised"] is None
    paths = [tmp_path / "ours" / "out.ipynb", *(Path(run.wait(30).output or "") for run in runs)]
    numbers = [json.loads(path.read_text("utf-8"))["cells"][0]["outputs"][0]["text"] for path in paths]
    assert [len(set(drawn)) for drawn in zip(*numbers, strict=True)] == [3] * 9


def test_a_kernel_that_is_interrupted_by_a_message_ends_its_cell_itself(
    runtime: nb.Runtime, tmp_path: Path
) -> None:
    path = tmp_path / "in.ipynb"
    path.write_text(case("waits", "wait", metadata=languages.HOMEMADE).text(), "utf-8")
    run = runtime.run(nb.notebook(path), cell_timeout="500ms")
    run.wait(timeout=30)
    assert (run.state, run.reason) == ("failed", "timeout")
    assert run.output
    cells = json.loads(Path(run.output).read_text("utf-8"))["cells"]
    assert cells[-1]["outputs"][0]["evalue"] == "interrupted by a message"


def test_plain_papermill_logs_and_copies_the_streams_with_either_engine(
    theirs: Papers, ours: Papers, tmp_path: Path
) -> None:
    spoken = "import sys\nprint('out é'); print('err', file=sys.stderr); 'result'"
    for papers, name in ((theirs, "theirs"), (ours, "ours")):
        options = {"stdout_file": "said", "stderr_file": "complained"}
        papers.execute(case("streams", spoken, options=options), tmp_path / name).result()
    assert (
        files(tmp_path / "theirs") == files(tmp_path / "ours") == {"said": "out é\n", "complained": "err\n"}
    )
