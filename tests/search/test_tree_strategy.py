"""The descent of the tree: where it widens, whom it prefers, and whom it never enters."""

from __future__ import annotations

import random
from collections import Counter

import msgspec

from warpsmith.core.trial import Duplicate, Nothing, Trial
from warpsmith.core.verdict import Stage
from warpsmith.search import views
from warpsmith.search.base import Move
from warpsmith.search.tree import Tree
from warpsmith.testing import fakes
from warpsmith.testing.landscape import Landscape

FULL = Tree(widen=0.001, power=0.0, start="start", refine="refine", fix="fix")


def moves(strategy: Tree, trials: list[Trial], asks: int = 60) -> list[Move]:
    return [move for seed in range(asks) if (move := strategy.ask(trials, random.Random(seed)))]


def test_it_begins_with_starts() -> None:
    assert Tree(widen=3.0, start="start").ask([], random.Random(1)) == Move(proposer="start")
    assert Tree(widen=3.0).ask(fakes.trials(None, None), random.Random(1)) == Move()


def test_a_full_root_sends_the_search_below() -> None:
    trials = fakes.trials(fakes.accepted(candidate_ns=50))
    assert moves(FULL, trials, asks=5) == [Move(parents=(trials[0],), proposer="refine")] * 5


def test_more_trials_make_room_for_more_starts() -> None:
    def starts(trials: int) -> int:
        return len(views.chains(Landscape(3).search(Tree(widen=1.0, power=0.5), trials)))

    assert starts(10) < starts(100) <= 12


def test_half_a_place_is_given_half_of_the_time() -> None:
    trials = fakes.trials(None)
    starts = sum(not move.parents for move in moves(Tree(widen=1.5, power=0.0), trials, 200))
    assert 60 < starts < 140


def test_a_faster_branch_is_entered_more_often() -> None:
    trials = fakes.trials(fakes.accepted(candidate_ns=90), fakes.accepted(candidate_ns=20))
    entered = Counter(move.parents[0].number for move in moves(FULL, trials, asks=200))
    assert entered[1] > 4 * entered[0]


def test_a_branch_is_worth_its_best_descendant_rather_than_its_average() -> None:
    middling, fast = fakes.accepted(candidate_ns=50), fakes.accepted(candidate_ns=20)
    failures = [fakes.trial(number, fakes.rejected(), parents=(0,)) for number in range(3, 9)]
    trials = [fakes.trial(0, fakes.rejected()), fakes.trial(1, middling), fakes.trial(2, fast, parents=(0,))]

    def under_the_second(strategy: Tree) -> int:
        return sum(move.parents[0].number == 1 for move in moves(strategy, trials + failures, 100))

    average = msgspec.structs.replace(FULL, peak=0.0)
    assert under_the_second(FULL) < 20
    assert under_the_second(average) > 80


def test_little_tried_branches_get_their_turn_where_exploring_weighs_much() -> None:
    trials = fakes.trials(fakes.accepted(candidate_ns=90), fakes.accepted(candidate_ns=20))
    curious = Tree(widen=0.001, power=0.0, explore=5.0)
    assert {move.parents[0].number for move in moves(curious, trials)} == {0, 1}


def test_a_trial_that_brought_nothing_is_no_way_down_and_takes_a_child_s_place() -> None:
    trials = [fakes.trial(0), fakes.trial(1, Duplicate(of=0), parents=(0,))]
    trials.append(fakes.trial(2, Nothing(reason="away"), parents=(0,)))
    assert all(move.parents == (trials[0],) for move in moves(FULL, trials))


def test_a_fault_counts_as_never_tried() -> None:
    trials = fakes.trials(fakes.accepted(candidate_ns=50), fakes.accepted(candidate_ns=40))
    faults = [fakes.trial(number, fakes.faulted(), parents=(1,)) for number in range(2, 40)]
    curious = msgspec.structs.replace(FULL, explore=1.0)
    assert moves(curious, trials) == moves(curious, trials + faults)


def test_a_rejected_branch_is_repaired() -> None:
    trials = fakes.trials(fakes.rejected(stage=Stage.BUILD))
    assert moves(FULL, trials, asks=1) == [Move(parents=(trials[0],), proposer="fix")]


def test_asks_in_parallel_part_ways() -> None:
    trials = Landscape(5).search(Tree(), 40)
    assert len({tuple(parent.number for parent in move.parents) for move in moves(Tree(), trials, 16)}) > 3
