"""Check for outputs that are computed when they are looked at."""

from __future__ import annotations

import ast
from collections.abc import Iterator

import msgspec

from warpsmith.checks.evidence import Evidence
from warpsmith.checks.source import advice, dotted, imported_names, listed
from warpsmith.core.verdict import Finding

NAME = "lazy_output"
_HOOKS = {"__torch_function__", "__torch_dispatch__"}


class LazyOutput(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A promise of an output leaves the work to whoever compares it, after the clock has stopped."""

    def scan(self, tree: ast.Module) -> Iterator[Finding]:
        """Point at subclasses of tensors and hooks into torch's dispatch."""
        names = imported_names(tree)
        for node in ast.walk(tree):
            if not isinstance(node, ast.ClassDef):
                continue
            if any(dotted(base, names) == "torch.Tensor" for base in node.bases):
                yield advice(NAME, f"class {node.name} is a subclass of torch.Tensor", node.lineno)
            hooks = sorted(_HOOKS & {each.name for each in node.body if isinstance(each, ast.FunctionDef)})
            if hooks:
                yield advice(NAME, f"class {node.name} defines {hooks[0]}", node.lineno)

    def judge(self, evidence: Evidence) -> Finding | None:
        """Convict outputs that are no plain tensors."""
        if seen := evidence.compared(NAME):
            return Finding(check=NAME, message=seen)
        if lazy := evidence.noted("lazy"):
            message = f"{listed(lazy)}; return plain torch.Tensor objects whose values are computed"
            return Finding(check=NAME, message=message)
        return None
