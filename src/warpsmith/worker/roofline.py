"""The least time that a call can take on this very device: measured rates, and work that can't be avoided.

On the reference side. A kernel below this floor did not do the work, so everything here errs
towards too little: bytes count where the reference was seen to depend on them, operations where
no algebra gets around them, and rates are what this device was seen to reach, and some more.
"""

from __future__ import annotations

import math
import random
import time
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

from warpsmith.core.roofline import Ceilings
from warpsmith.core.verdict import Floor
from warpsmith.worker.ceilings import measure_ceilings

Forward = Callable[[], Sequence[torch.Tensor]]

PROBES = 8
# If a share q of an input's elements matters, 8 random ones all do with probability q^8; 5 % at this q.
SEEN_SHARE: float = 0.05 ** (1 / PROBES)
SAMPLED = 4096
# Probing costs a call of the reference each; inputs that are a small part of the traffic are not worth it.
SLOWEST_CALL_S = 0.05
PROBING_S = 0.4
SMALL_SHARE = 0.02
# Winograd's F(6x6, 3x3) needs a fifth of a convolution's products; Strassen's and causal skips need more.
UNAVOIDABLE = 0.2
# Beyond 3x3 a convolution may go through Fourier space, where nothing is known of its products.
LARGEST_WINDOW = 9
# Where more of an operand or of a product is zero, its structure may let whole blocks be skipped.
FEW_ZEROS = 0.05
# How much faster than what was measured anything may be: reads alone outrun copies; caches hold what is
# small; and a CPU shares its memory with whoever else is running while its rates are taken.
BANDWIDTH_SLACK = {"cuda": (1.2, 3.0), "cpu": (4.0, 12.0)}
RATE_SLACK = {"cuda": 1.1, "cpu": 4.0}
LATENCY_SHARE = {"cuda": 0.25, "cpu": 0.0}


def floor(*, flops: float, dtype: str, must_read_bytes: float, write_bytes: float, rates: Ceilings) -> Floor:
    """Return the least time for `flops` of matrix products in `dtype` and for moving the bytes."""
    kind = rates.device_type
    # What is written last may still be in the cache when the clock stops.
    traffic = must_read_bytes + max(0.0, write_bytes - rates.cache_bytes)
    large, small = BANDWIDTH_SLACK[kind]
    slack = large if traffic > 2 * rates.cache_bytes else small
    # TF32 is the most that float32 could be.
    narrow = {"float16": "bfloat16", "float64": "tf32", "float32": "tf32"}.get(dtype, dtype)
    # A dtype that was not measured (an 8-bit one) does at most four times what 16 bits do.
    rate = rates.flops_per_s.get(narrow) or 4 * max(rates.flops_per_s.values())
    bounds: dict[Any, float] = {
        "memory": traffic / (slack * rates.bytes_per_s) * 1e9,
        "compute": UNAVOIDABLE * flops / (RATE_SLACK[kind] * rate) * 1e9,
        "latency": LATENCY_SHARE[kind] * rates.launch_ns,
    }
    limit = max(bounds, key=lambda name: bounds[name])
    return Floor(bound_ns=bounds[limit], limit=limit)


def floor_of(
    forward: Forward, inputs: Sequence[torch.Tensor], weights: Sequence[torch.Tensor], seed: int
) -> Floor | None:
    """Return the floor of one call of the reference; None where its work can't be told.

    Args:
        forward: calls the reference on `inputs`, from the same state and random seed every time.
        inputs: where it reads; elements are changed and restored in place.
        weights: its parameters and buffers.
        seed: of the places that are probed.
    """
    device = inputs[0].device if inputs else torch.device("cpu")
    try:
        outputs = forward()
        if any(_shares(output, [*inputs, *weights]) for output in outputs):
            return None  # a view takes no time at all
        shares = reads(forward, inputs, seed=seed)
        flops = unavoidable_flops(forward, [*inputs, *weights])
    except torch.cuda.OutOfMemoryError:
        torch.cuda.empty_cache()
        return None
    least = floor(
        flops=flops,
        dtype=_narrowest([*inputs, *weights]),
        must_read_bytes=sum(share * _bytes(tensor) for share, tensor in zip(shares, inputs, strict=True)),
        write_bytes=sum(_bytes(output) for output in outputs),
        rates=measure_ceilings(str(device)),
    )
    return least if least.bound_ns > 0 else None


def _bytes(tensor: torch.Tensor) -> int:
    return tensor.numel() * tensor.element_size()


def _shares(tensor: torch.Tensor, others: Sequence[torch.Tensor]) -> bool:
    mine = tensor.untyped_storage().data_ptr()
    return any(other.untyped_storage().data_ptr() == mine for other in others)


