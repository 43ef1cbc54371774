"""Turn a problem's file into a candidate's: its Model under the candidate's name, with another forward.

Works on the syntax tree; nothing is imported or run. The parameters are made as the reference makes
them, so that its weights fit.
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Sequence

from warpsmith.core.syntax import parse
from warpsmith.propose.templates.steps import NoTemplate

ENTRY = "ModelNew"
_MODEL = "Model"


class Module:
    """The class of a problem, to be given another forward.

    Attributes:
        arguments: names of the forward's parameters after self.
    """

    def __init__(self, source: str) -> None:
        try:
            self._tree = parse(source)
        except (SyntaxError, ValueError, RecursionError) as error:
            raise NoTemplate("the problem is not Python") from error
        model = next((s for s in self._tree.body if isinstance(s, ast.ClassDef) and s.name == _MODEL), None)
        methods = [s for s in model.body if isinstance(s, ast.FunctionDef)] if model else []
        forward = next((s for s in methods if s.name == "forward"), None)
        if model is None or forward is None:
            raise NoTemplate("the problem's Model is no class with a forward")
        given = forward.args
        if given.vararg or given.kwarg or given.kwonlyargs or given.posonlyargs:
            raise NoTemplate("the reference's forward takes more than named arguments")
        self._model, self._forward = model, forward
        self.arguments = [argument.arg for argument in given.args[1:]]

    def value_of(self, source: str) -> str:
        """Return the expression for a tensor that a trace calls `input.0` or `self.norm.weight`."""
        owner, _, path = source.partition(".")
        if owner == "input":
            if int(path) >= len(self.arguments):
                raise NoTemplate("the reference is given more than its forward names")
            return self.arguments[int(path)]
        return owner + "".join(f"[{part}]" if part.isdigit() else f".{part}" for part in path.split("."))

    def source(self, title: str, head: str, body: Sequence[str]) -> str:
        """Return a candidate.

        Args:
            title: first line of its docstring.
            head: imports, kernels and helpers, which are put before the class.
            body: statements of its forward, as text.
        """
        names = ", ".join(["self", *self.arguments])
        lines = "\n".join(f"    {line}" for statement in body for line in statement.splitlines())
        forward = parse(f"def forward({names}):\n{lines}\n").body[0]
        ours = {n.id for n in ast.walk(forward) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
        if ours & set(self.arguments):
            raise NoTemplate("the reference's forward has arguments called as a template's variables")
        members = [forward if s is self._forward else s for s in self._model.body]
        # Other methods than the constructor may be what it calls; they come along.
        model = copy.copy(self._model)
        model.name, model.decorator_list = ENTRY, []
        model.body = [s for s in members if not _is_docstring(s)]
        kept = _needed(self._tree, model)
        text = "\n".join(ast.unparse(statement) for statement in kept)
        tree = _Renamed().visit(parse(ast.unparse(ast.fix_missing_locations(model))))
        parts = [f'"""{title}"""', text, head.strip("\n"), ast.unparse(tree)]
        return "\n\n\n".join(part for part in parts if part) + "\n"


def _is_docstring(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


class _Renamed(ast.NodeTransformer):
    """Calls the class by its new name, as in `super(Model, self)`."""

    def visit_Name(self, node: ast.Name) -> ast.AST:
        return ast.Name(id=ENTRY, ctx=node.ctx) if node.id == _MODEL else node


def _bound(statement: ast.stmt) -> set[str]:
    match statement:
        case ast.Import(names=names) | ast.ImportFrom(names=names):
            return {(alias.asname or alias.name).partition(".")[0] for alias in names}
        case ast.ClassDef(name=name) | ast.FunctionDef(name=name):
            return {name}
        case _:
            return {
                n.id for n in ast.walk(statement) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)
            }


def _read(statement: ast.stmt) -> set[str]:
    return {n.id for n in ast.walk(statement) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)}


def _needed(tree: ast.Module, model: ast.ClassDef) -> list[ast.stmt]:
    """Return the statements of a module, in order, that a class needs."""
    wanted, kept = _read(model) - {_MODEL}, set[int]()
    for _ in tree.body:  # what a kept statement reads may stand before or after it
        for at, statement in enumerate(tree.body):
            own = isinstance(statement, ast.ClassDef) and statement.name == _MODEL
            if at not in kept and not own and _bound(statement) & wanted:
                kept.add(at)
                wanted |= _read(statement)
    statements = [tree.body[at] for at in sorted(kept)]
    future = "__future__"
    named = [s for s in statements if not (isinstance(s, ast.ImportFrom) and s.module == future)]
    return [s for s in tree.body if isinstance(s, ast.ImportFrom) and s.module == future] + named
