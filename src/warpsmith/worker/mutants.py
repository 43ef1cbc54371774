"""Mutants: answers of somebody who does not do the work, which no sound problem accepts.

Each is a function of one scene. It returns one answer, or several in a fixed order where a lazy
kernel has a choice, or says why it does not apply. They stand for candidates: what judges them is
what judges a candidate's outputs.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple, TypeAlias

import torch
from torch.utils._python_dispatch import TorchDispatchMode

from warpsmith.worker.draws import Expected
from warpsmith.worker.families import is_free
from warpsmith.worker.oracle import LOWER, MATRIX_PRODUCTS, to_float8
from warpsmith.worker.trees import tensors_of

# Of a problem's work, what a lazy kernel leaves out.
LEFT_OUT = 8

Answer: TypeAlias = list[torch.Tensor]
Change: TypeAlias = Callable[[torch.Tensor], torch.Tensor]


class Scene(NamedTuple):
    """One call that a candidate would be asked to make.

    Attributes:
        expected: what is right.
        other: what would be right for other inputs; empty where that has another form.
        average: the mean of what is right for several inputs, as far as it is floating; empty likewise.
        recomputed: runs the reference with every input changed, and the weights if told to; why not,
            where the reference refuses.
        rerun: runs the reference as it is, under a dispatch mode.
    """

    expected: Expected
    other: Answer
    average: Answer
    recomputed: Callable[[Change, bool], Answer | str]
    rerun: Callable[[contextlib.AbstractContextManager[Any]], Answer | str]

    @property
    def right(self) -> Answer:
        """The right outputs."""
        return list(tensors_of(self.expected.values))

    @property
    def inputs(self) -> list[torch.Tensor]:
        """The inputs."""
        return list(tensors_of(self.expected.inputs))


Mutant: TypeAlias = Callable[[Scene], "Iterable[Answer] | str"]
OTHER_FORM = "the output has another form for other inputs"


def _one(made: Answer | str) -> Iterable[Answer] | str:
    return made if isinstance(made, str) else [made]


def _zeros(scene: Scene) -> Iterable[Answer] | str:
    return [[torch.zeros_like(t) for t in scene.right]]


def _ones(scene: Scene) -> Iterable[Answer] | str:
    return [[torch.ones_like(t) for t in scene.right]]


def _constant(scene: Scene) -> Iterable[Answer] | str:
    """Return the best constant there is, output by output: its mean."""
    made = []
    for tensor in scene.right:
        wide = tensor.to(torch.complex128 if tensor.is_complex() else torch.float64)
        mean = wide.mean() if wide.numel() else wide.sum()
        made.append(mean.expand(tensor.shape).to(tensor.dtype).clone())
    return [made]


def _identity(scene: Scene) -> Iterable[Answer] | str:
    """Return an input of each output's form; of several, each in turn."""
    inputs = scene.inputs
    like = [[i for i in inputs if (i.shape, i.dtype) == (t.shape, t.dtype)] for t in scene.right]
    if not any(like):
        return "no input has an output's form"
    return (
        [
            alike[min(turn, len(alike) - 1)] if alike else torch.zeros_like(right)
            for alike, right in zip(like, scene.right, strict=True)
        ]
        for turn in range(max(map(len, like)))
    )


def _template(scene: Scene) -> Iterable[Answer] | str:
    return [scene.other] if scene.other else OTHER_FORM


def _input_independent(scene: Scene) -> Iterable[Answer] | str:
    if not scene.average:
        return OTHER_FORM
    if not any(t.is_floating_point() or t.is_complex() for t in scene.average):
        return "no output is floating"
    return [scene.average]


def _partial(scene: Scene) -> Iterable[Answer] | str:
    """Leave the last eighth of every output, or of its rows, as it was for other inputs or as zeros."""
    if all(t.numel() < LEFT_OUT for t in scene.right):
        return "the outputs are too small to leave a part out"
    fills = [[torch.zeros_like(t) for t in scene.right]] + ([scene.other] if scene.other else [])
    tails = [_tail]
    if any(t.dim() > 1 and t.shape[-1] >= LEFT_OUT for t in scene.right):
        tails.append(_tail_of_rows)
    return (
        [tail(right, left) for right, left in zip(scene.right, fill, strict=True)]
        for fill in fills
        for tail in tails
    )