def _narrowest(tensors: Sequence[torch.Tensor]) -> str:
    """Return the dtype whose products are the fastest among those that come in."""
    floating = [t.dtype for t in tensors if t.is_floating_point() and t.dim() > 1]
    return str(min(floating, key=lambda dtype: dtype.itemsize, default=torch.float32)).removeprefix("torch.")


def reads(forward: Forward, inputs: Sequence[torch.Tensor], *, seed: int) -> list[float]:
    """Return, for each input, a share of its elements that any right answer depends on (95 % sure).

    Random elements are made very large and very small, one call of `forward` each; where the
    outputs change every time, almost all elements matter. Zero elements are left out: a problem's
    inputs may be zero by construction, and whoever knows that need not read them.
    """
    shares = [0.0] * len(inputs)
    start = time.monotonic()
    before = [output.clone() for output in forward()]
    if time.monotonic() - start > 2 * SLOWEST_CALL_S or not _same(forward(), before):
        return shares  # too slow to ask, or no two answers are the same
    total = sum(_bytes(tensor) for tensor in inputs)
    rng = random.Random(seed)
    for index, tensor in enumerate(inputs):
        if time.monotonic() - start > PROBING_S:
            break
        if tensor.is_floating_point() and _bytes(tensor) > SMALL_SHARE * total and tensor.is_contiguous():
            shares[index] = _share_read(forward, tensor.view(-1), before, rng)
    return shares


def _share_read(
    forward: Forward, flat: torch.Tensor, before: Sequence[torch.Tensor], rng: random.Random
) -> float:
    sampled = [rng.randrange(flat.numel()) for _ in range(min(SAMPLED, flat.numel()))]
    values = flat[torch.tensor(sampled, device=flat.device)]
    places = [place for place, is_zero in zip(sampled, (values == 0).tolist(), strict=True) if not is_zero]
    if len(places) < PROBES or not bool(torch.isfinite(values).all()):
        return 0.0
    largest = torch.finfo(flat.dtype).max / 4
    huge = min(1e3 * (1 + float(values.abs().max())), largest)
    for place in places[:PROBES]:
        if not any(_changes(forward, flat, place, value, before) for value in (huge, -huge)):
            return 0.0
    return SEEN_SHARE * len(places) / len(sampled)


def _changes(
    forward: Forward, flat: torch.Tensor, place: int, value: float, before: Sequence[torch.Tensor]
) -> bool:
    kept = flat[place].clone()
    flat[place] = value
    try:
        return not _same(forward(), before)
    finally:
        flat[place] = kept


def _same(outputs: Sequence[torch.Tensor], before: Sequence[torch.Tensor]) -> bool:
    return all(torch.equal(a, b) for a, b in zip(outputs, before, strict=True))


class _Products(TorchDispatchMode):
    """Counts the products that no algebra gets around: between things given, and as large as the answer."""

    def __init__(self, given: Sequence[torch.Tensor]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._given = {tensor.untyped_storage().data_ptr() for tensor in given if _is_full(tensor)}
        self.flops_by_elements: list[tuple[int, float]] = []

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        given = kwargs or {}
        out = func(*args, **given)
        count = flop_registry.get(func._overloadpacket)  # noqa: SLF001 - as torch's own counter does
        if count is not None and isinstance(out, torch.Tensor) and self._is_direct(args):
            self.flops_by_elements.append((out.numel(), float(count(*args, **given, out_val=out))))
        return out

    def _is_direct(self, args: Sequence[Any]) -> bool:
        """Whether operands are inputs or weights themselves, views included, and windows are small."""
        operands = [arg for arg in args if isinstance(arg, torch.Tensor) and arg.dim() > 1]
        small = all(math.prod(arg.shape[2:]) <= LARGEST_WINDOW for arg in operands[1:] if arg.dim() > 3)
        return small and all(arg.untyped_storage().data_ptr() in self._given for arg in operands)


def _is_full(tensor: torch.Tensor) -> bool:
    """Whether few elements are zero, from a sample."""
    if not tensor.numel():
        return False
    flat = tensor.detach().reshape(-1) if tensor.is_contiguous() else tensor.detach().flatten()
    return float((flat[:: max(1, flat.numel() // SAMPLED)] == 0).float().mean()) < FEW_ZEROS


def unavoidable_flops(forward: Forward, given: Sequence[torch.Tensor]) -> float:
    """Return the operations of products between `given` tensors whose result is no larger than the answer.

    A larger one may never have to be formed (a product that is summed up next); one between computed
    operands may be reassociated; one that is mostly zero may be skipped in part.
    """
    products = _Products(given)
    with products:
        outputs = forward()
    elements = sum(output.numel() for output in outputs)
    if not all(_is_full(output) for output in outputs):
        return 0.0
    return sum(flops for numel, flops in products.flops_by_elements if numel <= elements)
