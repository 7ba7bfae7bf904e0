"""What a cell reads of others and leaves to them, compared with what Python does."""

from __future__ import annotations

import builtins
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbsched.core.cellnames import CellNames, cell_names


def names(source: str, *given: str) -> tuple[str, str]:
    found = cell_names(source, given)
    return " ".join(sorted(found.reads - set(dir(builtins)))), " ".join(sorted(found.writes))


@pytest.mark.parametrize(
    ("source", "reads", "writes"),
    [
        ("model = fit(data)", "data fit", "model"),
        ("x = 1\ny = x", "", "x y"),
        ("y = x\nx = 1", "x", "x y"),
        ("total += 1", "total", "total"),
        ("import numpy as np, os.path\nfrom a import b as c, d", "", "c d np os"),
        ("df['a'] = 1\ndf.append(row)\ndf.name = 'x'", "df row", ""),
        ("a, (b, *c) = d", "d", "a b c"),
        ("x: int\ny: kind = 1", "kind", "y"),
        ("if ready:\n    x = 1\nprint(x)", "ready x", "x"),
        ("if ready:\n    x = 1\nelse:\n    x = 2\nprint(x)", "ready", "x"),
        ("for i in rows:\n    n = i\nprint(n)", "n rows", "i n"),
        ("try:\n    x = load()\nexcept OSError as e:\n    x = e\nprint(x)", "load", "x"),
        ("try:\n    x = load()\nexcept OSError:\n    pass\nprint(x)", "load x", "x"),
        ("with open(path) as f, g() as h:\n    text = f.read()\nprint(text)", "g path", "f h text"),
        ("[x * k for x in rows if x > low]", "k low rows", ""),
        ("[y for x in rows for y in x if (seen := y)]", "rows", "seen"),
        ("{k: v for k, v in pairs}", "pairs", ""),
        ("def f(a, b=low) -> out:\n    c = a + scale\n    return c", "low out scale", "f"),
        ("def f():\n    return model\nmodel = 1\nf()", "", "f model"),
        ("def f():\n    global model\n    model = fit(data)", "data fit", "f model"),
        ("def f():\n    n = 1\n    def g():\n        nonlocal n\n        n = m\n    return g", "m", "f"),
        ("@task\nclass Net(Base):\n    size = width\n    def go(self):\n        return size", "Base size task width",
         "Net"),
        ("key = lambda row: row[field]", "field", "key"),
        ("x = 1\ndel x", "", ""),
        ("match shape:\n    case [a, *rest] if a > low:\n        b = a\n    case {'k': v, **more}:\n        pass",
         "low shape", "a b more rest v"),
        ("await load(url)", "load url", ""),
        ("%matplotlib inline\nfiles = !ls\nx = 1\nx?", "", "files x"),
        ("%time model = fit(data)", "data fit", "model"),
        ("%%time\nmodel = fit(data)", "data fit", "model"),
        ("%%bash\nmodel=1", "", ""),
        ("x = (", "", ""),
        ("for _ in rows:\n    pass\nprint(_)", "rows", ""),
    ],
)  # fmt: skip
def test_names_are_read_off_the_source(source: str, reads: str, writes: str) -> None:
    assert names(source) == (reads, writes)


def test_parameters_of_the_cell_are_set_at_its_top() -> None:
    assert names("y = x + z", "x") == ("z", "x y")


def test_what_cannot_be_read_has_no_names() -> None:
    assert cell_names("(" * 500) == CellNames()
    assert cell_names("\0") == CellNames()


VARIABLE = st.sampled_from("abcd")
EXPRESSION = st.recursive(
    st.just("0") | VARIABLE,
    lambda inner: st.one_of(
        st.builds("({} or {})".format, st.just("0"), inner),
        st.builds("[{} for {} in (0, 1)]".format, inner, VARIABLE),
        st.builds("(lambda {}: {})(0)".format, VARIABLE, VARIABLE),
        st.builds("({} := {})".format, VARIABLE, inner),
    ),
    max_leaves=3,
)
STATEMENT = st.one_of(
    st.builds("{} = {}".format, VARIABLE, EXPRESSION),
    st.builds("{}".format, EXPRESSION),
    st.builds("for {} in (0, 1):\n    {} = {}".format, VARIABLE, VARIABLE, VARIABLE),
    st.builds("if {}:\n    {} = 1\nelse:\n    {} = 2".format, VARIABLE, VARIABLE, VARIABLE),
    st.builds(
        "try:\n    {} = {}\nexcept ZeroDivisionError:\n    {} = 1".format, VARIABLE, VARIABLE, VARIABLE
    ),
    st.builds("class {}:\n    {} = {}".format, VARIABLE, VARIABLE, VARIABLE),
)


class Globals(dict[str, Any]):
    """Counts as read what is asked for before it has been written."""

    def __init__(self) -> None:
        self.reads: set[str] = set()
        self.writes: set[str] = set()
        super().__init__(__builtins__=builtins, __name__="cell")

    def __missing__(self, name: str) -> Any:
        if name not in "abcd":
            raise KeyError(name)
        self.reads.add(name)
        return 0

    def __setitem__(self, name: str, value: Any) -> None:
        self.writes.add(name)
        super().__setitem__(name, value)


def compilable(source: str) -> bool:
    try:
        compile(source, "cell", "exec")
    except SyntaxError:
        return False
    return True


@given(st.lists(STATEMENT, min_size=1, max_size=5).map("\n".join).filter(compilable))
def test_nothing_that_python_reads_or_writes_is_missed(source: str) -> None:
    space = Globals()
    exec(
        source, {**dict.fromkeys("abcd", 0), "__name__": "cell"}, space
    )  # what functions read is not counted
    found = cell_names(source)
    assert space.reads <= found.reads
    assert space.writes - {"__module__"} <= found.writes


@given(
    st.lists(st.tuples(VARIABLE, VARIABLE | st.just("0")), min_size=1, max_size=8).map(
        lambda pairs: "\n".join(f"{target} = {value}" for target, value in pairs)
    )
)
def test_of_plain_assignments_exactly_what_python_does_is_told(source: str) -> None:
    space = Globals()
    exec(source, {}, space)
    found = cell_names(source)
    assert (found.reads, found.writes) == (space.reads, space.writes)
