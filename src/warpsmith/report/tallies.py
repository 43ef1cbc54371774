"""Trials that ended alike, counted: which check turned candidates away, and what gave no verdict."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from warpsmith.core.trial import Nothing, Trial
from warpsmith.core.verdict import Accepted, Faulted, Rejected, Stage
from warpsmith.report.summary import Tally
from warpsmith.report.wording import one_line


class _Ending(NamedTuple):
    where: str
    what: str
    example: str


def rejections_of(histories: Iterable[Sequence[Trial]]) -> tuple[Tally, ...]:
    """Count rejections by stage, in the order the stages run, and by decisive check, most frequent first.

    Args:
        histories: the trials of one problem each.
    """
    order = [stage.value for stage in Stage]
    tallies = _count(_rejections(trials) for trials in histories)
    return tuple(sorted(tallies, key=lambda tally: (order.index(tally.where), -tally.trials, tally.what)))


def no_verdict_of(histories: Iterable[Sequence[Trial]]) -> tuple[Tally, ...]:
    """Count faulted trials, failed proposals and baselines that could not be timed.

    Args:
        histories: the trials of one problem each.
    """
    tallies = _count(_unjudged(trials) for trials in histories)
    return tuple(sorted(tallies, key=lambda tally: (tally.where, -tally.trials, tally.what)))


def _rejections(trials: Sequence[Trial]) -> Iterator[_Ending]:
    for trial in trials:
        if isinstance(verdict := trial.verdict, Rejected):
            reason = one_line(verdict.reason)
            # Reasons carry numbers of their own (index, error); the check that decided is what they share.
            check = verdict.findings[0].check if verdict.findings else reason
            yield _Ending(verdict.stage.value, check, reason)


def _unjudged(trials: Sequence[Trial]) -> Iterator[_Ending]:
    for trial in trials:
        match trial.verdict or trial.outcome:
            case Faulted(reason=reason):
                yield _Ending("faulted", one_line(reason), one_line(reason))
            case Nothing(reason=reason):
                yield _Ending("nothing", one_line(reason), one_line(reason))
            case Accepted(baseline_faults=faults):
                for baseline, reason in faults.items():
                    yield _Ending(f"baseline {baseline}", one_line(reason), one_line(reason))


def _count(endings_by_problem: Iterable[Iterable[_Ending]]) -> list[Tally]:
    examples: dict[tuple[str, str], str] = {}
    problems: defaultdict[tuple[str, str], list[int]] = defaultdict(list)
    for index, endings in enumerate(endings_by_problem):
        for ending in endings:
            examples.setdefault((ending.where, ending.what), ending.example)
            problems[ending.where, ending.what].append(index)
    return [
        Tally(where=key[0], what=key[1], trials=len(seen), problems=len(set(seen)), example=examples[key])
        for key, seen in problems.items()
    ]
