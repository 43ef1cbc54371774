"""Check for outputs that share memory with what is not theirs."""

from __future__ import annotations

import ast
from collections.abc import Iterator

import msgspec

from warpsmith.checks.evidence import Evidence
from warpsmith.checks.source import advice, calls, listed
from warpsmith.core.verdict import Finding

NAME = "aliasing"
_SHARING = {".set_", ".as_strided_", "torch.as_strided"}


class Aliasing(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An output over an input, a weight or the last output is one that the next call changes."""

    def scan(self, tree: ast.Module) -> Iterator[Finding]:
        """Point at tensors that are laid over the memory of others."""
        for call in calls(tree):
            method = f".{call.name.rpartition('.')[2]}"
            if call.name in _SHARING or method in _SHARING:
                yield advice(NAME, f"lays a tensor over other memory by {method[1:]}()", call.line)

    def judge(self, evidence: Evidence) -> Finding | None:
        """Convict outputs that have no memory of their own, or not for long."""
        if seen := evidence.compared(NAME):
            return Finding(check=NAME, message=seen)
        if aliases := evidence.noted("aliases"):
            message = (
                f"an output shares memory with what the reference's does not ({listed(aliases)}); "
                "return fresh memory from every call"
            )
            return Finding(check=NAME, message=message)
        return None
