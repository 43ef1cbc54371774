"""Evolution on islands, with one elite kept for every way to use the hardware."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from typing import Annotated

import msgspec

from warpsmith.core.trial import Trial
from warpsmith.search import novelty, views
from warpsmith.search.base import Move

# Inhabitants of an island that selection by rank looks at; the chance halves from one to the next.
RANKS = 8


class Evolve(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Islands with migration and restarts, MAP-Elites over hardware cells, crossover.

    After AlphaEvolve (Novikov et al. 2025, arXiv:2506.13131: islands and MAP-Elites around a model that
    edits programs) and FunSearch (Romera-Paredes et al. 2023, Nature 625: islands, resets). `views.islands`
    says who lives where, and `views.elites` what a cell is. A parent is drawn from one island: by rank
    with chance `exploit`, a rank having half the chance of the rank before (near-copies share a rank), else
    evenly from the cells' elites or from the accepted inhabitants. The second parent of a crossover
    comes from any island, the less alike the likelier.

    Attributes:
        islands: how many, at least 1.
        seeds: candidates that an island has before it breeds, at least 1.
        migrate_every: a child whose number is due, every so many trials, settles on the next island.
        patience: trials without an improvement after which an island starts afresh; the best one never does.
        exploit: chance of drawing the parent by rank, in [0, 1].
        crossover_rate: chance of a second parent, in [0, 1].
        repair_rate: chance of repairing a rejected candidate that has no children, where `fix` is set.
        similarity: two candidates that are more alike than this, in [0, 1], count as one.
        baseline: what speedups are stated against.
        start: proposer of starts; None leaves it to the loop, as for the others.
        variations: proposers of children of one parent, drawn evenly.
        crossover: proposer of children of two parents.
        fix: proposer of repairs.
    """

    islands: Annotated[int, msgspec.Meta(ge=1)] = 2
    seeds: Annotated[int, msgspec.Meta(ge=1)] = 2
    migrate_every: Annotated[int, msgspec.Meta(ge=1)] = 8
    patience: Annotated[int, msgspec.Meta(ge=1)] = 24
    exploit: Annotated[float, msgspec.Meta(ge=0, le=1)] = 0.8
    crossover_rate: Annotated[float, msgspec.Meta(ge=0, le=1)] = 0.2
    repair_rate: Annotated[float, msgspec.Meta(ge=0, le=1)] = 0.3
    similarity: Annotated[float, msgspec.Meta(ge=0, le=1)] = 0.98
    baseline: str = "eager"
    start: str | None = None
    variations: tuple[str, ...] = ()
    crossover: str | None = None
    fix: str | None = None

    def ask(self, trials: Sequence[Trial], rng: random.Random) -> Move | None:
        """Return a start for an island that is short of inhabitants, a repair, or a child."""
        living = views.islands(
            trials,
            self.baseline,
            count=self.islands,
            migrate_every=self.migrate_every,
            patience=self.patience,
        )
        island = views.spread(living, [len(each) for each in living], rng)
        if len(island) < self.seeds:
            return Move(proposer=self.start)
        accepted = [trial for trial in views.ranked(island, self.baseline) if trial.accepted]
        broken = self._unrepaired(island, trials)
        if not accepted:
            return self._rescue(broken, rng)
        if self.fix is not None and broken and rng.random() < self.repair_rate:
            return Move(parents=(broken[0],), proposer=self.fix)
        first = self._parent(accepted, rng)
        if rng.random() < self.crossover_rate and (second := self._mate(first, living, rng)) is not None:
            return Move(parents=(first, second), proposer=self.crossover)
        return Move(parents=(first,), proposer=rng.choice(self.variations) if self.variations else None)

    def _unrepaired(self, island: Sequence[Trial], trials: Sequence[Trial]) -> list[Trial]:
        have_children = Counter(number for trial in trials for number in trial.parents)
        return [
            trial
            for trial in views.ranked(island, self.baseline)
            if views.is_repairable(trial) and not have_children[trial.number]
        ]

    def _rescue(self, broken: Sequence[Trial], rng: random.Random) -> Move:
        # Half of the moves are new, so that one bad start is not chased for ever.
        if not broken or rng.random() < 0.5:
            return Move(proposer=self.start)
        return Move(parents=(rng.choice(broken[:RANKS]),), proposer=self.fix)

    def _parent(self, accepted: Sequence[Trial], rng: random.Random) -> Trial:
        if rng.random() < self.exploit:
            ranks = novelty.distinct(accepted, RANKS, self.similarity)
            return rng.choices(ranks, weights=[0.5**rank for rank in range(len(ranks))])[0]
        elites = list(views.elites(accepted, self.baseline).values())
        return rng.choice(rng.choice((elites, list(accepted))))

    def _mate(self, first: Trial, living: Sequence[Sequence[Trial]], rng: random.Random) -> Trial | None:
        everyone = [trial for island in living for trial in island if trial.accepted]
        ranks = novelty.distinct(views.ranked(everyone, self.baseline), RANKS, self.similarity)
        others = [(1 - _similarity(first, trial), trial) for trial in ranks if trial.number != first.number]
        others = [(weight, trial) for weight, trial in others if weight > 0]
        if not others:
            return None
        return rng.choices([trial for _, trial in others], weights=[weight for weight, _ in others])[0]


def _similarity(first: Trial, second: Trial) -> float:
    ours, theirs = first.proposal.candidate, second.proposal.candidate
    return novelty.similarity(ours.source, theirs.source) if ours and theirs else 1.0
