"""A bandit over proposers and their models: who gains most for its price is asked most, nobody forgotten."""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Sequence
from typing import Annotated

import msgspec

from warpsmith.core.trial import Nothing, Trial
from warpsmith.core.verdict import Accepted, Faulted, Rejected
from warpsmith.search import novelty, views
from warpsmith.search.base import Move

# A trial costs at least this: one that is known at once to be a duplicate must not make its arm free.
LEAST_COST_S = 1.0
S_PER_HOUR = 3600.0
# Between a proposer and a model in the name of an arm.
AT = "@"
# The first acceptance gains this, in log speedup: being right is worth a factor e.
FIRST_GAIN = 1.0
# What coming near the best earns at most: where gains are rare, this tells the arms apart.
NEAR_GAIN = 0.15
# What the parents are drawn from; the chance halves from one rank to the next.
RANKS = 6


class Arm:
    """What one proposer, or one with a certain model, has brought, recent trials counting more.

    Attributes:
        pulls: discounted number of its trials.
        gain: discounted sum of improvements of the best speedup, in natural logarithms.
        cost: discounted sum of what its trials took, in seconds or in dollars.
        empty: its latest trials in a row that brought no candidate.
        latest: index of its latest trial; -1 without one.
    """

    def __init__(self) -> None:
        self.pulls = 0.0
        self.gain = 0.0
        self.cost = 0.0
        self.empty = 0
        self.latest = -1

    @property
    def rate(self) -> float:
        """Gain a second, or a dollar."""
        return self.gain / self.cost if self.cost else 0.0

    def fade(self, factor: float) -> None:
        """Discount everything by one trial."""
        self.pulls *= factor
        self.gain *= factor
        self.cost *= factor


