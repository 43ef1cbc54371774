"""Ask a language model for a better version of a candidate, shown with its verdict."""

from __future__ import annotations

from warpsmith.core.trial import Proposal
from warpsmith.propose import prompting
from warpsmith.propose.base import Wish
from warpsmith.propose.modelled import (
    SHOWN_OTHERS,
    Modelled,
    best_of,
    from_nothing,
    last_rejected,
    with_candidate,
)
from warpsmith.propose.workshop import Workshop

NAME = "refine"


class Refine(Modelled, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """From the parent it is given, else the best, else the last that was rejected, else from nothing."""

    def propose(self, wish: Wish, workshop: Workshop) -> Proposal | None:
        """Return what one reply holds."""
        scene = self.scene(wish, workshop)
        given = next(iter(with_candidate(wish.parents)), None)
        parent = given or best_of(wish.trials, wish) or last_rejected(wish.trials)
        if parent is None:
            return self.proposal(NAME, wish, workshop, *from_nothing(scene))
        others = [trial for trial in wish.trials if trial.number != parent.number][-SHOWN_OTHERS:]
        return self.proposal(NAME, wish, workshop, prompting.refine(scene, parent, others), parent)
