"""The language of `when` and `where` against Python itself."""

from __future__ import annotations

import pickle
import warnings
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from nbsched.core.errors import ExpressionError, UnknownName
from nbsched.core.expressions import Expression, parse_expression

VALUES: dict[str, Any] = {
    "region": "EU",
    "limit": 10,
    "nothing": None,
    "flag": True,
    "rate": 0.5,
    "names": ["a", "b"],
    "evaluate": {"accuracy": 0.93, "best model": "svm", "scores": [1, 2, {"f1": 0.8}]},
}


def resolve(path: tuple[str, ...]) -> Any:
    found: Any = VALUES
    for key in path:
        found = found[key]
    return found


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("evaluate.accuracy > 0.9", True),
        ('evaluate["accuracy"] > 0.9 and region == "EU"', True),
        ("not flag", False),
        ("0 < limit <= 10 < 11", True),
        ("0 < limit < 5 < nowhere", False),
        ("region in ('EU', 'US')", True),
        ("region not in ['EU']", False),
        ("nothing is None", True),
        ("region is not None", True),
        ("None is nothing", True),
        ("limit * 2 + 1", 21),
        ("limit // 3 % 2 - -1", 2),
        ("limit / 4", 2.5),
        ("nothing or region", "EU"),
        ("flag and limit", 10),
        ("nothing or 0", 0),
        ("flag or nowhere", True),
        ("'best model' in evaluate", True),
        ("evaluate['best model']", "svm"),
        ("names[0]", "a"),
        ("names[-1] == 'b'", True),
        ("evaluate.scores[2].f1", 0.8),
        ("evaluate.scores[2]['f1'] < 1", True),
        ("{'a': [1, (2, 3)]}", {"a": [1, (2, 3)]}),
        ("'x' + region", "xEU"),
        ("[1] + [2]", [1, 2]),
        ("  limit  ", 10),
        ("+rate", 0.5),
        ("(1,\n2)", (1, 2)),
        ("()", ()),
        ("'a' 'b'", "ab"),
        ("True", True),
        ("1_000", 1000),
        ("{'EU': 1}[\"EU\"]", 1),
        ("(names)[1]", "b"),
    ],
)
def test_an_expression_has_the_value_python_gives_it(text: str, expected: Any) -> None:
    found = parse_expression(text).evaluate(resolve)
    assert found == expected
    assert type(found) is type(expected)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "empty"),
        ("   ", "empty"),
        ("a >", "cannot be read"),
        ("a = 1", "cannot be read"),
        ("a; b", "cannot be read"),
        ("f(x)", "'f(x)' is a call"),
        ("__import__('os').system('x')", "call"),
        ("a.__class__", "'a.__class__' begins with two underscores"),
        ("__builtins__", "two underscores"),
        ("a['__class__']", "two underscores"),
        ("a[0].__class__", "two underscores"),
        ("lambda: 1", "function"),
        ("[x for x in y]", "comprehension"),
        ("{x for x in y}", "not in the language"),
        ("f'{a}'", "f-string"),
        ("(a := 1)", "assignment"),
        ("1 if a else 2", "conditional"),
        ("a[b]", "literal key"),
        ("a[0:1]", "literal key"),
        ("a[1.5]", "literal key"),
        ("a[True]", "literal key"),
        ("a[-'x']", "literal key"),
        ("2 ** 9", "operator"),
        ("a | b", "operator"),
        ("a @ b", "operator"),
        ("1 << 2", "operator"),
        ("~a", "operator"),
        ("a is b", "use =="),
        ("a is True", "use =="),
        ("a == b is c", "use =="),
        ("b'x'", "bytes"),
        ("1j", "complex"),
        ("...", "ellipsis"),
        ("{1, 2}", "not in the language"),
        ("{**a}", "write its keys out"),
        ("[*a]", "not in the language"),
        ("await a", "not in the language"),
        ("yield", "cannot be read|not in the language"),
        ("import os", "cannot be read"),
        ("a\x00b", "cannot be read"),
        ("(" * 300, "cannot be read"),
        ("-" * 1500 + "1", "nested|cannot be read"),
        ("not " * 200 + "a", "nested|cannot be read"),
        ("1+" * 400 + "1", "nested|cannot be read"),
        ("a" * 3000, "longer"),
        ("9" * 1900, None),
    ],
)
def test_what_is_not_in_the_language_is_named_and_refused(text: str, says: str | None) -> None:
    if says is None:
        assert parse_expression(text)
        return
    with pytest.raises(ExpressionError) as caught:
        parse_expression(text)
    assert any(option in str(caught.value) for option in says.split("|")), caught.value
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("nowhere > 1", "there is no 'nowhere' here"),
        ("evaluate.loss < 1", "there is no 'evaluate.loss'"),
        ("region > 1", "TypeError"),
        ("limit / 0", "ZeroDivisionError"),
        ("'x' * 10", "numbers only"),
        ("names * 1000000000", "numbers only"),
        ("'%099999d' % 1", "numbers only"),
        ("names[7]", "IndexError"),
        ("names.first", "there is no 'names.first'"),
        ("limit[0]", "a int has no item"),
        ("[].append", "cannot be computed"),
        ("{[]: 1}", "TypeError"),
        ("'a' in 5", "TypeError"),
        ("evaluate.scores[2].f2", "KeyError"),
    ],
)
def test_what_cannot_be_computed_is_named(text: str, says: str) -> None:
    def known_only(path: tuple[str, ...]) -> Any:
        found: Any = VALUES
        for key in path:
            if not isinstance(found, dict):
                raise KeyError(key)
            found = found[key]
        return found

    with pytest.raises(ExpressionError) as caught:
        parse_expression(text).evaluate(known_only)
    assert says in str(caught.value)
    assert text in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


