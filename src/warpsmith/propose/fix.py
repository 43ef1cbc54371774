"""Ask a language model to repair a rejected candidate, and to change nothing else."""

from __future__ import annotations

from warpsmith.core.trial import Proposal
from warpsmith.core.verdict import Rejected
from warpsmith.propose import prompting
from warpsmith.propose.base import Wish
from warpsmith.propose.modelled import Modelled, from_nothing, last_rejected, with_candidate
from warpsmith.propose.workshop import Workshop

NAME = "fix"


class Fix(Modelled, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The rejected parent it is given, else the last that was rejected, else from nothing."""

    def propose(self, wish: Wish, workshop: Workshop) -> Proposal | None:
        """Return what one reply holds."""
        scene = self.scene(wish, workshop)
        broken = (trial for trial in with_candidate(wish.parents) if isinstance(trial.verdict, Rejected))
        parent = next(broken, None) or last_rejected(wish.trials)
        if parent is None:
            return self.proposal(NAME, wish, workshop, *from_nothing(scene))
        return self.proposal(NAME, wish, workshop, prompting.fix(scene, parent), parent)
