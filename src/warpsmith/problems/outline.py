"""See which names a Python module binds, and with what, without running it; knows no problem's rules."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import NamedTuple

from warpsmith.core.errors import UsageError

_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


class Parameters(NamedTuple):
    """What a function can be called with by name.

    Attributes:
        names: parameters that have this name in the definition; `**kwargs` has none.
        required: those without a default, also where they can't be given by name.
        is_unknown: whether only running the file would tell: the function is imported, assigned
            or decorated.
    """

    names: tuple[str, ...] = ()
    required: tuple[str, ...] = ()
    is_unknown: bool = False


class Outline(NamedTuple):
    """A module's top level.

    Attributes:
        origin: locator, for messages.
        description: first line of the module's docstring, or else of the class `Model`'s; may be empty.
        bound: statements that bind each name, in order.
        unconditional: the statements that always run: those at the margin.
        has_star: whether an `import *` may bind further names.
    """

    origin: str
    description: str
    bound: dict[str, list[ast.stmt]]
    unconditional: list[ast.stmt]
    has_star: bool

    def may_bind(self, name: str) -> bool:
        """Whether importing the module can define `name`."""
        return name in self.bound or self.has_star

    def error(self, message: str, line: int | None = None) -> UsageError:
        """Return the error that says `message` about this file."""
        return UsageError(f"{self.origin}{f', line {line}' if line else ''}: {message}")

    def literal(self, name: str) -> tuple[object, int] | None:
        """Return the value of `name = <literal>` and its line; None where the module binds no such name.

        Raises:
            UsageError: it is bound otherwise, or to something that must be run to be known.
        """
        statements = self.bound.get(name)
        if not statements:
            return None
        line = statements[-1].lineno
        if len(statements) > 1:
            raise self.error(f"{name} is bound more than once; assign it once", line)
        value = _assigned(statements[0], name)
        if value is None or statements[0] not in self.unconditional:
            raise self.error(f"{name} must be assigned directly at the top level", line)
        self._refuse_repeated_keys(value, name)
        try:
            return ast.literal_eval(value), line
        except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError) as error:
            # Unhashable keys are TypeErrors; deep nesting ends in one of the last two.
            raise self.error(
                f"{name} must be a literal (it is read, not run): write out names, calls and arithmetic",
                _culprit(value).lineno,
            ) from error

    def parameters(self, function: str) -> Parameters:
        """Return how `function` can be called; nothing at all where the module has no such function."""
        statements = self.bound.get(function)
        if not statements:
            return Parameters(is_unknown=self.has_star)
        definition = statements[-1]
        if not isinstance(definition, ast.FunctionDef) or definition.decorator_list:
            return Parameters(is_unknown=True)
        given = definition.args
        positional = [*given.posonlyargs, *given.args]
        required = [arg.arg for arg in positional[: len(positional) - len(given.defaults)]]
        keyword_only = zip(given.kwonlyargs, given.kw_defaults, strict=True)
        required += [arg.arg for arg, default in keyword_only if default is None]
        by_name = [arg.arg for arg in [*given.args, *given.kwonlyargs]]
        return Parameters(tuple(by_name), tuple(required))

    def _refuse_repeated_keys(self, value: ast.expr, name: str) -> None:
        for node in ast.walk(value):
            if isinstance(node, ast.Dict):
                keys = [key.value for key in node.keys if isinstance(key, ast.Constant)]
                for key in keys:
                    if keys.count(key) > 1:
                        raise self.error(f"{name} has the key {key!r} twice", node.lineno)


def outline(tree: ast.Module, origin: str) -> Outline:
    """Return the outline of `tree`."""
    bound: dict[str, list[ast.stmt]] = {}
    for statement in _top_level(tree.body):
        for name in _names_bound_by(statement):
            bound.setdefault(name, []).append(statement)
    has_star = bound.pop("*", None) is not None
    text = ast.get_docstring(tree) or _docstring_of_model(bound) or ""
    lines = text.strip().splitlines()
    return Outline(origin, lines[0].strip() if lines else "", bound, tree.body, has_star)


def _docstring_of_model(bound: dict[str, list[ast.stmt]]) -> str | None:
    definition = bound.get("Model", [None])[-1]
    return ast.get_docstring(definition) if isinstance(definition, ast.ClassDef) else None


def _top_level(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """Yield the statements that importing the module may run, inside `if`, `try`, `with` and loops too."""
    for statement in body:
        yield statement
        if isinstance(statement, _DEFINITIONS):
            continue
        for field in ("body", "orelse", "finalbody"):
            yield from _top_level(getattr(statement, field, []))
        for branch in (*getattr(statement, "handlers", ()), *getattr(statement, "cases", ())):
            yield from _top_level(branch.body)


def _names_bound_by(statement: ast.stmt) -> Iterator[str]:
    if isinstance(statement, _DEFINITIONS):
        yield statement.name
    elif isinstance(statement, ast.Import):
        yield from (alias.asname or alias.name.partition(".")[0] for alias in statement.names)
    elif isinstance(statement, ast.ImportFrom):
        yield from (alias.asname or alias.name for alias in statement.names)
    else:
        for target in _targets(statement):
            # Only plain names: `shape.rows = 3` and `table[0] = 3` bind nothing.
            yield from (
                node.id
                for node in ast.walk(target)
                if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
            )


def _targets(statement: ast.stmt) -> list[ast.expr]:
    if isinstance(statement, ast.Assign):
        return statement.targets
    if isinstance(statement, ast.AnnAssign):
        return [statement.target] if statement.value else []
    if isinstance(statement, ast.AugAssign | ast.For | ast.AsyncFor):
        return [statement.target]
    if isinstance(statement, ast.With | ast.AsyncWith):
        return [item.optional_vars for item in statement.items if item.optional_vars]
    return []


def _assigned(statement: ast.stmt, name: str) -> ast.expr | None:
    """Return what `name = ...` assigns; None where the statement is no plain assignment to one name."""
    if not isinstance(statement, ast.Assign | ast.AnnAssign):
        return None
    targets = _targets(statement)
    if len(targets) == 1 and isinstance(targets[0], ast.Name) and targets[0].id == name:
        return statement.value
    return None


def _culprit(value: ast.expr) -> ast.expr:
    """Return the first part of `value` that is no literal, so that the message can name its line."""
    plain = (ast.Constant, ast.Dict, ast.Tuple, ast.List, ast.Set, ast.UnaryOp)
    parts = [node for node in ast.walk(value) if isinstance(node, ast.expr) and not isinstance(node, plain)]
    return min(parts, key=lambda node: node.lineno, default=value)
