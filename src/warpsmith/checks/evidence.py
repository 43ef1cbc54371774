"""What a verification has gathered about one candidate on one workload: data, no conclusions.

`Facts` and `Census` come out of the candidate's own process, so they may be lies: they
convict and never acquit. Everything else was taken by the reference side.
"""

from __future__ import annotations

import msgspec

from warpsmith.core.task import Track
from warpsmith.core.verdict import Floor, Witness


class Facts(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What our code saw in the candidate's process around one call.

    Attributes:
        threads: operating-system threads that the call started and left running, beyond those that
            torch, the compiler and the CUDA driver keep.
        patched: dotted names of functions that are no longer what they were before the candidate's
            import, e.g. `torch.cuda.Event.elapsed_time`.
        flags: changed settings of torch, e.g. `matmul.allow_tf32: False -> True`.
        aliases: what each output shares memory with and should not, e.g. `output[0]: an input`.
        snooped: attempts of the candidate's own lines to look where nothing of theirs is, e.g.
            `gc.get_objects (line 12)`.
        late: operations still running on the device when the call's clock had stopped.
    """

    threads: int = 0
    patched: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    snooped: tuple[str, ...] = ()
    late: int = 0


class KernelUse(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One kernel (or, on a CPU, one operator) in the census.

    Attributes:
        name: as the profiler gives it.
        calls: launches during the profiled call.
        total_ns: device time of all of them.
        is_own: whether the candidate built it.
    """

    name: str
    calls: int
    total_ns: int
    is_own: bool


class Census(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Every kernel that one call launched."""

    kernels: tuple[KernelUse, ...]

    @property
    def own_share(self) -> float:
        """Share of the time in kernels that the candidate built, in [0, 1]; 0 where nothing ran."""
        total = sum(use.total_ns for use in self.kernels)
        return sum(use.total_ns for use in self.kernels if use.is_own) / total if total else 0.0


class Evidence(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Everything gathered on one workload.

    Attributes:
        median_ns: median of the times that the candidate's process states.
        facts: one for each call that was looked at; empty where none was.
        census: None where the device or the tier has none.
    """

    workload: str
    device_type: str
    track: Track
    median_ns: float
    witness: Witness | None = None
    floor: Floor | None = None
    facts: tuple[Facts, ...] = ()
    census: Census | None = None
