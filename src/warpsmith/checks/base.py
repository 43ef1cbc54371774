"""The contract of a check: what it reads in a source, and what it makes of the evidence."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Protocol

from warpsmith.checks.evidence import Evidence
from warpsmith.core.verdict import Finding


class Check(Protocol):
    """One suspicion as code; a frozen struct whose docstring says what is suspected and why it pays.

    Text advises, behaviour decides: what `scan` yields is shown with the verdict and rejects
    nobody, what `judge` returns rejects.
    """

    def scan(self, tree: ast.Module) -> Iterator[Finding]:
        """Yield what a reader of the candidate's source should look at; advice, never a reason."""
        ...

    def judge(self, evidence: Evidence) -> Finding | None:
        """Return what convicts the candidate, in a sentence that its author can act on; else None."""
        ...
