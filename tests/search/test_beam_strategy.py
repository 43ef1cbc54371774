"""Rounds of the beam: who is a parent, how children are shared out, when it ends."""

from __future__ import annotations

import random
from collections import Counter

from warpsmith.core.trial import Trial
from warpsmith.search.base import Move
from warpsmith.search.beam import Beam
from warpsmith.testing import fakes

PAIR = Beam(width=2, branch=2, start="start", refine="refine", fix="fix")


def times(*candidate_ns: int) -> list[Trial]:
    sources = [
        f"def forward(x):\n    return kernel_{ns}(x, {ns}, {ns + 1}, {ns + 2})\n" for ns in candidate_ns
    ]
    return [
        fakes.trial(number, fakes.accepted(candidate_ns=ns), source=source)
        for number, (ns, source) in enumerate(zip(candidate_ns, sources, strict=True))
    ]


def parents(strategy: Beam, trials: list[Trial], asks: int = 60) -> set[int]:
    moves = [strategy.ask(trials, random.Random(seed)) for seed in range(asks)]
    return {parent.number for move in moves if move for parent in move.parents}


def test_the_first_round_is_new() -> None:
    for count in range(4):
        assert PAIR.ask(times(*range(10, 10 + count)), random.Random(1)) == Move(proposer="start")


def test_the_next_round_has_the_best_as_parents() -> None:
    assert parents(PAIR, times(50, 20, 90, 30)) == {1, 3}


def test_an_unfinished_round_changes_no_parents() -> None:
    assert parents(PAIR, times(50, 20, 90, 30, 1, 2)) == {1, 3}


def test_a_good_parent_stays_until_it_is_beaten() -> None:
    assert parents(PAIR, times(50, 20, 90, 30, 25, 60, 70, 80)) == {1, 4}


def test_near_copies_share_a_place_in_the_beam() -> None:
    best, copy, *others = times(50, 20, 90, 30)
    twin = fakes.trial(1, fakes.accepted(candidate_ns=19), source=_source(best))
    assert parents(PAIR, [best, twin, *others]) == {1, 3}
    assert copy.number == twin.number


def _source(trial: Trial) -> str:
    assert trial.proposal.candidate is not None
    return f"# a copy\n{trial.proposal.candidate.source}"


def test_children_are_shared_out_among_the_parents() -> None:
    trials = times(50, 20, 90, 30)
    made = [fakes.trial(number, fakes.accepted(candidate_ns=99), parents=(1,)) for number in (4, 5)]
    moves = [PAIR.ask(trials + made, random.Random(seed)) for seed in range(300)]
    asked = Counter(move.parents[0].number for move in moves if move)
    assert asked[3] > 2 * asked[1] > 0


def test_a_rejected_parent_goes_to_the_fixer_where_places_are_left() -> None:
    trials = [
        *times(50),
        *(fakes.trial(number, fakes.faulted()) for number in (1, 2)),
        fakes.trial(3, fakes.rejected()),
    ]
    moves = [PAIR.ask(trials, random.Random(seed)) for seed in range(40)]
    assert {(move.parents[0].number, move.proposer) for move in moves if move} == {(0, "refine"), (3, "fix")}


def test_until_something_works_it_keeps_starting_too() -> None:
    trials = fakes.trials(*(fakes.rejected() for _ in range(4)))
    proposers = {move.proposer for seed in range(40) if (move := PAIR.ask(trials, random.Random(seed)))}
    assert proposers == {"start", "fix"}


def test_it_ends_after_its_rounds() -> None:
    strategy = Beam(width=2, branch=2, rounds=1)
    assert strategy.ask(times(1, 2, 3), random.Random(1)) is not None
    assert strategy.ask(times(1, 2, 3, 4), random.Random(1)) is None
