"""Evolution: seeding, selection, crossover, repair, and what asks in parallel do."""

from __future__ import annotations

import random
from collections import Counter

from warpsmith.core.trial import Trial
from warpsmith.search.base import Move
from warpsmith.search.evolve import Evolve
from warpsmith.testing import fakes
from warpsmith.testing.landscape import Landscape

NAMED = Evolve(
    islands=1, seeds=2, start="start", variations=("refine", "mutate"), crossover="crossover", fix="fix"
)
PLAIN = Evolve(islands=1, seeds=1, crossover_rate=0.0)


def different(number: int, candidate_ns: int) -> Trial:
    text = f"def forward(x):\n    return kernel_{number}(x, {number}, {number + 100}, {number + 200})\n"
    return fakes.trial(number, fakes.accepted(candidate_ns=candidate_ns), source=text)


def moves(strategy: Evolve, trials: list[Trial], asks: int = 200) -> list[Move]:
    return [move for seed in range(asks) if (move := strategy.ask(trials, random.Random(seed)))]


def test_islands_are_seeded_first() -> None:
    assert all(move == Move(proposer="start") for move in moves(NAMED, [different(0, 50)]))
    assert all(move.parents for move in moves(NAMED, [different(0, 50), different(1, 60)]))


def test_faster_parents_are_chosen_more_often_and_no_accepted_one_is_never() -> None:
    trials = [different(number, 10 + 10 * number) for number in range(4)]
    chosen = Counter(move.parents[0].number for move in moves(PLAIN, trials, 600))
    assert chosen[0] > chosen[1] > chosen[3] > 0


def test_rank_alone_takes_the_best_of_near_copies_once() -> None:
    greedy = Evolve(islands=1, seeds=1, crossover_rate=0.0, exploit=1.0)
    text = "def forward(x):\n    return kernel(x)\n"
    copies = [fakes.trial(n, fakes.accepted(candidate_ns=20 + n), source=text) for n in range(3)]
    chosen = {move.parents[0].number for move in moves(greedy, [*copies, different(3, 90)])}
    assert chosen == {0, 3}


def test_children_of_one_parent_are_shared_among_the_variations() -> None:
    trials = [different(0, 50), different(1, 60)]
    single = Counter(move.proposer for move in moves(NAMED, trials) if len(move.parents) == 1)
    assert set(single) == {"refine", "mutate"}


def test_a_crossover_has_two_different_parents() -> None:
    trials = [different(number, 10 + number) for number in range(4)]
    pairs = [move for move in moves(NAMED, trials) if len(move.parents) == 2]
    assert pairs
    assert all(move.proposer == "crossover" for move in pairs)
    assert all(first.number != second.number for first, second in (move.parents for move in pairs))


def test_nothing_is_crossed_with_a_copy_of_itself() -> None:
    text = "def forward(x):\n    return kernel(x)\n"
    twins = [fakes.trial(n, fakes.accepted(candidate_ns=20), source=text) for n in range(2)]
    assert all(len(move.parents) == 1 for move in moves(NAMED, twins))


def test_mates_come_from_other_islands_too() -> None:
    strategy = Evolve(islands=2, seeds=1, crossover_rate=1.0)
    trials = [different(0, 50), different(1, 60)]
    assert {tuple(t.number for t in move.parents) for move in moves(strategy, trials)} == {(0, 1), (1, 0)}


def test_broken_candidates_are_repaired_once() -> None:
    trials = [different(0, 50), fakes.trial(1, fakes.rejected())]
    repaired = [move.parents[0].number for move in moves(NAMED, trials) if move.proposer == "fix"]
    assert 30 < len(repaired) < 90
    assert set(repaired) == {1}
    mended = fakes.trial(2, fakes.accepted(), parents=(1,))
    assert "fix" not in {move.proposer for move in moves(NAMED, [*trials, mended])}


def test_until_something_works_it_starts_and_repairs() -> None:
    trials = fakes.trials(fakes.rejected(), fakes.rejected())
    assert {move.proposer for move in moves(NAMED, trials)} == {"start", "fix"}


def test_an_emptied_island_is_seeded_again() -> None:
    strategy = Evolve(islands=2, seeds=1, patience=2)
    trials = [different(0, 20), different(1, 90)]
    assert all(move.parents for move in moves(strategy, trials))
    idle = [fakes.trial(n, fakes.accepted(candidate_ns=95), parents=(1,)) for n in (2, 3)]
    assert Move() in moves(strategy, trials + idle)


def test_asks_in_parallel_part_ways() -> None:
    trials = Landscape(5).search(Evolve(), 40)
    assert len({tuple(parent.number for parent in move.parents) for move in moves(Evolve(), trials, 16)}) > 4
