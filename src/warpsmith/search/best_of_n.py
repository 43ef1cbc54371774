"""Independent samples: ask for something new until there are `n` of them."""

from __future__ import annotations

import random
from collections.abc import Sequence

import msgspec

from warpsmith.core.trial import Trial
from warpsmith.search.base import Move


class BestOfN(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Repeated sampling without feedback; its pass@k comes for free.

    Attributes:
        n: trials at most; None leaves it to the budget.
    """

    n: int | None = None

    def ask(self, trials: Sequence[Trial], rng: random.Random) -> Move | None:  # noqa: ARG002 - no chance in it
        """Return a move without parents."""
        return None if self.n is not None and len(trials) >= self.n else Move()
