"""What code says, comments and layout aside."""

from __future__ import annotations

import ast

import pytest

from nbsched.core.syntax import code_mark, imports, names_read, parsed, resting_on, without_values_of


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("x = 1", "x=1  # one\n\n", True),
        ("f(a,\n  b)", "f(a, b)", True),
        ("x = 1", "x = 2", False),
        ("x = 1", "x = 1.0", False),
        ("%time f()\nx = 1", "%time f()\nx  =  1 # c", True),
        ("%time f()", "%time g()", False),
        ("files = !ls", "files = !ls -a", False),
        ("if a:\n    !ls\n", "if a: # c\n    !ls", True),
        ("%%bash\nls  \n", "%%bash\nls\n", True),
        ("%%bash\nls # c", "%%bash\nls", False),
        ("not python (", "not python (\n\n", True),
        ("await f()", "await  f()", True),
    ],
)
def test_a_mark_is_of_what_the_code_says(one: str, other: str, same: bool) -> None:
    assert (code_mark(one) == code_mark(other)) is same


MODULE = """
import os, json as j
from .near import thing
LIMIT = 3
TABLE = {}
TABLE["a"] = LIMIT

def helper(x):
    return thing(x) + TABLE["a"]

@nb.task(retries=2)
def wanted(values, other=os.sep):
    local = [helper(one) for one in values]
    unused = local
    return local

def unrelated():
    return wanted([1]) + j.loads("1")

with nb.pipeline("p") as p:
    local = wanted([1])

if __name__ == "__main__":
    wanted([1])
"""


def resting(name: str, module: str = MODULE) -> str:
    found = resting_on(ast.parse(module), name)
    return "" if found is None else ast.unparse(found)


def test_a_name_rests_on_what_it_reads_however_far_behind() -> None:
    found = resting("wanted")
    for part in ("import os", "from .near", "LIMIT = 3", "TABLE['a']", "def helper", "def wanted"):
        assert part in found
    for part in ("unrelated", "pipeline", "__main__", "nb.task"):
        assert part not in found
    assert "def wanted" in resting("unrelated")
    assert resting("nothing") == ""


def test_a_name_can_be_given_anywhere_at_the_top_of_a_module() -> None:
    module = "try:\n    import fast as f\nexcept ImportError:\n    f = None\nfor i in []:\n    x, *y = i\n"
    found = resting("g", f"{module}def g(): return f, y")
    assert "import fast" in found
    assert "for i in" in found


def test_all_that_may_be_imported_is_named() -> None:
    tree = ast.parse(
        "import a.b, c\nfrom d import e\nfrom . import f\nfrom ..g import h\ndef i():\n    import j"
    )
    assert set(imports(tree)) == {
        (0, "a.b"), (0, "c"), (0, "d"), (0, "d.e"), (1, ""), (1, "f"), (2, "g"), (2, "g.h"), (0, "j"),
    }  # fmt: skip


def test_the_names_that_code_reads_of_its_module() -> None:
    code = "@deco\ndef f(a, b=default):\n    c = a + glob\n    return [c for d in e] + (lambda x: x + far)(c)"
    assert names_read(ast.parse(code)) == {"deco", "default", "glob", "e", "far"}


def test_parameters_are_left_out_and_nothing_else() -> None:
    tree = parsed("region: str = 'EU'\nlimit = 3\nother = limit\nx = limit = 3")
    assert tree is not None
    assert ast.unparse(without_values_of(tree, ["region", "limit"])) == "other = limit\nx = limit = 3"
