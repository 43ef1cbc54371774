"""The bandit: who is asked more, who is never forgotten, who rests, and with which parents."""

from __future__ import annotations

import random
from collections import Counter

import msgspec
import pytest

from warpsmith.core.trial import Nothing, Outcome, Spent, Trial
from warpsmith.core.verdict import Verdict
from warpsmith.search.base import Move
from warpsmith.search.portfolio import Portfolio
from warpsmith.testing import fakes

TWO = Portfolio(arms=("good", "bad"))


def made(
    number: int,
    proposer: str,
    outcome: Outcome | Verdict,
    *,
    wall_s: float = 10.0,
    parents: tuple[int, ...] = (),
) -> Trial:
    trial = fakes.trial(number, outcome, proposer=proposer, parents=parents)
    return msgspec.structs.replace(trial, proposal=msgspec.structs.replace(trial.proposal, wall_s=wall_s))


def asked(strategy: Portfolio, trials: list[Trial], asks: int = 300) -> Counter[str | None]:
    moves = [strategy.ask(trials, random.Random(seed)) for seed in range(asks)]
    return Counter(move.proposer for move in moves if move)


def improving(*, pairs: int = 10) -> list[Trial]:
    """Return turns of two arms, of which `good` gets faster every time and `bad` is always wrong."""
    trials: list[Trial] = []
    for index in range(pairs):
        better = fakes.accepted(candidate_ns=1000 - 40 * index, eager=900)
        trials.append(made(2 * index, "good", better))
        trials.append(made(2 * index + 1, "bad", fakes.rejected()))
    return trials


def equally_good(*, good_s: float, bad_s: float) -> list[Trial]:
    """Return turns of two arms, every trial faster than the one before by the same factor."""
    # Whoever is accepted first earns more for it, so somebody else is.
    names, seconds = ["other", *["good", "bad"] * 10], {"other": 1.0, "good": good_s, "bad": bad_s}
    verdicts = [fakes.accepted(candidate_ns=round(1e6 * 0.96**n), eager=1000) for n in range(len(names))]
    return [made(n, name, verdicts[n], wall_s=seconds[name]) for n, name in enumerate(names)]


def test_an_arm_that_was_never_asked_comes_first() -> None:
    assert asked(Portfolio(arms=("good", "bad", "new"), least=0.0), improving()) == {"new": 300}


def test_the_arm_that_gains_is_asked_more_and_the_other_not_forgotten() -> None:
    counts = asked(TWO, improving())
    assert counts["good"] > 3 * counts["bad"] > 0


def test_of_equal_gains_the_cheaper_is_asked_more() -> None:
    even = asked(TWO, equally_good(good_s=50.0, bad_s=50.0))
    assert even["good"] < 2 * even["bad"] < 4 * even["good"]
    counts = asked(TWO, equally_good(good_s=5.0, bad_s=100.0))
    assert counts["good"] > 2 * counts["bad"] > 0


def test_what_an_arm_has_brought_fades() -> None:
    trials = improving()
    later = [*trials, *(made(number, "bad", fakes.rejected()) for number in range(20, 30))]
    before, after = TWO.stand(trials)["good"], TWO.stand(later)["good"]
    factor = TWO.discount**10
    assert (after.pulls, after.gain, after.cost) == pytest.approx(
        (before.pulls * factor, before.gain * factor, before.cost * factor)
    )


def test_coming_near_the_best_earns_a_little_and_being_wrong_nothing() -> None:
    best = made(0, "other", fakes.accepted(candidate_ns=50))
    near = made(1, "good", fakes.accepted(candidate_ns=51))
    far = made(2, "bad", fakes.accepted(candidate_ns=500))
    arms = TWO.stand([best, near, far, made(3, "wrong", fakes.rejected())])
    better = TWO.stand([best, made(1, "good", fakes.accepted(candidate_ns=25))])["good"]
    assert better.gain > arms["good"].gain > arms["bad"].gain > arms["wrong"].gain == 0


def test_an_arm_whose_merit_is_old_gives_way_to_one_that_gains_now() -> None:
    later = [
        made(number, "good", fakes.rejected())
        if number % 2
        else made(number, "bad", fakes.accepted(candidate_ns=600 - 5 * (number - 20), eager=900))
        for number in range(20, 80)
    ]
    counts = asked(TWO, improving() + later)
    assert counts["bad"] > 2 * counts["good"] > 0


def test_an_arm_without_candidates_rests_longer_each_time_and_comes_back() -> None:
    nothing = Nothing(reason="every variant was tried")
    sure = Portfolio(arms=("good", "bad"), least=1.0)
    empty = [made(number, "bad", nothing) for number in range(3)]
    rested = [made(number, "good", fakes.accepted()) for number in range(3, 5)]
    assert set(asked(sure, empty)) == {"good"}
    assert set(asked(sure, empty + rested[:1])) == {"good"}
    assert set(asked(sure, empty + rested)) == {"good", "bad"}
    again = [made(5, "bad", nothing), *(made(number, "good", fakes.accepted()) for number in range(6, 9))]
    assert set(asked(sure, empty + rested + again)) == {"good"}


