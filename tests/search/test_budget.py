"""Budgets as people write them, and which trial is the best."""

from __future__ import annotations

import pytest

from warpsmith.core.errors import UsageError
from warpsmith.core.task import Budget
from warpsmith.core.trial import Duplicate, Nothing, best_trial
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
    ],
)
def test_a_budget_is_a_list_of_limits(text: str, budget: Budget) -> None:
    assert parse_budget(text) == budget


@pytest.mark.parametrize(
    "text",
    [
        *("trials", "trials=", "trials=0", "trials=-1", "trials=1.5", "trials=many", "trials=²", "trial=3"),
        *("wall", "wall=", "wall=soon", "64", "=3", "trials=" + "9" * 5000, "trials=3,trials=4", "", " , "),
    ],
)
def test_what_is_no_budget_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(UsageError, match=r"trials=64|30m"):
        parse_budget(text)


@pytest.mark.parametrize("name", ["usd", "tokens", "gpu"])
def test_a_budget_that_nothing_here_could_spend_is_refused_by_name(name: str) -> None:
    with pytest.raises(UsageError, match=f"{name!r} is not supported"):
        parse_budget(f"trials=3,{name}=5")


def test_a_meter_without_limits_never_ends() -> None:
    assert Meter(Budget()).spent(10**9) == ""


def test_a_meter_says_which_limit_is_reached() -> None:
    assert Meter(Budget(trials=3)).spent(2) == ""
    assert Meter(Budget(trials=3)).spent(3) == "trials"
    assert Meter(Budget(wall_s=1e-9)).spent(0) == "wall"


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
