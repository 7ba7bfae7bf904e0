"""The names that a cell takes from others and the names it leaves to them, told without running it."""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class CellNames:
    """`reads` are needed before the cell has written them, `writes` are there once it has run."""

    reads: frozenset[str] = frozenset()
    writes: frozenset[str] = frozenset()


def cell_names(source: str, given: Iterable[str] = ()) -> CellNames:
    """The cell's global names, none if it is no Python; `given` are variables that are set at its top.

    A write is an assignment, an import or a definition: what a method or an item assignment changes is not seen.
    """
    flow = _Flow(given)
    try:
        flow.run(_parsed(source).body)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return CellNames()
    writes = flow.writes | flow.global_writes
    reads = flow.reads | (flow.later - writes)
    return CellNames(frozenset(reads - _OUTPUTS), frozenset(writes - _OUTPUTS))


_OUTPUTS = {"_", "__", "___"}
"""What IPython calls the last outputs, and people what they do not need."""
_PYTHON_BELOW = re.compile(r"\s*%%(?:time|timeit|capture|prun)\b.*")
_ASSIGNED = re.compile(r"^(?P<target>\s*[\w, ]+=)\s*[%!].*$", re.MULTILINE)
_TIMED = re.compile(r"^(?P<indent>\s*)%time\s+", re.MULTILINE)
_LINE = re.compile(r"^(?P<indent>[^\S\n]*)(?:[%!?].*|[\w.]+\?{1,2}[^\S\n]*)$", re.MULTILINE)


