"""The form a call's outputs are to have, and what the memory they will lie in holds before.

Used on both sides of the trust line, so that candidate, control and baselines are called alike.
"""

from __future__ import annotations

from typing import Any

import torch

from warpsmith.worker.steps import MappingNode, SequenceNode, TensorLeaf, Tree
from warpsmith.worker.trees import dtype_of, rebuild, tensor_leaves

POISON_BYTE = 0xFF  # NaN in every IEEE format, -1 in every integer one


def empty_outputs(layout: Tree, device: torch.device) -> list[torch.Tensor]:
    """Return uninitialised tensors of the form of `layout`'s, in its order."""
    return [
        torch.empty_strided(leaf.shape, leaf.stride, dtype=dtype_of(leaf.dtype), device=device)
        for _, leaf in tensor_leaves(layout)
    ]


def poison_free_memory(layout: Tree, device: torch.device) -> None:
    """Leave NaN in the blocks that the allocator will hand to outputs of this form.

    Whoever returns memory that it never wrote returns NaN, and not what another call left there.
    """
    for tensor in empty_outputs(layout, device):
        as_bytes(tensor).fill_(POISON_BYTE)


def as_bytes(tensor: torch.Tensor) -> torch.Tensor:
    """Return the memory behind `tensor`, uint8, one dimension."""
    return torch.empty(0, dtype=torch.uint8, device=tensor.device).set_(tensor.untyped_storage())


def settled(output: Any, layout: Tree | None) -> Any:
    """Return `output` with the strides of `layout` where shapes agree.

    A caller of the reference gets these strides, so bringing them about belongs to the call; and
    what is written out afterwards then costs a candidate and a control the same.
    """
    if isinstance(layout, TensorLeaf) and type(output) is torch.Tensor:
        return _settled_tensor(output, layout)
    if (
        isinstance(layout, SequenceNode)
        and type(output) in {list, tuple}
        and len(output) == len(layout.items)
    ):
        made = [settled(item, part) for item, part in zip(output, layout.items, strict=True)]
        return type(output)(made)
    if isinstance(layout, MappingNode) and type(output) is dict and tuple(output) == layout.keys:
        return {key: settled(output[key], part) for key, part in zip(layout.keys, layout.items, strict=True)}
    return output


def _settled_tensor(output: torch.Tensor, leaf: TensorLeaf) -> torch.Tensor:
    if output.layout != torch.strided or tuple(output.shape) != leaf.shape or _same_strides(output, leaf):
        return output
    made = torch.empty_strided(leaf.shape, leaf.stride, dtype=output.dtype, device=output.device)
    return made.copy_(output)


def _same_strides(output: torch.Tensor, leaf: TensorLeaf) -> bool:
    """Whether strides agree, dimensions of one element aside."""
    return all(
        size <= 1 or ours == theirs
        for size, ours, theirs in zip(output.shape, output.stride(), leaf.stride, strict=True)
    )


# Of a GPU's clock, about.
CYCLES_PER_NS = 1.7


class Control:
    """What stands where a candidate's module would: it returns outputs and computes nothing.

    Its calls tell how long the way there and back takes.
    """

    def __init__(self) -> None:
        self._layout: Tree | None = None
        self._outputs: Any = None
        self.state = torch.nn.Module()
        self._idle_cycles = 0

    def pose(self, layout: Tree, device: torch.device, idle_ns: int = 0) -> None:
        """Have outputs of this form ready, and keep a GPU busy for about `idle_ns` in every call.

        Who waits longer wakes up later; a control whose calls took no time would not know.
        """
        self._idle_cycles = round(idle_ns * CYCLES_PER_NS) if device.type == "cuda" else 0
        if layout != self._layout:
            tensors = empty_outputs(layout, device)
            for tensor in tensors:
                as_bytes(tensor).fill_(0)
            self._layout, self._outputs = layout, rebuild(layout, iter(tensors))

    def forget(self) -> None:
        """Let go of the outputs."""
        self._layout = self._outputs = None
        self.state = torch.nn.Module()

    def hold(self, state: dict[str, TensorLeaf], device: torch.device) -> None:
        """Have a module with buffers of this form, to be exported with the outputs."""
        for name, leaf in state.items():
            *path, last = name.split(".")
            owner = self.state
            for part in path:
                if part not in dict(owner.named_children()):
                    owner.add_module(part, torch.nn.Module())
                owner = owner.get_submodule(part)
            owner.register_buffer(last, torch.zeros(leaf.shape, dtype=dtype_of(leaf.dtype), device=device))

    def __call__(self, *_: object, **__: object) -> Any:
        if self._idle_cycles:
            torch.cuda._sleep(self._idle_cycles)  # noqa: SLF001 - the only spin kernel that torch brings
        return self._outputs
