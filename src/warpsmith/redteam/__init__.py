"""The red team: attacks that must be refused, honest kernels that must not be, and what became of them.

`corpus` reads the cases, `harden` makes an attack's stronger form, `runner` has each of them verified
like any candidate, `matrix` says what came out. Nothing here is known to the verifier.
"""

from __future__ import annotations

from warpsmith.redteam.corpus import Case, read_corpus
from warpsmith.redteam.runner import Outcome, RedTeam

__all__ = ["Case", "Outcome", "RedTeam", "read_corpus"]