def test_where_everybody_rests_the_one_that_wakes_first_is_asked() -> None:
    nothing = Nothing(reason="away")
    trials = [made(number, "good" if number < 3 else "bad", nothing) for number in range(6)]
    assert set(asked(TWO, trials[:6], 20)) == {"good"}


def test_a_fault_is_held_against_nobody() -> None:
    trials = equally_good(good_s=50.0, bad_s=50.0)
    faults = [made(number, "good", fakes.faulted(), wall_s=1e6) for number in range(21, 40)]
    assert asked(TWO, trials + faults) == asked(TWO, trials)


def test_a_duplicate_known_at_once_is_not_free() -> None:
    arm = TWO.stand([made(0, "good", fakes.rejected(), wall_s=0.0)])["good"]
    assert arm.cost == 1.0


def billed(trial: Trial, model: str, usd: float | None) -> Trial:
    spent = Spent(model=model, tokens=100, usd=usd)
    return msgspec.structs.replace(trial, proposal=msgspec.structs.replace(trial.proposal, spent=spent))


def by_two_models(*, big_usd: float) -> list[Trial]:
    """Return turns of one proposer with two models that gain the same, `small` for a cent a call."""
    trials = equally_good(good_s=50.0, bad_s=50.0)
    renamed = [msgspec.structs.replace(t.proposal, proposer="oneshot") for t in trials]
    made_by = [msgspec.structs.replace(t, proposal=p) for t, p in zip(trials, renamed, strict=True)]
    models = ["other", *["big", "small"] * 10]
    usd = {"other": 0.01, "small": 0.01, "big": big_usd}
    return [billed(trial, model, usd[model]) for trial, model in zip(made_by, models, strict=True)]


def test_a_proposer_with_each_of_its_models_is_an_arm_and_dollars_tell_them_apart() -> None:
    arms = ("oneshot@big", "oneshot@small")
    trials = by_two_models(big_usd=1.0)
    for usd_per_hour, is_told_apart in ((0.0, False), (2.0, True)):
        strategy = Portfolio(arms=arms, usd_per_hour=usd_per_hour)
        moves = [strategy.ask(trials, random.Random(seed)) for seed in range(300)]
        assert {move.proposer for move in moves if move} == {"oneshot"}
        counts = Counter(move.model for move in moves if move)
        assert set(counts) == {"big", "small"}
        assert (counts["small"] > 2 * counts["big"]) is is_told_apart


def test_an_arm_without_a_model_has_the_trials_of_all_its_models() -> None:
    assert set(Portfolio(arms=("oneshot",)).stand(by_two_models(big_usd=1.0))) == {"oneshot"}


def test_the_machine_costs_dollars_too_and_an_unknown_price_none() -> None:
    strategy = Portfolio(usd_per_hour=3.6)
    trials = [
        billed(made(0, "a", fakes.rejected()), "m", 0.5),
        billed(made(1, "b", fakes.rejected()), "m", None),
    ]
    arms = strategy.stand(trials)
    assert arms["a@m"].cost == pytest.approx(0.95 * (0.01 + 0.5))
    assert arms["b@m"].cost == pytest.approx(0.01)


def test_without_names_the_loop_introduces_the_proposers_and_they_become_the_arms() -> None:
    strategy = Portfolio()
    assert strategy.ask([], random.Random(1)) == Move()
    assert set(asked(strategy, improving(pairs=1))) == {None}
    counts = asked(strategy, improving())
    assert counts["good"] > counts["bad"] > 0
    assert 10 < counts[None] < 60


@pytest.mark.parametrize(
    ("arm", "parents"),
    [("oneshot", {()}), ("fix", {(2,)}), ("crossover", {(0, 1), (1, 0)}), ("tune", {(0,), (1,)})],
)
def test_every_arm_gets_the_parents_it_works_on(arm: str, parents: set[tuple[int, ...]]) -> None:
    trials = fakes.trials(fakes.accepted(candidate_ns=20), fakes.accepted(candidate_ns=40), fakes.rejected())
    apart = [
        msgspec.structs.replace(
            trial,
            proposal=fakes.trial(
                trial.number, source=f"def f{n}(x{n}):\n    return g{n}(x{n}, {n})\n"
            ).proposal,
        )
        for n, trial in enumerate(trials)
    ]
    moves = [Portfolio(arms=(arm,)).ask(apart, random.Random(seed)) for seed in range(60)]
    assert {tuple(parent.number for parent in move.parents) for move in moves if move} == parents
    assert {move.proposer for move in moves if move} == {arm}


def test_an_arm_that_has_nothing_to_work_on_is_not_asked() -> None:
    strategy = Portfolio(arms=("fix", "crossover", "oneshot"))
    assert set(asked(strategy, fakes.trials(fakes.accepted()), 60)) == {"oneshot"}


def test_repairs_go_round() -> None:
    trials = [
        *fakes.trials(fakes.rejected(), fakes.rejected()),
        *(made(n, "fix", fakes.faulted(), parents=(1,)) for n in (2, 3, 4)),
    ]
    moves = [Portfolio(arms=("fix",)).ask(trials, random.Random(seed)) for seed in range(100)]
    chosen = Counter(move.parents[0].number for move in moves if move)
    assert chosen[0] > 2 * chosen[1] > 0
