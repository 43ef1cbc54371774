"""Count what one call of a reference asks of a device: products by dtype, and bytes that go in and out.

On the reference side. Bytes are of what the call is given and gives back, each once; what it keeps
between its operators costs nothing, since a fused kernel keeps it on the chip. Of a tensor that is
only looked up in (an embedding, a cache by pages), what was looked up counts.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import flop_registry, sdpa_flop_count

from warpsmith.core.roofline import Work

Forward = Callable[[], Sequence[torch.Tensor]]

aten = torch.ops.aten
# Read as many elements of their first operand as they return.
_LOOK_UPS = {aten.embedding, aten.gather, aten.index, aten.index_select, aten.take}
# Read a row of their first operand for each element of the second.
_BAGS = {aten._embedding_bag, aten._embedding_bag_forward_only}  # noqa: SLF001 - what embedding_bag is
# Write what they are given last into some places of their first operand, without reading the others.
_SCATTERS = {
    aten.index_add_,
    aten.index_copy_,
    aten.index_put_,
    aten.scatter_,
    aten.scatter_add_,
    aten.scatter_reduce_,
}
# Write all of their first operand and read none of it.
_OVERWRITES = {aten.copy_, aten.fill_, aten.zero_}
# Take or give memory, and move none.
_IDLE = {aten.empty_like, aten.new_empty, aten.new_zeros, aten.zeros_like, aten.ones_like, aten.full_like}
# What torch's own registry leaves out: attention on a CPU.
_ATTENTION = getattr(aten, "_scaled_dot_product_flash_attention_for_cpu", None)


class _Meter(TorchDispatchMode):
    """Adds up what happens to the memory of given tensors, and every product.

    Attributes:
        read_bytes: by where the storage of a given tensor begins.
        written_bytes: the same.
        flops: by dtype.
    """

    def __init__(self, given: Sequence[torch.Tensor]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.size_bytes: dict[int, int] = defaultdict(int)
        for tensor in given:
            self.size_bytes[_place(tensor)] = max(self.size_bytes[_place(tensor)], _held_bytes(tensor))
        self.read_bytes: dict[int, float] = defaultdict(float)
        self.written_bytes: dict[int, float] = defaultdict(float)
        self.flops: dict[str, float] = defaultdict(float)
        self._narrowest = _narrowest(given)

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        named = kwargs or {}
        out = func(*args, **named)
        packet = func._overloadpacket  # noqa: SLF001 - as torch's own counter does
        self._count_products(packet, args, named, out)
        if not func.is_view and packet not in _IDLE:
            self._count_bytes(func, packet, args, named, out)
        return out

    def _count_products(self, packet: Any, args: Any, named: Any, out: Any) -> None:
        if packet is aten._int_mm:  # noqa: SLF001 - torch's only 8-bit product of integers
            self.flops["int8"] += 2.0 * math.prod(args[0].shape) * args[1].shape[1]
            return
        if packet is _ATTENTION:
            flops = float(sdpa_flop_count(*(each.shape for each in args[:3])))
        elif packet in flop_registry:
            flops = float(flop_registry[packet](*args, **named, out_val=out))
        else:
            return
        operand = next((each for each in tree_leaves(args) if isinstance(each, torch.Tensor)), None)
        dtypes = [] if operand is None else [operand.dtype]
        dtypes += [] if self._narrowest is None else [self._narrowest]
        dtype = min(dtypes, key=lambda each: each.itemsize, default=torch.float32)
        self.flops[str(dtype).removeprefix("torch.")] += flops

    def _count_bytes(self, func: Any, packet: Any, args: Any, named: Any, out: Any) -> None:
        written = {id(tensor) for tensor in _written(func, args, named)}
        operands = [each for each in tree_leaves((args, named)) if isinstance(each, torch.Tensor)]
        for position, tensor in enumerate(operands):
            place = _place(tensor)
            if place not in self.size_bytes:
                continue
            is_written = id(tensor) in written
            if is_written:
                scattered = packet in _SCATTERS and _scattered_bytes(tensor, operands[-1])
                self.written_bytes[place] += scattered or _bytes(tensor)
            if position == 0 and packet in _LOOK_UPS and isinstance(out, torch.Tensor):
                self.read_bytes[place] += min(_bytes(tensor), out.numel() * tensor.element_size())
            elif position == 0 and packet in _BAGS:
                self.read_bytes[place] += operands[1].numel() * tensor.shape[1] * tensor.element_size()
            elif not (is_written and packet in _OVERWRITES | _SCATTERS):
                self.read_bytes[place] += _bytes(tensor)


def work_of(forward: Forward, given: Sequence[torch.Tensor]) -> Work:
    """Return what one call of `forward` asks, which reads and may change `given`."""
    meter = _Meter(given)
    with torch.no_grad(), meter:
        outputs = forward()
    moved = 0.0
    for place, size in meter.size_bytes.items():
        moved += min(size, meter.read_bytes[place]) + min(size, meter.written_bytes[place])
    fresh = {_place(output): _held_bytes(output) for output in outputs}
    moved += sum(size for place, size in fresh.items() if place not in meter.size_bytes)
    return Work(flops=dict(meter.flops), traffic_bytes=moved)


def _place(tensor: torch.Tensor) -> int:
    return tensor.untyped_storage().data_ptr()


def _held_bytes(tensor: torch.Tensor) -> int:
    """Return the bytes that hold the tensor's elements, however often it repeats them."""
    return min(_bytes(tensor), tensor.untyped_storage().nbytes())


def _bytes(tensor: torch.Tensor) -> int:
    distinct = (
        size for size, stride in zip(tensor.shape, tensor.stride(), strict=True) if stride or size <= 1
    )
    return math.prod(distinct) * tensor.element_size()


def _scattered_bytes(target: torch.Tensor, values: torch.Tensor) -> int:
    return min(_bytes(target), values.numel() * target.element_size())


def _written(func: Any, args: Any, named: Any) -> Iterator[torch.Tensor]:
    """Yield the tensors that an operator changes in place."""
    for position, argument in enumerate(func._schema.arguments):  # noqa: SLF001 - where torch says it
        if argument.alias_info is None or not argument.alias_info.is_write:
            continue
        value = args[position] if position < len(args) else named.get(argument.name)
        yield from (each for each in tree_leaves(value) if isinstance(each, torch.Tensor))


def _narrowest(given: Sequence[torch.Tensor]) -> torch.dtype | None:
    """Return the narrowest dtype of the matrices that come in, in which products could be made."""
    matrices = [tensor for tensor in given if tensor.dim() >= 2]
    floats = [tensor.dtype for tensor in matrices if tensor.is_floating_point()]
    whole = [tensor.dtype for tensor in matrices if tensor.dtype == torch.int8]
    if len(whole) >= 2:
        return torch.int8
    return min(floats, key=lambda dtype: dtype.itemsize, default=None)
