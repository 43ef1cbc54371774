"""What strategies and reports read off a list of trials: scores, lineage, cells, islands.

Pure functions of finished trials, oldest first: nothing is kept between calls, so whoever reads
the same archive sees the same. A parent that isn't an earlier trial of the list is left out.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple, TypeVar

from warpsmith.core.trial import Trial
from warpsmith.core.verdict import PASSTHROUGH_SHARE, Accepted, Rejected, Stage

K = TypeVar("K")

# Where a rejection can usually be repaired by a small edit; cheating and broken timing can't.
REPAIRABLE = frozenset({Stage.SCAN, Stage.BUILD, Stage.COMPARE})
STAGES = tuple(Stage)
# Upper ends of the bins of `own_share`, which lies in [0, 1]; above the last one it is "all".
OWN_BINS = ((PASSTHROUGH_SHARE, "none"), (0.5, "some"), (0.9, "most"))


class Cell(NamedTuple):
    """Where an accepted trial stands on the hardware, for keeping one elite of every kind.

    Attributes:
        bound: what limits its slowest workload: `memory`, `compute`, `latency` or `unknown`.
        backend: name of its backend.
        own: share of its time in its own kernels: `none`, `some`, `most`, `all` or `unknown`.
    """

    bound: str
    backend: str
    own: str


class Standing(NamedTuple):
    """How promising a trial is as a parent; larger is better.

    Attributes:
        speedup: over the baseline; 0.0 where it was rejected or that baseline was not timed.
        stage: index of the stage that rejected it; one past the last where it was accepted.
        inside: share of elements within tolerance, in [0, 1]; 0.0 where outputs were not compared.
    """

    speedup: float
    stage: int
    inside: float


class _Same(NamedTuple):
    """Key of a cache that goes by identity: a verdict is frozen but has no hash."""

    verdict: Accepted

    def __hash__(self) -> int:
        return id(self.verdict)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and self.verdict is other.verdict

    def __ne__(self, other: object) -> bool:
        return not self == other


@lru_cache(maxsize=8192)
def _speedup(key: _Same, baseline: str) -> float | None:
    # Medians of raw samples, for every trial at every ask: they are sorted once.
    if baseline not in key.verdict.baselines:
        return None
    ratio = key.verdict.ratio(baseline)
    return min(ratio, 1.0) if key.verdict.is_passthrough else ratio


def score(trial: Trial, baseline: str) -> float | None:
    """Return the geometric-mean speedup over `baseline`, 0.0 where rejected, None where there is no answer.

    A fault, a duplicate, a proposal without a candidate and an acceptance without that baseline are no
    answer. A passthrough counts as 1 at most.
    """
    verdict = trial.verdict
    if isinstance(verdict, Rejected):
        return 0.0
    return _speedup(_Same(verdict), baseline) if isinstance(verdict, Accepted) else None


def is_usable(trial: Trial) -> bool:
    """Whether it can be a parent: it has a candidate, and the verifier has answered."""
    return trial.proposal.candidate is not None and isinstance(trial.verdict, Accepted | Rejected)


def is_repairable(trial: Trial) -> bool:
    """Whether it was rejected at a stage where a small edit usually helps."""
    verdict = trial.verdict
    return isinstance(verdict, Rejected) and verdict.stage in REPAIRABLE


def standing(trial: Trial, baseline: str) -> Standing:
    """Return what to rank a usable trial by."""
    verdict = trial.verdict
    if isinstance(verdict, Rejected):
        inside = 1.0 - verdict.error.outside if verdict.error else 0.0
        return Standing(speedup=0.0, stage=STAGES.index(verdict.stage), inside=inside)
    return Standing(speedup=score(trial, baseline) or 0.0, stage=len(STAGES), inside=1.0)


def ranked(trials: Sequence[Trial], baseline: str) -> list[Trial]:
    """Return the usable trials, most promising first; of equals the accepted come oldest first.

    Of equally rejected ones the newest comes first, since the others have had their repairs.
    """
    rows = [
        (standing(trial, baseline), -index if trial.accepted else index, trial)
        for index, trial in enumerate(trials)
        if is_usable(trial)
    ]
    return [row[2] for row in sorted(rows, key=lambda row: row[:2], reverse=True)]


def best_so_far(trials: Sequence[Trial], baseline: str) -> list[float | None]:
    """Return the highest score up to and including each trial; None until something is accepted."""
    best: float | None = None
    curve: list[float | None] = []
    for trial in trials:
        value = score(trial, baseline)
        if value and (best is None or value > best):
            best = value
        curve.append(best)
    return curve


def parents(trials: Sequence[Trial]) -> dict[int, tuple[int, ...]]:
    """Return the numbers of each trial's parents, by its number."""
    known: dict[int, tuple[int, ...]] = {}
    for trial in trials:
        known[trial.number] = tuple(number for number in trial.parents if number in known)
    return known


