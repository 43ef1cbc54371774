"""Weights that are not trivial: a scale that is not one, a shift that is not zero.

A module straight from its constructor multiplies by ones and adds zeros in every normalisation,
so that a kernel which leaves them out computes the same. Used on both sides of the trust line,
at construction, under one seed: what a constructor folds or packs is made of the same numbers
on both. Knows no problem and no candidate.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any, TypeAlias
from unittest import mock

import torch
from torch import nn
from torch.nn.modules import activation
from torch.nn.modules.batchnorm import _NormBase

from warpsmith.core.seeds import derive

SCALES = (0.5, 1.5)
SHIFT_DEVIATION = 0.1


def _redraw(tensor: torch.Tensor, value: float, generator: torch.Generator | None = None) -> torch.Tensor:
    """Overwrite a constant: zeros by small numbers, anything else by 0.5 to 1.5 times itself."""
    with torch.no_grad():
        if value == 0:
            return tensor.normal_(0.0, SHIFT_DEVIATION, generator=generator)
        return tensor.uniform_(*SCALES, generator=generator).mul_(value)


# Tensors that got other numbers, and the constant that their author gave them.
Redrawn: TypeAlias = list[tuple[torch.Tensor, float]]


def _filler(
    original: Callable[..., torch.Tensor], value: float | None, redrawn: Redrawn
) -> Callable[..., torch.Tensor]:
    """Return what stands for `ones_`, `zeros_` (a fixed `value`) or `constant_` (given with the call)."""

    def fill(tensor: torch.Tensor, *given: float, **named: float) -> torch.Tensor:
        wanted = value if value is not None else float([*given, *named.values()][0])
        if wanted not in {0.0, 1.0} or not tensor.is_floating_point():
            return original(tensor, *given, **named)
        redrawn.append((tensor, wanted))
        return _redraw(tensor, wanted)

    return fill


def _reset_running_stats(norm: _NormBase) -> None:
    """Stand for `_NormBase.reset_running_stats`: an evaluated BatchNorm is not the identity."""
    if norm.track_running_stats and norm.running_mean is not None and norm.running_var is not None:
        _redraw(norm.running_mean, 0.0)
        _redraw(norm.running_var, 1.0)
        if norm.num_batches_tracked is not None:
            norm.num_batches_tracked.zero_()


def _constant_of(tensor: torch.Tensor) -> float | None:
    """Return 0.0 or 1.0 where `tensor` holds nothing else, and holds it more than once."""
    if not tensor.is_floating_point() or tensor.numel() < 2 or tensor.device.type == "meta":
        return None
    flat = tensor.detach().reshape(-1)
    first = float(flat[0])
    return first if first in {0.0, 1.0} and bool((flat == first).all()) else None


class _NewParameter:
    """Stands for `Parameter.__new__`: a parameter made of ones or zeros gets other numbers.

    It draws from a generator of its own, numbered by parameter: memory that is about to be
    initialised may happen to hold zeros, and must not shift what is drawn afterwards.
    """

    def __init__(self, original: Callable[..., Any], redrawn: Redrawn) -> None:
        self._original = original
        self._redrawn = redrawn
        self._count = 0

    def __call__(self, cls: type, data: Any = None, requires_grad: bool = True) -> Any:  # noqa: FBT001, FBT002 - as theirs
        self._count += 1
        is_trainable = requires_grad and isinstance(data, torch.Tensor)
        if is_trainable and (value := _constant_of(data)) is not None:
            seed = derive(torch.initial_seed(), "parameter", self._count)
            generator = torch.Generator(data.device).manual_seed(seed)
            made = self._original(cls, _redraw(data.detach().clone(), value, generator), requires_grad)
            self._redrawn.append((made, value))
            return made
        return self._original(cls, data, requires_grad)


@contextlib.contextmanager
def varied_init(*, is_on: bool = True) -> Iterator[Redrawn]:
    """While a module is constructed, draw where its author would get ones and zeros.

    What is drawn comes from the global generators, so that one seed gives one module. Covers
    `nn.init.ones_`, `zeros_` and `constant_` of 0 and 1, the running statistics of norms, and
    parameters made of `torch.ones` and its like; buffers and frozen parameters are left alone.

    Yields:
        What was drawn so, for those who find that a constant was meant.
    """
    redrawn: Redrawn = []
    if not is_on:
        yield redrawn
        return
    init = nn.init
    constant = _filler(init.constant_, None, redrawn)
    with (
        mock.patch.object(init, "ones_", _filler(init.ones_, 1.0, redrawn)),
        mock.patch.object(init, "zeros_", _filler(init.zeros_, 0.0, redrawn)),
        mock.patch.object(init, "constant_", constant),
        mock.patch.object(activation, "constant_", constant),
        mock.patch.object(_NormBase, "reset_running_stats", _reset_running_stats),
        mock.patch.object(
            nn.Parameter, "__new__", staticmethod(_NewParameter(nn.Parameter.__new__, redrawn))
        ),
    ):
        yield redrawn


def vary(model: object, generator: torch.Generator) -> None:
    """Redraw the parameters that are still one constant, in place; everything else is left.

    Runs on the reference side alone, for modules that `varied_init` could not reach.
    """
    if not isinstance(model, nn.Module):
        return
    for parameter in model.parameters():
        value = _constant_of(parameter) if parameter.requires_grad else None
        if value is not None:
            drawn = torch.empty(parameter.shape, dtype=torch.float32, device=parameter.device)
            parameter.detach().copy_(_redraw(drawn, value, generator))


def take_over(
    own: dict[str, torch.Tensor], given: dict[str, torch.Tensor]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Copy `given` into `own` by name, and the rest in order where number and shapes agree."""
    pairs = {name: name for name in own if name in given and own[name].shape == given[name].shape}
    left = [name for name in own if name not in pairs]
    rest = [name for name in given if name not in pairs]
    if len(left) == len(rest) and all(
        own[a].shape == given[b].shape for a, b in zip(left, rest, strict=True)
    ):
        pairs |= dict(zip(left, rest, strict=True))
    for name, source in pairs.items():
        own[name].detach().copy_(given[source])
    return tuple(pairs), tuple(name for name in own if name not in pairs)


def put_back(state: dict[str, torch.Tensor], own: tuple[str, ...], redrawn: Redrawn) -> None:
    """Make the constants that are the candidate's own what its author made them."""
    for tensor, value in redrawn:
        if any(state[name] is tensor for name in own):
            tensor.detach().fill_(value)
