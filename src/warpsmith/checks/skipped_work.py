"""Check for outputs, or parts of them, that a call never computed."""

from __future__ import annotations

import ast
from collections.abc import Iterator

import msgspec

from warpsmith.checks.evidence import Evidence
from warpsmith.checks.source import advice, dotted, imported_names
from warpsmith.core.verdict import Finding

NAME = "skipped_work"
_UNFILLED = {f"torch.{name}" for name in ("empty", "empty_like", "empty_strided", "zeros", "zeros_like")}


class SkippedWork(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Memory handed back as it was: computing nothing is fast, and what lay there may be right by luck."""

    def scan(self, tree: ast.Module) -> Iterator[Finding]:
        """Point at functions that return fresh memory at once."""
        names = imported_names(tree)
        for node in ast.walk(tree):
            if isinstance(node, ast.Return) and isinstance(node.value, ast.Call):
                made = dotted(node.value.func, names)
                if made in _UNFILLED:
                    yield advice(NAME, f"returns what {made} allocated, with nothing computed", node.lineno)

    def judge(self, evidence: Evidence) -> Finding | None:
        """Convict an output that is partly unwritten."""
        seen = evidence.compared(NAME)
        return Finding(check=NAME, message=seen) if seen else None
