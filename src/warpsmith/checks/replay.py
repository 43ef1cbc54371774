"""Check for answers that were computed for another call."""

from __future__ import annotations

import ast
from collections.abc import Iterator

import msgspec

from warpsmith.checks.evidence import Evidence
from warpsmith.checks.source import advice, dotted, imported_names
from warpsmith.core.verdict import Finding

NAME = "replay"


class Replay(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A stored answer, found again by address, identity or a fingerprint of the inputs, costs nothing."""

    def scan(self, tree: ast.Module) -> Iterator[Finding]:
        """Point at look-ups whose key is a tensor's address, identity or version."""
        names = imported_names(tree)
        for node in ast.walk(tree):
            for key in _keys(node):
                if what := next((found for part in ast.walk(key) if (found := _identity(part, names))), ""):
                    message = f"looks something up by {what}, which does not tell one input from the next"
                    yield advice(NAME, message, key.lineno)

    def judge(self, evidence: Evidence) -> Finding | None:
        """Convict an output that is the answer to an earlier call."""
        seen = evidence.compared(NAME)
        return Finding(check=NAME, message=seen) if seen else None


def _keys(node: ast.AST) -> list[ast.expr]:
    """Return the expressions that a node looks something up by."""
    match node:
        case ast.Subscript(slice=key):
            return [key]
        case ast.Compare(left=key, ops=[ast.In() | ast.NotIn()]):
            return [key]
        case ast.Call(func=ast.Attribute(attr="get" | "setdefault"), args=[key, *_]):
            return [key]
    return []


def _identity(node: ast.AST, names: dict[str, str]) -> str:
    match node:
        case ast.Call(func=ast.Attribute(attr="data_ptr")):
            return "data_ptr()"
        case ast.Attribute(attr="_version"):
            return "_version"
        case ast.Call(func=ast.Name() as function) if dotted(function, names) == "id":
            return "id()"
    return ""
