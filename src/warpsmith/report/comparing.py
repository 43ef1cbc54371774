"""Run against run on the problems that both tried: who wins where, by how much, and how sure that is.

Speedups are compared, never times: each stands over its own baseline, timed in the same minutes.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from itertools import combinations
from typing import Literal, TypeAlias

from warpsmith.core.timing import BOOTSTRAP_RESAMPLES, CONFIDENCE, Interval, geometric_mean
from warpsmith.report.summary import Comparison, Duel, ProblemSummary

Side: TypeAlias = Literal["first", "second", "neither"]
Standings: TypeAlias = Mapping[str, ProblemSummary]


def comparisons_of(
    runs: Sequence[tuple[str, Sequence[ProblemSummary]]], baseline: str
) -> tuple[Comparison, ...]:
    """Compare every two of `runs`, each a folder and its problems, by speedup over `baseline`.

    A problem that either run left out as faulted is left out of the comparison.
    """
    told = [(folder, {p.problem_id: p for p in problems if not p.left_out}) for folder, problems in runs]
    return tuple(_compare(*first, *second, baseline) for first, second in combinations(told, 2))


def _compare(first: str, ours: Standings, second: str, theirs: Standings, baseline: str) -> Comparison:
    common = [name for name in ours if name in theirs]
    duels = tuple(_duel(ours[each], theirs[each], baseline) for each in common)
    ratios = [duel.ratio.value for duel in duels if duel.ratio]
    faster = [(_is_fast(ours[each], baseline), _is_fast(theirs[each], baseline)) for each in common]
    return Comparison(
        first=first,
        second=second,
        baseline=baseline,
        duels=duels,
        wins=sum(duel.winner == "first" for duel in duels),
        losses=sum(duel.winner == "second" for duel in duels),
        ratio=_resampled(ratios, geometric_mean) if ratios else None,
        fast_1_gain=_resampled([float(a) - float(b) for a, b in faster], _mean) if faster else None,
    )


def _duel(ours: ProblemSummary, theirs: ProblemSummary, baseline: str) -> Duel:
    mine = ours.best.counted(baseline) if ours.best else None
    other = theirs.best.counted(baseline) if theirs.best else None
    ratio = None
    if mine and other:
        # Two intervals that each hold 95 % make one that holds more: who wins by it wins surely.
        ratio = Interval(
            value=mine.value / other.value, low=mine.low / other.high, high=mine.high / other.low
        )
    return Duel(problem=ours.name, first=mine, second=other, ratio=ratio, winner=_winner(ours, theirs, ratio))


def _winner(ours: ProblemSummary, theirs: ProblemSummary, ratio: Interval | None) -> Side:
    if ratio is not None:
        return "first" if ratio.low > 1 else "second" if ratio.high < 1 else "neither"
    if (ours.best is None) == (theirs.best is None):
        return "neither"
    return "first" if ours.best else "second"


def _is_fast(problem: ProblemSummary, baseline: str) -> bool:
    speedup = problem.best.counted(baseline) if problem.best else None
    return speedup is not None and speedup.value > 1


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def _resampled(values: Sequence[float], statistic: Callable[[Sequence[float]], float]) -> Interval:
    """Return a statistic over problems with its percentile bootstrap over problems (Efron 1979)."""
    rng = random.Random(len(values))
    draws = sorted(statistic(rng.choices(values, k=len(values))) for _ in range(BOOTSTRAP_RESAMPLES))
    cut = int(len(draws) * (1 - CONFIDENCE) / 2)
    value = statistic(values)
    return Interval(value=value, low=min(value, draws[cut]), high=max(value, draws[-1 - cut]))
