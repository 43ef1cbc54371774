"""Several trials of one search at a time: what each may know of the others, and that all are kept."""

from __future__ import annotations

import random
import threading
from collections.abc import Sequence
from pathlib import Path

import msgspec
import pytest
from search_samples import TASK, WRONG, new_archive, right

from warpsmith.core.candidate import Candidate
from warpsmith.core.errors import InfrastructureError
from warpsmith.core.events import PhaseStarted
from warpsmith.core.task import Budget, Task
from warpsmith.core.trial import Duplicate, Nothing, Proposal, Spent, Trial
from warpsmith.core.verdict import Verdict
from warpsmith.propose.base import Wish
from warpsmith.propose.workshop import Workshop
from warpsmith.search.abreast import Gathered, OneAtATime
from warpsmith.search.base import Move
from warpsmith.search.best_of_n import BestOfN
from warpsmith.search.in_flight import IN_FLIGHT, Window, in_flight
from warpsmith.search.loop import Search, Services
from warpsmith.testing import fakes
from warpsmith.testing.machine import shared_workshop

PATIENCE_S = 20.0


def ended(number: int, note: str = "") -> Trial:
    """Return a finished trial of that number."""
    proposal = Proposal(proposer="p", variant=f"v{number}", candidate=None, note=note)
    return Trial(
        number=number, task_id=TASK.id, proposal=proposal, outcome=Nothing(reason=note), finished_at="now"
    )


def begun(number: int) -> Trial:
    """Return what stands for a trial in flight."""
    return in_flight(number, TASK.id, (), Proposal(proposer="p", variant=f"v{number}", candidate=None))


def test_numbers_go_no_further_than_the_width_past_the_oldest_that_has_not_ended() -> None:
    window = Window([], width=3)
    for number in range(3):
        assert window.next() == number
        window.begin(begun(number))
    assert window.next() is None
    window.finish(ended(1))
    assert window.next() is None
    window.finish(ended(0))
    assert window.next() == 3


def test_a_number_that_a_killed_run_left_out_comes_first() -> None:
    window = Window([ended(0), ended(2), ended(3)], width=3)
    assert window.next() == 1
    window.begin(begun(1))
    assert window.next() is None
    window.finish(ended(1))
    assert window.next() == 4


def test_what_a_trial_sees_does_not_depend_on_which_of_the_others_was_faster() -> None:
    slow, fast = Window([ended(0), ended(1)], width=3), Window([ended(0), ended(1)], width=3)
    for window in (slow, fast):
        window.begin(begun(2))
        window.begin(begun(3))
    fast.finish(ended(3))
    assert slow.view(4) == fast.view(4)
    told = [trial.outcome for trial in slow.view(4)]
    assert told == [Nothing(reason=""), Nothing(reason=""), *[Nothing(reason=IN_FLIGHT)] * 2]
    assert [trial.number for trial in slow.view(4)] == [0, 1, 2, 3]
    assert {trial.proposal.variant for trial in fast.known(4)} == {"v0", "v1", "v2", "v3"}


def test_alone_in_flight_a_trial_sees_all_as_they_ended() -> None:
    window = Window([ended(0), ended(1)])
    assert window.view(2) == window.known(2) == [ended(0), ended(1)]


class Written(msgspec.Struct, frozen=True, kw_only=True):
    """A proposer like a model: several wait in it at the same time, until `at_once` do."""

    asks_models = True

    gate: threading.Barrier
    sources: tuple[str, ...]
    tokens: int = 0

    def propose(self, wish: Wish, workshop: Workshop) -> Proposal | None:
        """Wait for the others, and return the source of this number."""
        self.gate.wait(PATIENCE_S)
        number = len(wish.trials)
        source = self.sources[number % len(self.sources)]
        spent = Spent(model="m", tokens=self.tokens, usd=None)
        return Proposal(
            proposer="written",
            variant=f"#{number}",
            candidate=Candidate(source=source, backend="torch"),
            spent=spent,
        )


class Counted:
    """A judge that accepts all, and counts."""

    def __init__(self, error: Exception | None = None) -> None:
        self.asked: list[str] = []
        self.most_at_once = self._now = 0
        self.is_stopped = False
        self._error = error
        self._lock = threading.Lock()

    def start(self) -> None:
        """Do nothing."""

    def stop(self) -> None:
        """Note it."""
        self.is_stopped = True

    def verify(self, task: Task, candidate: Candidate) -> Verdict:
        """Accept."""
        with self._lock:
            self._now += 1
            self.most_at_once = max(self.most_at_once, self._now)
            self.asked.append(candidate.source)
        threading.Event().wait(0.02)
        with self._lock:
            self._now -= 1
        if self._error is not None:
            raise self._error
        return fakes.accepted()


def flying(
    run: Path, proposer: object, judge: object, *, width: int, budget: Budget, strategy: object = None
) -> tuple[str, list[Trial]]:
    """Search with that many in flight; return why it ended, and what it archived."""
    with new_archive(run) as archive:
        services = Services(archive, judge, shared_workshop(), Gathered(lambda _event: None))  # type: ignore[arg-type]
        search = Search(
            TASK,
            services,
            strategy=strategy or BestOfN(),  # type: ignore[arg-type]
            proposers={"written": proposer},  # type: ignore[dict-item]
            width=width,
        )
        reason = search.run(budget)
        return reason, archive.trials(TASK.id)


