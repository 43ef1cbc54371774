"""Ask a language model for the algorithm of a candidate in another backend."""

from __future__ import annotations

from warpsmith.core.trial import Proposal, Trial
from warpsmith.propose import prompting
from warpsmith.propose.base import Wish
from warpsmith.propose.modelled import Modelled, best_of, from_nothing, with_candidate
from warpsmith.propose.workshop import Workshop

NAME = "translate"


class Translate(Modelled, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """From the parent it is given, else the best of other backends; from nothing where there is none."""

    def propose(self, wish: Wish, workshop: Workshop) -> Proposal | None:
        """Return what one reply holds."""
        scene = self.scene(wish, workshop)

        def is_foreign(trial: Trial) -> bool:
            candidate = trial.proposal.candidate
            return candidate is not None and candidate.backend != scene.backend

        given = next((trial for trial in with_candidate(wish.parents) if is_foreign(trial)), None)
        parent = given or best_of([trial for trial in wish.trials if is_foreign(trial)], wish)
        if parent is None:
            return self.proposal(NAME, wish, workshop, *from_nothing(scene))
        # Edits of the parent's text make no sense in another language.
        return self.proposal(NAME, wish, workshop, prompting.translate(scene, parent))
