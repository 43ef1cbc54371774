"""The contract between the loop and a search strategy."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import NamedTuple, Protocol

from warpsmith.core.trial import Trial


class Move(NamedTuple):
    """What to try next.

    Attributes:
        parents: trials to start from; empty asks for something new.
        proposer: who is to make it; None leaves it to the loop, which takes turns among
            the proposers that still have something to offer.
        model: name of the language model it is to ask; empty leaves it to the proposer.
    """

    parents: tuple[Trial, ...] = ()
    proposer: str | None = None
    model: str = ""


class Strategy(Protocol):
    """Choose what to try next from what was tried before.

    A strategy holds no trials and does no I/O. Given the same trials and the same
    generator it returns the same move, so a run can be resumed from its archive.
    """

    def ask(self, trials: Sequence[Trial], rng: random.Random) -> Move | None:
        """Return the next move, or None when the search is over.

        Args:
            trials: every finished trial of this task, oldest first.
            rng: the only source of chance.
        """
        ...