class Portfolio(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Discounted UCB on gain per second, or per dollar, over proposers and their models.

    Discounted UCB (Garivier and Moulines 2011, "On upper-confidence bound policies for switching bandit
    problems"; here with the random factor of Vaswani et al. 2020, so that asks in parallel part ways) on
    the ratio of summed gain to summed cost, as budgeted bandits have it (Ding et al. 2013, "Multi-armed
    bandit with budget constraint and variable costs"). The arm with the largest

        rate / largest rate + 2 * explore * U * sqrt(ln(sum of pulls) / pulls),   U uniform in [0, 1]

    is asked, where pulls, gain and cost fade by `discount` a trial. The gain of a trial is the logarithm of
    the factor by which it raised the best speedup, and a little for coming near it. Its cost is the seconds
    that proposing and verifying took or, with `usd_per_hour`, dollars: what models billed and the machine's
    time at that price; a call without a known price bills nothing. An arm that brought no candidate
    `patience` times running rests for 2, 4, 8, ... trials, so that one that is exhausted costs little and one
    whose provider was away comes back. A fault counts for nothing.

    Attributes:
        arms: proposers to choose among, or `proposer@model`; empty takes those seen in the trials, whom the
            loop introduces, a proposer with each of its models apart.
        fresh: proposers that start from nothing, and so get no parents.
        fix: the arm that repairs rejected candidates; it is asked only where there is one.
        crossover: the arm that needs two parents.
        explore: weight of what was tried little, at least 0.
        discount: factor a trial, in (0, 1].
        least: chance of asking any arm that isn't resting, in [0, 1].
        patience: proposals without a candidate in a row before an arm rests.
        similarity: two candidates that are more alike than this, in [0, 1], count as one.
        usd_per_hour: price of the machine, at least 0; 0 compares by seconds alone.
        baseline: what speedups are stated against.
    """

    arms: tuple[str, ...] = ()
    fresh: tuple[str, ...] = ("file", "ideas", "inductor", "oneshot", "template")
    fix: str = "fix"
    crossover: str = "crossover"
    explore: Annotated[float, msgspec.Meta(ge=0)] = 0.3
    discount: Annotated[float, msgspec.Meta(gt=0, le=1)] = 0.95
    least: Annotated[float, msgspec.Meta(ge=0, le=1)] = 0.1
    patience: Annotated[int, msgspec.Meta(ge=1)] = 3
    similarity: Annotated[float, msgspec.Meta(ge=0, le=1)] = 0.98
    usd_per_hour: Annotated[float, msgspec.Meta(ge=0)] = 0.0
    baseline: str = "eager"

    def ask(self, trials: Sequence[Trial], rng: random.Random) -> Move | None:
        """Return a move of the chosen arm, with the parents that it works on."""
        stock = views.ranked(trials, self.baseline)
        seen = self.stand(trials)
        if not self.arms and (len(trials) < 2 * (len(seen) + 1) or rng.random() < self.least):
            # Nobody here knows which proposers the run has: the loop's turns show them.
            return Move(parents=self._ranked_parent(stock, rng))
        names = [name for name in self.arms or seen if self._can_work(name, stock)]
        if not names:
            return Move(parents=self._ranked_parent(stock, rng))
        awake = [name for name in names if self._rest(seen.get(name), len(trials)) <= 0]
        if not awake:
            chosen = min(names, key=lambda name: self._rest(seen.get(name), len(trials)))
        elif rng.random() < self.least:
            chosen = rng.choice(awake)
        else:
            chosen = self._best(awake, seen, rng)
        proposer, _, model = chosen.partition(AT)
        return Move(parents=self._parents(proposer, stock, trials, rng), proposer=proposer, model=model)

    def stand(self, trials: Sequence[Trial]) -> dict[str, Arm]:
        """Return what every arm that was pulled has brought, in the order of their first trials."""
        found: dict[str, Arm] = {}
        best: float | None = None
        for index, trial in enumerate(trials):
            arm = found.setdefault(self._arm_of(trial), Arm())
            arm.latest = index
            if isinstance(trial.verdict, Faulted):
                continue
            for each in found.values():
                each.fade(self.discount)
            value = views.score(trial, self.baseline)
            arm.gain += _gain(value, best)
            arm.cost += self._cost(trial)
            arm.pulls += 1
            arm.empty = arm.empty + 1 if isinstance(trial.outcome, Nothing) else 0
            best = max(value, best or 0.0) if value else best
        return found

    def _arm_of(self, trial: Trial) -> str:
        """Return the arm that a trial counts for; an arm without a model has those of all its models."""
        proposer, spent = trial.proposal.proposer, trial.proposal.spent
        return proposer if spent is None or proposer in self.arms else f"{proposer}{AT}{spent.model}"

    def _cost(self, trial: Trial) -> float:
        seconds, spent = _cost_s(trial), trial.proposal.spent
        if not self.usd_per_hour:
            return seconds
        return seconds * self.usd_per_hour / S_PER_HOUR + (spent.usd or 0.0 if spent else 0.0)

    def _can_work(self, arm: str, stock: Sequence[Trial]) -> bool:
        name = arm.partition(AT)[0]
        if name == self.fix:
            return any(views.is_repairable(trial) for trial in stock)
        if name == self.crossover:
            return sum(trial.accepted is not None for trial in stock) >= 2
        return True

    def _rest(self, arm: Arm | None, now: int) -> int:
        """Trials that `arm` still rests; 0 or less where it does not."""
        if arm is None or arm.empty < self.patience:
            return 0
        pause: int = 2 ** (arm.empty - self.patience + 1)
        return arm.latest + 1 + pause - now

    def _best(self, names: Sequence[str], seen: dict[str, Arm], rng: random.Random) -> str:
        untried = [name for name in names if name not in seen or not seen[name].pulls]
        if untried:
            return rng.choice(untried)
        top = max(seen[name].rate for name in names) or 1.0
        total = sum(arm.pulls for arm in seen.values())

        def bound(name: str) -> float:
            width = math.sqrt(math.log(max(1.0, total)) / seen[name].pulls)
            return seen[name].rate / top + 2 * self.explore * rng.random() * width

        return max(names, key=bound)

    def _parents(
        self, name: str, stock: Sequence[Trial], trials: Sequence[Trial], rng: random.Random
    ) -> tuple[Trial, ...]:
        if name in self.fresh:
            return ()
        if name == self.fix:
            broken = [trial for trial in stock if views.is_repairable(trial)]
            tried = Counter(number for trial in trials for number in trial.parents)
            return (views.spread(broken, [tried[trial.number] for trial in broken], rng),)
        first = self._ranked_parent(stock, rng)
        if name != self.crossover:
            return first
        others = [trial for trial in stock if trial.accepted and trial.number != first[0].number]
        return (*first, *self._ranked_parent(others, rng))

    def _ranked_parent(self, stock: Sequence[Trial], rng: random.Random) -> tuple[Trial, ...]:
        """Draw one of the most promising trials; none where there are none."""
        ranks = novelty.distinct([t for t in stock if t.accepted] or stock, RANKS, self.similarity)
        return tuple(rng.choices(ranks, weights=[0.5**rank for rank in range(len(ranks))])) if ranks else ()


def _gain(value: float | None, best: float | None) -> float:
    if not value:
        return 0.0
    if best is None:
        return FIRST_GAIN
    return max(0.0, math.log(value / best)) + NEAR_GAIN * min(1.0, value / best)


def _cost_s(trial: Trial) -> float:
    verdict = trial.verdict
    verifying_s = verdict.wall_s if isinstance(verdict, Accepted | Rejected) else 0.0
    return max(LEAST_COST_S, trial.proposal.wall_s + verifying_s)
