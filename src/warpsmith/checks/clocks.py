"""Check for times that the verifier's own clock does not bear out."""

from __future__ import annotations

import ast
from collections.abc import Iterator

import msgspec

from warpsmith.checks.evidence import Evidence
from warpsmith.checks.source import advice, assignments
from warpsmith.core.verdict import Finding

NAME = "clocks"
_CLOCKS = ("torch.cuda.Event", "time.")


class Clocks(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """However a candidate's process comes to understate its times, whoever waits for the answer waits on."""

    def scan(self, tree: ast.Module) -> Iterator[Finding]:
        """Point at clocks that are assigned to."""
        for assigned in assignments(tree):
            if assigned.name.startswith(_CLOCKS):
                yield advice(NAME, f"assigns to {assigned.name}", assigned.line)

    def judge(self, evidence: Evidence) -> Finding | None:
        """Convict an excess of wall time over stated time that a control does not have."""
        witness = evidence.witness
        if witness is None or not witness.is_at_odds:
            return None
        message = (
            f"a call states {evidence.median_ns:.0f} ns, and the verifier waited {witness.missing_ns:.0f} ns "
            f"longer than that explains (it allows {witness.bound_ns + witness.error_ns:.0f} ns, over "
            f"{witness.calls} calls)"
        )
        return Finding(check=NAME, message=message)
