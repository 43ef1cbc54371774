"""Ask a language model for a candidate from nothing: the problem, the device and a guide to the backend."""

from __future__ import annotations

from warpsmith.core.trial import Proposal
from warpsmith.propose import prompting
from warpsmith.propose.base import Wish
from warpsmith.propose.modelled import Modelled
from warpsmith.propose.workshop import Workshop

NAME = "oneshot"


class Oneshot(Modelled, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Independent samples; parents are not looked at."""

    def propose(self, wish: Wish, workshop: Workshop) -> Proposal | None:
        """Return what one reply holds."""
        return self.proposal(NAME, wish, workshop, prompting.oneshot(self.scene(wish, workshop)))
