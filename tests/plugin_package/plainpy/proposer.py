"""A proposer that copies a formula into a candidate of its own backend, in several ways."""

from __future__ import annotations

import msgspec

from warpsmith.core.candidate import Candidate
from warpsmith.core.trial import Proposal
from warpsmith.propose.base import Wish, tried_variants
from warpsmith.propose.workshop import Workshop

NAME = "transcribe"
TEMPLATES = {
    "def": "# plainpy\ndef ModelNew(x: float) -> float:\n    return {formula}\n",
    "lambda": "# plainpy\nModelNew = lambda x: {formula}\n",
    "twice": "# plainpy\ndef inner(x):\n    return {formula}\n\n\ndef ModelNew(x):\n    return inner(x)\n",
}


class Transcribe(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Candidates for problems of the format `formulas`."""

    def propose(self, wish: Wish, workshop: Workshop) -> Proposal | None:
        """Return the first way of writing it that was not tried."""
        tried = tried_variants(wish.trials, NAME)
        variant = next((name for name in TEMPLATES if name not in tried), None)
        if variant is None:
            return None
        problem = wish.task.problem
        if not problem.name.startswith("formulas:"):
            note = f"{problem.name} is no formula"
            return Proposal(proposer=NAME, variant=variant, candidate=None, note=note)
        source = TEMPLATES[variant].format(formula=problem.description)
        return Proposal(proposer=NAME, variant=variant, candidate=Candidate(source=source, backend="plainpy"))
