"""Mutants: answers of somebody who does not do the work, which no sound problem accepts.

Each is a function of one scene, and says so where it does not apply. They stand for candidates:
what judges them is what judges a candidate's outputs.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, TypeAlias

import torch

from warpsmith.worker.draws import Expected
from warpsmith.worker.families import is_free
from warpsmith.worker.oracle import LOWER
from warpsmith.worker.trees import tensors_of

# Of a problem's work, what a lazy kernel leaves out.
LEFT_OUT = 8

Change: TypeAlias = Callable[[torch.Tensor], torch.Tensor]


class Scene(NamedTuple):
    """One call that a candidate would be asked to make.

    Attributes:
        expected: what is right.
        other: what would be right for other inputs, in this form.
        average: the mean of what is right for several inputs, floating outputs only.
        recomputed: runs the reference on this call's inputs, each of them, and the weights, changed.
    """

    expected: Expected
    other: list[torch.Tensor]
    average: list[torch.Tensor]
    recomputed: Callable[[Change, bool], list[torch.Tensor]]

    @property
    def right(self) -> list[torch.Tensor]:
        """The right outputs."""
        return list(tensors_of(self.expected.values))

    @property
    def inputs(self) -> list[torch.Tensor]:
        """The inputs."""
        return list(tensors_of(self.expected.inputs))


Mutant: TypeAlias = Callable[[Scene], "list[torch.Tensor] | str"]


def _zeros(scene: Scene) -> list[torch.Tensor] | str:
    return [torch.zeros_like(t) for t in scene.right]


def _ones(scene: Scene) -> list[torch.Tensor] | str:
    return [torch.ones_like(t) for t in scene.right]


def _constant(scene: Scene) -> list[torch.Tensor] | str:
    """Return the best constant there is, output by output: its mean."""
    made = []
    for tensor in scene.right:
        real = tensor.abs() if tensor.is_complex() else tensor
        mean = float(real.double().mean()) if real.numel() else 0.0
        made.append(torch.full_like(real, mean, dtype=torch.float64).to(tensor.dtype))
    return made


def _identity(scene: Scene) -> list[torch.Tensor] | str:
    like = {(tuple(t.shape), t.dtype): t for t in reversed(scene.inputs)}
    made = [like.get((tuple(t.shape), t.dtype)) for t in scene.right]
    if all(tensor is None for tensor in made):
        return "no input has an output's form"
    return [
        torch.zeros_like(ours) if theirs is None else theirs
        for theirs, ours in zip(made, scene.right, strict=True)
    ]


def _template(scene: Scene) -> list[torch.Tensor] | str:
    return scene.other


def _input_independent(scene: Scene) -> list[torch.Tensor] | str:
    if not scene.average:
        return "no output is floating"
    return scene.average


def _partial(scene: Scene) -> list[torch.Tensor] | str:
    """Leave the last eighth of every output as it was for other inputs."""
    if all(t.numel() < LEFT_OUT for t in scene.right):
        return "the outputs are too small to leave a part out"
    made = []
    for right, other in zip(scene.right, scene.other, strict=True):
        flat = right.contiguous().reshape(-1).clone()
        start = flat.numel() - flat.numel() // LEFT_OUT
        flat[start:] = other.contiguous().reshape(-1)[start:]
        made.append(flat.reshape(right.shape))
    return made


def _partial_input(scene: Scene) -> list[torch.Tensor] | str:
    """Look at seven eighths of every input, along its last dimension, as if the rest were zero."""
    if not any(is_free(t) and t.shape[-1] >= LEFT_OUT for t in scene.inputs):
        return "no input is wide enough to leave a part out"

    def shortened(tensor: torch.Tensor) -> torch.Tensor:
        if not is_free(tensor) or tensor.shape[-1] < LEFT_OUT:
            return tensor
        made = tensor.clone()
        made[..., made.shape[-1] - made.shape[-1] // LEFT_OUT :] = 0
        return made

    return scene.recomputed(shortened, False)  # noqa: FBT003 - the weights stay


def _low_precision(scene: Scene) -> list[torch.Tensor] | str:
    """Round every number that goes in to the next lower precision."""
    lower = next((LOWER[t.dtype] for t in scene.right if t.dtype in LOWER), None)
    if lower is None:
        return "no output is of a dtype with a lower one that is fast"

    def rounded(tensor: torch.Tensor) -> torch.Tensor:
        return lower(tensor) if tensor.dtype in LOWER and tensor.numel() else tensor

    return scene.recomputed(rounded, True)  # noqa: FBT003 - the weights, too


# A mutant is one function and one line here.
MUTANTS: dict[str, Mutant] = {
    "zeros": _zeros,
    "ones": _ones,
    "constant": _constant,
    "identity": _identity,
    "template": _template,
    "input_independent": _input_independent,
    "partial": _partial,
    "partial_input": _partial_input,
    "low_precision": _low_precision,
}

# What a finding says of one that lives.
WORDS = {
    "zeros": "zeros",
    "ones": "ones",
    "constant": "a constant (the mean)",
    "identity": "an input unchanged",
    "template": "the answer to other inputs",
    "input_independent": "the average answer, whatever the inputs",
    "partial": "an output of which the last eighth was not computed",
    "partial_input": "an answer that leaves the last eighth of every row of the inputs out",
    "low_precision": "an answer computed from numbers of the next lower precision",
}
