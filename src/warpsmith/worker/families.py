"""Input families: the problem's own inputs, changed in ways that expose what their distribution hides.

A family is a function of one floating tensor. It knows no problem: whether a family lies in a
problem's domain is asked of the reference, elsewhere. All are moderate, since an honest kernel
must come through every one: no value leaves the range of float16, none is denormal, and none is
so large that float32 loses the digits that matter.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import torch

Family = Callable[[torch.Tensor, torch.Generator], torch.Tensor]

OWN = "own"
# Tensors with no more distinct values are masks, flags or codes: their values mean something.
FEW_VALUES = 16
SAMPLED = 4096
LARGEST = 3e4  # below the largest float16, with room for a sum of two
# Log-normal with a bounded tail: beyond a factor of 8, exp2(x * log2(e)) loses digits that exp(x) keeps.
WIDE_DEVIATION = 0.7
WIDE_FACTORS = (1 / 8, 8.0)
ONE_OUTLIER_IN = 1024
OUTLIER_SIZES = (8.0, 16.0)
# A variance as mean of squares minus square of mean loses 12 ** 2 eps at this distance from zero.
OFFSET = 12.0
BLOCK_SHARE = 0.25
POWERS = (-4, 5)
ZERO_SHARE = 0.2
# Elements that are made wide at a time.
CHUNK = 1 << 24


def is_free(tensor: torch.Tensor) -> bool:
    """Say whether the values of `tensor` are numbers that may be changed, and no mask or code."""
    if not tensor.is_floating_point() or tensor.element_size() < 2 or tensor.numel() <= 1:
        return False
    flat = tensor.reshape(-1)
    step = -(-flat.numel() // SAMPLED)
    sample = torch.cat((flat[:SAMPLED], flat[::step]))
    if not bool(torch.isfinite(sample).all()):
        return False
    # What has few elements has few values; it is a mask if they repeat.
    return len(sample.unique()) > min(FEW_VALUES, flat.numel() // 2)


def changed(tensor: torch.Tensor, family: str, generator: torch.Generator) -> torch.Tensor:
    """Return what stands for `tensor` in `family`, in its dtype and strides."""
    # Inputs may fill a good part of the device, so families work in place where they can.
    made = FAMILIES[family](tensor.float() if tensor.element_size() < 4 else tensor, generator)
    limit = min(LARGEST, torch.finfo(tensor.dtype).max / 2)
    limit = max(limit, *(abs(float(end)) for end in tensor.aminmax()))
    made.clamp_(-limit, limit)
    like = torch.empty_like(tensor, device="meta")
    if made.dtype == like.dtype and made.stride() == like.stride():
        return made
    return torch.empty_like(tensor).copy_(made)


def touchable(tensors: Sequence[torch.Tensor]) -> list[bool]:
    """Say which inputs hold numbers that may change; where all are masks or codes, any floating one."""
    free = [is_free(tensor) for tensor in tensors]
    return free if any(free) else [t.is_floating_point() and t.numel() > 0 for t in tensors]


def touched(tensor: torch.Tensor, count: int, generator: torch.Generator) -> torch.Tensor:
    """Return `tensor` with `count` elements replaced by other values of its own."""
    made = tensor.clone()
    places = (
        torch.randperm(tensor.numel(), generator=generator, device=tensor.device)[:count]
        if (tensor.numel() <= SAMPLED)
        else _integers(tensor.numel(), (count,), generator, tensor.device)
    )
    flat = tensor.reshape(-1)
    # The farthest of a few, since any one may be the same value again.
    offered = flat[_integers(flat.numel(), (16, len(places)), generator, tensor.device)]
    far = (offered.double() - flat[places].double()).abs().argmax(dim=0)
    chosen = offered.gather(0, far.unsqueeze(0)).squeeze(0)
    index = torch.unravel_index(places, tensor.shape)
    made[index] = chosen
    return made


def _integers(
    below: int, shape: tuple[int, ...], generator: torch.Generator, device: torch.device
) -> torch.Tensor:
    return torch.randint(below, shape, generator=generator, device=device)


def _uniform(like: torch.Tensor, low: float, high: float, generator: torch.Generator) -> torch.Tensor:
    return torch.empty_like(like).uniform_(low, high, generator=generator)


def _rms(tensor: torch.Tensor) -> float:
    squares = torch.zeros((), dtype=torch.float64, device=tensor.device)
    for chunk in tensor.reshape(-1).split(CHUNK):
        squares += chunk.double().square_().sum()
    return max(math.sqrt(float(squares) / tensor.numel()), 1e-6)


def _signs(like: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    return _uniform(like, 0.0, 1.0, generator).lt_(0.5).mul_(-2.0).add_(1.0)


def _signed(tensor: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Give every element a random sign."""
    return tensor.abs().mul_(_signs(tensor, generator))


def _wide(tensor: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Spread the magnitudes over two decades, the root mean square kept."""
    factors = torch.empty_like(tensor).log_normal_(0.0, WIDE_DEVIATION, generator=generator)
    made = factors.clamp_(*WIDE_FACTORS).mul_(tensor)
    return made.mul_(_rms(tensor) / _rms(made))


def _outliers(tensor: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Plant large values at random places, so that what leaves elements out is far off."""
    chosen = _uniform(tensor, 0.0, 1.0, generator) < 1.0 / ONE_OUTLIER_IN
    sizes = _uniform(tensor, *OUTLIER_SIZES, generator).mul_(_signs(tensor, generator)).mul_(_rms(tensor))
    return torch.where(chosen, sizes, tensor)


def _structured(tensor: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Zero a block of the last dimension; zero some rows, repeat others."""
    made = tensor.clone()
    size = tensor.shape[-1]
    width = max(1, int(size * BLOCK_SHARE))
    start = int(_integers(size - width + 1, (1,), generator, tensor.device))
    made[..., start : start + width] = 0.0
    if tensor.dim() < 2 or tensor.shape[0] < 2:
        return made
    rows = tensor.shape[0]
    fate = torch.empty(rows, device=tensor.device).uniform_(generator=generator)
    made[fate < BLOCK_SHARE] = 0.0
    source = int(_integers(rows, (1,), generator, tensor.device))
    made[fate > 1.0 - BLOCK_SHARE] = tensor[source]
    return made


def _offset(tensor: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Move everything far from zero, to one side."""
    side = 1.0 if int(_integers(2, (1,), generator, tensor.device)) else -1.0
    return tensor + side * OFFSET * _rms(tensor)


def _special(tensor: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Use zeros of both signs and powers of two, which tie everywhere and round nowhere."""
    unit = 2.0 ** round(math.log2(_rms(tensor))) / 4
    made = _uniform(tensor, *POWERS, generator).floor_().exp2_().mul_(unit).mul_(_signs(tensor, generator))
    return made.mul_(_uniform(tensor, 0.0, 1.0, generator).ge_(ZERO_SHARE))


# A family is one function and one line here.
FAMILIES: dict[str, Family] = {
    "signed": _signed,
    "wide": _wide,
    "outliers": _outliers,
    "structured": _structured,
    "offset": _offset,
    "special": _special,
}
