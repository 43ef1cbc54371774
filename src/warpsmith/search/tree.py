"""Tree search: descend the ideas by an upper confidence bound, and add a child where there is room."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from typing import Annotated

import msgspec

from warpsmith.core.trial import Trial
from warpsmith.core.verdict import Faulted
from warpsmith.search import views
from warpsmith.search.base import Move

# What being right is worth before speed counts, of a reward in [0, 1].
RIGHT = 0.2


class _Node:
    """A trial with what its subtree earned; the root above all starts has none."""

    def __init__(self, trial: Trial | None) -> None:
        self.trial = trial
        self.children: list[_Node] = []
        self.visits = 0
        self.total = 0.0
        self.best = 0.0

    @property
    def doors(self) -> list[_Node]:
        """Children that can have children."""
        return [child for child in self.children if child.trial is not None and views.is_usable(child.trial)]

    def add(self, reward: float) -> None:
        """Count one trial of this subtree."""
        self.visits += 1
        self.total += reward
        self.best = max(self.best, reward)


class Tree(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """UCT over the lineage of candidates, with progressive widening.

    From the root, which stands above all starts, a node with n trials in its subtree gets a new child
    while it has fewer than `widen * n ** power` of them (progressive widening: Coulom 2007, "Computing Elo
    ratings of move patterns in the game of Go"; Couetoux et al. 2011, "Continuous upper confidence trees");
    else the search goes on in the child with the largest

        value + 2 * explore * U * sqrt(ln(n) / n_child),   U uniform in [0, 1]

    (UCT: Kocsis and Szepesvari 2006, "Bandit based Monte-Carlo planning"; the random factor, which parts
    asks in parallel: Vaswani et al. 2020, "Old dog learns new tricks: randomized UCB for bandit
    problems"). The reward is 0 for a rejection and for a trial that brought nothing, else
    0.2 + 0.8 * (log s - log s_min) / (log s_max - log s_min) for a speedup s among those of the run.
    Applied to kernels by AdaExplore (2026, arXiv:2604.16625). A fault counts as never tried.

    Attributes:
        explore: weight of what was tried little, at least 0.
        widen: children of a node with one trial; stochastic rounding takes care of fractions.
        power: how its children grow with its trials, in [0, 1].
        peak: weight of the best reward in a subtree against the mean, in [0, 1]; what is looked for is one
            good kernel, not a good average.
        baseline: what speedups are stated against.
        start: proposer of starts; None leaves it to the loop, as for the others.
        refine: proposer of children.
        fix: proposer of children of rejected candidates that a small edit can repair; None asks `refine`.
    """

    explore: Annotated[float, msgspec.Meta(ge=0)] = 0.1
    widen: Annotated[float, msgspec.Meta(gt=0)] = 3.0
    power: Annotated[float, msgspec.Meta(ge=0, le=1)] = 0.2
    peak: Annotated[float, msgspec.Meta(ge=0, le=1)] = 1.0
    baseline: str = "eager"
    start: str | None = None
    refine: str | None = None
    fix: str | None = None

    def ask(self, trials: Sequence[Trial], rng: random.Random) -> Move | None:
        """Return a start, or a child of the node that the descent ends at."""
        node = self._root(trials)
        while not self._has_room(node, rng) and node.doors:
            parent = node
            node = max(node.doors, key=lambda child: self._bound(child, parent, rng))
        if node.trial is None:
            return Move(proposer=self.start)
        repairs = self.fix is not None and views.is_repairable(node.trial)
        return Move(parents=(node.trial,), proposer=self.fix if repairs else self.refine)

    def _has_room(self, node: _Node, rng: random.Random) -> bool:
        limit = self.widen * max(1, node.visits) ** self.power
        return len(node.children) < int(limit + rng.random())

    def _bound(self, child: _Node, parent: _Node, rng: random.Random) -> float:
        value = self.peak * child.best + (1 - self.peak) * child.total / child.visits
        return value + 2 * self.explore * rng.random() * math.sqrt(math.log(parent.visits) / child.visits)

    def _root(self, trials: Sequence[Trial]) -> _Node:
        root = _Node(None)
        nodes: dict[int, _Node] = {}
        line: dict[int, list[_Node]] = {}
        rewards = self._rewards(trials)
        for trial in trials:
            if isinstance(trial.verdict, Faulted):
                continue
            above = next((number for number in trial.parents[:1] if number in nodes), None)
            node = nodes[trial.number] = _Node(trial)
            (root if above is None else nodes[above]).children.append(node)
            line[trial.number] = [*([root] if above is None else line[above]), node]
            for each in line[trial.number]:
                each.add(rewards.get(trial.number, 0.0))
        return root

    def _rewards(self, trials: Sequence[Trial]) -> dict[int, float]:
        scores = {trial.number: views.score(trial, self.baseline) for trial in trials}
        logs = {number: math.log(value) for number, value in scores.items() if value}
        if not logs:
            return {}
        low, width = min(logs.values()), max(logs.values()) - min(logs.values())
        return {
            number: RIGHT + (1 - RIGHT) * ((value - low) / width if width else 1.0)
            for number, value in logs.items()
        }
