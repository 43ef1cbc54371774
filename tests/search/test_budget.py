"""Budgets as people write them, and which trial is the best."""

from __future__ import annotations

import msgspec
import pytest

from warpsmith.core.errors import UsageError
from warpsmith.core.task import Budget
from warpsmith.core.trial import Duplicate, Nothing, Retiming, Spent, Trial, best_trial
from warpsmith.search.budget import Meter, parse_budget, parse_duration_s
from warpsmith.testing import fakes


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90", 90), ("90s", 90), (" 30 m ", 1800), ("1.5h", 5400), ("0.25s", 0.25)],
)
def test_durations_have_a_number_and_a_unit(text: str, seconds: float) -> None:
    assert parse_duration_s(text) == seconds


@pytest.mark.parametrize(
    "text", ["", "s", "0", "0m", "-1s", "1d", "1h30m", "1e3s", "nan", "inf", ".5s", "٣s", "9" * 400 + "s"]
)
def test_what_is_no_duration_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(UsageError, match="30m"):
        parse_duration_s(text)


@pytest.mark.parametrize(
    ("text", "budget"),
    [
        ("trials=64,wall=30m", Budget(trials=64, wall_s=1800)),
        (" wall=2s , trials=1 ,", Budget(trials=1, wall_s=2)),
        ("trials=7", Budget(trials=7)),
        ("wall=1h", Budget(wall_s=3600)),
        ("tokens=2000000, usd=2.5", Budget(tokens=2_000_000, usd=2.5)),
        ("gpu=10m,trials=2", Budget(gpu_s=600, trials=2)),
    ],
)
def test_a_budget_is_a_list_of_limits(text: str, budget: Budget) -> None:
    assert parse_budget(text) == budget


@pytest.mark.parametrize(
    "text",
    [
        *("trials", "trials=", "trials=0", "trials=-1", "trials=1.5", "trials=many", "trials=²", "trial=3"),
        *("wall", "wall=", "wall=soon", "64", "=3", "trials=" + "9" * 5000, "trials=3,trials=4", "", " , "),
        *("usd=0", "usd=-1", "usd=1e3", "usd=nan", "tokens=0", "tokens=1.5"),
        *("gpu", "gpu=0", "gpu=soon"),
    ],
)
def test_what_is_no_budget_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(UsageError, match=r"trials=64|30m"):
        parse_budget(text)


def on_device(number: int, **phases_s: float) -> Trial:
    verdict = msgspec.structs.replace(fakes.accepted(), phases_s=phases_s, wall_s=100.0)
    return fakes.trial(number, verdict)


def test_device_time_is_that_of_the_phases_on_the_device() -> None:
    trials = [on_device(0, build=50.0, correctness=2.0, timing=3.0), fakes.trial(1, fakes.rejected())]
    assert Meter(Budget(gpu_s=5.1)).spent(trials) == ""
    assert Meter(Budget(gpu_s=5.0)).spent(trials) == "gpu"
    again = Retiming(
        task_id="t", number=0, seed=1, verdict=trials[0].accepted or fakes.faulted(), finished_at=""
    )
    assert Meter(Budget(gpu_s=10.1)).spent(trials, [again]) == ""
    assert Meter(Budget(gpu_s=10.0)).spent(trials, [again]) == "gpu"


def test_time_to_time_the_winners_again_is_kept_back_and_never_much_of_a_limit() -> None:
    two = [on_device(number, timing=5.0) for number in range(2)]
    assert Meter(Budget(gpu_s=20.0), winners=3).spent(two) == ""
    assert Meter(Budget(gpu_s=20.0), winners=3).spent([*two, on_device(2, timing=5.0)]) == "gpu"
    assert Meter(Budget(gpu_s=20.0)).spent([*two, on_device(2, timing=5.0)]) == ""
    # A quarter of 13 s is kept back, and not the 10 s that two winners would take.
    assert Meter(Budget(gpu_s=13.4), winners=3).spent(two) == ""


def test_what_models_took_counts_and_a_call_without_a_price_costs_tokens_alone() -> None:
    def paid(number: int, tokens: int, usd: float | None) -> Trial:
        trial = fakes.trial(number)
        spent = Spent(model="m", tokens=tokens, usd=usd)
        return msgspec.structs.replace(trial, proposal=msgspec.structs.replace(trial.proposal, spent=spent))

    trials = [paid(0, 600, 0.75), fakes.trial(1), paid(2, 400, None)]
    assert Meter(Budget(tokens=1001)).spent(trials) == ""
    assert Meter(Budget(tokens=1000)).spent(trials) == "tokens"
    assert Meter(Budget(usd=0.76)).spent(trials) == ""
    assert Meter(Budget(usd=0.75)).spent(trials) == "usd"


def test_a_meter_without_limits_never_ends() -> None:
    assert Meter(Budget()).spent(fakes.trials(*[None] * 50)) == ""


def test_a_meter_says_which_limit_is_reached() -> None:
    assert Meter(Budget(trials=3)).spent(fakes.trials(None, None)) == ""
    assert Meter(Budget(trials=3)).spent(fakes.trials(None, None, None)) == "trials"
    assert Meter(Budget(wall_s=1e-9)).spent([]) == "wall"


def test_the_best_trial_has_the_highest_speedup_over_that_baseline() -> None:
    verdicts = [
        fakes.accepted(candidate_ns=50, eager=100, compile=60),
        fakes.accepted(candidate_ns=80, eager=100, compile=160),
    ]
    trials = fakes.trials(fakes.rejected(), *verdicts, fakes.faulted())
    assert best_trial(trials, "eager") == trials[1]
    assert best_trial(trials, "compile") == trials[2]


def test_the_earlier_of_two_equal_trials_is_the_best() -> None:
    trials = fakes.trials(fakes.rejected(), fakes.accepted(), fakes.accepted())
    assert best_trial(trials, "eager") == trials[1]


def test_without_an_acceptance_over_that_baseline_no_trial_is_the_best() -> None:
    assert best_trial([], "eager") is None
    outcomes = (fakes.rejected(), fakes.faulted(), Duplicate(of=0), Nothing(reason="none"))
    assert best_trial(fakes.trials(*outcomes, fakes.accepted(other=9)), "eager") is None
