"""Where the parts of a Python source stand, in bytes: what an edit of text needs to know of a syntax tree."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import NamedTuple

_LINE_END = re.compile(rb"\r\n|\r|\n")


class Span(NamedTuple):
    """One place in a source that a constant's value is written to.

    Attributes:
        start: first byte in the UTF-8 source.
        end: byte after the last one.
        extent: where the place holds how many blocks cover this many elements; None for the value itself.
        delta: added to the value, as in `(n + 127) // 128`.
    """

    start: int
    end: int
    extent: int | None = None
    delta: int = 0

    def text(self, value: int) -> str:
        """Return what stands there under `value`."""
        return str(value + self.delta if self.extent is None else -(-self.extent // value))


class Lines:
    """A source's lines, to turn a syntax tree's positions into offsets."""

    def __init__(self, source: str) -> None:
        self.data = source.encode()
        self._starts = [0, *(found.end() for found in _LINE_END.finditer(self.data))]

    def span(self, node: ast.expr | ast.stmt) -> Span:
        """Return where `node` stands."""
        end_line, end_column = node.end_lineno or node.lineno, node.end_col_offset or 0
        start = self._starts[node.lineno - 1] + node.col_offset
        return Span(start, self._starts[end_line - 1] + end_column)

    def strings(self, tree: ast.Module) -> Iterator[tuple[int, bytes]]:
        """Yield the start and the text, quotes included, of every string that is not part of an f-string."""
        formatted = {
            id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in ast.walk(node)
        }
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in formatted:
                where = self.span(node)
                yield where.start, self.data[where.start : where.end]


def edited(source: str, changes: list[tuple[Span, str]]) -> str:
    """Return `source` with the text at each span replaced; spans must not overlap."""
    data = source.encode()
    for span, text in sorted(changes, reverse=True):
        data = data[: span.start] + text.encode() + data[span.end :]
    return data.decode()


def enclosing_function(tree: ast.Module, inner: ast.AST) -> ast.AST:
    """Return the innermost function that `inner` stands in, or the module."""
    found: ast.AST = tree
    for node in ast.walk(tree):  # outer ones come first
        if isinstance(node, ast.FunctionDef) and any(part is inner for part in ast.walk(node)):
            found = node
    return found


def local_value(function: ast.AST, node: ast.expr) -> ast.expr:
    """Return the expression that a name stands for where `function` assigns it once; else `node` itself."""
    if not isinstance(node, ast.Name):
        return node
    values = [
        part.value
        for part in ast.walk(function)
        if isinstance(part, ast.Assign)
        and any(isinstance(target, ast.Name) and target.id == node.id for target in part.targets)
    ]
    return values[0] if len(values) == 1 else node
