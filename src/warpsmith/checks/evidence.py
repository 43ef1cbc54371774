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
        flags: settings of torch that the call changed and left so, e.g. `matmul.allow_tf32: False -> True`.
        aliases: what each output shares memory with and should not, e.g. `output[0]: an input`.
        snooped: attempts of the candidate's own lines to look where nothing of theirs is, e.g.
            `gc.get_objects (line 12)`.
        late: of the last eight calls, how many left the device at work after their clock had stopped.
        lazy: outputs that are no plain tensors with memory of their own, e.g. `output[0] is a LazyTensor`.
    """

    threads: int = 0
    patched: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    snooped: tuple[str, ...] = ()
    late: int = 0
    lazy: tuple[str, ...] = ()


class KernelUse(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One kernel (or, on a CPU, one operator) in the census.

    Attributes:
        name: as the profiler gives it.
        calls: launches during the profiled call.
        total_ns: device time of all of them.
        is_own: whether the candidate built it.
        is_plumbing: whether it only moves, clears or fills memory, which is neither the candidate's
            merit nor a library's.
    """

    name: str
    calls: int
    total_ns: int
    is_own: bool
    is_plumbing: bool = False


class Census(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Every kernel that one call launched."""

    kernels: tuple[KernelUse, ...]

    @property
    def own_share(self) -> float:
        """Share of the work in kernels that the candidate built, in [0, 1]; 0 where none ran."""
        return self._share(is_own=True)

    @property
    def library_share(self) -> float:
        """Share of the work in kernels of others, in [0, 1]; 0 where none ran."""
        return self._share(is_own=False)

    def _share(self, *, is_own: bool) -> float:
        work = [use for use in self.kernels if not use.is_plumbing]
        total = sum(use.total_ns for use in work)
        return sum(use.total_ns for use in work if use.is_own is is_own) / total if total else 0.0


class Comparison(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a wrong output looks like, taken by the reference side.

    Attributes:
        check: name of the check that it speaks for, e.g. `replay`.
        message: in a sentence.
    """

    check: str
    message: str


class Evidence(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Everything gathered on one workload.

    Attributes:
        median_ns: median of the times that the candidate's process states.
        facts: one for each call that was looked at; empty where none was.
        census: None where the device or the tier has none.
        comparisons: what wrong outputs look like; empty where all were right.
        dtypes: floating dtypes of the problem's inputs, weights and outputs, e.g. `float32`.
    """

    workload: str
    device_type: str
    track: Track
    median_ns: float
    witness: Witness | None = None
    floor: Floor | None = None
    facts: tuple[Facts, ...] = ()
    census: Census | None = None
    comparisons: tuple[Comparison, ...] = ()
    dtypes: tuple[str, ...] = ()

    def compared(self, check: str) -> str | None:
        """Return what the first comparison that speaks for `check` says; None where none does."""
        return next((found.message for found in self.comparisons if found.check == check), None)

    def noted(self, field: str) -> tuple[str, ...]:
        """Return what all facts hold in a field of texts, each once, in the order they were seen."""
        return tuple(dict.fromkeys(text for facts in self.facts for text in getattr(facts, field)))
