"""A made-up problem on which strategies can be compared in seconds: no model, no compiler, no device.

Nothing here was measured on hardware. It says whether a strategy makes use of what it is told, not
how fast a kernel gets.
"""

from __future__ import annotations

import ast
import heapq
import math
import random

import msgspec

from warpsmith.core.candidate import Candidate
from warpsmith.core.seeds import derive
from warpsmith.core.trial import Duplicate, Judged, Outcome, Proposal, Trial
from warpsmith.core.verdict import Floor, Measurement, Verdict
from warpsmith.search import views
from warpsmith.search.base import Move, Strategy
from warpsmith.testing import fakes

BASELINE = "eager"
BASELINE_NS = 10_000_000
GENES = ("backend", "tile", "stages", "warps", "vector", "layout", "fusion", "unroll", "split", "order")
LEVELS = 4
BACKENDS = ("triton", "cuda", "cpp", "triton")
LIMITS = ("memory", "compute", "latency", "memory")
# Natural logarithms of speedups: of one choice alone, of a choice with the next one, and of noise.
CHOICE_SD, PAIR_SD, NOISE_SD = 0.12, 0.12, 0.02
# A design without any gain: a plausible first try is slower than the library.
START_LOG = -0.3
# Chance that a new text has the usual choice, which is level 0: samples of one model are alike.
HABIT = 0.4
# Chances that a new text, or an edit of one that works, is broken, and that a repair mends it.
BROKEN_NEW, BROKEN_EDIT, MENDED = 0.5, 0.3, 0.5
# Chance that an edit changes a second choice too.
SECOND_EDIT = 0.3
SECONDS = {"oneshot": 20.0, "refine": 20.0, "fix": 10.0, "crossover": 20.0}


class Design(msgspec.Struct, frozen=True):
    """What a candidate's text says: a level for every gene, and whether it computes the right thing."""

    levels: tuple[int, ...]
    is_broken: bool

    @property
    def candidate(self) -> Candidate:
        """The design as source text."""
        lines = [f"    {name} = {level}" for name, level in zip(GENES, self.levels, strict=True)]
        text = "\n".join(["class ModelNew:", *lines, f"    is_broken = {self.is_broken}", ""])
        return Candidate(source=text, backend=BACKENDS[self.levels[0]])

    @staticmethod
    def read(trial: Trial) -> Design:
        """Return the design of a trial that has a candidate of this module."""
        candidate = trial.proposal.candidate
        assert candidate is not None, "a parent has a candidate"  # noqa: S101 - the contract of strategies
        body = candidate.source.splitlines()[1:]
        values = [ast.literal_eval(line.partition("=")[2].strip()) for line in body]
        return Design(levels=tuple(values[:-1]), is_broken=values[-1])