def _tail(right: torch.Tensor, left: torch.Tensor) -> torch.Tensor:
    made = right.contiguous().reshape(-1).clone()
    start = made.numel() - made.numel() // LEFT_OUT
    made[start:] = left.contiguous().reshape(-1)[start:]
    return made.reshape(right.shape)


def _tail_of_rows(right: torch.Tensor, left: torch.Tensor) -> torch.Tensor:
    if right.dim() < 2 or right.shape[-1] < LEFT_OUT:
        return _tail(right, left)
    made = right.clone()
    start = made.shape[-1] - made.shape[-1] // LEFT_OUT
    made[..., start:] = left[..., start:]
    return made


def _partial_input(scene: Scene) -> Iterable[Answer] | str:
    """Look at seven eighths of every input, along its last dimension, as if the rest were zero."""
    if not any(is_free(t) and t.shape[-1] >= LEFT_OUT for t in scene.inputs):
        return "no input is wide enough to leave a part out"

    def shortened(tensor: torch.Tensor) -> torch.Tensor:
        if not is_free(tensor) or tensor.shape[-1] < LEFT_OUT:
            return tensor
        made = tensor.clone()
        made[..., made.shape[-1] - made.shape[-1] // LEFT_OUT :] = 0
        return made

    return _one(scene.recomputed(shortened, False))  # noqa: FBT003 - the weights stay


class _Lower:
    """Rounds numbers to the precision below their own and below the outputs'.

    TF32 loses nothing of bfloat16 inputs, and nothing that a float16 output could show: who computes
    so is right, and no mutant.

    Attributes:
        applies: whether the outputs have a precision that one is below.
        lost: whether any number has become another.
    """

    def __init__(self, outputs: Sequence[torch.Tensor]) -> None:
        self.lost = False
        lowest = [LOWER[t.dtype] for t in outputs if t.dtype in LOWER]
        self.applies = bool(lowest)
        # Where one output is precise, what goes in need not be coarser than itself to be seen.
        self._coarse = to_float8 if lowest and set(lowest) == {to_float8} else None

    def __call__(self, tensor: torch.Tensor) -> torch.Tensor:
        if tensor.dtype not in LOWER or not tensor.numel():
            return tensor
        lower = self._coarse or LOWER[tensor.dtype]
        if tensor.is_complex():
            parts = torch.view_as_real(tensor.resolve_conj()).contiguous()
            made = torch.view_as_complex(lower(parts))
        else:
            made = lower(tensor)
        self.lost = self.lost or not torch.equal(made, tensor)
        return made


class _Lowered(TorchDispatchMode):
    """Rounds the factors of matrix products and convolutions, as tensor cores at a lower setting do."""

    def __init__(self, lower: Change) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.products = 0
        self._lower = lower

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        if func.overloadpacket.__name__ in MATRIX_PRODUCTS | _MORE_PRODUCTS:
            self.products += 1
            args = tuple(self._factor(arg) for arg in args)
        return func(*args, **(kwargs or {}))

    def _factor(self, arg: Any) -> Any:
        return self._lower(arg) if isinstance(arg, torch.Tensor) and arg.dim() > 1 else arg


# What attention runs as at a declared precision, and in float64 does not.
_MORE_PRODUCTS = {"_scaled_dot_product_cudnn_attention"}
_NO_LOWER = "no output is of a dtype with a lower one that is fast"


def _low_precision(scene: Scene) -> Iterable[Answer] | str:
    """Round every number that goes in to the next lower precision."""
    lower = _Lower(scene.right)
    if not lower.applies:
        return _NO_LOWER
    made = scene.recomputed(lower, True)  # noqa: FBT003 - the weights, too
    return _one(made) if lower.lost else "no number that goes in loses anything"


def _low_products(scene: Scene) -> Iterable[Answer] | str:
    """Round only the factors of matrix products, and compute all else as declared."""
    lower = _Lower(scene.right)
    if not lower.applies:
        return _NO_LOWER
    mode = _Lowered(lower)
    made = scene.rerun(mode)
    if not mode.products:
        return "no matrix product was seen"
    return _one(made) if lower.lost else "no factor of a matrix product loses anything"


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
    "low_products": _low_products,
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
    "low_products": "an answer with matrix products of the next lower precision",
}
