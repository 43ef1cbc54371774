"""The loop with real parts: when it stops, what it records, and what it never does twice."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from search_samples import (
    TASK,
    WRONG,
    AskFor,
    Breaking,
    Counting,
    from_folder,
    new_archive,
    right,
    searching,
    write,
)

from warpsmith.archive import Archive
from warpsmith.core.errors import InfrastructureError, UsageError
from warpsmith.core.events import Event, PhaseStarted, TaskFinished, TaskStarted, TrialFinished
from warpsmith.core.problem import Problem
from warpsmith.core.task import Budget
from warpsmith.core.trial import Duplicate, Judged, Nothing, Trial, best_trial
from warpsmith.core.verdict import Faulted, Rejected, Stage
from warpsmith.problems.source import parse_problem
from warpsmith.propose.base import Proposer
from warpsmith.search.base import Strategy
from warpsmith.search.best_of_n import BestOfN
from warpsmith.testing import fakes, samples

UNLIMITED = Budget()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where candidates are written."""
    return tmp_path / "candidates"


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """Where the run is."""
    return tmp_path / "run"


def variants(trials: list[Trial]) -> list[str]:
    return [trial.proposal.variant for trial in trials]


def search_folder(run: Path, folder: Path, budget: Budget = UNLIMITED) -> tuple[str, list[Trial]]:
    """Search with the files of `folder` in a new run; return why it ended and what it archived."""
    with new_archive(run) as archive:
        reason = searching(archive, from_folder(folder)).run(budget)
        return reason, archive.trials(TASK.id)


def test_every_file_is_tried_once_and_then_the_search_is_exhausted(run: Path, folder: Path) -> None:
    write(folder, {"a": right(1), "b": WRONG, "c": right(2)})
    reason, trials = search_folder(run, folder)
    assert reason == "exhausted"
    assert variants(trials) == ["a.py", "b.py", "c.py"]
    assert [trial.number for trial in trials] == [0, 1, 2]
    assert [trial.accepted is not None for trial in trials] == [True, False, True]
    best = best_trial(trials, "eager")
    assert best is not None
    assert best.number in {0, 2}


def test_a_wrong_candidate_is_archived_with_its_reason(run: Path, folder: Path) -> None:
    write(folder, {"a": WRONG})
    verdict = search_folder(run, folder)[1][0].verdict
    assert isinstance(verdict, Rejected)
    assert verdict.stage is Stage.COMPARE
    assert verdict.reason


def test_a_budget_of_trials_ends_it(run: Path, folder: Path) -> None:
    write(folder, {name: right(index) for index, name in enumerate("abcd")})
    reason, trials = search_folder(run, folder, Budget(trials=2))
    assert (reason, len(trials)) == ("trials", 2)


def test_a_budget_of_trials_counts_those_of_earlier_sessions(run: Path, folder: Path) -> None:
    write(folder, {"a": right(1)})
    with new_archive(run, fakes.trials(None, None, of=TASK)) as archive:
        assert searching(archive, from_folder(folder)).run(Budget(trials=2)) == "trials"
        assert len(archive.trials(TASK.id)) == 2


def test_a_budget_of_wall_time_ends_it(run: Path) -> None:
    with new_archive(run) as archive:
        assert searching(archive, {"count": Counting(name="count")}).run(Budget(wall_s=0.3)) == "wall"


def test_a_source_is_verified_once_whatever_its_layout(run: Path, folder: Path) -> None:
    relaid = "# the same again\n\n\n" + samples.AFFINE_CANDIDATE.replace("add(x, x)", "add( x,  x )")
    write(folder, {"a": samples.AFFINE_CANDIDATE, "b": relaid, "c": right(1)})
    trials = search_folder(run, folder)[1]
    assert [type(trial.outcome) for trial in trials] == [Judged, Duplicate, Judged]
    assert trials[1].outcome == Duplicate(of=0)


def test_a_third_copy_points_to_the_trial_that_was_verified(run: Path, folder: Path) -> None:
    write(folder, dict.fromkeys("abc", samples.AFFINE_CANDIDATE))
    assert [trial.outcome for trial in search_folder(run, folder)[1][1:]] == [Duplicate(of=0)] * 2


def test_a_source_that_a_fault_left_unanswered_is_verified_again(run: Path, folder: Path) -> None:
    write(folder, {"a": samples.AFFINE_CANDIDATE})
    unanswered = fakes.trial(0, fakes.faulted(), of=TASK, source=samples.AFFINE_CANDIDATE)
    with new_archive(run, [unanswered]) as archive:
        searching(archive, from_folder(folder)).run(UNLIMITED)
        assert archive.trials(TASK.id)[1].accepted is not None


def test_a_source_verified_in_an_earlier_session_is_not_verified_again(run: Path, folder: Path) -> None:
    write(folder, {"a": samples.AFFINE_CANDIDATE})
    earlier = fakes.trial(0, fakes.rejected(), of=TASK, source=samples.AFFINE_CANDIDATE)
    with new_archive(run, [earlier]) as archive:
        searching(archive, from_folder(folder)).run(UNLIMITED)
        assert archive.trials(TASK.id)[1].outcome == Duplicate(of=0)


