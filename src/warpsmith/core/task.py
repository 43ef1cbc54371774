"""A problem on a target, with baselines and a budget: what the command line resolves its words to."""

from __future__ import annotations

import math
from enum import StrEnum
from typing import Literal

import msgspec

from warpsmith.core.codec import content_id
from warpsmith.core.problem import Problem, Workload


class Tier(StrEnum):
    """How much evidence a verdict asks for."""

    SCREEN = "screen"
    VERIFY = "verify"
    CERTIFY = "certify"


class Target(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The device a task runs on: `cpu`, `cuda` or `cuda:N`."""

    device: str

    @property
    def device_type(self) -> str:
        """`cpu` or `cuda`."""
        return self.device.partition(":")[0]


class Limits(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How long a candidate may take before it is killed, in wall seconds.

    Attributes:
        build_s: import of the candidate and everything it compiles.
        run_s: one forward call, first-call compilation included.
        output_bytes: stdout and stderr kept; the rest is thrown away.
        processes: processes and threads that the candidate may have at once.
        scratch_bytes: what it may write to its private disk, builds included.
    """

    build_s: float = 180.0
    run_s: float = 60.0
    output_bytes: int = 64 * 1024
    processes: int = 1024
    scratch_bytes: int = 4 << 30


class Effort(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How much checking and timing one verdict is worth.

    Attributes:
        seeds: input seeds for each workload.
        timing_s: wall seconds of timing for each workload at most, all callables together.
        precision: stop when every 95 % interval's half width is below this share of its median.
        max_samples: timed calls of one callable; some more where the two clocks need them to agree.
    """

    seeds: int
    timing_s: float
    precision: float
    max_samples: int


EFFORTS: dict[Tier, Effort] = {
    Tier.SCREEN: Effort(seeds=5, timing_s=1.0, precision=0.03, max_samples=50),
    Tier.VERIFY: Effort(seeds=5, timing_s=5.0, precision=0.01, max_samples=400),
    Tier.CERTIFY: Effort(seeds=20, timing_s=30.0, precision=0.005, max_samples=2000),
}

BASELINES_OF: dict[Tier, tuple[str, ...]] = {
    Tier.SCREEN: ("eager",),
    Tier.VERIFY: ("eager", "compile"),
    Tier.CERTIFY: ("eager", "compile", "compile:max-autotune"),
}


class Track(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The rules a candidate plays by; a verdict names them, and tracks are not ranked together.

    Attributes:
        kernels: `library-allowed` takes cuBLAS, cuDNN and ATen as they are, but a candidate with no
            kernel of its own is labelled a passthrough; `custom-only` refuses it.
        precision: `declared` refuses what is less precise inside than the problem's dtype allows
            (TF32, bf16 or fp8 in float32); `reduced` asks for the tolerance alone.
        shapes: `any` also asks for shapes that the problem does not declare; `declared` does not,
            and the verdict says whether they would have been right.
        inputs: `any` also asks on inputs and weights of other values than the problem draws; `declared`
            does not. It is for benchmarks that are defined so, and easily fooled.
    """

    kernels: Literal["library-allowed", "custom-only"] = "library-allowed"
    precision: Literal["declared", "reduced"] = "declared"
    shapes: Literal["any", "declared"] = "any"
    inputs: Literal["any", "declared"] = "any"


class Task(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One problem on one target.

    Attributes:
        baselines: names, in the order they are reported.
        seed: root of every random choice of the verifier; candidates never see it.
    """

    problem: Problem
    target: Target
    baselines: tuple[str, ...] = BASELINES_OF[Tier.VERIFY]
    tier: Tier = Tier.VERIFY
    effort: Effort = EFFORTS[Tier.VERIFY]
    limits: Limits = Limits()
    track: Track = Track()
    seed: int = 0

    @property
    def id(self) -> str:
        """Content id over all fields."""
        return content_id(self)

    @property
    def workloads(self) -> tuple[Workload, ...]:
        """The problem's workloads for this target; a screening uses the first alone."""
        chosen = self.problem.workloads_for(self.target.device_type)
        return chosen[:1] if self.tier is Tier.SCREEN else chosen


class Budget(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When a search stops. None means no such limit.

    Attributes:
        trials: finished trials, duplicates and failed proposals included.
        wall_s: wall seconds since the search (or its resumption) began.
        tokens: read and written by models, in all finished trials.
        usd: US dollars for models, in all finished trials; a call without a known price is not in it.
        gpu_s: seconds in which the task's device worked for finished trials and re-timings, whatever kind of
            device that is.
    """

    trials: int | None = None
    wall_s: float | None = None
    tokens: int | None = None
    usd: float | None = None
    gpu_s: float | None = None

    def __post_init__(self) -> None:
        for what, count in (("trials", self.trials), ("tokens", self.tokens)):
            if count is not None and count < 1:
                raise ValueError(f"a budget of {what} is at least 1")
        for what, amount in (
            ("wall time", self.wall_s),
            ("dollars", self.usd),
            ("device time", self.gpu_s),
        ):
            if amount is not None and not (math.isfinite(amount) and amount > 0):
                raise ValueError(f"a budget of {what} is above zero")
