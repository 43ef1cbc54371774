"""A strategy that stops when it has enough."""

import random
from collections.abc import Sequence

import msgspec

from warpsmith.core.trial import Trial
from warpsmith.search.base import Move


class GoodEnough(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Ask for something new until some candidates were accepted.

    Attributes:
        enough: how many.
    """

    enough: int = 1

    def ask(self, trials: Sequence[Trial], rng: random.Random) -> Move | None:
        """Return a move without parents, or None with enough of them."""
        accepted = sum(trial.accepted is not None for trial in trials)
        return None if accepted >= self.enough else Move()
