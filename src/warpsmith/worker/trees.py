"""Describe nested values as trees, and put their tensors into and out of arenas.

Used by both sides of the trust line; holds no state and takes no decision.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TypeGuard

import msgspec
import torch

from warpsmith.worker.steps import MappingNode, OpaqueLeaf, ScalarLeaf, SequenceNode, TensorLeaf, Tree

# CUDA allocations are 512-byte aligned; kernels that vectorise rely on it.
ALIGNMENT_BYTES = 512
# What lies before, between and after inputs: wide enough for a vector load or a tile row gone astray.
RED_ZONE_BYTES = 4096


class TreeError(ValueError):
    """A value can't cross, or a description makes no sense."""


def dtype_name(dtype: torch.dtype) -> str:
    """Return `float32` for `torch.float32`."""
    return str(dtype).removeprefix("torch.")


def cast(tensor: torch.Tensor, device: torch.device, dtype: str | None) -> torch.Tensor:
    """Return `tensor` on `device`, in `dtype` where that is given and it holds numbers of 16 bits or more.

    Integers, bools and floats of 8 bits stay what they are: the latter are codes that belong to a scale.
    """
    is_cast = dtype is not None and tensor.is_floating_point() and tensor.element_size() > 1
    return tensor.detach().to(device=device, dtype=dtype_of(dtype) if dtype and is_cast else None)


def cast_module(module: torch.nn.Module, device: torch.device, dtype: str | None) -> None:
    """Move `module` to `device`, and `cast` every parameter and buffer, in place."""
    module.to(device=device)
    if dtype is not None:
        # `Module.to` would cast floats of 8 bits, too; this is what it is made of.
        module._apply(lambda tensor: cast(tensor, device, dtype))  # noqa: SLF001


def dtype_of(name: str) -> torch.dtype:
    """Return the dtype called `name`.

    Raises:
        TreeError: torch has none of that name.
    """
    dtype = getattr(torch, name, None)
    if not isinstance(dtype, torch.dtype):
        raise TreeError(f"torch has no dtype {name!r}")
    return dtype


def leaf_of(tensor: torch.Tensor) -> TensorLeaf:
    """Describe one tensor; its strides are kept where its memory is dense, else made contiguous."""
    plain = type(tensor) in {torch.Tensor, torch.nn.Parameter}
    strided = plain and tensor.layout == torch.strided
    dense = strided and _is_dense(tensor.shape, tensor.stride())
    stride = tuple(tensor.stride()) if dense else _contiguous_stride(tensor.shape)
    return TensorLeaf(
        dtype=dtype_name(tensor.dtype),
        shape=tuple(tensor.shape),
        stride=stride,
        device_type=tensor.device.type,
        type_name="" if strided else f"{type(tensor).__name__} ({tensor.layout})",
    )


def _is_dense(shape: Sequence[int], stride: Sequence[int]) -> bool:
    """Say whether the elements fill one span of memory, each place once, in any order of dimensions."""
    expected = 1
    for step, size in sorted((step, size) for step, size in zip(stride, shape, strict=True) if size > 1):
        if step != expected:
            return False
        expected *= size
    return True


def _contiguous_stride(shape: Sequence[int]) -> tuple[int, ...]:
    stride: list[int] = []
    step = 1
    for size in reversed(shape):
        stride.insert(0, step)
        step *= max(size, 1)
    return tuple(stride)


def describe(value: object) -> Tree:  # noqa: PLR0911 - one kind of value each
    """Return the tree of a nested value; what can't cross becomes an `OpaqueLeaf`."""
    if isinstance(value, torch.Tensor):
        return leaf_of(value)
    if value is None:
        return ScalarLeaf(kind="none", text="")
    if isinstance(value, bool):
        return ScalarLeaf(kind="bool", text=str(value))
    if isinstance(value, int):
        return ScalarLeaf(kind="int", text=str(int(value)))
    if isinstance(value, float):
        return ScalarLeaf(kind="float", text=float(value).hex())
    if isinstance(value, str):
        return ScalarLeaf(kind="str", text=str(value))
    if isinstance(value, torch.dtype):
        return ScalarLeaf(kind="dtype", text=dtype_name(value))
    if _is_mapping(value):
        return MappingNode(keys=tuple(value), items=tuple(describe(item) for item in value.values()))
    if isinstance(value, list | tuple):
        return SequenceNode(
            kind="tuple" if isinstance(value, tuple) else "list",
            items=tuple(describe(item) for item in value),
        )
    return OpaqueLeaf(type_name=type(value).__qualname__)


