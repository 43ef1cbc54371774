"""The best are timed again before one is named: who, how often, what is stated then, what a kill costs."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from search_samples import ignore, new_archive

from warpsmith.archive import Archive
from warpsmith.core.candidate import Candidate
from warpsmith.core.task import Budget, Task
from warpsmith.core.trial import Retiming, Trial
from warpsmith.core.verdict import Verdict
from warpsmith.search.finals import Jury, due, retime
from warpsmith.search.winners import entries, ranked_baselines, winner
from warpsmith.testing import fakes

TASK = fakes.task()
# In order of number: slow, best, second, rejected, third.
TRIALS = fakes.trials(
    fakes.accepted(candidate_ns=90),
    fakes.accepted(candidate_ns=40),
    fakes.accepted(candidate_ns=50),
    fakes.rejected(),
    fakes.accepted(candidate_ns=60),
    of=TASK,
)


class Court:
    """A verifier that says what it is told of each trial's candidate, and keeps what it was asked."""

    def __init__(self, said: dict[int, Verdict]) -> None:
        self.said = said
        self.asked: list[tuple[int, int]] = []

    def __call__(self, task: Task, candidate: Candidate) -> Verdict:
        number = next(trial.number for trial in TRIALS if trial.proposal.candidate == candidate)
        self.asked.append((number, task.seed))
        return self.said[number]

    @property
    def numbers(self) -> list[int]:
        return [number for number, _ in self.asked]


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[Archive]:
    with new_archive(tmp_path / "run", TRIALS, TASK) as archive:
        yield archive


def hold(archive: Archive, court: Court, *, count: int = 2, budget: Budget | None = None) -> None:
    jury = Jury(court, archive, ignore)
    retime(TASK, jury, count=count, budget=budget or Budget(), started_s=time.monotonic())


def named(archive: Archive) -> tuple[int, float, bool]:
    found = entries(archive.trials(TASK.id), archive.retimings(TASK.id))
    best = winner(found, ranked_baselines([TASK]))
    assert best is not None
    return best.trial.number, best.verdict.ratio("eager"), best.is_retimed


def retiming(number: int, verdict: Verdict) -> Retiming:
    return Retiming(task_id=TASK.id, number=number, seed=1, verdict=verdict, finished_at="2026-01-01")


def test_the_best_by_the_second_timing_is_named_with_that_timing(archive: Archive) -> None:
    assert named(archive) == (1, 2.5, False)
    court = Court({1: fakes.accepted(candidate_ns=80), 2: fakes.accepted(candidate_ns=50)})
    hold(archive, court)
    assert named(archive) == (2, 2.0, True)
    (first, second) = court.asked
    assert (first[0], second[0]) == (1, 2)
    assert first[1] == second[1] != TASK.seed, "all under one seed that the search did not use"


def test_who_is_rejected_then_has_not_won_and_makes_room_for_the_next(archive: Archive) -> None:
    court = Court({1: fakes.rejected(), 2: fakes.accepted(candidate_ns=70), 4: fakes.accepted()})
    hold(archive, court)
    assert court.numbers == [1, 2, 4]
    assert named(archive) == (4, 2.0, True)


def test_nobody_is_timed_twice_after_a_kill(archive: Archive) -> None:
    archive.add_retiming(retiming(1, fakes.accepted(candidate_ns=45)))
    court = Court({2: fakes.accepted(candidate_ns=50)})
    hold(archive, court)
    assert court.numbers == [2]
    hold(archive, court)
    assert court.numbers == [2]


def test_a_fault_is_no_answer_and_is_tried_again_by_the_next_start_alone(archive: Archive) -> None:
    court = Court({1: fakes.faulted(), 2: fakes.accepted(candidate_ns=60)})
    hold(archive, court)
    assert court.numbers == [1, 2]
    assert named(archive) == (2, 100 / 60, True)
    hold(archive, court)
    assert court.numbers == [1, 2, 1]


def test_where_nothing_was_chosen_nothing_is_timed_again() -> None:
    one = [fakes.trial(0, of=TASK), fakes.trial(1, fakes.rejected(), of=TASK)]
    assert due(one, [], TASK, 3) == []
    assert due(TRIALS, [], TASK, 0) == []


def test_a_budget_that_is_spent_leaves_the_first_timing_standing(archive: Archive) -> None:
    court = Court({})
    hold(archive, court, budget=Budget(wall_s=1e-9))
    hold(archive, court, budget=Budget(gpu_s=1e-9))
    assert court.asked == []
    assert named(archive) == (1, 2.5, False)


def test_a_passthrough_is_never_timed_before_a_kernel_of_its_own() -> None:
    quick = msgspec.structs.replace(fakes.accepted(candidate_ns=1), own_share=0.0)
    trials: list[Trial] = [*TRIALS, fakes.trial(5, quick, of=TASK)]
    assert [trial.number for trial in due(trials, [], TASK, 2)] == [1, 2]
