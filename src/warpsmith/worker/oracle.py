"""The reference in float64: what the right answer is, apart from what rounding makes of it.

The module is copied and its copy runs in float64, its own conversions and constants included: a
dispatch mode widens every operand and every dtype that is asked for. Where that changes what is
computed (a threshold, a routing decision, random numbers) there is no oracle, and it says why.
Runs problem code, never candidate code.
"""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_map

from warpsmith.core.problem import Tolerance
from warpsmith.worker.budget import Exact, error_of
from warpsmith.worker.compare import Differences, mismatch_of_values
from warpsmith.worker.families import OWN
from warpsmith.worker.inputs import LoadedProblem, ProblemError, seed_all
from warpsmith.worker.process import available_bytes
from warpsmith.worker.scale import scale_of
from warpsmith.worker.trees import describe, dtype_name, rebuild, tensors_of

NARROW = {torch.float8_e4m3fn, torch.float8_e5m2, torch.float16, torch.bfloat16, torch.float32}
NARROW_COMPLEX = {torch.complex32, torch.complex64}
WIDE = {torch.float64, torch.complex128}
# Elements where rounding tips a decision are few; more mean that it is another function.
TIPPED_SHARE = 1e-3
# A float64 run holds the inputs, the outputs and about as much again in between.
ROOM = 3
LONGEST_S = 20.0
# Of a device's memory: a float64 run that needs less has to be possible.
SMALL_SHARE = 0.3
# What runs on tensor cores, at whatever precision they are told.
MATRIX_PRODUCTS = {
    "addbmm",
    "addmm",
    "addmv",
    "baddbmm",
    "bmm",
    "convolution",
    "dot",
    "mm",
    "mv",
    "_scaled_dot_product_attention_math",
    "_scaled_dot_product_efficient_attention",
    "_scaled_dot_product_flash_attention",
    "_scaled_dot_product_flash_attention_for_cpu",
}


def to_tf32(tensor: torch.Tensor) -> torch.Tensor:
    """Round to the 11 significant bits of TF32, ties to even; the dtype stays.

    Of complex numbers both parts are rounded, as the products that they are made of are.
    """
    if tensor.is_complex():
        parts = torch.view_as_real(tensor.resolve_conj().resolve_neg()).contiguous()
        return torch.view_as_complex(to_tf32(parts))
    bits = tensor.to(torch.float32).contiguous().view(torch.int32)
    rounded = (bits + 0xFFF + ((bits >> 13) & 1)) & ~0x1FFF
    return torch.where(torch.isfinite(tensor), rounded.view(torch.float32).to(tensor.dtype), tensor)


def to_float8(tensor: torch.Tensor) -> torch.Tensor:
    """Round to float8 (e4m3) after scaling to its range, as low-precision kernels do; the dtype stays."""
    largest = float(torch.where(torch.isfinite(tensor), tensor.abs(), 0.0).max()) if tensor.numel() else 0.0
    unit = largest / torch.finfo(torch.float8_e4m3fn).max or 1.0
    return ((tensor / unit).to(torch.float32).to(torch.float8_e4m3fn).to(torch.float32) * unit).to(
        tensor.dtype
    )


# The next precision below the one that an output's dtype declares.
LOWER: dict[torch.dtype, Callable[[torch.Tensor], torch.Tensor]] = {
    torch.float32: to_tf32,
    torch.complex64: to_tf32,
    torch.float16: to_float8,
    torch.bfloat16: to_float8,
}


class Widened(TorchDispatchMode):
    """Runs every operator in float64.

    Args:
        lower: rounds the factors of matrix products first; None leaves them.
    """

    def __init__(self, lower: Callable[[torch.Tensor], torch.Tensor] | None = None) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.products = 0
        self._lower = lower

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        args, kwargs = tree_map(_wide, (args, kwargs or {}))
        if func.overloadpacket.__name__ in MATRIX_PRODUCTS:
            self.products += 1
            if self._lower is not None:
                args = tuple(self._lowered(arg) for arg in args)
        return func(*args, **kwargs)

    def _lowered(self, arg: Any) -> Any:
        is_factor = isinstance(arg, torch.Tensor) and arg.dtype in WIDE and arg.dim() > 1
        return self._lower(arg) if is_factor and self._lower is not None else arg


def _wide(value: Any) -> Any:
    if isinstance(value, torch.Tensor):
        return value.to(_wide_dtype(value.dtype))
    return _wide_dtype(value) if isinstance(value, torch.dtype) else value


def _wide_dtype(dtype: torch.dtype) -> torch.dtype:
    if dtype in NARROW_COMPLEX:
        return torch.complex128
    return torch.float64 if dtype in NARROW else dtype


