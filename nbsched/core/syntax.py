"""What Python code says, comments and layout aside: its mark, what it imports, what a name in it rests on."""

from __future__ import annotations

import ast
import hashlib
import re
import symtable
from collections.abc import Iterable, Iterator

Import = tuple[int, str]
"""The dots before a module's name, and the name."""

_CELL_MAGIC = re.compile(r"\s*%%")
_MAGIC_LINE = re.compile(r"^(\s*)([%!?].*)$", re.MULTILINE)
_MAGIC_VALUE = re.compile(r"=[ \t]*([%!].*)$", re.MULTILINE)
_TRIES = 5
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


def mark(text: str) -> str:
    """A short text that is the same for the same text, and for hardly any other."""
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=10).hexdigest()


def parsed(source: str) -> ast.Module | None:
    """The code's tree, with magics and shell lines as texts; None where it is not Python all the same."""
    if _CELL_MAGIC.match(source):
        return None
    plain = _MAGIC_VALUE.sub(lambda found: f"= {found[1]!r}", source)
    plain = _MAGIC_LINE.sub(lambda found: f"{found[1]}{found[2]!r}", plain)
    for _ in range(_TRIES):
        try:
            return ast.parse(plain)
        except SystemError:  # CPython 3.11 may mix up threads that parse at the same time
            continue
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            break
    return None


def code_mark(source: str) -> str:
    """The mark of what the code says; of its lines where it is not Python."""
    tree = parsed(source)
    return text_mark(source) if tree is None else tree_mark(tree)


def text_mark(text: str) -> str:
    """The mark of the text's lines, spaces at their ends and empty lines aside."""
    return mark("\n".join(line.rstrip() for line in text.splitlines() if line.strip()))


def tree_mark(tree: ast.Module) -> str:
    """The mark of the code whose tree this is."""
    return mark(_written(tree))


def _written(tree: ast.AST) -> str:
    try:
        return ast.unparse(tree)
    except RecursionError:
        return ast.dump(tree)


def without_values_of(tree: ast.Module, names: Iterable[str]) -> ast.Module:
    """The code without the plain assignments to these names."""
    known = set(names)
    return ast.Module([one for one in tree.body if not _assigns_only(one, known)], [])


def _assigns_only(statement: ast.stmt, names: set[str]) -> bool:
    if isinstance(statement, ast.AnnAssign):
        return isinstance(statement.target, ast.Name) and statement.target.id in names
    if isinstance(statement, ast.Assign):
        return all(isinstance(target, ast.Name) and target.id in names for target in statement.targets)
    return False


def imports(tree: ast.AST) -> Iterator[Import]:
    """Every module that the code may import: of `from a import b` both `a` and `a.b`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((0, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.level, node.module or ""
            for alias in node.names:
                yield node.level, f"{node.module}.{alias.name}" if node.module else alias.name


def top_imports(tree: ast.Module) -> Iterator[str]:
    """Every module that the code imports first thing, outside of any block: as `imports`, without relative ones."""
    plain: list[ast.stmt] = [node for node in tree.body if isinstance(node, (ast.Import, ast.ImportFrom))]
    return (name for dots, name in imports(ast.Module(plain, [])) if not dots)


def resting_on(tree: ast.Module, name: str) -> ast.Module | None:
    """The module's statements that give `name` its meaning, however far behind it; None when there is no such name.

    A program's own part (`if __name__ == "__main__"`) and bare calls are left out, what `nb.task` is told too.
    """
    body = [undecorated(one) for one in tree.body if not _is_program(one)]
    bound: dict[str, list[int]] = {}
    for at, statement in enumerate(body):
        for one in bound_names(statement):
            bound.setdefault(one, []).append(at)
    if name not in bound:
        return None
    found, left, seen = set(bound.get("*", ())), [name], set[str]()
    while left:
        if (one := left.pop()) in seen:
            continue
        seen.add(one)
        for at in set(bound.get(one, ())) - found:
            found.add(at)
            left.extend(names_read(body[at]))
    return ast.Module([body[at] for at in sorted(found)], [])


def _is_program(statement: ast.stmt) -> bool:
    return (
        isinstance(statement, ast.If)
        and isinstance(statement.test, ast.Compare)
        and isinstance(statement.test.left, ast.Name)
        and statement.test.left.id == "__name__"
    )


def undecorated(statement: ast.stmt) -> ast.stmt:
    """The function without `@nb.task(…)`: how it is run is no part of what it does."""
    if isinstance(statement, _FUNCTIONS):
        statement.decorator_list = [one for one in statement.decorator_list if not _is_task(one)]
    return statement


def _is_task(decorator: ast.expr) -> bool:
    called = decorator.func if isinstance(decorator, ast.Call) else decorator
    return "task" in (getattr(called, "attr", ""), getattr(called, "id", ""))


def bound_names(node: ast.AST) -> Iterator[str]:
    """The names that the statement gives a meaning to, or changes what they name; `*` for whatever it imports."""
    if isinstance(node, (*_FUNCTIONS, ast.ClassDef)):
        yield node.name
    elif isinstance(node, (ast.Import, ast.ImportFrom)):
        yield from ((alias.asname or alias.name).partition(".")[0] for alias in node.names)
    elif isinstance(node, (ast.Assign, ast.AugAssign, ast.AnnAssign, ast.Delete, ast.For, ast.AsyncFor)):
        targets = getattr(node, "targets", None) or [getattr(node, "target", None)]
        yield from (name for target in targets if target is not None for name in _targets(target))
        yield from (name for part in ast.iter_child_nodes(node) for name in bound_names(part))
    elif isinstance(node, ast.withitem) and node.optional_vars is not None:
        yield from _targets(node.optional_vars)
    elif not isinstance(node, ast.Lambda):
        yield from (name for part in ast.iter_child_nodes(node) for name in bound_names(part))


def _targets(target: ast.expr) -> Iterator[str]:
    if isinstance(target, (ast.Tuple, ast.List)):
        for part in target.elts:
            yield from _targets(part)
        return
    while isinstance(target, (ast.Attribute, ast.Subscript, ast.Starred)):
        target = target.value
    if isinstance(target, ast.Name):
        yield target.id


def names_read(code: ast.AST) -> set[str]:
    """The names of its module that the code reads; those of its own functions are not among them."""
    found: set[str] = set()
    tables = [symtable.symtable(_written(code), "<code>", "exec")]
    while tables:
        table = tables.pop()
        tables += table.get_children()
        found |= {one.get_name() for one in table.get_symbols()
                  if one.is_referenced() and (table.get_type() == "module" or one.is_global())}  # fmt: skip
    return found
