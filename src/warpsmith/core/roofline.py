"""The speed of light: what a device was seen to do, what a call asks of it, and the time that follows.

Numbers alone; who measures and who counts stands in the worker. The bound is what a kernel is held
against in reports; it convicts nobody. What convicts is `Floor`, which is far more cautious.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

import msgspec

Limit: TypeAlias = Literal["memory", "compute", "latency"]

# Which measured rates products of a dtype may reach: its own, or that of a wider one that holds it.
_HELD_BY = {
    "float16": ("float16", "bfloat16", "float32"),
    "bfloat16": ("bfloat16", "float16", "float32"),
    "tf32": ("tf32", "float32"),
    "float64": ("float64",),
    "float32": ("float32",),
    "complex64": ("float32",),
    "complex128": ("float64",),
}
# How far a time may lie below the bound before it is said, by the scatter of what was measured: a CPU
# shares its memory and its clock with others.
MARGIN = {"cuda": 1.05, "cpu": 1.5}


class Ceilings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a device was seen to do.

    Attributes:
        device_type: `cpu` or `cuda`.
        device: its name, e.g. `NVIDIA H100 80GB HBM3`; empty where nobody asked.
        bytes_per_s: read and written together, in a large copy.
        flops_per_s: of a large matrix product, by dtype; `float32` without TF32, `tf32` with it.
        launch_ns: the shortest kernel.
        cache_bytes: last-level cache, whose content outlives a call.
    """

    device_type: str
    bytes_per_s: float
    flops_per_s: dict[str, float]
    launch_ns: float
    cache_bytes: int
    device: str = ""

    def rate(self, dtype: str) -> float:
        """Operations per second that products in `dtype` may be made at; the most of all where in doubt."""
        known = [self.flops_per_s[name] for name in _HELD_BY.get(dtype, ()) if name in self.flops_per_s]
        return max(known or self.flops_per_s.values())


class Work(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What one call asks of a device.

    Attributes:
        flops: operations of products, by the dtype that they could be made in.
        traffic_bytes: inputs and weights read once, outputs and changed state written once.
    """

    flops: dict[str, float]
    traffic_bytes: float

    @property
    def total_flops(self) -> float:
        """Operations in all dtypes."""
        return sum(self.flops.values())


class SpeedOfLight(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The time that a call takes at the ceilings of this very device.

    Attributes:
        bound_ns: bytes over bandwidth, operations over rate, or one launch, whichever is longest.
        limit: which of them.
        flops: operations that were counted.
        traffic_bytes: bytes that were counted.
    """

    bound_ns: float
    limit: Limit
    flops: float
    traffic_bytes: float

    def fraction(self, median_ns: float) -> float:
        """Share of the speed of light that a time of `median_ns` is; above 1 it is faster than the bound."""
        return self.bound_ns / median_ns

    def score(self, median_ns: float, baseline_ns: float) -> float | None:
        """Return how much of the way from the baseline to the bound was gone: `sol_score`."""
        return sol_score(median_ns, baseline_ns, self.bound_ns)


def speed_of_light(work: Work, ceilings: Ceilings, *, is_reduced: bool = False) -> SpeedOfLight:
    """Return the bound of a call.

    Args:
        work: what it asks.
        ceilings: what the device does.
        is_reduced: whether float32 products may be made in TF32.
    """
    compute_s = sum(
        flops / ceilings.rate("tf32" if is_reduced and dtype == "float32" else dtype)
        for dtype, flops in work.flops.items()
    )
    bounds: dict[Limit, float] = {
        "memory": work.traffic_bytes / ceilings.bytes_per_s * 1e9,
        "compute": compute_s * 1e9,
        "latency": ceilings.launch_ns,
    }
    limit = max(bounds, key=lambda name: bounds[name])
    return SpeedOfLight(
        bound_ns=bounds[limit], limit=limit, flops=work.total_flops, traffic_bytes=work.traffic_bytes
    )


def sol_score(median_ns: float, baseline_ns: float, bound_ns: float) -> float | None:
    """Return `1 / (1 + (T - T_sol) / (T_base - T_sol))`: 0.5 at the baseline's time, 1 at the bound.

    A time below the bound counts as the bound: it says that the count or a ceiling is off, and no more.
    None where the baseline itself is at the bound or below, so that there is no way to go.
    """
    way_ns = baseline_ns - bound_ns
    if way_ns <= 0:
        return None
    return 1 / (1 + max(0.0, median_ns - bound_ns) / way_ns)