def _is_mapping(value: object) -> TypeGuard[Mapping[str, object]]:
    return isinstance(value, Mapping) and all(isinstance(key, str) for key in value)


def tensors_of(value: object) -> Iterator[torch.Tensor]:
    """Yield the tensors of a nested value in the order of its tree's leaves."""
    if isinstance(value, torch.Tensor):
        yield value
    elif _is_mapping(value):
        for item in value.values():
            yield from tensors_of(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from tensors_of(item)


def leaves_of(tree: Tree, path: str = "output") -> Iterator[tuple[str, Tree]]:
    """Yield (path, leaf) in order; a path reads like Python: `output[0]['mask']`."""
    if isinstance(tree, SequenceNode):
        for index, item in enumerate(tree.items):
            yield from leaves_of(item, f"{path}[{index}]")
    elif isinstance(tree, MappingNode):
        for key, item in zip(tree.keys, tree.items, strict=True):
            yield from leaves_of(item, f"{path}[{key!r}]")
    else:
        yield path, tree


def tensor_leaves(tree: Tree, path: str = "output") -> list[tuple[str, TensorLeaf]]:
    """Return (path, leaf) of the tensors alone."""
    return [(where, leaf) for where, leaf in leaves_of(tree, path) if isinstance(leaf, TensorLeaf)]


def extent_bytes(leaf: TensorLeaf) -> int:
    """Bytes that a tensor of this description spans.

    Raises:
        TreeError: the description is malformed; it may come from the untrusted side.
    """
    if len(leaf.shape) != len(leaf.stride) or min((*leaf.shape, *leaf.stride, 0)) < 0:
        raise TreeError(f"shape {leaf.shape} and stride {leaf.stride} do not describe a tensor")
    itemsize = dtype_of(leaf.dtype).itemsize
    if 0 in leaf.shape:
        return 0
    last = sum((size - 1) * step for size, step in zip(leaf.shape, leaf.stride, strict=True))
    return (last + 1) * itemsize


def offsets(leaves: Sequence[TensorLeaf], gap: int = 0) -> tuple[list[int], int]:
    """Return the offset of each leaf in an arena that holds them all, and its size in bytes.

    `gap` bytes, a multiple of the alignment, stay free before the first and after every leaf.
    """
    places: list[int] = []
    end = gap
    for leaf in leaves:
        places.append(end)
        end += -(-extent_bytes(leaf) // ALIGNMENT_BYTES) * ALIGNMENT_BYTES + gap
    return places, end


def packed(leaves: Sequence[TensorLeaf]) -> list[TensorLeaf]:
    """Return the same leaves with contiguous strides: how outputs are laid out."""
    return [msgspec.structs.replace(leaf, stride=_contiguous_stride(leaf.shape)) for leaf in leaves]


def views(
    memory: torch.Tensor, leaves: Sequence[TensorLeaf], start: int = 0, gap: int = 0
) -> list[torch.Tensor]:
    """Return tensors over `memory` (uint8, one dimension) at the leaves' offsets after `start`."""
    places, size = offsets(leaves, gap)
    if start + size > memory.numel():
        raise TreeError(f"{size} bytes do not fit an arena of {memory.numel()}")
    found = []
    for leaf, place in zip(leaves, places, strict=True):
        raw = memory[start + place : start + place + extent_bytes(leaf)]
        found.append(raw.view(dtype_of(leaf.dtype)).as_strided(leaf.shape, leaf.stride))
    return found


def rebuild(tree: Tree, tensors: Iterator[torch.Tensor]) -> object:
    """Return the nested value that `tree` describes, taking its tensors in order.

    Raises:
        TreeError: the tree holds something that can't cross.
    """
    if isinstance(tree, TensorLeaf):
        return next(tensors)
    if isinstance(tree, ScalarLeaf):
        return scalar(tree)
    if isinstance(tree, SequenceNode):
        items = [rebuild(item, tensors) for item in tree.items]
        return tuple(items) if tree.kind == "tuple" else items
    if isinstance(tree, MappingNode):
        return {key: rebuild(item, tensors) for key, item in zip(tree.keys, tree.items, strict=True)}
    raise TreeError(f"an object of class {tree.type_name} can't be handed to a candidate")


def scalar(leaf: ScalarLeaf) -> object:
    """Return the value of a scalar leaf."""
    match leaf.kind:
        case "none":
            return None
        case "bool":
            return leaf.text == "True"
        case "int":
            return int(leaf.text)
        case "float":
            return float.fromhex(leaf.text)
        case "dtype":
            return dtype_of(leaf.text)
    return leaf.text
