"""Chains: who starts, who goes on, from which parent and with which proposer."""

from __future__ import annotations

import random
from collections import Counter

import pytest

from warpsmith.core.errors import UsageError
from warpsmith.core.trial import Nothing, Trial
from warpsmith.core.verdict import Stage, Verdict
from warpsmith.search import STRATEGIES, views
from warpsmith.search.base import Move
from warpsmith.search.refine import Refine
from warpsmith.testing import fakes
from warpsmith.testing.landscape import Landscape

NAMED = Refine(chains=1, start="start", refine="refine", fix="fix")


def chain(*verdicts: Verdict) -> list[Trial]:
    """Return a chain in which every trial starts from the one before."""
    return [
        fakes.trial(number, verdict, parents=(number - 1,) if number else ())
        for number, verdict in enumerate(verdicts)
    ]


def ask(strategy: Refine, trials: list[Trial], seed: int = 1) -> Move | None:
    return strategy.ask(trials, random.Random(seed))


def test_it_starts_as_many_chains_as_it_has() -> None:
    strategy = Refine(chains=2, start="start")
    assert ask(strategy, []) == Move(proposer="start")
    assert ask(strategy, fakes.trials(None)) == Move(proposer="start")
    move = ask(strategy, fakes.trials(None, None))
    assert move is not None
    assert len(move.parents) == 1


def test_a_start_that_came_to_nothing_is_made_again() -> None:
    trials = fakes.trials(Nothing(reason="away"), fakes.faulted())
    assert ask(NAMED, trials) == Move(proposer="start")


def test_a_turn_starts_from_the_best_or_from_the_last() -> None:
    trials = chain(fakes.accepted(candidate_ns=20), fakes.accepted(candidate_ns=80))
    assert ask(Refine(chains=1), trials) == Move(parents=(trials[0],))
    assert ask(Refine(chains=1, parent="last"), trials) == Move(parents=(trials[1],))


def test_a_failed_build_is_fixed_first_and_given_up_after_some_repairs() -> None:
    works, breaks = fakes.accepted(), fakes.rejected(stage=Stage.BUILD)
    once, often = chain(works, breaks), chain(works, breaks, breaks, breaks)
    assert ask(NAMED, once) == Move(parents=(once[-1],), proposer="fix")
    assert ask(NAMED, often) == Move(parents=(often[0],), proposer="refine")


def test_a_chain_that_was_given_up_goes_back_to_its_best_though_turns_start_from_the_last() -> None:
    works, breaks = fakes.accepted(), fakes.rejected(stage=Stage.BUILD)
    often = chain(works, breaks, breaks, breaks)
    strategy = Refine(chains=1, parent="last", fixes=2, fix="fix")
    assert ask(strategy, often) == Move(parents=(often[0],))


def test_starts_beyond_the_number_of_chains_are_left_alone() -> None:
    trials = fakes.trials(None, None, None, None)
    moves = [ask(Refine(chains=2), trials, seed) for seed in range(40)]
    assert {move.parents[0].number for move in moves if move} == {0, 1}


def test_what_no_small_edit_repairs_is_not_sent_to_fix() -> None:
    trials = chain(fakes.accepted(), fakes.rejected(stage=Stage.PROBE))
    assert ask(NAMED, trials) == Move(parents=(trials[0],), proposer="refine")


def test_without_a_fixer_the_last_turn_is_refined_though_it_failed() -> None:
    trials = chain(fakes.accepted(), fakes.rejected(stage=Stage.BUILD))
    assert ask(Refine(chains=1, parent="last"), trials) == Move(parents=(trials[1],))


def test_it_ends_after_its_turns_whatever_became_of_them() -> None:
    strategy = Refine(chains=1, turns=3)
    assert ask(strategy, fakes.trials(Nothing(reason="away"), Nothing(reason="away"))) is not None
    assert ask(strategy, chain(fakes.accepted(), fakes.rejected(), fakes.accepted())) is None


def test_chains_grow_evenly() -> None:
    trials = Landscape(1).search(Refine(chains=3, turns=8), 24)
    assert sorted(len(chain) for chain in views.chains(trials)) == [8, 8, 8]


def test_asks_in_parallel_spread_over_the_chains() -> None:
    trials = fakes.trials(None, None, None, None)
    moves = [ask(Refine(chains=4), trials, seed) for seed in range(40)]
    asked = Counter(move.parents[0].number for move in moves if move)
    assert set(asked) == {0, 1, 2, 3}


@pytest.mark.parametrize("options", [{"chains": "0"}, {"turns": "0"}, {"parent": "first"}])
def test_options_that_make_no_sense_are_refused(options: dict[str, str]) -> None:
    with pytest.raises(UsageError, match="strategy 'refine'"):
        STRATEGIES.make("refine", options)
