"""One attempt at a task, append-only: who proposed what, and what became of it."""

from __future__ import annotations

from typing import TypeAlias

import msgspec

from warpsmith.core.candidate import Candidate
from warpsmith.core.verdict import Accepted, Verdict


class Spent(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What language models took for one proposal, replies that were of no use included.

    Attributes:
        model: what the run calls the model.
        tokens: read and written.
        usd: US dollars; None where the price is not known.
        prompt_id: hash of the prompt's templates; empty where no prompt was made.
    """

    model: str
    tokens: int
    usd: float | None
    prompt_id: str = ""


class Screened(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A variant that was tried at the tier `screen`, before the proposal was made of the best.

    Attributes:
        variant: as in a proposal.
        time_ns: of one call on the first workload, which does not compare with other tiers' times; None where
            it was rejected.
    """

    variant: str
    time_ns: float | None


class Proposal(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a proposer made.

    Attributes:
        proposer: registry name of the proposer.
        variant: which of the proposer's own alternatives this is, e.g. `default`; unique within it.
        candidate: None where nothing could be made; `note` then says why.
        note: one line for people.
        prompt: text that was sent to a model; empty without one.
        wall_s: seconds it took to make.
        spent: what models took for it; None where none was asked.
        device_s: seconds of the task's device that it took to make.
        screened: what was tried at the tier `screen` on the way to it.
        transcript: what an external program printed while it made it; empty without one.
    """

    proposer: str
    variant: str
    candidate: Candidate | None
    note: str = ""
    prompt: str = ""
    wall_s: float = 0.0
    spent: Spent | None = None
    device_s: float = 0.0
    screened: tuple[Screened, ...] = ()
    transcript: str = ""


class Judged(
    msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="judged", forbid_unknown_fields=True
):
    """The verifier gave a verdict."""

    verdict: Verdict


class Duplicate(
    msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="duplicate", forbid_unknown_fields=True
):
    """The same source, names and layout aside, was tried before; `of` is that trial's number."""

    of: int


class Nothing(
    msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="nothing", forbid_unknown_fields=True
):
    """The proposer could not make a candidate."""

    reason: str


Outcome: TypeAlias = Judged | Duplicate | Nothing


class Trial(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One attempt.

    Attributes:
        number: 0, 1, ... within its task.
        task_id: content id of the task.
        parents: numbers of the trials it was made from.
        proposal: what was proposed.
        outcome: what became of it.
        finished_at: UTC, ISO 8601.
    """

    number: int
    task_id: str
    proposal: Proposal
    outcome: Outcome
    finished_at: str
    parents: tuple[int, ...] = ()

    @property
    def verdict(self) -> Verdict | None:
        """The verdict, where this trial got one of its own."""
        return self.outcome.verdict if isinstance(self.outcome, Judged) else None

    @property
    def accepted(self) -> Accepted | None:
        """The verdict, where it is an acceptance."""
        verdict = self.verdict
        return verdict if isinstance(verdict, Accepted) else None


class Retiming(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A trial's candidate verified and timed once more, on other inputs, after the search; append-only.

    The best of many is chosen by the very timing that made it the best, so that timing leans high; this one
    does not.

    Attributes:
        task_id: of the trial's task.
        number: the trial's.
        seed: root of the random choices of this verification; the same for all that are compared.
        verdict: what the verifier said this time.
        finished_at: UTC, ISO 8601.
    """

    task_id: str
    number: int
    seed: int
    verdict: Verdict
    finished_at: str


def best_trial(trials: list[Trial], baseline: str) -> Trial | None:
    """Return the accepted trial with the highest speedup over `baseline`; the earlier one on a tie.

    A passthrough is only returned where there is nothing else, for it is never a win.
    """
    scored = [
        (not verdict.is_passthrough, verdict.ratio(baseline), -trial.number, trial)
        for trial in trials
        if (verdict := trial.accepted) is not None and baseline in verdict.baselines
    ]
    return max(scored, key=lambda row: row[:3])[3] if scored else None
