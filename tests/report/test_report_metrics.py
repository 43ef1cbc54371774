"""The formulas, against counting by hand and by enumeration."""

from __future__ import annotations

import itertools
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from warpsmith.report.metrics import THRESHOLDS, Standing, fast_p, mean_pass_at_k, pass_at_k

NOT_ACCEPTED = Standing(is_accepted=False, speedup=None)
NOT_TIMED = Standing(is_accepted=True, speedup=None)
standings = st.lists(
    st.just(NOT_ACCEPTED)
    | st.just(NOT_TIMED)
    | st.floats(0.01, 100).map(lambda s: Standing(is_accepted=True, speedup=s))
)


def at(*speedups: float) -> list[Standing]:
    return [Standing(is_accepted=True, speedup=speedup) for speedup in speedups]


def test_fast_p_counts_speedups_above_p_and_not_at_p() -> None:
    assert [fast_p(at(0.5, 0.9, 1.0, 1.6), p).share for p in THRESHOLDS] == [1, 0.75, 0.75, 0.25, 0.25, 0]


def test_a_problem_without_an_accepted_candidate_counts_as_not_passed() -> None:
    assert fast_p([*at(2.5), NOT_ACCEPTED], 1).share == 0.5
    assert fast_p([*at(2.5), NOT_ACCEPTED], 0).share == 0.5


def test_a_problem_whose_baseline_was_not_timed_counts_in_fast_0_alone() -> None:
    assert fast_p([*at(2.5), NOT_TIMED, NOT_ACCEPTED], 0).share == pytest.approx(2 / 3)
    assert fast_p([*at(2.5), NOT_TIMED, NOT_ACCEPTED], 1).problems == 2


def test_a_share_of_no_problems_is_absent_and_not_zero() -> None:
    assert fast_p([], 1).share is None
    assert fast_p([NOT_TIMED], 1).share is None


@given(standings)
def test_fast_p_never_rises_with_p(standings: list[Standing]) -> None:
    shares = [share for p in THRESHOLDS if (share := fast_p(standings, p).share) is not None]
    assert shares == sorted(shares, reverse=True)


@given(st.integers(1, 7).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n), st.integers(1, n))))
def test_pass_at_k_is_the_share_of_draws_that_hold_one_that_passes(case: tuple[int, int, int]) -> None:
    samples, passed, k = case
    draws = list(itertools.combinations([True] * passed + [False] * (samples - passed), k))
    assert pass_at_k(samples, passed, k) == pytest.approx(float(Fraction(sum(map(any, draws)), len(draws))))


def test_pass_at_k_of_fewer_samples_than_k_is_refused() -> None:
    with pytest.raises(ValueError, match="not defined"):
        pass_at_k(3, 1, 5)


def test_pass_at_k_is_told_only_for_a_k_that_every_problem_reaches() -> None:
    told = mean_pass_at_k([(10, 5), (6, 0)])
    assert [each.k for each in told] == [1, 5]
    assert told[0].value == 0.25
    assert mean_pass_at_k([]) == ()
