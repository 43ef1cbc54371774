"""Serial refinement: chains in which every turn starts from the turn before, or from the best of them."""

from __future__ import annotations

import random
from collections.abc import Sequence
from itertools import takewhile
from typing import Annotated, Literal

import msgspec

from warpsmith.core.trial import Trial
from warpsmith.core.verdict import Rejected
from warpsmith.search import views
from warpsmith.search.base import Move


class Refine(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Turn by turn, every turn reading the verdict of the one before; several chains side by side.

    Ouyang et al. 2025, "KernelBench: Can LLMs Write Efficient GPU Kernels?", arXiv:2502.10517, section 5
    (one chain, the last turn's verdict); Baronio et al. 2025, "Kevin: Multi-Turn RL for Generating CUDA
    Kernels", arXiv:2507.11948 (chains in parallel: depth beats width at equal samples). With more
    moves in flight than chains, turns of one chain start from the same parent.

    Attributes:
        chains: how many, at least 1. Starts beyond that, made while others were in flight, are left alone.
        turns: trials of a chain at most, its start included; None leaves it to the budget.
        parent: what a turn starts from: the chain's `best` trial or its `last`.
        fixes: repairs in a row before a chain goes back to its best trial.
        baseline: what speedups are stated against.
        start: proposer of starts; None leaves it to the loop, as for the others.
        refine: proposer of turns.
        fix: proposer of the turn after a rejection that a small edit can repair; None asks `refine`.
    """

    chains: Annotated[int, msgspec.Meta(ge=1)] = 2
    turns: Annotated[int, msgspec.Meta(ge=1)] | None = None
    parent: Literal["best", "last"] = "best"
    fixes: Annotated[int, msgspec.Meta(ge=0)] = 2
    baseline: str = "eager"
    start: str | None = None
    refine: str | None = None
    fix: str | None = None

    def ask(self, trials: Sequence[Trial], rng: random.Random) -> Move | None:
        """Return a start while there are too few chains, then the next turn of one that has turns left."""
        if self.turns is not None and len(trials) >= self.chains * self.turns:
            return None
        alive = [chain for chain in views.chains(trials) if any(map(views.is_usable, chain))]
        if len(alive) < self.chains:
            return Move(proposer=self.start)
        unfinished = [c for c in alive[: self.chains] if self.turns is None or len(c) < self.turns]
        if not unfinished:
            return None
        return self._turn(views.spread(unfinished, [len(chain) for chain in unfinished], rng))

    def _turn(self, chain: Sequence[Trial]) -> Move:
        usable = [trial for trial in chain if views.is_usable(trial)]
        last, best = usable[-1], views.ranked(usable, self.baseline)[0]
        failures = sum(1 for _ in takewhile(lambda trial: isinstance(trial.verdict, Rejected), usable[::-1]))
        if self.fix is not None and views.is_repairable(last) and failures <= self.fixes:
            return Move(parents=(last,), proposer=self.fix)
        gave_up = self.fix is not None and failures > self.fixes
        chosen = best if self.parent == "best" or gave_up else last
        return Move(parents=(chosen,), proposer=self.refine)
