"""Times that the verifier's own clock does not bear out."""

from __future__ import annotations

from check_samples import HONEST, advice, but, clocked, convicts, judge

CHECK = "clocks"
LIE = clocked(900_000.0)


def test_an_excess_that_the_control_does_not_have_convicts() -> None:
    said = convicts(CHECK, but(witness=LIE))
    assert "745000 ns" in said
    assert "40 calls" in said


def test_an_excess_within_the_bound_does_not() -> None:
    assert judge(CHECK, HONEST) is None
    assert judge(CHECK, but(witness=None)) is None


def test_overstating_is_no_lie() -> None:
    assert judge(CHECK, but(witness=clocked(10_000.0))) is None


def test_what_chance_may_explain_convicts_nobody() -> None:
    assert judge(CHECK, but(witness=clocked(900_000.0, error_ns=800_000.0))) is None


def test_clocks_that_are_assigned_to_are_pointed_at() -> None:
    assert advice(CHECK, "import time\ntime.perf_counter_ns = f") == [2]
    assert advice(CHECK, "start = time.perf_counter_ns()") == []
