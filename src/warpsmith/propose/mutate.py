"""Change a candidate's text a little, by chance: a constant, a pragma, a hint to the compiler."""

from __future__ import annotations

import random
import time
from collections.abc import Sequence
from pathlib import Path

import msgspec

from warpsmith.core.candidate import Candidate
from warpsmith.core.errors import UsageError
from warpsmith.core.normalise import normalised
from warpsmith.core.trial import Proposal, Trial, best_trial
from warpsmith.core.verdict import Rejected
from warpsmith.propose.base import Wish, tried_variants
from warpsmith.propose.edits import edits_of
from warpsmith.propose.workshop import Workshop
from warpsmith.verify.scan import candidate_of, decode_source

NAME = "mutate"
FROM_FILE = "file"
# Draws that come to what was tried before, until all single edits are gone through in order.
MOST_DRAWS = 30


class Mutate(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Edit the source of a trial without a language model; the edits keep it valid Python.

    It starts from the trial it is given, else from the best accepted one.

    Attributes:
        path: a candidate's file to start from where there is no such trial; empty does without.
        edits: most edits at once.
    """

    path: str = ""
    edits: int = 2

    def propose(self, wish: Wish, workshop: Workshop) -> Proposal | None:  # noqa: ARG002 - no process needed
        """Return a new text; None when there is nothing to edit, or every single edit was tried."""
        if self.edits < 1:
            raise UsageError(f"{self.edits} edits at once are none; give -o edits=1 or more")
        started = time.monotonic()
        tried = tried_variants(wish.trials, NAME)
        known = {normalised(t.proposal.candidate.source) for t in wish.trials if t.proposal.candidate}
        for name, candidate in self._starts(wish):
            made = self._mutated(candidate.source, known | {normalised(candidate.source)}, wish.rng)
            if made is None or (variant := f"of {name}: {made[0]}") in tried:
                continue
            return Proposal(
                proposer=NAME,
                variant=variant,
                candidate=msgspec.structs.replace(candidate, source=made[1]),
                wall_s=time.monotonic() - started,
            )
        return None

    def _starts(self, wish: Wish) -> list[tuple[str, Candidate]]:
        """Return what to edit, by the name it has in a variant, the first choice first."""
        trials: Sequence[Trial] = wish.parents
        if not trials:
            best = best_trial(list(wish.trials), wish.task.baselines[0]) if wish.task.baselines else None
            trials = (best,) if best else ()
        found = [(str(t.number), t.proposal.candidate) for t in trials if t.proposal.candidate]
        if self.path and not wish.parents:
            found.append((FROM_FILE, self._file()))
        return found

    def _file(self) -> Candidate:
        try:
            source = decode_source(Path(self.path).read_bytes())
        except OSError as error:
            said = f"can't read {self.path!r}: {error.strerror}"
            raise UsageError(f"{said}; give -o path=FILE of proposer 'mutate'") from error
        if isinstance(source, Rejected):
            raise UsageError(f"{self.path!r} is no candidate: {source.reason}")
        return candidate_of(source)

    def _mutated(self, source: str, known: set[str], rng: random.Random) -> tuple[str, str] | None:
        """Return the names of some edits and what they make of `source`; None when all is known."""
        singles = edits_of(source)
        for _ in range(MOST_DRAWS if singles else 0):
            names, text = list[str](), source
            for _ in range(rng.randint(1, self.edits)):
                edits = edits_of(text)
                if edits:
                    edit = rng.choice(edits)
                    names.append(edit.name)
                    text = edit.source
            if normalised(text) not in known:
                return "; ".join(names), text
        return next((edit for edit in singles if normalised(edit.source) not in known), None)