def children(trials: Sequence[Trial]) -> dict[int, list[Trial]]:
    """Return each trial's children, oldest first, by its number; every trial has an entry."""
    found: dict[int, list[Trial]] = {trial.number: [] for trial in trials}
    above = parents(trials)
    for trial in trials:
        for number in dict.fromkeys(above[trial.number]):
            found[number].append(trial)
    return found


def depths(trials: Sequence[Trial]) -> dict[int, int]:
    """Return how many first parents stand above each trial, by its number; 0 for a start."""
    found: dict[int, int] = {}
    for number, above in parents(trials).items():
        found[number] = found[above[0]] + 1 if above else 0
    return found


def lineage(trials: Sequence[Trial], trial: Trial) -> list[Trial]:
    """Return the trials from its start down to `trial`, along first parents."""
    above, by_number = parents(trials), {each.number: each for each in trials}
    line = [trial]
    while above[line[-1].number]:
        line.append(by_number[above[line[-1].number][0]])
    return line[::-1]


def chains(trials: Sequence[Trial]) -> list[list[Trial]]:
    """Return the trials by the start that they descend from along first parents, oldest start first."""
    start: dict[int, int] = {}
    found: dict[int, list[Trial]] = {}
    above = parents(trials)
    for trial in trials:
        line = above[trial.number]
        start[trial.number] = start[line[0]] if line else trial.number
        found.setdefault(start[trial.number], []).append(trial)
    return list(found.values())


def cell(trial: Trial) -> Cell | None:
    """Return where an accepted trial stands on the hardware; None where it wasn't accepted."""
    verdict, candidate = trial.accepted, trial.proposal.candidate
    if verdict is None or candidate is None:
        return None
    bounds = [(m.timing.median_ns, m.light or m.floor) for m in verdict.measurements]
    bounded = [(median_ns, bound.limit) for median_ns, bound in bounds if bound]
    share = verdict.own_share
    own = "unknown" if share is None else next((name for end, name in OWN_BINS if share < end), "all")
    return Cell(bound=max(bounded)[1] if bounded else "unknown", backend=candidate.backend, own=own)


def elites(trials: Sequence[Trial], baseline: str) -> dict[Cell, Trial]:
    """Return the fastest accepted trial of every cell that has one, the fastest cell first.

    Mouret and Clune 2015, "Illuminating search spaces by mapping elites", arXiv:1504.04909; the axes are
    what the hardware does rather than the length of the text.
    """
    found: dict[Cell, Trial] = {}
    for trial in ranked(trials, baseline):
        if (place := cell(trial)) is not None:
            found.setdefault(place, trial)
    return found


def islands(
    trials: Sequence[Trial], baseline: str, *, count: int, migrate_every: int, patience: int
) -> list[list[Trial]]:
    """Return who lives on each of `count` islands, by one walk through the trials.

    A start settles on the emptiest island, a child with its first parent, and every `migrate_every`-th
    trial number that is a child on the island after it, so that descendants rather than copies migrate.
    An island whose best has not improved for `patience` of its own trials is emptied, unless no other
    has a better one, and the next starts settle there. Only trials that can be parents are listed.

    After Tanese 1989 (islands with migration) and Romera-Paredes et al. 2023, "Mathematical discoveries
    from program search with large language models", Nature 625 (islands that are reset); theirs are
    reseeded from the survivors, ours afresh and by migrants.
    """
    living: list[list[Trial]] = [[] for _ in range(count)]
    best, idle = [0.0] * count, [0] * count
    home: dict[int, int] = {}
    above = parents(trials)
    for trial in trials:
        if line := above[trial.number]:
            moves = (trial.number + 1) % migrate_every == 0
            place = (home[line[0]] + moves) % count
        else:
            place = min(range(count), key=lambda island: len(living[island]))
        home[trial.number] = place
        if is_usable(trial):
            living[place].append(trial)
        value = score(trial, baseline) or 0.0
        idle[place] = 0 if value > best[place] else idle[place] + 1
        best[place] = max(best[place], value)
        if idle[place] >= patience and best[place] < max(best):
            living[place], best[place], idle[place] = [], 0.0, 0
    return living


def spread(options: Sequence[K], loads: Sequence[int], rng: random.Random) -> K:
    """Return one of `options`, the less loaded the likelier, so that asks in parallel part ways.

    The weight is 1 / (1 + load - least load). Raises IndexError where there are no options.
    """
    least = min(loads, default=0)
    return rng.choices(options, weights=[1 / (1 + load - least) for load in loads])[0]