def test_a_proposal_without_a_candidate_is_a_trial_with_its_reason(run: Path, folder: Path) -> None:
    write(folder, {"b": right(1)})
    (folder / "a.py").write_bytes(b"\xff\xfe not text")
    trials = search_folder(run, folder)[1]
    assert isinstance(trials[0].outcome, Nothing)
    assert "UTF-8" in trials[0].outcome.reason
    assert trials[1].accepted is not None


def test_a_problem_that_can_not_run_is_a_fault_of_nobody_s_candidate(run: Path, folder: Path) -> None:
    source = samples.AFFINE.replace("return 2 * x + 1", "raise RuntimeError('no reference today')")
    problem: Problem = parse_problem(source, name="broken", origin="here")
    task = msgspec.structs.replace(TASK, problem=problem)
    write(folder, {"a": right(1), "b": right(2)})
    with new_archive(run, task=task) as archive:
        assert searching(archive, from_folder(folder), task=task).run(UNLIMITED) == "exhausted"
        verdicts = [trial.verdict for trial in archive.trials(task.id)]
    assert all(
        isinstance(verdict, Faulted) and "no reference today" in verdict.reason for verdict in verdicts
    )


def test_proposers_take_turns_until_each_has_nothing_left(run: Path) -> None:
    proposers = {"short": Counting(name="short", upto=1), "long": Counting(name="long", upto=3)}
    with new_archive(run) as archive:
        assert searching(archive, proposers).run(UNLIMITED) == "exhausted"
        names = [trial.proposal.proposer for trial in archive.trials(TASK.id)]
    assert names == ["short", "long", "long", "long"]


def test_a_move_s_proposer_and_parents_are_kept(run: Path) -> None:
    proposers = {"wanted": Counting(name="wanted"), "other": Counting(name="other")}
    with new_archive(run) as archive:
        searching(archive, proposers, strategy=AskFor(proposer="wanted")).run(Budget(trials=3))
        trials = archive.trials(TASK.id)
    assert [trial.proposal.proposer for trial in trials] == ["wanted"] * 3
    assert [trial.parents for trial in trials] == [(), (0,), (1,)]


def test_a_strategy_that_asks_for_an_absent_proposer_is_told_how_to_get_it(run: Path, folder: Path) -> None:
    write(folder, {"a": right(1)})
    with new_archive(run) as archive, pytest.raises(UsageError, match="add --proposer dreamer"):
        searching(archive, from_folder(folder), strategy=AskFor(proposer="dreamer")).run(UNLIMITED)


@pytest.mark.parametrize("part", ["proposer", "strategy"])
def test_a_part_that_breaks_ends_the_search_in_one_sentence(run: Path, part: str) -> None:
    broken = Breaking()
    proposer: Proposer = broken if part == "proposer" else Counting(name="fine")
    strategy: Strategy = broken if part == "strategy" else BestOfN()
    earlier = fakes.trials(None, of=TASK)
    with new_archive(run, earlier) as archive:
        with pytest.raises(InfrastructureError, match=rf"{part} .* broke: ZeroDivisionError"):
            searching(archive, {"one": proposer}, strategy=strategy).run(UNLIMITED)
        assert archive.trials(TASK.id) == earlier


def test_whoever_listens_hears_every_step_in_order(run: Path, folder: Path) -> None:
    write(folder, {"a": right(1)})
    heard: list[Event] = []
    with new_archive(run) as archive:
        searching(archive, from_folder(folder), sink=heard.append).run(UNLIMITED)
    phases = [event.phase for event in heard if isinstance(event, PhaseStarted)]
    assert [type(event) for event in heard if not isinstance(event, PhaseStarted)] == [
        TaskStarted,
        TrialFinished,
        TaskFinished,
    ]
    assert phases == ["proposing", "verifying", "proposing"]
    assert heard[-1] == TaskFinished(task_id=TASK.id, reason="exhausted")


def test_a_trial_is_safe_before_anybody_hears_of_it(run: Path, folder: Path) -> None:
    write(folder, {"a": right(1)})
    seen: list[int] = []

    def look(event: Event) -> None:
        if isinstance(event, TrialFinished):
            with Archive.open(run, writable=False) as reader:
                seen.append(len(reader.trials(TASK.id)))

    with new_archive(run) as archive:
        searching(archive, from_folder(folder), sink=look).run(UNLIMITED)
    assert seen == [1]


def test_an_interrupted_search_keeps_what_is_finished_and_goes_on(run: Path, folder: Path) -> None:
    write(folder, {name: right(index) for index, name in enumerate("abc")})
    heard: list[Event] = []

    def interrupt(event: Event) -> None:
        heard.append(event)
        if isinstance(event, TrialFinished):
            raise KeyboardInterrupt

    with new_archive(run) as archive:
        with pytest.raises(KeyboardInterrupt):
            searching(archive, from_folder(folder), sink=interrupt).run(UNLIMITED)
        assert heard[-1] == TaskFinished(task_id=TASK.id, reason="interrupted")
        assert variants(archive.trials(TASK.id)) == ["a.py"]
        searching(archive, from_folder(folder)).run(UNLIMITED)
        assert variants(archive.trials(TASK.id)) == ["a.py", "b.py", "c.py"]
