"""What the Tab key offers in the lines of the magics."""

from __future__ import annotations

import pytest
from IPython.core.completer import provisionalcompleter
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

from nbsched.jupyter import completion
from nbsched.jupyter.completion import candidates
from nbsched.jupyter.grammar import MAGICS, parser_of

NAMES = {
    "schedules": lambda: ["nightly", "hourly"],
    "runs": lambda: ["12", "7"],
    "pipelines": lambda: ["training", "etl"],
    "triggers": lambda: ["@daily", "'every 5m'"],
}


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("%%schedule 'every 5m' --ove", ["--overlap"]),
        ("%%schedule 'every 5m' --overlap queue_", ["queue_one", "queue_all"]),
        ("%%schedule 'every 5m' --missed ", ["latest", "all", "earliest", "none"]),
        ("%%task --where ", ["kernel", "thread", "process"]),
        ("%%task --priority ", ["high", "normal", "low"]),
        ("%%step p.a --rule none_f", ["none_failed", "none_failed_min_one_success"]),
        ("%schedule @", ["@daily"]),
        ("%pipeline ru", ["run"]),
        ("%pipeline run t", ["training"]),
        ("%pipeline run training --wa", ["--wait"]),
        ("%nbsched pause ", ["nightly", "hourly"]),
        ("%nbsched cancel ", ["12", "7"]),
        ("%nbsched runs --state s", ["succeeded", "skipped"]),
        ("  %nbsched resume night", ["nightly"]),
        ("%%on data.ready --du", ["--durable"]),
    ],
)
def test_what_may_follow_is_offered(line: str, found: list[str]) -> None:
    offered, fragment = candidates(line, NAMES)
    assert [text for text in offered if not text.startswith("--") or fragment.startswith("-")] == found
    assert line.endswith(fragment)


def test_an_option_that_is_there_is_not_offered_again() -> None:
    assert "--cache" not in candidates("%%task --cache --", NAMES)[0]


@pytest.mark.parametrize(
    "line", ["x = 1", "%timeit --", "print('%schedule ')", "%schedule", "%nbsched nosuch ", "%pipelines run "]
)
def test_nothing_is_offered_elsewhere(line: str) -> None:
    assert candidates(line, NAMES)[0] == []


@pytest.mark.parametrize("magic", MAGICS)
def test_every_magic_has_help_with_examples(magic: str) -> None:
    help_ = parser_of(magic).format_help()
    assert "examples:" in help_
    assert magic in help_.splitlines()[0]


def test_the_shell_completes_and_forgets() -> None:
    shell = InteractiveShell(config=Config({"HistoryManager": {"enabled": False}}))
    before = list(shell.Completer.custom_matchers)
    completion.add(shell)
    completion.add(shell)
    assert len(shell.Completer.custom_matchers) == len(before) + 1
    line = "%%schedule 'every 5m' --retr"
    with provisionalcompleter():
        found = [each.text for each in shell.Completer.completions(line, len(line))]
    assert found == ["--retries", "--retry-on"]
    completion.remove(shell)
    assert shell.Completer.custom_matchers == before
