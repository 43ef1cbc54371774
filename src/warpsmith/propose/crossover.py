"""Ask a language model to join the strengths of two candidates."""

from __future__ import annotations

from warpsmith.core.trial import Proposal, Trial
from warpsmith.propose import prompting
from warpsmith.propose.base import Wish
from warpsmith.propose.modelled import Modelled, best_of, from_nothing, with_candidate
from warpsmith.propose.workshop import Workshop

NAME = "crossover"


class Crossover(Modelled, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The parents it is given, filled up with the best; with one it refines, with none it starts afresh."""

    def propose(self, wish: Wish, workshop: Workshop) -> Proposal | None:
        """Return what one reply holds."""
        scene = self.scene(wish, workshop)
        parents = _parents(wish)
        if not parents:
            return self.proposal(NAME, wish, workshop, *from_nothing(scene))
        if len(parents) == 1:
            return self.proposal(NAME, wish, workshop, prompting.refine(scene, parents[0]), parents[0])
        return self.proposal(NAME, wish, workshop, prompting.crossover(scene, parents), parents[0])


def _parents(wish: Wish) -> list[Trial]:
    """Return up to two: the given ones first, then the best of the others."""
    parents = with_candidate(wish.parents)[:2]
    while len(parents) < 2:
        taken = {trial.number for trial in parents}
        best = best_of([trial for trial in wish.trials if trial.number not in taken], wish)
        if best is None:
            break
        parents.append(best)
    return parents
