"""Strategies that listen beat sampling at equal trials, on a made-up landscape; and the landscape itself.

The default options were chosen on landscapes 1000 to 1039; these tests use 0 to 29.
"""

from __future__ import annotations

import math
import os
import statistics
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

from warpsmith.core.trial import Duplicate
from warpsmith.core.verdict import Accepted, Rejected
from warpsmith.search import STRATEGIES
from warpsmith.search.best_of_n import BestOfN
from warpsmith.search.refine import Refine
from warpsmith.testing.landscape import Design, Landscape

ROOT = Path(__file__).parents[2]
SEEDS = range(30)
TRIALS = 64
LISTENING = ("beam", "evolve", "portfolio", "refine", "tree")


@cache
def found(name: str) -> list[float]:
    """Return logarithms of the speedups found; the library itself is at hand where nothing is faster."""
    logs = []
    for seed in SEEDS:
        landscape = Landscape(seed)
        trials = landscape.search(STRATEGIES.make(name), TRIALS)
        assert len(trials) == TRIALS
        logs.append(math.log(max(1.0, landscape.found(trials))))
    return logs


@pytest.mark.parametrize("name", LISTENING)
def test_a_strategy_with_feedback_beats_sampling_at_equal_trials(name: str) -> None:
    gains = [ours - theirs for ours, theirs in zip(found(name), found("best_of_n"), strict=True)]
    # More than two standard errors: chance alone would do that on one of fifty sets of landscapes.
    assert statistics.fmean(gains) > 2 * statistics.stdev(gains) / math.sqrt(len(gains))


@pytest.mark.parametrize("name", ["best_of_n", *LISTENING])
def test_moves_in_flight_change_no_rule(name: str) -> None:
    trials = Landscape(7).search(STRATEGIES.make(name), 40, in_flight=8)
    finished = [trial.number for trial in trials]
    assert len(trials) == 40
    assert finished != sorted(finished)
    assert any(trial.accepted for trial in trials)


@pytest.mark.parametrize("name", [name for name in LISTENING if name != "refine"])
def test_moves_in_flight_do_not_all_start_from_one_parent(name: str) -> None:
    trials = Landscape(7).search(STRATEGIES.make(name), 64, in_flight=8)
    batches = [{trial.parents for trial in trials[at : at + 8]} for at in range(24, 64, 8)]
    assert statistics.fmean(len(batch) for batch in batches) > 2


def test_a_search_on_a_landscape_can_be_repeated() -> None:
    assert Landscape(3).search(Refine(), 20) == Landscape(3).search(Refine(), 20)
    assert Landscape(3).search(Refine(), 20) != Landscape(4).search(Refine(), 20)


def test_a_design_survives_being_written_and_read() -> None:
    trials = Landscape(1).search(BestOfN(), 30)
    for trial in trials:
        design = Design.read(trial)
        assert design.candidate == trial.proposal.candidate
        if not isinstance(trial.outcome, Duplicate):
            assert isinstance(trial.verdict, Rejected if design.is_broken else Accepted)


def test_measured_speedups_are_near_the_true_ones() -> None:
    landscape = Landscape(1)
    for trial in landscape.search(BestOfN(), 30):
        if trial.accepted:
            truth = landscape.speedup(Design.read(trial))
            assert trial.accepted.ratio("eager") == pytest.approx(truth, rel=0.1)


def test_a_search_ends_where_the_strategy_ends_it() -> None:
    assert len(Landscape(1).search(BestOfN(n=5), 30)) == 5


def test_the_benchmark_prints_a_line_for_every_strategy() -> None:
    command = [sys.executable, str(ROOT / "benchmarks" / "strategies.py"), "--trials", "8", "--seeds", "3"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    answer = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    lines = answer.stdout.splitlines()
    assert [line.split()[0] for line in lines[2:]] == STRATEGIES.names()
