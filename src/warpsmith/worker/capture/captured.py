"""What one capture holds: the generated module's text and every fact needed to run it elsewhere.

Plain data without a tensor or a live kernel in it, so that a file can be written from it in any
process. How the facts were found is `capture.py`'s matter, how they are written `standalone.py`'s.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

import msgspec


class NotStandalone(Exception):
    """This model's generated code can't be written as a file of its own; the message says why."""


class Layout(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Shape, stride and kind of one tensor.

    Attributes:
        dtype: torch's name for it: `float32`.
        device: torch's name for it: `cpu`, `cuda:0`.
    """

    shape: tuple[int, ...]
    stride: tuple[int, ...]
    dtype: str
    device: str


class Weight(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A parameter or buffer of the model, by its dotted name.

    Attributes:
        same_as: the name under which the same tensor stood before; None for the first or only one.
        persistent: whether it is part of the model's state dict.
        values: Python literals in row-major order of what no state dict would bring; None when one does,
            or when there are too many to write down.
    """

    name: str
    layout: Layout
    kind: Literal["parameter", "buffer"]
    persistent: bool
    same_as: str | None
    values: tuple[str, ...] | None


class Constant(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A small tensor that is neither input nor weight, with its values in row-major order.

    Attributes:
        values: Python literals, so that infinities and NaN keep apart from numbers.
    """

    name: str
    layout: Layout
    values: tuple[str, ...]


# A place in the inputs: the position of the argument, then keys and indices inside it.
Path: TypeAlias = tuple[int | str, ...]


class FromWeight(msgspec.Struct, frozen=True, kw_only=True, tag="weight", forbid_unknown_fields=True):
    """A tensor that is the model's parameter or buffer."""

    name: str


class FromInput(msgspec.Struct, frozen=True, kw_only=True, tag="input", forbid_unknown_fields=True):
    """A tensor of the inputs."""

    path: Path


class FromConstant(msgspec.Struct, frozen=True, kw_only=True, tag="constant", forbid_unknown_fields=True):
    """A tensor that is written into the file."""

    name: str


class FromGraph(msgspec.Struct, frozen=True, kw_only=True, tag="graph", forbid_unknown_fields=True):
    """One of the results that the generated code returns."""

    index: int


class Plain(msgspec.Struct, frozen=True, kw_only=True, tag="plain", forbid_unknown_fields=True):
    """A value that is no tensor, as a Python literal."""

    text: str


class Container(msgspec.Struct, frozen=True, kw_only=True, tag="container", forbid_unknown_fields=True):
    """A list, tuple or dict.

    Attributes:
        kind: `list`, `tuple`, `dict`, or torch's own kind of tuple: `torch.return_types.max`.
        keys: Python literals; empty unless it is a dict.
    """

    kind: str
    keys: tuple[str, ...]
    items: tuple[Output, ...]


Source: TypeAlias = FromWeight | FromInput | FromConstant
Output: TypeAlias = FromWeight | FromInput | FromConstant | FromGraph | Plain | Container


class Update(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A buffer that the model sets anew on every call.

    Attributes:
        index: which result of the generated code it gets.
    """

    name: str
    index: int


class TensorInput(msgspec.Struct, frozen=True, kw_only=True, tag="tensor", forbid_unknown_fields=True):
    """A tensor that the caller passes."""

    path: Path
    layout: Layout


class PlainInput(msgspec.Struct, frozen=True, kw_only=True, tag="plain", forbid_unknown_fields=True):
    """A value that the caller passes and the generated code has built in, as a Python literal."""

    path: Path
    text: str


class ContainerInput(msgspec.Struct, frozen=True, kw_only=True, tag="container", forbid_unknown_fields=True):
    """A list, tuple or dict that the caller passes; what it holds follows as inputs of its own."""

    path: Path
    length: int


Input: TypeAlias = TensorInput | PlainInput | ContainerInput


class Launch(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a Triton kernel is launched on the device it was tuned for.

    Attributes:
        parameters: the kernel's parameters that are passed by position, in order.
        grid_only: values that the call passes after those, which only size the grid.
        prefix: Python statements that the grid's expressions need.
        grid: expressions for the three grid axes over `parameters` and `grid_only`.
        constants: compile-time parameters and launch options by name, as chosen by the autotuner.
    """

    parameters: tuple[str, ...]
    grid_only: tuple[str, ...]
    prefix: tuple[str, ...]
    grid: tuple[str, str, str]
    constants: dict[str, int | bool | float | str]


class Extern(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a name of Inductor's `extern_kernels` stands for.

    Attributes:
        expression: how to reach the function in plain torch.
        definition: source of a helper that has to come along; empty when torch has it.
    """

    expression: str
    definition: str


class Toolchain(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How Inductor compiles its C++ on this machine.

    Attributes:
        flags: what matters for speed and results, in order; no paths.
        capability: the vector instructions the text is written for, in torch's words; empty when none.
    """

    flags: tuple[str, ...]
    capability: str


class Captured(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One model, compiled for one set of inputs.

    Attributes:
        generated: text of the module that Inductor wrote.
        torch_version: the torch that wrote it.
        device: where the inputs and weights were.
        threads: threads that its C++ kernels run on.
        parameters: names of the arguments of the model's `forward`, one for each input.
        inputs: what the caller passes, outer values before what they hold.
        weights: all parameters and buffers of the model, used or not.
        constants: tensors that have to be written into the file.
        arguments: what to pass to the generated code, in its order.
        output: how the model's output is built from what the generated code returns.
        updates: the buffers to set after each call.
        launches: by the name of the Triton kernel.
        externs: by the name in `extern_kernels`.
        toolchain: None when there is no C++ kernel.
    """

    generated: str
    torch_version: str
    device: str
    threads: int
    parameters: tuple[str, ...]
    inputs: tuple[Input, ...]
    weights: tuple[Weight, ...]
    constants: tuple[Constant, ...]
    arguments: tuple[Source, ...]
    output: Output
    updates: tuple[Update, ...]
    launches: dict[str, Launch]
    externs: dict[str, Extern]
    toolchain: Toolchain | None
