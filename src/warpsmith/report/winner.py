"""Which candidate a task ends with, the same for the tables and for the kernel files."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from warpsmith.core.task import Task
from warpsmith.core.trial import Trial, best_trial

PRIMARY = "eager"


def ranked_baselines(tasks: Iterable[Task], primary: str | None = None) -> tuple[str, ...]:
    """All baselines of `tasks`, the one that decides first: `primary`, else `eager`, else the first named."""
    names = list(dict.fromkeys(name for task in tasks for name in task.baselines))
    first = primary or (PRIMARY if PRIMARY in names or not names else names[0])
    return (first, *(name for name in names if name != first))


def winner(trials: Sequence[Trial], baselines: Sequence[str]) -> Trial | None:
    """Return the accepted trial with the highest speedup; None where nothing was accepted.

    A passthrough is only returned where nothing with a kernel of its own was accepted.
    The speedup is over the first of `baselines` that was timed for any of them. Where none was, the trial
    with the shortest time wins.
    """
    judged = [trial for trial in trials if trial.accepted]
    own = [trial for trial in judged if trial.accepted and not trial.accepted.is_passthrough] or judged
    for baseline in baselines:
        if found := best_trial(own, baseline):
            return found
    timed = [(verdict.time.value, trial) for trial in own if (verdict := trial.accepted)]
    return min(timed, key=lambda row: row[0])[1] if timed else None