def test_a_resolver_that_knows_better_names_is_quoted() -> None:
    def unknown(path: tuple[str, ...]) -> Any:
        raise UnknownName("step", path[0], ["evaluate"])

    with pytest.raises(ExpressionError, match="did you mean 'evaluate'"):
        parse_expression("evaluat.accuracy > 1").evaluate(unknown)


@pytest.mark.parametrize(
    ("text", "paths"),
    [
        ("evaluate.accuracy > 0.9 and region == 'EU'", (("evaluate", "accuracy"), ("region",))),
        ("1 < 2", ()),
        ('a["b c"].d + a["b c"].d + e', (("a", "b c", "d"), ("e",))),
        ("rows[0].x in [low, {'k': high}]", (("rows",), ("low",), ("high",))),
        ("{key: 1} == -(x - y.z)", (("key",), ("x",), ("y", "z"))),
        ("a < b < c", (("a",), ("b",), ("c",))),
    ],
)
def test_the_paths_it_reads_are_told_in_order(text: str, paths: tuple[tuple[str, ...], ...]) -> None:
    assert parse_expression(text).paths == paths


def test_an_expression_is_its_text() -> None:
    found = parse_expression(" a > 1 ")
    assert found == Expression("a > 1") == pickle.loads(pickle.dumps(found))
    assert str(found) == "a > 1"
    assert hash(found) == hash(Expression("a > 1"))
    with pytest.raises(ExpressionError):
        Expression("f()")


def test_and_and_or_stop_where_python_stops() -> None:
    asked: list[tuple[str, ...]] = []

    def note(path: tuple[str, ...]) -> int:
        asked.append(path)
        return len(path)

    parse_expression("a.b or c").evaluate(note)
    parse_expression("not d and e").evaluate(note)
    parse_expression("9 < f < g").evaluate(note)
    assert asked == [("a", "b"), ("d",), ("f",)]


# Against Python ---------------------------------------------------------------------------------------

literals = st.one_of(
    st.none(), st.booleans(), st.integers(-50, 50), st.floats(-10, 10, allow_nan=False), st.text(max_size=4)
).map(repr)
atoms = literals | st.sampled_from(["region", "limit", "nothing", "flag", "rate", "names"])


def larger(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    operators = ["+", "-", "*", "/", "//", "%", "==", "!=", "<", "<=", ">", ">=", "in", "not in", "and", "or"]
    return st.one_of(
        st.tuples(inner, st.sampled_from(operators), inner).map(lambda t: f"({t[0]} {t[1]} {t[2]})"),
        st.tuples(inner, st.sampled_from(["<", "==", ">="]), inner, st.sampled_from(["<", "!="]), inner).map(
            lambda t: f"({' '.join(t)})"
        ),
        st.tuples(st.sampled_from(["not", "-", "+"]), inner).map(lambda t: f"({t[0]} {t[1]})"),
        inner.map(lambda t: f"({t} is None)"),
        st.lists(inner, max_size=3).map(lambda t: f"[{', '.join(t)}]"),
        st.lists(inner, max_size=3).map(lambda t: f"({''.join(f'{x}, ' for x in t)})"),
        st.tuples(literals, inner).map(lambda t: f"{{{t[0]}: {t[1]}}}"),
        st.tuples(inner, st.integers(-2, 2)).map(lambda t: f"{t[0]}[{t[1]}]"),
    )


@settings(max_examples=400, deadline=None)
@given(st.recursive(atoms, larger, max_leaves=8))
def test_the_value_is_pythons(text: str) -> None:
    expected = outcome(lambda: eval(text, {"__builtins__": {}}, VALUES))
    found = outcome(lambda: parse_expression(text).evaluate(resolve))
    if isinstance(found, ExpressionError):
        left_out = "numbers only" in str(found)  # repeating and formatting text, on purpose
        assert left_out or isinstance(expected, Exception)
    else:
        assert found == expected
        assert type(found) is type(expected)


def outcome(of: Callable[[], Any]) -> Any:
    """The value, or the exception that came instead."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return of()
        except Exception as error:
            return error


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=40) | st.text(alphabet="ab_.()[]'\" +*=<:,0{}@!\\", max_size=30))
@example("__import__('os').abort()")
@example("().__class__.__mro__[1].__subclasses__()")
def test_no_text_runs_anything(text: str) -> None:
    class Trap:
        def __getattribute__(self, name: str) -> Any:
            if name != "__class__":
                raise AssertionError(f"{name} was looked up")
            return object.__getattribute__(self, name)

        def __call__(self, *args: Any) -> None:
            raise AssertionError("a value was called")

    found = outcome(lambda: parse_expression(text).evaluate(lambda path: Trap()))
    assert not isinstance(found, Exception) or isinstance(found, ExpressionError)
    assert "AssertionError" not in str(found if isinstance(found, Exception) else "")
