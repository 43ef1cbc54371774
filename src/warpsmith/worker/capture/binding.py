"""Say where each tensor of a graph comes from: a weight, an input, or a constant of the model.

Tensors are recognised by identity, so two of one shape are never confused. Knows the model and its
inputs; knows nothing of generated code.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import nn
from torch._subclasses.fake_tensor import FakeTensor

from warpsmith.worker.capture.captured import (
    Constant,
    Container,
    ContainerInput,
    FromConstant,
    FromGraph,
    FromInput,
    FromWeight,
    Input,
    Layout,
    NotStandalone,
    Output,
    Path,
    Plain,
    PlainInput,
    Source,
    TensorInput,
    Update,
    Weight,
)

# A literal of this many numbers still reads as a table; more belongs into a buffer.
MAX_CONSTANT_ELEMENTS = 4096
PLAIN = (type(None), bool, int, float, str, torch.dtype)


class Answer(NamedTuple):
    """What stands for one result of the graph, and what the result will be."""

    stand_in: torch.Tensor
    shape: tuple[int, ...]
    dtype: str


class Binding:
    """The tensors of one model and one set of inputs, by identity.

    Attributes:
        arguments: the inputs, with a tensor that stood in two places copied into the second.
        device: where the tensors are; `cuda:0` if they are in several places.
    """

    def __init__(self, model: nn.Module, inputs: Sequence[object]) -> None:
        self._weights: list[Weight] = []
        self._inputs: list[Input] = []
        self._constants: list[Constant] = []
        self._sources: dict[int, Source | FromGraph] = {}
        # Identities are only good while the objects live.
        self._alive: list[object] = [model]
        self._add_weights(model)
        self.arguments = [self._add_input(value, (index,)) for index, value in enumerate(inputs)]

    @property
    def weights(self) -> tuple[Weight, ...]:
        """All parameters and buffers."""
        return tuple(self._weights)

    @property
    def inputs(self) -> tuple[Input, ...]:
        """Everything the caller passes."""
        return tuple(self._inputs)

    @property
    def constants(self) -> tuple[Constant, ...]:
        """The constants that `source` and `output` came across."""
        return tuple(self._constants)

    @property
    def device(self) -> str:
        """Where the tensors are."""
        given = [entry.layout.device for entry in self._inputs if isinstance(entry, TensorInput)]
        given += [weight.layout.device for weight in self._weights]
        return max(given, key="cpu".__ne__, default="cpu")

    @property
    def is_pretended(self) -> bool:
        """Whether the tensors have no memory behind them."""
        return any(isinstance(value, FakeTensor) for value in self._alive)

    def _add_weights(self, model: nn.Module) -> None:
        for name, parameter in model.named_parameters(remove_duplicate=False):
            if not isinstance(parameter, nn.Parameter) or nn.parameter.is_lazy(parameter):
                raise NotStandalone(f"parameter {name!r} is not there before the first call")
            self._add_weight(model, name, parameter, kind="parameter")
        for name, buffer in model.named_buffers(remove_duplicate=False):
            self._add_weight(model, name, buffer, kind="buffer")

    def _add_weight(self, model: nn.Module, name: str, tensor: torch.Tensor, *, kind: Any) -> None:
        owner_name, _, leaf = name.rpartition(".")
        owner = model.get_submodule(owner_name)
        dense = torch.ops.aten.is_non_overlapping_and_dense(tensor)
        if not dense and kind == "buffer":
            # An expanded buffer can't be loaded in place; a plain one of the same values can.
            tensor = tensor.contiguous()
            owner._buffers[leaf] = tensor  # noqa: SLF001 - setattr would not replace a tensor under every name
        elif not dense:
            raise NotStandalone(f"parameter {name!r} does not fill its memory")
        known = self._sources.get(id(tensor))
        persistent = leaf not in owner._non_persistent_buffers_set  # noqa: SLF001 - torch has no other way
        small = tensor.numel() <= MAX_CONSTANT_ELEMENTS and not isinstance(tensor, FakeTensor)
        self._weights.append(
            Weight(
                name=name,
                layout=layout_of(tensor, name),
                kind=kind,
                persistent=persistent,
                same_as=known.name if isinstance(known, FromWeight) else None,
                values=_literals(tensor.flatten()) if small and not persistent else None,
            )
        )
        self._remember(tensor, FromWeight(name=name))

    def _remember(self, tensor: torch.Tensor, source: Source) -> None:
        self._sources.setdefault(id(tensor), source)
        self._alive.append(tensor)

    def _add_input(self, value: object, path: Path) -> object:
        if isinstance(value, torch.Tensor):
            tensor = value.clone() if id(value) in self._sources else value
            self._inputs.append(TensorInput(path=path, layout=layout_of(tensor, f"input {_place(path)}")))
            self._remember(tensor, FromInput(path=path))
            return tensor
        if type(value) in {list, tuple, dict}:
            return self._add_container(value, path)
        if type(value) not in PLAIN:
            raise NotStandalone(f"input {_place(path)} is a {type(value).__name__}")
        self._inputs.append(PlainInput(path=path, text=_plain(value)))
        return value

    def _add_container(self, value: Any, path: Path) -> object:
        self._inputs.append(ContainerInput(path=path, length=len(value)))
        if type(value) is dict:
            keys = [_key(key) for key in value]  # refuses what is no literal
            return {key: self._add_input(item, (*path, key)) for key, item in value.items() if keys}
        return type(value)(self._add_input(item, (*path, index)) for index, item in enumerate(value))

    def source(self, node: torch.fx.Node, example: object) -> Source:
        """Say where the tensor of one placeholder comes from.

        Raises:
            NotStandalone: it is made from an input on the way, or is a constant that is too large.
        """
        argument = node.meta.get("grapharg")
        tensor = getattr(argument, "example", example)
        if not isinstance(tensor, torch.Tensor):
            raise NotStandalone(f"{node.name!r} is a {type(tensor).__name__} that may vary from call to call")
        known = self._sources.get(id(tensor))
        if known is not None and not isinstance(known, FromGraph):
            return known
        origin: Any = getattr(argument, "source", None)
        while hasattr(origin, "base"):
            origin = origin.base
        if getattr(origin, "local_name", None) == "inputs" or origin is None:
            raise NotStandalone(f"{node.name!r} is made from an input before the graph begins")
        return self._new_constant(tensor)

    def _new_constant(self, tensor: torch.Tensor) -> FromConstant:
        name = f"CONSTANT_{len(self._constants)}"
        self._constants.append(self.constant(name, tensor))
        self._remember(tensor, FromConstant(name=name))
        return FromConstant(name=name)

    def constant(self, name: str, tensor: torch.Tensor) -> Constant:
        """Write a tensor down with its values.

        Raises:
            NotStandalone: it is too large, or of a dtype without literals.
        """
        if tensor.numel() > MAX_CONSTANT_ELEMENTS:
            size = tensor.numel()
            raise NotStandalone(f"a tensor of {size} elements is neither parameter, buffer nor input")
        if isinstance(tensor, FakeTensor) or tensor.is_complex() or tensor.is_quantized:
            raise NotStandalone(f"a constant tensor of dtype {tensor.dtype} can't be written as text")
        return Constant(name=name, layout=layout_of(tensor, "a constant"), values=_literals(tensor.flatten()))

    def expect(self, answers: Sequence[Answer]) -> None:
        """Know these tensors as results of the graph."""
        for index, answer in enumerate(answers):
            self._sources[id(answer.stand_in)] = FromGraph(index=index)
            self._alive.append(answer.stand_in)

    def output(self, value: object) -> Output:
        """Describe how the model's output is built.

        Raises:
            NotStandalone: a part is neither tensor, container nor plain value.
        """
        if isinstance(value, torch.Tensor):
            known = self._sources.get(id(value))
            return known if known is not None else self._new_constant(value)
        if type(value) is dict:
            keys = tuple(map(_key, value))
            return Container(kind="dict", keys=keys, items=tuple(map(self.output, value.values())))
        if isinstance(value, list | tuple) and type(value).__module__ in {"builtins", "torch.return_types"}:
            kind = f"{type(value).__module__}.{type(value).__name__}".removeprefix("builtins.")
            return Container(kind=kind, keys=(), items=tuple(map(self.output, value)))
        if type(value) in PLAIN:
            return Plain(text=_plain(value))
        raise NotStandalone(f"the output holds a {type(value).__name__}")

    def updates(self, model: nn.Module, answers: Sequence[Answer], output: Output) -> tuple[Update, ...]:
        """Say which buffers of `model` were set to results of the graph.

        Raises:
            NotStandalone: a result went elsewhere than into the output or into a buffer of the same layout.
        """
        layouts = {weight.name: weight.layout for weight in self._weights}
        index_of = {id(answer.stand_in): index for index, answer in enumerate(answers)}
        found = []
        for name, buffer in model.named_buffers(remove_duplicate=False):
            index = index_of.get(id(buffer))
            if index is not None:
                answer, layout = answers[index], layouts[name]
                if answer.shape != layout.shape or answer.dtype != layout.dtype:
                    raise NotStandalone(f"the model gives its buffer {name!r} another shape or dtype")
                found.append(Update(name=name, index=index))
        left = set(range(len(answers))) - _indices(output) - {update.index for update in found}
        if left:
            raise NotStandalone("the model keeps tensors on itself while it runs")
        return tuple(found)


def _indices(output: Output) -> set[int]:
    if isinstance(output, Container):
        return set().union(*map(_indices, output.items))
    return {output.index} if isinstance(output, FromGraph) else set()


def _key(key: object) -> str:
    if type(key) not in {int, str}:
        raise NotStandalone(f"the output has a dict with a {type(key).__name__} as key")
    return repr(key)


def _plain(value: object) -> str:
    """Return a Python literal; infinities and NaN need a call."""
    text = repr(value)
    return f'float("{text}")' if isinstance(value, float) and text in {"inf", "-inf", "nan"} else text


def _literals(flat: torch.Tensor) -> tuple[str, ...]:
    """Return the shortest literals that give the tensor's values back exactly."""
    if not flat.is_floating_point():
        return tuple(map(repr, flat.tolist()))
    wide = flat.double().nan_to_num(0.0)
    for digits in (3, 6, 9, 17):
        texts = [f"{value:.{digits}g}" for value in wide.tolist()]
        back = torch.tensor([float(text) for text in texts], dtype=torch.float64).to(flat.dtype)
        if torch.equal(back, wide.to("cpu", flat.dtype)):
            break
    values = zip(flat.double().tolist(), texts, strict=True)
    return tuple(text if math.isfinite(value) else _plain(value) for value, text in values)


def _place(path: Path) -> str:
    position, *inside = path
    return f"{position}" + "".join(f"[{key!r}]" for key in inside)


def layout_of(tensor: torch.Tensor, name: str) -> Layout:
    """Describe a tensor.

    Raises:
        NotStandalone: it is sparse or otherwise without strides.
    """
    if tensor.layout != torch.strided:
        raise NotStandalone(f"{name} is {tensor.layout}")
    return Layout(
        shape=tuple(tensor.shape),
        stride=tuple(tensor.stride()),
        dtype=str(tensor.dtype).removeprefix("torch."),
        device=str(tensor.device),
    )
