"""Time the best candidates of a task once more before one is named: no winner's curse.

Every one is verified whole, under one new seed, one after the other and in the same minutes. A race takes
one candidate and its baselines, so two candidates do not take turns with each other; each takes turns with
the same baselines, and what is compared are speedups over them, which the machine's drift cancels in.

The archive is the whole state: what was timed before a kill is not timed again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

import msgspec

from warpsmith.archive import Archive
from warpsmith.core.candidate import Candidate
from warpsmith.core.events import PhaseStarted, RetimingFinished, Sink
from warpsmith.core.seeds import derive
from warpsmith.core.task import Budget, Task
from warpsmith.core.trial import Retiming, Trial
from warpsmith.core.verdict import Rejected, Verdict
from warpsmith.search.budget import Meter
from warpsmith.search.winners import Entry, answers, ranked, ranked_baselines


def due(trials: Sequence[Trial], retimings: Sequence[Retiming], task: Task, count: int) -> list[Trial]:
    """Return the trials to time again, the most promising first.

    They are those of the best `count` that have no answer yet; who was rejected makes room for the next.
    Nobody is where fewer than two were accepted: nothing was chosen, so nothing leans high.
    """
    found = [Entry(trial, trial.accepted, is_retimed=False) for trial in trials if trial.accepted]
    if len(found) < 2:
        return []
    said = answers(retimings)
    standing = [entry for entry in found if not isinstance(said.get(entry.trial.number), Rejected)]
    best = ranked(standing, ranked_baselines([task]))[:count]
    return [entry.trial for entry in best if entry.trial.number not in said]


class Jury(NamedTuple):
    """Who decides and who is told.

    Attributes:
        verify: the verifier.
        archive: of the run; open for writing.
        sink: who listens.
    """

    verify: Callable[[Task, Candidate], Verdict]
    archive: Archive
    sink: Sink


def retime(task: Task, jury: Jury, *, count: int, budget: Budget, started_s: float) -> None:
    """Time the best `count` candidates of `task` again and add what came of it to the archive.

    Stops when the wall or device time of `budget` is spent; who was not reached keeps the first timing.

    Args:
        task: whose trials.
        jury: who decides.
        count: how many; 0 times nobody.
        budget: of the search that this belongs to.
        started_s: when that search began, on the monotonic clock.
    """
    verify, archive, sink = jury
    limits = Budget(wall_s=budget.wall_s, gpu_s=budget.gpu_s)
    meter = Meter(limits, started_s=started_s)
    trials, retimings = archive.trials(task.id), archive.retimings(task.id)
    seed = derive(task.seed, "retiming")
    faulted: set[int] = set()
    while not meter.spent(trials, retimings):
        waiting = [trial for trial in due(trials, retimings, task, count) if trial.number not in faulted]
        candidate = waiting[0].proposal.candidate if waiting else None
        if candidate is None:
            return
        number = waiting[0].number
        sink(PhaseStarted(task_id=task.id, phase="timing again", detail=f"trial {number}"))
        verdict = verify(msgspec.structs.replace(task, seed=seed), candidate)
        now = datetime.now(UTC).isoformat(timespec="seconds")
        retiming = Retiming(task_id=task.id, number=number, seed=seed, verdict=verdict, finished_at=now)
        archive.add_retiming(retiming)
        retimings.append(retiming)
        # A machine that fails is asked again by the next start of the run, and not in a circle by this one.
        faulted.add(number)
        sink(RetimingFinished(retiming=retiming))
