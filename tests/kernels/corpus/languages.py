"""Notebooks of other kernels than Python's."""

from __future__ import annotations

from tests.kernels.corpus.case import case, code

BASH = {"kernelspec": {"name": "bash", "language": "bash", "display_name": "Bash"}}
HOMEMADE = {"kernelspec": {"name": "homemade", "language": "homemade", "display_name": "Homemade"}}

CASES = (
    case(
        "bash",
        code("name=default", "parameters"),
        "echo $name $number",
        "cd /; pwd; x=kept",
        "echo $x; echo Grüße 🎉; printf 'no end'",
        "echo to stderr >&2",
        code("false", "raises-exception"),
        "for n in 1 2 3; do echo $n; done",
        "",
        "displayHTML <<< '<b>html</b>'",
        "exit_code() { return 3; }; exit_code",
        "echo never",
        parameters={"name": "Grüße 'quoted'", "number": 7},
        metadata=BASH,
        raised="PapermillExecutionError",
        state="failed",
        as_run=True,
    ),
    case(
        "a kernel of somebody's own",
        "echo größe",
        "env HOMEMADE",
        "env HOMEMADE_PATH",
        "show something",
        code("fail as expected", "raises-exception"),
        "# what is a comment elsewhere",
        "fail at last",
        "never",
        metadata=HOMEMADE,
        raised="PapermillExecutionError",
        state="failed",
        as_run=True,
    ),
)
