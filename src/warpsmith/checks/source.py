"""Read calls and assignments out of a syntax tree, with the names that imports stand for."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import NamedTuple

from warpsmith.core.verdict import Finding


class Use(NamedTuple):
    """A call of, or an assignment to, something that has a dotted name.

    Attributes:
        name: with import aliases resolved, e.g. `torch.cuda.Event.record`; what is called on anything
            else than a name begins with a dot, e.g. `.half`.
        line: 1-based.
        node: the call or the assigned value.
    """

    name: str
    line: int
    node: ast.expr


def imported_names(tree: ast.Module) -> dict[str, str]:
    """Return what each imported name stands for: `{"tc": "torch.cuda", "Event": "torch.cuda.Event"}`."""
    names: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.asname: alias.name for alias in node.names if alias.asname}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names |= {alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names}
    return names


def dotted(node: ast.expr, names: dict[str, str]) -> str:
    """Return the dotted name of an expression; one that begins with a dot hangs on something nameless."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    root = names.get(node.id, node.id) if isinstance(node, ast.Name) else ""
    return ".".join([root, *reversed(parts)])


def calls(tree: ast.Module) -> Iterator[Use]:
    """Yield every call."""
    names = imported_names(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield Use(dotted(node.func, names), node.lineno, node)


def assignments(tree: ast.Module) -> Iterator[Use]:
    """Yield every assignment to an attribute, `setattr` with a constant name included."""
    names = imported_names(tree)
    for node in ast.walk(tree):
        match node:
            case ast.Assign(targets=targets, value=value):
                for target in targets:
                    if isinstance(target, ast.Attribute):
                        yield Use(dotted(target, names), node.lineno, value)
            case ast.Call(func=ast.Name(id="setattr"), args=[owner, ast.Constant(value=str(name)), value]):
                yield Use(f"{dotted(owner, names)}.{name}", node.lineno, value)


def is_constant(node: ast.expr, *values: object) -> bool:
    """Whether an expression is one of some constants."""
    return isinstance(node, ast.Constant) and node.value in values


def advice(check: str, message: str, line: int) -> Finding:
    """Return something for a reader to look at."""
    return Finding(check=check, message=message, line=line)


def listed(notes: tuple[str, ...], most: int = 3) -> str:
    """Join some notes for a sentence."""
    rest = len(notes) - most
    return "; ".join(notes[:most]) + (f"; and {rest} more" if rest > 0 else "")
