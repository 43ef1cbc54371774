"""Runs: a plan is checked, kept and resumed, also by another process after the first was killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from search_samples import TASK, ignore, new_archive, right, write

from warpsmith.archive import Archive
from warpsmith.core.candidate import Candidate
from warpsmith.core.codec import decode, encode
from warpsmith.core.errors import InfrastructureError, UnknownName, UsageError
from warpsmith.core.events import Event, TrialFinished
from warpsmith.core.task import Budget, Task
from warpsmith.core.trial import Trial
from warpsmith.core.verdict import Verdict
from warpsmith.search.abreast import Shares
from warpsmith.search.run import Choice, Plan, carry_out, resume, start
from warpsmith.testing import fakes
from warpsmith.testing.machine import shared_verifier
from warpsmith.testing.samples import quick_task

CARRY_OUT = """
import sys
from pathlib import Path
from warpsmith.search.run import carry_out, resume
from warpsmith.verify import Verifier

archive, plan = resume(Path(sys.argv[1]))
with archive, Verifier() as verifier:
    carry_out(archive, plan, lambda event: None, verifier, archive.tasks())
"""
KILLED_AFTER = 2
PATIENCE_S = 60.0


def plan_for(folder: Path, **changes: object) -> Plan:
    values = {
        "strategy": Choice(name="best_of_n"),
        "proposers": (Choice(name="file", options={"path": str(folder)}),),
        "budget": Budget(trials=50),
        "command": "warpsmith search ...",
    }
    return Plan(**{**values, **changes})  # type: ignore[arg-type]


def finished(folder: Path) -> list[Trial]:
    with Archive.open(folder, writable=False) as archive:
        return archive.trials(TASK.id)


def test_a_plan_comes_back_as_it_was_kept(tmp_path: Path) -> None:
    plan = plan_for(tmp_path, budget=Budget(trials=3, wall_s=2.5), total_wall_s=9.0)
    assert decode(encode(plan), Plan) == plan
    start(tmp_path / "run", plan, [TASK]).close()
    archive, kept = resume(tmp_path / "run")
    with archive:
        assert kept == plan
        assert archive.tasks() == [TASK]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"strategy": Choice(name="best_of_m")}, "no strategy 'best_of_m'; did you mean 'best_of_n'"),
        ({"strategy": Choice(name="best_of_n", options={"m": "1"})}, "no option 'm'; known: n"),
        ({"strategy": Choice(name="best_of_n", options={"n": "many"})}, "strategy 'best_of_n'"),
        ({"proposers": (Choice(name="fiel"),)}, "no proposer 'fiel'; did you mean 'file'"),
        ({"proposers": (Choice(name="file"),)}, "path"),
        ({"proposers": ()}, "needs a proposer"),
    ],
    ids=["strategy", "option", "value", "proposer", "required option", "no proposer"],
)
def test_a_plan_that_can_not_work_leaves_no_folder(
    tmp_path: Path, changes: dict[str, object], message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        start(tmp_path / "run", plan_for(tmp_path, **changes), [TASK])
    assert not (tmp_path / "run").exists()


def test_unknown_names_are_told_from_bad_values(tmp_path: Path) -> None:
    with pytest.raises(UnknownName):
        plan_for(tmp_path, strategy=Choice(name="greedy")).check()


def test_a_run_without_a_plan_is_not_resumed_and_not_kept_locked(tmp_path: Path) -> None:
    new_archive(tmp_path / "run").close()
    for _ in range(2):
        with pytest.raises(UsageError, match="holds no plan"):
            resume(tmp_path / "run")


def test_a_folder_that_is_no_run_is_not_resumed(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="not a run folder"):
        resume(tmp_path)


def test_every_task_gets_a_trial_even_when_the_time_is_up(tmp_path: Path) -> None:
    folder = write(tmp_path / "candidates", {"a": right(1)})
    tasks = [TASK, quick_task(baselines=())]
    plan = plan_for(folder, total_wall_s=0.001)
    with start(tmp_path / "run", plan, tasks) as archive:
        carry_out(archive, plan, ignore, shared_verifier(), tasks)
        assert [len(archive.trials(task.id)) for task in tasks] == [1, 1]


def test_a_killed_run_goes_on_without_losing_or_repeating_a_trial(tmp_path: Path) -> None:
    # Slow to import, so that the kill finds the run in the middle of its work.
    slow = {f"c{number}": f"import time\n\ntime.sleep(0.2)\n{right(number)}" for number in range(8)}
    plan = plan_for(write(tmp_path / "candidates", slow))
    run = tmp_path / "run"
    start(run, plan, [TASK]).close()
    kill_after_some_trials(run)
    before = finished(run)
    assert KILLED_AFTER <= len(before) < len(slow)
    archive, kept = resume(run)
    with archive:
        carry_out(archive, kept, ignore, shared_verifier(), archive.tasks())
    after = finished(run)
    assert after[: len(before)] == before
    assert [trial.number for trial in after] == list(range(len(slow)))
    assert [trial.proposal.variant for trial in after] == [f"{name}.py" for name in slow]
    assert all(trial.accepted for trial in after)


def kill_after_some_trials(run: Path) -> None:
    """Carry the run out in another process and kill -9 it once some trials are archived."""
    process = subprocess.Popen([sys.executable, "-c", CARRY_OUT, str(run)])
    deadline = time.monotonic() + PATIENCE_S
    try:
        while len(finished(run)) < KILLED_AFTER and time.monotonic() < deadline:
            assert process.poll() is None, "the run ended before it could be killed"
            time.sleep(0.05)
    finally:
        os.kill(process.pid, signal.SIGKILL)
        process.wait()


class Meeting:
    """A judge that gives a verdict once two ask for one, and is interrupted when it is stopped."""

    def __init__(self) -> None:
        self.barrier = threading.Barrier(2)

    def start(self) -> None: ...

    def verify(self, task: Task, candidate: Candidate) -> Verdict:
        try:
            self.barrier.wait(PATIENCE_S)
        except threading.BrokenBarrierError:
            raise KeyboardInterrupt from None
        return fakes.accepted()

    def stop(self) -> None:
        self.barrier.abort()


def two_tasks() -> list[Task]:
    return [TASK, quick_task(baselines=())]


def test_tasks_are_searched_at_the_same_time_and_nothing_of_them_is_mixed_up(tmp_path: Path) -> None:
    plan = plan_for(write(tmp_path / "candidates", {name: right(n) for n, name in enumerate("abc")}))
    heard: list[Event] = []
    with start(tmp_path / "run", plan, two_tasks()) as archive:
        # Each verdict waits for one of the other task, so one after the other would end in no time at all.
        carry_out(archive, plan, heard.append, Meeting(), archive.tasks(), abreast=2)
        for task in archive.tasks():
            trials = archive.trials(task.id)
            assert [(trial.number, trial.proposal.variant) for trial in trials] == [
                (0, "a.py"),
                (1, "b.py"),
                (2, "c.py"),
            ]
    assert sum(isinstance(event, TrialFinished) for event in heard) == 6


def test_an_error_in_one_search_ends_the_others_and_keeps_what_is_finished(tmp_path: Path) -> None:
    plan = plan_for(write(tmp_path / "candidates", {name: right(n) for n, name in enumerate("abcdef")}))
    seen: list[Trial] = []

    def breaking(event: Event) -> None:
        if isinstance(event, TrialFinished):
            seen.append(event.trial)
            if len(seen) == 3:
                raise InfrastructureError("the disk is full")

    with start(tmp_path / "run", plan, two_tasks()) as archive:
        with pytest.raises(InfrastructureError, match="the disk is full"):
            carry_out(archive, plan, breaking, Meeting(), archive.tasks(), abreast=2)
        kept = [trial for task in archive.tasks() for trial in archive.trials(task.id)]
    assert {(trial.task_id, trial.number) for trial in seen} <= {
        (trial.task_id, trial.number) for trial in kept
    }
    assert len(kept) < 12
    assert all(trial.accepted for trial in kept)


def test_tasks_side_by_side_share_the_wall_time_of_a_run() -> None:
    one_after_the_other = Shares(Budget(), 100.0, 4)
    abreast = Shares(Budget(wall_s=70.0), 100.0, 4, 2)
    assert one_after_the_other.next().wall_s == pytest.approx(25.0, abs=1)
    assert [abreast.next().wall_s for _ in range(4)] == pytest.approx([50.0, 66.7, 70.0, 70.0], abs=1)
