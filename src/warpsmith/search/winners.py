"""Which candidate a task ends with, the same for the command line, the tables and the kernel files.

Where a run timed its best candidates once more, that decides and is what is stated: the timing by which one
of many was chosen leans high. A candidate that was rejected then has not won.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from warpsmith.core.task import Task
from warpsmith.core.trial import Retiming, Trial
from warpsmith.core.verdict import Accepted, Faulted, Rejected, Verdict

PRIMARY = "eager"


class Entry(NamedTuple):
    """A candidate that may be named the best.

    Attributes:
        trial: whose candidate.
        verdict: the one that speaks for it: of the re-timing where there is one.
        is_retimed: whether there is.
    """

    trial: Trial
    verdict: Accepted
    is_retimed: bool


def ranked_baselines(tasks: Iterable[Task], primary: str | None = None) -> tuple[str, ...]:
    """All baselines of `tasks`, the one that decides first: `primary`, else `eager`, else the first named."""
    names = list(dict.fromkeys(name for task in tasks for name in task.baselines))
    first = primary or (PRIMARY if PRIMARY in names or not names else names[0])
    return (first, *(name for name in names if name != first))


def answers(retimings: Sequence[Retiming]) -> dict[int, Verdict]:
    """Return what the latest re-timing that gave an answer said, by the trial's number."""
    return {each.number: each.verdict for each in retimings if not isinstance(each.verdict, Faulted)}


def entries(trials: Sequence[Trial], retimings: Sequence[Retiming] = ()) -> list[Entry]:
    """Return the candidates of one task that may be named the best.

    Those that were accepted a second time are, where there are any; else all that were accepted and not
    rejected since.
    """
    said = answers(retimings)
    again = [
        Entry(trial, verdict, is_retimed=True)
        for trial in trials
        if trial.accepted and isinstance(verdict := said.get(trial.number), Accepted)
    ]
    return again or [
        Entry(trial, trial.accepted, is_retimed=False)
        for trial in trials
        if trial.accepted and not isinstance(said.get(trial.number), Rejected)
    ]


def ranked(found: Sequence[Entry], baselines: Sequence[str]) -> list[Entry]:
    """Return `found` without what can't win, the best first; the earlier one on a tie.

    A passthrough is only returned where nothing with a kernel of its own is there. The order is by the
    speedup over the first of `baselines` that was timed for any of them. Where none was, the shortest time
    comes first.
    """
    own = [entry for entry in found if not entry.verdict.is_passthrough] or list(found)
    for name in baselines:
        timed = [entry for entry in own if name in entry.verdict.baselines]
        if timed:
            return sorted(timed, key=lambda entry: -entry.verdict.ratio(name))
    return sorted(own, key=lambda entry: entry.verdict.time.value)


def winner(found: Sequence[Entry], baselines: Sequence[str]) -> Entry | None:
    """Return the best of `found`; None where there is none."""
    return next(iter(ranked(found, baselines)), None)
