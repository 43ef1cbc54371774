"""Times below what the device can do."""

from __future__ import annotations

from check_samples import HONEST, but, convicts, judge

from warpsmith.core.verdict import Floor

CHECK = "impossible"


def test_a_median_below_the_floor_convicts() -> None:
    said = convicts(CHECK, but(median_ns=50_000.0))
    assert "50000 ns" in said
    assert "60000 ns" in said
    assert "bytes" in said


def test_each_limit_has_its_own_words() -> None:
    floors = [Floor(bound_ns=200_000.0, limit=limit) for limit in ("memory", "compute", "latency")]
    assert len({convicts(CHECK, but(floor=floor)) for floor in floors}) == 3


def test_a_median_at_the_floor_does_not() -> None:
    assert judge(CHECK, but(median_ns=60_000.0)) is None
    assert judge(CHECK, but(HONEST, floor=None, median_ns=1.0)) is None


def test_how_far_below_is_an_option() -> None:
    assert judge(CHECK, but(median_ns=50_000.0), share=0.5) is None