def _parsed(source: str) -> ast.Module:
    """The cell's tree; magics, shell lines and questions are left out."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return ast.parse(source)
        except SyntaxError:
            return ast.parse(_without_ipython(source))


def _without_ipython(source: str) -> str:
    first, _, below = source.lstrip().partition("\n")
    if first.startswith("%%"):
        source = below if _PYTHON_BELOW.fullmatch(first) else ""
    source = _TIMED.sub(r"\g<indent>", source)
    return _LINE.sub(r"\g<indent>pass", _ASSIGNED.sub(r"\g<target> None", source))


class _Flow(ast.NodeVisitor):
    """Walks statements in the order in which they run."""

    def __init__(self, written: Iterable[str] = ()) -> None:
        self.written = set(written)
        """Written on every way that leads here."""
        self.writes = set(self.written)
        self.reads: set[str] = set()
        self.later: set[str] = set()
        """Read when a function is called that has been defined."""
        self.global_writes: set[str] = set()
        self._global: set[str] = set()
        self._nonlocal: set[str] = set()
        self._branches = 0

    def run(self, body: Iterable[ast.AST]) -> None:
        for node in body:
            self.visit(node)

    def _read(self, name: str) -> None:
        if name not in self.written:
            self.reads.add(name)

    def _write(self, name: str) -> None:
        self.written.add(name)
        self.writes.add(name)

    def _branch(self, *bodies: Iterable[ast.AST]) -> set[str]:
        """What is written for certain at the end of a way that need not be taken."""
        before, self.written = self.written, set(self.written)
        self._branches += 1
        for body in bodies:
            self.run(body)
        self._branches -= 1
        before, self.written = self.written, before
        return before

    @contextmanager
    def _scope(self) -> Iterator[set[str]]:
        """A block whose names are its own; gives them once it is over."""
        written, writes = self.written, self.writes
        own: set[str] = set()
        self.written, self.writes = set(written), own
        yield own
        self.written, self.writes = written, writes

    # Names and assignments

    def visit_Name(self, node: ast.Name) -> None:
        if isinstance(node.ctx, ast.Store):
            self._write(node.id)
            return
        self._read(node.id)
        if isinstance(node.ctx, ast.Del):
            self.written.discard(node.id)
            if not self._branches:
                self.writes.discard(node.id)

    def visit_Assign(self, node: ast.Assign) -> None:
        self.run([node.value, *node.targets])

    def visit_AugAssign(self, node: ast.AugAssign) -> None:
        if isinstance(node.target, ast.Name):
            self._read(node.target.id)
        self.run([node.value, node.target])

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        self.visit(node.annotation)
        if node.value is not None:
            self.run([node.value, node.target])

    def visit_NamedExpr(self, node: ast.NamedExpr) -> None:
        self.run([node.value, node.target])

    def visit_Import(self, node: ast.Import | ast.ImportFrom) -> None:
        for alias in node.names:
            self._write(alias.asname or alias.name.partition(".")[0])

    visit_ImportFrom = visit_Import

    # Ways that need not be taken

    def visit_If(self, node: ast.If) -> None:
        self.visit(node.test)
        self.written |= self._branch(node.body) & self._branch(node.orelse)

    def visit_For(self, node: ast.For | ast.AsyncFor) -> None:
        self.visit(node.iter)
        self._branch([node.target], node.body)
        self._branch(node.orelse)

    visit_AsyncFor = visit_For

    def visit_While(self, node: ast.While) -> None:
        self.visit(node.test)
        self._branch(node.body)
        self._branch(node.orelse)

    def visit_Try(self, node: ast.Try | ast.TryStar) -> None:
        ends = [self._branch(node.body, node.orelse), *(self._branch([handler]) for handler in node.handlers)]
        self.written |= set.intersection(*ends)
        self.run(node.finalbody)

    visit_TryStar = visit_Try

    def visit_ExceptHandler(self, node: ast.ExceptHandler) -> None:
        if node.type is not None:
            self.visit(node.type)
        known = node.name in self.writes
        if node.name:
            self._write(node.name)
        self.run(node.body)
        if node.name and not known:
            self.written.discard(node.name)
            self.writes.discard(node.name)

    def visit_Match(self, node: ast.Match) -> None:
        self.visit(node.subject)
        for case in node.cases:
            self._branch([case.pattern, *filter(None, [case.guard])], case.body)

    def visit_MatchAs(self, node: ast.MatchAs | ast.MatchStar) -> None:
        self.generic_visit(node)
        if node.name:
            self._write(node.name)

    visit_MatchStar = visit_MatchAs

    def visit_MatchMapping(self, node: ast.MatchMapping) -> None:
        self.generic_visit(node)
        if node.rest:
            self._write(node.rest)

    # What has names of its own

    def visit_FunctionDef(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        self.run([*node.decorator_list, *_annotations(node.args), *filter(None, [node.returns])])
        self._write(node.name)
        self._function(node.args, node.body)

    visit_AsyncFunctionDef = visit_FunctionDef

    def visit_Lambda(self, node: ast.Lambda) -> None:
        self._function(node.args, [node.body])

    def _function(self, args: ast.arguments, body: Sequence[ast.AST]) -> None:
        """The defaults are computed now; what the body reads of others it reads when it is called."""
        self.run([*args.defaults, *filter(None, args.kw_defaults)])
        inner = _Flow()
        inner.run(body)
        taken = {arg.arg for arg in _arguments(args)}
        own = (taken | inner.writes) - inner._global - inner._nonlocal
        self.later |= (inner.reads | inner.later) - own
        self.global_writes |= (inner.writes & inner._global) | inner.global_writes

    def visit_Global(self, node: ast.Global) -> None:
        self._global.update(node.names)

    def visit_Nonlocal(self, node: ast.Nonlocal) -> None:
        self._nonlocal.update(node.names)

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        self.run([*node.decorator_list, *node.bases, *node.keywords])
        with self._scope():
            self.run(node.body)
        self._write(node.name)

    def _comprehension(self, generators: Sequence[ast.comprehension], *made: ast.expr) -> None:
        """Its targets are its own; what `:=` writes in it is not."""
        self.visit(generators[0].iter)
        with self._scope() as names:
            for at, part in enumerate(generators):
                self.run([*([part.iter] if at else []), part.target, *part.ifs])
            targets = {
                node.id for part in generators for node in ast.walk(part.target) if isinstance(node, ast.Name)
            }
            self.run(made)
        self.writes |= names - targets

    def visit_ListComp(self, node: ast.ListComp | ast.SetComp | ast.GeneratorExp) -> None:
        self._comprehension(node.generators, node.elt)

    visit_SetComp = visit_GeneratorExp = visit_ListComp

    def visit_DictComp(self, node: ast.DictComp) -> None:
        self._comprehension(node.generators, node.key, node.value)


def _arguments(args: ast.arguments) -> list[ast.arg]:
    return [*args.posonlyargs, *args.args, *args.kwonlyargs, *filter(None, [args.vararg, args.kwarg])]


def _annotations(args: ast.arguments) -> list[ast.expr]:
    return [arg.annotation for arg in _arguments(args) if arg.annotation is not None]
