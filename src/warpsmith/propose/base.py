"""The contract between the search loop and a proposer."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import NamedTuple, Protocol

from warpsmith.core.task import Task
from warpsmith.core.trial import Proposal, Trial
from warpsmith.propose.workshop import Workshop


class Wish(NamedTuple):
    """What a proposer is asked for.

    Attributes:
        task: what to make a candidate for.
        parents: trials to start from; empty asks for something new.
        trials: every finished trial of the task, oldest first.
        rng: the only source of chance.
        model: name of the language model to ask; empty leaves it to the proposer, which draws by weight.
    """

    task: Task
    parents: tuple[Trial, ...]
    trials: Sequence[Trial]
    rng: random.Random
    model: str = ""


class Proposer(Protocol):
    """Make one candidate at a time.

    A proposer holds no state between calls: what it has tried stands in `wish.trials`,
    under its own name. It may use the workshop's processes. What it can't make it says
    in a `Proposal` without a candidate; it raises only `UsageError`, for options that
    make no sense, and `InfrastructureError`.

    One whose class has `asks_models = True` waits for others most of the time: it is asked in several threads
    at once, where a run has several trials in flight, and sees of those only who makes them. It makes
    another candidate all the same, by `wish.rng` and the length of `wish.trials`.
    """

    def propose(self, wish: Wish, workshop: Workshop) -> Proposal | None:
        """Return the next proposal; None when there is nothing left to propose."""
        ...


def tried_variants(trials: Sequence[Trial], proposer: str) -> set[str]:
    """Return the variants of `proposer` that finished trials came from."""
    return {trial.proposal.variant for trial in trials if trial.proposal.proposer == proposer}