class Oracle:
    """The float64 twin of one reference module.

    Attributes:
        lacks: why there is none; empty while there is one.
    """

    def __init__(self, problem: LoadedProblem, model: Any, tolerance_for: Callable[[str], Tolerance]) -> None:
        self.lacks = ""
        self._problem = problem
        self._tolerance_for = tolerance_for
        self._twin: Any = None
        self._drops: dict[str, list[float | None]] = {}
        try:
            twin = copy.deepcopy(model)
            self._twin = twin.double() if isinstance(twin, torch.nn.Module) else twin
        except Exception as error:  # noqa: BLE001 - the problem's own objects; without a copy there is no oracle
            self.lacks = f"the module can't be copied: {_first_line(error)}"

    def answer(
        self, live: Any, expected: Any, state: dict[str, torch.Tensor], run_seed: int, family: str
    ) -> list[Exact] | None:
        """Return the outputs in float64; None where there is no oracle, at all or for these inputs.

        Args:
            live: the inputs, at the declared precision; they are left as they are.
            expected: what the reference made of them.
            state: the reference's weights and buffers before it ran.
            run_seed: what it ran under.
            family: the input family, for which the cost of a lower precision is found out once.
        """
        wanted = list(tensors_of(expected))
        if self.lacks or not wanted:
            return None
        if short := _short_of_room([*tensors_of(live), *wanted]):
            return self._without(short)
        start = time.monotonic()
        try:
            values = self._run(live, state, run_seed, Widened())
            if reason := self._disagreement(values, wanted):
                # On another family it may be the inputs; on its own it is the problem.
                return self._without(reason) if family == OWN else None
            drops = self._drops_of(family, live, state, run_seed, wanted, values)
        except torch.OutOfMemoryError:
            return self._without("no memory for a float64 run")
        except ProblemError as error:
            return self._without(f"in float64, {error}")
        if time.monotonic() - start > LONGEST_S:
            self.lacks = f"a float64 run takes more than {LONGEST_S:g} s"
        return [Exact(value, drop) for value, drop in zip(values, drops, strict=True)]

    def _without(self, reason: str) -> list[Exact] | None:
        """Do without an oracle from now on."""
        self.lacks = reason
        self._twin = None
        return None

    def _run(
        self, live: Any, state: dict[str, torch.Tensor], run_seed: int, mode: Widened
    ) -> list[torch.Tensor]:
        if isinstance(self._twin, torch.nn.Module):
            named = {**dict(self._twin.named_parameters()), **dict(self._twin.named_buffers())}
            for name in named.keys() & state.keys():
                named[name].detach().copy_(state[name])
        inputs = [tensor.to(_wide_dtype(tensor.dtype), copy=True) for tensor in tensors_of(live)]
        wide = rebuild(describe(live), iter(inputs))
        before = torch.get_default_dtype()
        torch.set_default_dtype(torch.float64)
        try:
            seed_all(run_seed)
            with mode:
                made = self._problem.forward(self._twin, wide)
        finally:
            torch.set_default_dtype(before)
        return [tensor.detach() for tensor in tensors_of(made)]

    def _disagreement(self, values: Sequence[torch.Tensor], wanted: Sequence[torch.Tensor]) -> str:
        """Say how the float64 outputs differ from the reference's by more than rounding; else nothing."""
        forms = [(tuple(t.shape), _wide_dtype(t.dtype)) for t in wanted]
        if [(tuple(t.shape), t.dtype) for t in values] != forms:
            return "in float64 the outputs have another form"
        for index, (value, given) in enumerate(zip(values, wanted, strict=True)):
            seen = Differences()
            tolerance = self._tolerance_for(dtype_name(given.dtype))
            mismatch_of_values(given, value, tolerance, "", seen)
            if seen.outside > TIPPED_SHARE * seen.elements:
                share = 100 * seen.outside / seen.elements
                return f"in float64, {share:.3g} % of output {index} are outside the tolerance"
        return ""

    def _drops_of(  # noqa: PLR0913, PLR0917 - one run's whole setting
        self,
        family: str,
        live: Any,
        state: dict[str, torch.Tensor],
        run_seed: int,
        wanted: Sequence[torch.Tensor],
        values: Sequence[torch.Tensor],
    ) -> list[float | None]:
        """Return what rounding the factors of matrix products would cost each output, found out once."""
        if family not in self._drops:
            lower = next((LOWER[t.dtype] for t in wanted if t.dtype in LOWER), None)
            mode = Widened(lower)
            lowered = self._run(live, state, run_seed, mode) if lower else []
            self._drops[family] = (
                [
                    _relative(low, value) if LOWER.get(given.dtype) is lower else None
                    for low, value, given in zip(lowered, values, wanted, strict=True)
                ]
                if mode.products
                else [None] * len(wanted)
            )
        return self._drops[family]


def _relative(low: torch.Tensor, value: torch.Tensor) -> float | None:
    scale = scale_of(value)
    return error_of(low, value) / scale if scale else None


def _short_of_room(tensors: Sequence[torch.Tensor]) -> str:
    """Say what a float64 run would need and is not there; empty where it fits.

    Raises:
        torch.OutOfMemoryError: it would fit if the device were less crowded.
    """
    needed = ROOM * sum(tensor.numel() * 8 for tensor in tensors)
    device = tensors[0].device
    if device.type == "cuda":
        kept = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
        free, total = torch.cuda.mem_get_info(device)
        free += kept
        if free <= needed < SMALL_SHARE * total:
            # Others have it at the moment; an oracle that comes and goes would be two verifiers.
            raise torch.OutOfMemoryError(f"a float64 run needs {needed} bytes, {free} are free")
    else:
        free = available_bytes()
    return "" if needed < free else f"a float64 run needs {needed} bytes, {free} are free"


def _first_line(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}".splitlines()[0]
