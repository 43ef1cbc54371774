"""Check for times below what this device can do."""

from __future__ import annotations

import ast
from collections.abc import Iterator

import msgspec

from warpsmith.checks.evidence import Evidence
from warpsmith.core.verdict import Finding

NAME = "impossible"
_WHY = {
    "memory": "moving the bytes that the answer depends on",
    "compute": "the products that the answer needs",
    "latency": "launching one kernel",
}


class Impossible(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Faster than the memory, the arithmetic or the launch allows means that the work was not done.

    Attributes:
        share: of the floor, below which a median convicts.
    """

    share: float = 1.0

    def scan(self, tree: ast.Module) -> Iterator[Finding]:  # noqa: ARG002
        """Yield nothing: no text is too fast."""
        yield from ()

    def judge(self, evidence: Evidence) -> Finding | None:
        """Convict a median below the measured floor."""
        floor = evidence.floor
        if floor is None or evidence.median_ns >= self.share * floor.bound_ns:
            return None
        message = (
            f"a call is said to take {evidence.median_ns:.0f} ns, and {_WHY[floor.limit]} alone takes "
            f"{floor.bound_ns:.0f} ns on this device"
        )
        return Finding(check=NAME, message=message)