class Landscape:
    """An NK landscape (Kauffman and Levin 1987) of ten choices of four levels, ring neighbours interacting.

    The logarithm of a design's speedup is the sum of a normal draw for every choice and one for every
    pair of neighbouring choices. A proposal without parents is a random design that leans to the usual
    choices, with one parent an edit of one or two choices, blind to which would help, with two parents a
    mixture of them and an edit. New texts and edits break at fixed chances; a broken parent is mended, at a
    chance, and not edited.

    Args:
        seed: of the landscape and of everything that happens on it.
    """

    def __init__(self, seed: int) -> None:
        self._seed = seed
        rng = random.Random(derive(seed, "landscape"))
        self._choices = [[rng.gauss(0, CHOICE_SD) for _ in range(LEVELS)] for _ in GENES]
        self._pairs = [[rng.gauss(0, PAIR_SD) for _ in range(LEVELS * LEVELS)] for _ in GENES]

    def speedup(self, design: Design) -> float:
        """Return the true speedup over the baseline, noise apart."""
        levels = design.levels
        total = START_LOG
        for gene, level in enumerate(levels):
            total += self._choices[gene][level] + self._pairs[gene][level * LEVELS + levels[gene - 1]]
        return math.exp(total)

    def search(self, strategy: Strategy, trials: int, *, in_flight: int = 1, seed: int = 0) -> list[Trial]:
        """Return the trials of a search with up to `in_flight` moves asked for and not finished.

        Moves in flight finish in a random order. The search ends early where the strategy ends it.
        """
        done: list[Trial] = []
        flying: list[tuple[float, int, Move, random.Random]] = []
        asked = 0
        while len(done) < trials:
            while len(flying) < in_flight and asked < trials:
                rng = random.Random(derive(self._seed, seed, asked))
                move = strategy.ask(done, rng)
                if move is None:
                    break
                heapq.heappush(flying, (asked + in_flight * rng.random(), asked, move, rng))
                asked += 1
            if not flying:
                break
            _, number, move, rng = heapq.heappop(flying)
            done.append(self._trial(number, move, done, rng))
        return done

    def found(self, trials: list[Trial]) -> float:
        """Return the true speedup of the trial that was measured as the best; 0.0 where none was accepted."""
        best = max(trials, key=lambda trial: views.score(trial, BASELINE) or 0.0, default=None)
        return self.speedup(Design.read(best)) if best is not None and best.accepted else 0.0

    def _trial(self, number: int, move: Move, done: list[Trial], rng: random.Random) -> Trial:
        parents = [Design.read(parent) for parent in move.parents]
        design = self._design(parents, rng)
        name = move.proposer or _usual_proposer(parents)
        candidate = design.candidate
        earlier = next((t.number for t in done if t.proposal.candidate == candidate), None)
        outcome: Outcome = Judged(verdict=self._verdict(design, rng))
        return Trial(
            number=number,
            task_id="landscape",
            parents=tuple(parent.number for parent in move.parents),
            proposal=Proposal(
                proposer=name, variant=f"v{number}", candidate=candidate, wall_s=SECONDS.get(name, 20.0)
            ),
            outcome=outcome if earlier is None else Duplicate(of=earlier),
            finished_at="2026-01-01T00:00:00+00:00",
        )

    def _design(self, parents: list[Design], rng: random.Random) -> Design:
        if not parents:
            levels = tuple(0 if rng.random() < HABIT else rng.randrange(LEVELS) for _ in GENES)
            return Design(levels=levels, is_broken=rng.random() < BROKEN_NEW)
        if parents[0].is_broken:
            return Design(levels=parents[0].levels, is_broken=rng.random() >= MENDED)
        mixed = [rng.choice(column) for column in zip(*(p.levels for p in parents), strict=True)]
        for gene in rng.sample(range(len(GENES)), 2 if rng.random() < SECOND_EDIT else 1):
            mixed[gene] = (mixed[gene] + rng.randrange(1, LEVELS)) % LEVELS
        return Design(levels=tuple(mixed), is_broken=rng.random() < BROKEN_EDIT)

    def _verdict(self, design: Design, rng: random.Random) -> Verdict:
        if design.is_broken:
            return fakes.rejected()
        measured = self.speedup(design) * math.exp(rng.gauss(0, NOISE_SD))
        made = fakes.accepted(candidate_ns=max(1, round(BASELINE_NS / measured)), **{BASELINE: BASELINE_NS})
        return msgspec.structs.replace(
            made, measurements=tuple(_with_floor(m, design) for m in made.measurements), own_share=1.0
        )


def _with_floor(measurement: Measurement, design: Design) -> Measurement:
    # What limits a kernel follows from some of its choices, so cells are a coarse map of the landscape.
    limit = LIMITS[design.levels[1]]
    return msgspec.structs.replace(measurement, floor=Floor(bound_ns=1.0, limit=limit))  # type: ignore[arg-type]


def _usual_proposer(parents: list[Design]) -> str:
    if not parents:
        return "oneshot"
    if parents[0].is_broken:
        return "fix"
    return "refine" if len(parents) == 1 else "crossover"
