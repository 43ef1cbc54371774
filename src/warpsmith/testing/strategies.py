"""The contract of a search strategy, checked on fabricated trials: no process, no verifier."""
# ruff: noqa: S101 - a suite consists of assertions

from __future__ import annotations

import random
from collections.abc import Sequence

import msgspec
import pytest

from warpsmith.core.trial import Duplicate, Nothing, Outcome, Trial
from warpsmith.core.verdict import Verdict
from warpsmith.search import STRATEGIES
from warpsmith.search.base import Move, Strategy
from warpsmith.testing import fakes
from warpsmith.testing.components import ComponentSuite

STEPS = 40


class StrategySample(msgspec.Struct, frozen=True, kw_only=True):
    """What to test.

    Attributes:
        name: the strategy's name in the registry.
        options: to make it with, as text.
    """

    name: str
    options: dict[str, str] = {}


def _outcome(number: int) -> Outcome | Verdict:
    """Return outcomes of all kinds in turn, acceptances getting faster and slower."""
    kinds: tuple[Outcome | Verdict, ...] = (
        fakes.rejected(),
        fakes.accepted(candidate_ns=30 + 17 * number % 50),
        Duplicate(of=0),
        fakes.faulted(),
        fakes.accepted(candidate_ns=90),
        Nothing(reason="nothing to be made"),
    )
    return kinds[number % len(kinds)]


def _parent_numbers(move: Move | None) -> list[int]:
    return [parent.number for parent in move.parents] if move else []


class StrategySuite(ComponentSuite):
    """What `Strategy` promises.

    Provide the fixture `sample`, a `StrategySample`. A strategy that stops by itself is free to.
    """

    registry = STRATEGIES
    registry_path = "warpsmith.search:STRATEGIES"

    @pytest.fixture
    def sample(self) -> StrategySample:
        """Override this."""
        raise NotImplementedError("override the fixture `sample`")

    @pytest.fixture
    def strategy(self, sample: StrategySample) -> Strategy:
        """Make the strategy."""
        return STRATEGIES.make(sample.name, sample.options)

    @pytest.fixture(params=list(fakes.histories()))
    def history(self, request: pytest.FixtureRequest) -> list[Trial]:
        """Return one of the histories that it has to cope with."""
        return fakes.histories()[request.param]

    def test_it_answers_whatever_happened_before(self, strategy: Strategy, history: list[Trial]) -> None:
        move = strategy.ask(history, random.Random(1))
        assert move is None or isinstance(move, Move)
        assert move is None or move.proposer is None or isinstance(move.proposer, str)

    def test_parents_are_finished_trials(self, strategy: Strategy, history: list[Trial]) -> None:
        move = strategy.ask(history, random.Random(2))
        assert all(parent in history for parent in (move.parents if move else ()))

    def test_the_same_trials_and_chance_give_the_same_move(
        self, strategy: Strategy, history: list[Trial]
    ) -> None:
        assert strategy.ask(history, random.Random(3)) == strategy.ask(tuple(history), random.Random(3))

    def test_the_generator_it_is_given_is_its_only_chance(
        self, strategy: Strategy, history: list[Trial]
    ) -> None:
        before = random.getstate()
        first = strategy.ask(history, random.Random(4))
        assert random.getstate() == before
        random.seed(5)
        try:
            assert strategy.ask(history, random.Random(4)) == first
        finally:
            random.setstate(before)

    def test_it_changes_no_trial(self, strategy: Strategy, history: list[Trial]) -> None:
        before = list(history)
        strategy.ask(history, random.Random(6))
        assert history == before

    def test_a_resumed_search_goes_on_as_if_never_interrupted(self, sample: StrategySample) -> None:
        def make() -> Strategy:
            return STRATEGIES.make(sample.name, sample.options)

        lasting = make()
        trials: list[Trial] = []
        for number in range(STEPS):
            move = lasting.ask(trials, random.Random(number))
            assert move == make().ask(trials, random.Random(number)), f"after {number} trials"
            if move is None:
                break
            trials.append(_trial(number, move, trials))


def _trial(number: int, move: Move, trials: Sequence[Trial]) -> Trial:
    assert all(parent in trials for parent in move.parents)
    return fakes.trial(
        number, _outcome(number), proposer=move.proposer or "fake", parents=_parent_numbers(move)
    )
