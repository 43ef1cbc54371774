"""What must be computed, and how close is close; knows no device and no candidate."""

from __future__ import annotations

import math
from typing import TypeAlias

import msgspec

from warpsmith.core.codec import content_id

Axis: TypeAlias = bool | int | float | str | list[bool | int | float | str]


class Tolerance(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How far an output may be from the reference.

    An element passes when `|got - expected| <= atol * rms(expected) + rtol * |expected|`:
    scaling the absolute part by the output's own root mean square keeps a zero answer
    from passing on small outputs, and an honest one from failing on large ones.

    Attributes:
        atol: absolute part, in units of the output's root mean square.
        rtol: relative part.
        reason: why it is not the default; empty for the default.
        absolute: whether `atol` is meant as it stands instead, as `torch.allclose` has it. A zero answer
            then passes where outputs are small: it is for benchmarks that are defined so.
    """

    atol: float
    rtol: float
    reason: str = ""
    absolute: bool = False

    def __post_init__(self) -> None:
        for value in (self.atol, self.rtol):
            if not math.isfinite(value) or value < 0:
                raise ValueError("a tolerance is a finite number, zero or above")


EXACT = Tolerance(atol=0.0, rtol=0.0)

# fp32 at 1e-4 and 16-bit at 1e-2 are KernelBench's; the others follow from the mantissa.
DEFAULT_TOLERANCES: dict[str, Tolerance] = {
    "float64": Tolerance(atol=1e-8, rtol=1e-8),
    "complex128": Tolerance(atol=1e-8, rtol=1e-8),
    "float32": Tolerance(atol=1e-4, rtol=1e-4),
    "complex64": Tolerance(atol=1e-4, rtol=1e-4),
    "float16": Tolerance(atol=1e-2, rtol=1e-2),
    "bfloat16": Tolerance(atol=1e-2, rtol=1e-2),
    "float8_e4m3fn": Tolerance(atol=1e-1, rtol=1e-1),
    "float8_e5m2": Tolerance(atol=2e-1, rtol=2e-1),
}


class Workload(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One concrete choice of shapes and dtypes. Seeds are the verifier's and stand elsewhere.

    Attributes:
        name: `typical`, `large`, `cpu`, ...; names that begin with `cpu` are for CPU targets.
        axes: keyword arguments for the problem's `get_inputs` and `get_init_inputs`.
        dtype: floating dtype that inputs and weights are cast to, e.g. `"bfloat16"`; integer and
            bool tensors keep theirs. None leaves every dtype as the problem made it.
        flops: operations of one call, where counting the reference's products does not give them.
        traffic_bytes: bytes that one call has to move, where counting does not give them.
    """

    name: str
    axes: dict[str, Axis] = {}
    dtype: str | None = None
    flops: float | None = None
    traffic_bytes: float | None = None

    def __post_init__(self) -> None:
        for amount in (self.flops, self.traffic_bytes):
            if amount is not None and not (math.isfinite(amount) and amount >= 0):
                raise ValueError("operations and bytes are finite numbers, zero or above")

    @property
    def is_for_cpu(self) -> bool:
        """Whether this workload was sized for a CPU."""
        return self.name.startswith("cpu")


class Problem(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What must be computed: a reference source, workloads, a tolerance. Its id is its content.

    Attributes:
        name: what people call it, e.g. `level1/softmax`; unique within its format.
        source: text of a Python module with `Model`, `get_inputs` and, if needed, `get_init_inputs`.
        workloads: at least one, names unique.
        tolerances: by output dtype; dtypes not named here use `DEFAULT_TOLERANCES`, and dtypes
            named in neither (integers, bool) must be equal.
        origin: locator it was loaded from.
        license: SPDX identifier, or None where the source does not say.
    """

    name: str
    source: str
    workloads: tuple[Workload, ...]
    tolerances: dict[str, Tolerance] = {}
    description: str = ""
    tags: tuple[str, ...] = ()
    license: str | None = None
    origin: str = ""

    def __post_init__(self) -> None:
        names = [workload.name for workload in self.workloads]
        if not names or len(set(names)) != len(names):
            raise ValueError("a problem needs at least one workload, and their names must differ")

    @property
    def id(self) -> str:
        """Content id over all fields."""
        return content_id(self)

    @property
    def level(self) -> str:
        """Text before the first slash of the name, e.g. `level1`; empty without one."""
        head, slash, _ = self.name.rpartition("/")
        return head.split(":")[-1] if slash else ""

    def tolerance_for(self, dtype: str) -> Tolerance:
        """Return the tolerance of an output of `dtype`, e.g. `"float32"`."""
        return self.tolerances.get(dtype) or DEFAULT_TOLERANCES.get(dtype) or EXACT

    def workloads_for(self, device_type: str) -> tuple[Workload, ...]:
        """Return the workloads meant for `device_type`; all of them where none is marked for it."""
        wanted = tuple(w for w in self.workloads if w.is_for_cpu == (device_type == "cpu"))
        return wanted or self.workloads
