"""Beam search: rounds of children of the few best candidates so far."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from typing import Annotated

import msgspec

from warpsmith.core.trial import Trial
from warpsmith.search import novelty, views
from warpsmith.search.base import Move


class Beam(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Keep the `width` best that differ, give each `branch` children, and again.

    The search of "Surprisingly Fast AI-Generated Kernels" (Ouyang, Mirhoseini, Liang, Stanford CRFM 2025:
    several implementations of every idea, the best seed the next round) and of AccelOpt (Zhang et al.
    2025, arXiv:2511.15915). A round is `width * branch` finished trials, whatever became of them; parents
    stay in the beam until something beats them (a "plus" selection), so nothing good is lost. Moves
    asked for while a round is being finished still belong to it, so nobody waits at its end.

    Attributes:
        width: parents of a round, at least 1.
        branch: children of each on average, at least 1.
        rounds: how many, the first without parents included; None leaves it to the budget.
        similarity: two candidates that are more alike than this, in [0, 1], share one place in the beam.
        baseline: what speedups are stated against.
        start: proposer of the first round; None leaves it to the loop, as for the others.
        refine: proposer of children.
        fix: proposer of children of rejected candidates that a small edit can repair; None asks `refine`.
    """

    width: Annotated[int, msgspec.Meta(ge=1)] = 2
    branch: Annotated[int, msgspec.Meta(ge=1)] = 4
    rounds: Annotated[int, msgspec.Meta(ge=1)] | None = None
    similarity: Annotated[float, msgspec.Meta(ge=0, le=1)] = 0.98
    baseline: str = "eager"
    start: str | None = None
    refine: str | None = None
    fix: str | None = None

    def ask(self, trials: Sequence[Trial], rng: random.Random) -> Move | None:
        """Return a start in the first round, then a child of a parent in the beam that has fewer."""
        size = self.width * self.branch
        done = len(trials) // size
        if self.rounds is not None and done >= self.rounds:
            return None
        beam = self._beam(trials[: done * size])
        # Repairs alone may chase one bad start for ever, so until something works half are new.
        if not beam or (beam[0].accepted is None and rng.random() < 0.5):
            return Move(proposer=self.start)
        made = Counter(number for trial in trials[done * size :] for number in trial.parents[:1])
        parent = views.spread(beam, [made[trial.number] for trial in beam], rng)
        repairs = self.fix is not None and views.is_repairable(parent)
        return Move(parents=(parent,), proposer=self.fix if repairs else self.refine)

    def _beam(self, trials: Sequence[Trial]) -> list[Trial]:
        return novelty.distinct(views.ranked(trials, self.baseline), self.width, self.similarity)
