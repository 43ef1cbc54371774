"""The one loop: ask, propose, verify, add, emit.

All state is the list of trials in the archive, so a run killed at any point goes on
from its finished trials. Several may be in flight: a model writes one while another is
verified. Knows no proposer and no strategy by name.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from datetime import UTC, datetime
from typing import NamedTuple

from warpsmith.archive import Archive
from warpsmith.core.errors import InfrastructureError, UsageError, WarpsmithError
from warpsmith.core.events import PhaseStarted, Sink, TaskFinished, TaskStarted, TrialFinished
from warpsmith.core.normalise import normalised
from warpsmith.core.seeds import derive
from warpsmith.core.task import Budget, Task
from warpsmith.core.trial import Duplicate, Judged, Nothing, Outcome, Proposal, Trial
from warpsmith.core.verdict import Accepted, Rejected
from warpsmith.propose.base import Proposer, Wish
from warpsmith.propose.workshop import Workshop
from warpsmith.search.abreast import Judge
from warpsmith.search.base import Move, Strategy
from warpsmith.search.budget import Meter
from warpsmith.search.in_flight import Makers, Sources, Window, in_flight


class Services(NamedTuple):
    """What every search of a run shares."""

    archive: Archive
    verifier: Judge
    workshop: Workshop
    sink: Sink


class Search:
    """The search of one task."""

    def __init__(  # noqa: PLR0913 - one search's whole setting
        self,
        task: Task,
        services: Services,
        *,
        strategy: Strategy,
        proposers: Mapping[str, Proposer],
        winners: int = 0,
        width: int = 1,
    ) -> None:
        self._task = task
        self._winners = winners
        self._width = width
        self._archive, self._verifier, self._workshop, self._sink = services
        self._strategy = strategy
        self._proposers = dict(proposers)
        self._window = Window(self._archive.trials(task.id), width)
        self._number_by_source: dict[str, int] = {}
        for trial in self._window.finished:
            self._remember(trial)
        self._exhausted: set[str] = set()
        self._is_over = False
        self._sources = Sources()
        # What becomes of a trial is noted by one thread at a time.
        self._lock = threading.Lock()

    def run(self, budget: Budget) -> str:
        """Search until the budget is spent or nobody has anything to propose; return which.

        Ctrl-C ends it between two states of the archive: what is finished is kept.
        """
        finished = len(self._window.finished)
        self._sink(TaskStarted(task=self._task, budget=budget, finished=finished))
        reason = "interrupted"
        try:
            with Makers(self._width, self._stop) as makers:
                reason = self._until_spent(Meter(budget, winners=self._winners), makers)
        finally:
            self._sink(TaskFinished(task_id=self._task.id, reason=reason))
        return reason

    def _stop(self) -> None:
        self._verifier.stop()
        self._workshop.stop()

    def _until_spent(self, meter: Meter, makers: Makers) -> str:
        while True:
            with self._lock:
                reason = meter.spent(self._window.finished, in_flight=makers.busy)
                number = None if reason or self._is_over else self._window.next()
            if number is not None:
                self._is_over |= not self._begin(number, makers)
            elif makers.busy:
                makers.wait()
            else:
                return reason or "exhausted"

    def _begin(self, number: int, makers: Makers) -> bool:
        """Have the trial of that number made; say whether there is one to make."""
        rng = random.Random(derive(self._task.seed, "ask", number))
        with self._lock:
            view, known = self._window.view(number), self._window.known(number)
        with _part(f"strategy {type(self._strategy).__name__!r}"):
            move = self._strategy.ask(view, rng)
        name = None if move is None else self._chosen(move, number)
        if move is None or name is None:
            return False
        if self._width > 1 and getattr(self._proposers[name], "asks_models", False):
            self._note_begun(number, move, Proposal(proposer=name, variant="", candidate=None))
            makers.hand(lambda: self._make(number, move, rng, view))
            return True
        # Who asks nobody is asked here, one after the other: each has to know what the others make.
        proposal = self._propose(move, rng, known)
        if proposal is None:
            return False
        self._note_begun(number, move, proposal)
        makers.hand(lambda: self._finish(number, move, proposal))
        return True

    def _note_begun(self, number: int, move: Move, proposal: Proposal) -> None:
        with self._lock:
            self._window.begin(in_flight(number, self._task.id, _numbers(move), proposal))

    def _make(self, number: int, move: Move, rng: random.Random, view: list[Trial]) -> None:
        proposal = self._propose(move, rng, view)
        if proposal is None:
            with self._lock:
                self._window.drop(number)
                self._is_over = True
            return
        self._finish(number, move, proposal)

    def _finish(self, number: int, move: Move, proposal: Proposal) -> None:
        candidate = proposal.candidate
        # Who waits here for another with the same source finds it remembered.
        claim = self._sources.claimed(normalised(candidate.source)) if candidate else nullcontext()
        with claim:
            trial = Trial(
                number=number,
                task_id=self._task.id,
                parents=_numbers(move),
                proposal=proposal,
                outcome=self._outcome(proposal),
                finished_at=datetime.now(UTC).isoformat(timespec="seconds"),
            )
            with self._lock:
                self._archive.add(trial)
                self._window.finish(trial)
                self._remember(trial)
        self._sink(TrialFinished(trial=trial))

    def _propose(self, move: Move, rng: random.Random, trials: list[Trial]) -> Proposal | None:
        """Return a proposal; whoever has nothing left leaves the move to the others. None: nobody has."""
        while (name := self._chosen(move, len(trials))) is not None:
            self._sink(PhaseStarted(task_id=self._task.id, phase="proposing", detail=name))
            wish = Wish(task=self._task, parents=move.parents, trials=trials, rng=rng, model=move.model)
            with _part(f"proposer {name!r}"):
                proposal = self._proposers[name].propose(wish, self._workshop)
            if proposal is not None:
                return proposal
            self._exhausted.add(name)
            move = move._replace(proposer=None, model="")
        return None

    def _chosen(self, move: Move, number: int) -> str | None:
        """Return who is to make the trial of that number; None where nobody has anything left."""
        if move.proposer is not None and move.proposer not in self._proposers:
            raise UsageError(
                f"the strategy asks for proposer {move.proposer!r}; add --proposer {move.proposer}"
            )
        names = [name for name in self._proposers if name not in self._exhausted]
        if not names:
            return None
        return move.proposer if move.proposer in names else names[number % len(names)]

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


def _numbers(move: Move) -> tuple[int, ...]:
    return tuple(parent.number for parent in move.parents)


@contextmanager
def _part(what: str) -> Iterator[None]:
    """Say which part of a search broke, where it raises what its contract does not allow."""
    try:
        yield
    except WarpsmithError:
        raise
    except Exception as error:  # a plugin may have any bug
        raise InfrastructureError(f"{what} broke: {type(error).__name__}: {error}") from error