def test_as_many_are_written_at_a_time_as_are_in_flight_and_no_limit_is_overrun(tmp_path: Path) -> None:
    # The barrier opens for three alone: with fewer in flight nothing would ever be written.
    proposer = Written(gate=threading.Barrier(3), sources=tuple(right(n) for n in range(6)))
    judge = Counted()
    reason, trials = flying(tmp_path / "run", proposer, judge, width=3, budget=Budget(trials=6))
    assert reason == "trials"
    assert [trial.number for trial in trials] == [0, 1, 2, 3, 4, 5]
    assert len(judge.asked) == 6


def test_the_same_source_from_two_at_once_is_verified_once(tmp_path: Path) -> None:
    proposer = Written(gate=threading.Barrier(4), sources=(right(1),))
    judge = Counted()
    _, trials = flying(tmp_path / "run", proposer, judge, width=4, budget=Budget(trials=4))
    assert len(judge.asked) == 1
    assert sum(isinstance(trial.outcome, Duplicate) for trial in trials) == 3


def test_a_limit_of_tokens_is_overrun_by_no_more_than_one_trial(tmp_path: Path) -> None:
    proposer = Written(gate=threading.Barrier(1), sources=tuple(right(n) for n in range(9)), tokens=100)
    reason, trials = flying(
        tmp_path / "run", proposer, Counted(), width=4, budget=Budget(tokens=350, trials=9)
    )
    assert (reason, len(trials)) == ("tokens", 4)


def test_who_gives_one_verdict_at_a_time_is_asked_one_after_the_other(tmp_path: Path) -> None:
    proposer = Written(gate=threading.Barrier(3), sources=tuple(right(n) for n in range(3)))
    judge = Counted()
    flying(tmp_path / "run", proposer, OneAtATime(judge), width=3, budget=Budget(trials=3))
    assert (len(judge.asked), judge.most_at_once) == (3, 1)


def test_an_error_in_one_ends_the_search_and_what_the_others_wait_for(tmp_path: Path) -> None:
    proposer = Written(gate=threading.Barrier(2), sources=(right(1), right(2)))
    judge = Counted(InfrastructureError("the machine is gone"))
    with pytest.raises(InfrastructureError, match="the machine is gone"):
        flying(tmp_path / "run", proposer, judge, width=2, budget=Budget(trials=2))
    assert judge.is_stopped


class Named(msgspec.Struct, frozen=True, kw_only=True):
    """A proposer that asks nobody, and knows by the trials what it has made."""

    count: int

    def propose(self, wish: Wish, workshop: Workshop) -> Proposal | None:
        """Return the first that is not there yet."""
        made = {trial.proposal.variant for trial in wish.trials}
        left = [number for number in range(self.count) if f"v{number}" not in made]
        if not left:
            return None
        return Proposal(
            proposer="written",
            variant=f"v{left[0]}",
            candidate=Candidate(source=right(left[0]), backend="torch"),
        )


def test_who_asks_nobody_makes_nothing_twice_while_others_are_verified(tmp_path: Path) -> None:
    judge = Counted()
    reason, trials = flying(tmp_path / "run", Named(count=5), judge, width=3, budget=Budget())
    assert reason == "exhausted"
    assert [trial.proposal.variant for trial in trials] == ["v0", "v1", "v2", "v3", "v4"]
    assert judge.most_at_once > 1


class Noting(msgspec.Struct, kw_only=True):
    """A strategy that notes what it is shown."""

    seen: dict[int, list[Trial]]

    def ask(self, trials: Sequence[Trial], rng: random.Random) -> Move | None:
        """Ask for anything."""
        self.seen[len(trials)] = list(trials)
        return Move()


def test_a_run_that_goes_on_shows_its_strategy_what_it_would_have_shown(tmp_path: Path) -> None:
    whole, resumed = Noting(seen={}), Noting(seen={})
    sources = (right(0), WRONG, *(right(n) for n in range(2, 6)))
    proposer = Written(gate=threading.Barrier(1), sources=sources)
    _, trials = flying(tmp_path / "a", proposer, Counted(), width=3, budget=Budget(trials=6), strategy=whole)
    with new_archive(tmp_path / "b", [trials[0], trials[1], trials[3]]) as archive:  # 2 was in flight
        services = Services(archive, Counted(), shared_workshop(), Gathered(lambda _event: None))
        search = Search(TASK, services, strategy=resumed, proposers={"written": proposer}, width=3)
        search.run(Budget(trials=6))
        again = archive.trials(TASK.id)
    assert [trial.proposal for trial in again] == [trial.proposal for trial in trials]
    assert sorted(resumed.seen) == [2, 4, 5]
    for number, shown in resumed.seen.items():
        assert [_told(trial) for trial in shown] == [_told(trial) for trial in whole.seen[number]]


def _told(trial: Trial) -> tuple[object, ...]:
    return trial.number, trial.parents, trial.proposal, type(trial.outcome)


def test_events_of_a_search_in_flight_come_one_at_a_time(tmp_path: Path) -> None:
    told: list[str] = []

    def listen(event: object) -> None:
        if isinstance(event, PhaseStarted):
            told.append(event.phase)
            threading.Event().wait(0.005)
            assert told[-1] == event.phase, "another event came in between"

    proposer = Written(gate=threading.Barrier(3), sources=tuple(right(n) for n in range(3)))
    with new_archive(tmp_path / "run") as archive:
        services = Services(archive, Counted(), shared_workshop(), Gathered(listen))
        search = Search(TASK, services, strategy=BestOfN(), proposers={"written": proposer}, width=3)
        search.run(Budget(trials=3))
    assert told.count("proposing") == told.count("verifying") == 3
