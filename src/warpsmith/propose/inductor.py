"""Propose what `torch.compile` generates, as standalone files, one set of compiler options at a time."""

from __future__ import annotations

import time

import msgspec

from warpsmith.core.candidate import Candidate
from warpsmith.core.errors import InfrastructureError, WorkerDied
from warpsmith.core.trial import Proposal
from warpsmith.propose.base import Wish, tried_variants
from warpsmith.propose.workshop import Workshop
from warpsmith.verify.worker_process import RequestFailed
from warpsmith.worker.backends import recognise

NAME = "inductor"


class Inductor(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Triton on a GPU, C++ on a CPU, without a language model.

    Attributes:
        variants: names of option sets to try, in order; empty tries all, most promising first.
    """

    variants: tuple[str, ...] = ()

    def propose(self, wish: Wish, workshop: Workshop) -> Proposal | None:
        """Return the first variant that was not tried; a variant that can't be captured is a proposal too."""
        tried = tried_variants(wish.trials, NAME)
        names = self.variants or _all_variants(wish, workshop)
        variant = next((name for name in names if name not in tried), None)
        if variant is None:
            return None
        start = time.monotonic()
        candidate, note = None, ""
        try:
            source = workshop.capture(wish.task, variant)
            candidate = Candidate(source=source, backend=recognise(source))
        except (RequestFailed, WorkerDied) as error:
            note = str(error)
        wall_s = time.monotonic() - start
        return Proposal(proposer=NAME, variant=variant, candidate=candidate, note=note, wall_s=wall_s)


def _all_variants(wish: Wish, workshop: Workshop) -> tuple[str, ...]:
    try:
        return workshop.variants(wish.task.problem, wish.task.target)
    except RequestFailed as error:
        # Not a matter of the problem: this torch has no compiler, or one that we do not know.
        raise InfrastructureError(f"torch.compile can't be used here: {error}") from error
