"""The one loop: ask, propose, verify, add, emit.

All state is the list of trials in the archive, so a run killed at any point goes on
from its last finished trial. Knows no proposer and no strategy by name.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import NamedTuple, Protocol

from warpsmith.archive import Archive
from warpsmith.core.candidate import Candidate
from warpsmith.core.errors import InfrastructureError, UsageError, WarpsmithError
from warpsmith.core.events import PhaseStarted, Sink, TaskFinished, TaskStarted, TrialFinished
from warpsmith.core.normalise import normalised
from warpsmith.core.seeds import derive
from warpsmith.core.task import Budget, Task
from warpsmith.core.trial import Duplicate, Judged, Nothing, Outcome, Proposal, Trial
from warpsmith.core.verdict import Accepted, Rejected, Verdict
from warpsmith.propose.base import Proposer, Wish
from warpsmith.propose.workshop import Workshop
from warpsmith.search.base import Move, Strategy
from warpsmith.search.budget import Meter


class Judge(Protocol):
    """Who gives verdicts: a verifier, or an engine that waits."""

    def start(self) -> None:
        """Start ahead of time what takes time to start."""
        ...

    def verify(self, task: Task, candidate: Candidate) -> Verdict:
        """Return the verdict on `candidate`."""
        ...

    def stop(self) -> None:
        """From another thread: end what is waited for."""
        ...


class Services(NamedTuple):
    """What every search of a run shares."""

    archive: Archive
    verifier: Judge
    workshop: Workshop
    sink: Sink


class Search:
    """The search of one task."""

    def __init__(
        self,
        task: Task,
        services: Services,
        *,
        strategy: Strategy,
        proposers: Mapping[str, Proposer],
        winners: int = 0,
    ) -> None:
        self._task = task
        self._winners = winners
        self._archive, self._verifier, self._workshop, self._sink = services
        self._strategy = strategy
        self._proposers = dict(proposers)
        self._trials = self._archive.trials(task.id)
        self._number_by_source: dict[str, int] = {}
        for trial in self._trials:
            self._remember(trial)
        self._exhausted: set[str] = set()

    def run(self, budget: Budget) -> str:
        """Search until the budget is spent or nobody has anything to propose; return which.

        Ctrl-C ends it between two states of the archive: what is finished is kept.
        """
        self._sink(TaskStarted(task=self._task, budget=budget, finished=len(self._trials)))
        meter = Meter(budget, winners=self._winners)
        reason = "interrupted"
        try:
            while not (reason := meter.spent(self._trials)):
                reason = "interrupted"
                if not self._step():
                    reason = "exhausted"
                    break
        finally:
            self._sink(TaskFinished(task_id=self._task.id, reason=reason or "interrupted"))
        return reason

    def _step(self) -> bool:
        """Make one trial; say whether there was one to make."""
        number = len(self._trials)
        rng = random.Random(derive(self._task.seed, "ask", number))
        with _part(f"strategy {type(self._strategy).__name__!r}"):
            move = self._strategy.ask(self._trials, rng)
        if move is None:
            return False
        proposal = self._propose(move, rng)
        while proposal is None and set(self._proposers) - self._exhausted:
            # Whoever was asked has nothing left; the move goes to the others, so that the search goes on.
            proposal = self._propose(move._replace(proposer=None, model=""), rng)
        if proposal is None:
            return False
        trial = Trial(
            number=number,
            task_id=self._task.id,
            parents=tuple(parent.number for parent in move.parents),
            proposal=proposal,
            outcome=self._outcome(proposal),
            finished_at=datetime.now(UTC).isoformat(timespec="seconds"),
        )
        self._archive.add(trial)
        self._trials.append(trial)
        self._remember(trial)
        self._sink(TrialFinished(trial=trial))
        return True

    def _propose(self, move: Move, rng: random.Random) -> Proposal | None:
        if move.proposer is not None and move.proposer not in self._proposers:
            raise UsageError(
                f"the strategy asks for proposer {move.proposer!r}; add --proposer {move.proposer}"
            )
        if not set(self._proposers) - self._exhausted:
            return None
        name = move.proposer if move.proposer and move.proposer not in self._exhausted else self._whose_turn()
        self._sink(PhaseStarted(task_id=self._task.id, phase="proposing", detail=name))
        wish = Wish(task=self._task, parents=move.parents, trials=self._trials, rng=rng, model=move.model)
        with _part(f"proposer {name!r}"):
            proposal = self._proposers[name].propose(wish, self._workshop)
        if proposal is None:
            self._exhausted.add(name)
        return proposal

    def _whose_turn(self) -> str:
        names = [name for name in self._proposers if name not in self._exhausted]
        return names[len(self._trials) % len(names)]

    def _outcome(self, proposal: Proposal) -> Outcome:
        candidate = proposal.candidate
        if candidate is None:
            return Nothing(reason=proposal.note or "the proposer made nothing")
        if (earlier := self._number_by_source.get(normalised(candidate.source))) is not None:
            return Duplicate(of=earlier)
        detail = f"{proposal.proposer}: {proposal.variant}"
        self._sink(PhaseStarted(task_id=self._task.id, phase="verifying", detail=detail))
        return Judged(verdict=self._verifier.verify(self._task, candidate))

    def _remember(self, trial: Trial) -> None:
        candidate = trial.proposal.candidate
        # A fault gave no answer, so the same source may be asked about again.
        if candidate is not None and isinstance(trial.verdict, Accepted | Rejected):
            self._number_by_source.setdefault(normalised(candidate.source), trial.number)


@contextmanager
def _part(what: str) -> Iterator[None]:
    """Say which part of a search broke, where it raises what its contract does not allow."""
    try:
        yield
    except WarpsmithError:
        raise
    except Exception as error:  # a plugin may have any bug
        raise InfrastructureError(f"{what} broke: {type(error).__name__}: {error}") from error
