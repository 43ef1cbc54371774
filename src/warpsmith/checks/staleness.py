"""Check for outputs that belong partly to an earlier call: stale state, stale graphs."""

from __future__ import annotations

import ast
from collections.abc import Iterator

import msgspec

from warpsmith.checks.evidence import Evidence
from warpsmith.checks.source import advice, calls
from warpsmith.core.verdict import Finding

NAME = "staleness"
_GRAPHS = {"torch.cuda.CUDAGraph", "torch.cuda.graph", "torch.cuda.make_graphed_callables"}


class Staleness(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A graph over the first call's tensors, or state that no call renews, answers an old question."""

    def scan(self, tree: ast.Module) -> Iterator[Finding]:
        """Point at graphs, which read the addresses that they were captured with."""
        for call in calls(tree):
            if call.name in _GRAPHS:
                message = f"{call.name} reads where it was captured; copy every call's inputs there first"
                yield advice(NAME, message, call.line)

    def judge(self, evidence: Evidence) -> Finding | None:
        """Convict outputs that hold parts of an earlier answer."""
        seen = evidence.compared(NAME)
        return Finding(check=NAME, message=seen) if seen else None
