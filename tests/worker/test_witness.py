"""The verifier's own clock catches times that were understated, and believes honest ones."""

from __future__ import annotations

import random

import pytest

from warpsmith.worker.witness import Clocked, is_sharp, witness

WAY_NS = 300_000


def calls(
    count: int, took_ns: float, *, said: float = 1.0, lying: float = 1.0, seed: int = 0
) -> list[Clocked]:
    """Calls that take `took_ns` and, for a share `lying` of them, state `said` times that."""
    rng = random.Random(seed)
    made = []
    for number in range(count):
        took = took_ns * rng.gauss(1, 0.01)
        way = WAY_NS + abs(rng.gauss(0, 10_000)) + (200_000 if rng.random() < 0.05 else 0)
        share = said if number < lying * count else 1.0
        made.append(Clocked(stated_ns=round(took * share), wall_ns=round(took + way)))
    return made


CONTROL = calls(60, 1_000.0, seed=1)
BUSY_NS = 4_000_000


@pytest.mark.parametrize("took_ns", [20_000, 100_000, 1_000_000, 50_000_000])
def test_an_honest_clock_is_believed(took_ns: int) -> None:
    seen = witness(calls(60, took_ns), CONTROL, "cuda")
    assert not seen.is_at_odds


@pytest.mark.parametrize("took_ns", [1_000_000, 50_000_000])
def test_a_clock_that_says_a_quarter_less_is_not(took_ns: int) -> None:
    seen = witness(calls(60, took_ns, said=1 / 1.3), CONTROL, "cuda")
    assert seen.is_at_odds


def test_lying_in_just_over_half_of_the_calls_does_not_thin_the_lie_out() -> None:
    seen = witness(calls(60, 1_000_000, said=0.7, lying=0.55), CONTROL, "cuda")
    assert seen.is_at_odds


def test_a_few_slow_ways_convict_nobody() -> None:
    slow = [Clocked(stated_ns=c.stated_ns, wall_ns=c.wall_ns + 5_000_000) for c in calls(12, 100_000, seed=2)]
    seen = witness(calls(48, 100_000) + slow, CONTROL, "cuda")
    assert not seen.is_at_odds


def test_what_a_busy_host_does_to_most_calls_moves_nothing() -> None:
    rng = random.Random(3)

    def delayed(quiet: list[Clocked]) -> list[Clocked]:
        waits = [rng.randrange(BUSY_NS) if rng.random() < 0.6 else 0 for _ in quiet]
        return [Clocked(c.stated_ns, c.wall_ns + w) for c, w in zip(quiet, waits, strict=True)]

    seen = witness(delayed(calls(200, 1e6)), delayed(calls(200, 1e3)), "cuda")
    assert abs(seen.missing_ns) < BUSY_NS / 100
    lying = witness(delayed(calls(200, 4e6, said=1 / 1.3)), delayed(calls(200, 1e3)), "cuda")
    assert lying.missing_ns > 0.2 * 4e6


def test_a_few_calls_that_scatter_convict_nobody_and_are_not_sharp() -> None:
    rng = random.Random(4)
    ours = [Clocked(100_000, 8_000_000 + rng.randrange(BUSY_NS)) for _ in range(8)]
    theirs = [Clocked(1_000, 7_000_000 + rng.randrange(BUSY_NS)) for _ in range(8)]
    seen = witness(ours, theirs, "cpu")
    assert not seen.is_at_odds
    assert not is_sharp(seen, 1e6, "cuda")
    assert is_sharp(witness(calls(60, 1e6), CONTROL, "cpu"), 1e6, "cpu")


def test_one_call_says_nothing() -> None:
    one = [Clocked(100_000, 90_000_000)]
    assert not witness(one, one, "cpu").is_at_odds


def at_a_distance(stated_ns: int, way_ns: int) -> list[Clocked]:
    """Sixty calls of one way there and back, give or take nothing to speak of."""
    return [Clocked(stated_ns, stated_ns + way_ns + number) for number in range(60)]


def test_a_slow_hosts_longer_way_is_no_lie() -> None:
    seen = witness(at_a_distance(200_000, 1_950_000), at_a_distance(100_000, 1_800_000), "cuda")
    assert not seen.is_at_odds


def test_a_fast_host_has_no_such_excuse() -> None:
    seen = witness(at_a_distance(200_000, 650_000), at_a_distance(100_000, 500_000), "cuda")
    assert seen.is_at_odds


def test_a_way_made_long_by_large_outputs_excuses_no_more_than_a_slow_host() -> None:
    seen = witness(at_a_distance(200_000, 20_300_000), at_a_distance(100_000, 20_000_000), "cuda")
    assert seen.is_at_odds
