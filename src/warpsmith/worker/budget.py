"""The error budget: how much less precise than float64 a candidate's result may be.

A tolerance asks whether an answer is right; the budget asks whether it was computed in the
precision that the problem declares. It compares root mean squares over a whole output, which
random rounding errors hardly scatter, so it can be tight where no single element can be.

The rule, for every floating output:

    rms(got - exact) <= multiple * rms(expected - exact) + floor * eps(dtype) * rms(exact)

with `exact` from a float64 run and `expected` from the reference. Where the constants come from
(u is eps / 2, random signs unless said; the root mean square of one rounding is about 0.3 eps):

- a sum of K terms added one after the other loses 0.3 * sqrt(K / 2) eps: 21 for K = 1e4, 212 for
  K = 1e6; for terms of one sign 0.3 * sqrt(K / 3). Tree and blocked sums lose a few eps. Fast
  exponentials and reciprocal square roots lose 2 to 4 eps of themselves, and |x| eps of exp(x).
  So `most` is 512 for float32.
- both factors rounded to TF32 or float16 (11 bits) lose 2.8e-4 = 2350 float32 eps of a product
  with random signs; to bfloat16, eight times that. Both factors rounded to float8 (e4m3) lose
  0.035 = 4.5 bfloat16 eps = 36 float16 eps; a bfloat16 result in a float16 problem loses 1.7.
  So `most` is 1 for bfloat16 (one rounding of the result is 0.2) and 8 for float16.
- a block with a residual stream dilutes this: the error of a TF32 product may be a tenth of
  what it is alone. The float64 run is therefore repeated with the factors of every matrix product
  and convolution rounded to the next lower precision, and the floor falls to a quarter of the
  error this makes (`drop`), though not below `least`, which a naive sum of 1e5 terms stays under.
- `multiple` covers what the problem itself amplifies, for the reference as for everyone.

One part of an output computed in lower precision hides below a root mean square only while it is
small: TF32 in a share s of the elements adds 2350 * sqrt(s) eps, so up to 5 % of the work, of
which at most half the time would be saved. A bound on the largest error adds nothing to that
which the element-wise tolerance does not already say.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch

from warpsmith.core.verdict import Finding
from warpsmith.worker.scale import chunks, fill_bound, root_mean_square, square_sum, wide

DROP_SHARE = 0.25


class Exact(NamedTuple):
    """One output in float64.

    Attributes:
        values: float64 or complex128, or the reference's own dtype where that is no float.
        drop: root mean square error, in units of the output's, that the next lower precision in
            matrix products would make; None where there are none, or it was not found out.
    """

    values: torch.Tensor
    drop: float | None = None


class Allowance(NamedTuple):
    """The constants of the rule for one dtype; floors in units of its eps."""

    multiple: float
    least: float
    most: float

    def floor(self, eps: float, drop: float | None) -> float:
        """Return the floor in units of the output, tightened by what a drop in precision would cost."""
        tightened = math.inf if drop is None else DROP_SHARE * drop
        if tightened < self.least * eps:  # nothing to see here: an honest sum may lose as much
            return self.most * eps
        return min(self.most * eps, tightened)


ALLOWANCES = {
    torch.float32: Allowance(multiple=8.0, least=64.0, most=512.0),
    torch.complex64: Allowance(multiple=8.0, least=64.0, most=512.0),
    torch.float16: Allowance(multiple=3.0, least=4.0, most=8.0),
    torch.bfloat16: Allowance(multiple=3.0, least=0.5, most=1.0),
}


def error_of(values: torch.Tensor, exact: torch.Tensor, below: float = math.inf) -> float:
    """Root mean square of `values - exact` where both are finite and `exact` is at most `below`."""
    total, count = 0.0, 0
    for ours, theirs in zip(chunks(exact), chunks(values), strict=True):
        answer, given = wide(ours), wide(theirs)
        if below == math.inf and math.isfinite(plain := square_sum(given - answer)):
            total += plain
            count += answer.numel()
            continue
        kept = torch.isfinite(answer) & torch.isfinite(given) & (answer.abs() <= below)
        total += float(torch.where(kept, (given - answer).abs(), 0.0).square().sum())
        count += int(kept.sum())
    return math.sqrt(total / count) if count else 0.0


def over_budget(got: torch.Tensor, expected: torch.Tensor, exact: Exact, path: str) -> Finding | None:
    """Return a finding where `got` is less precise than the dtype of `expected` allows.

    `expected` comes from the reference at the declared precision, all three have one shape.
    """
    allowance = ALLOWANCES.get(expected.dtype)
    if allowance is None or not expected.numel():
        return None
    below = fill_bound(exact.values)
    scale = root_mean_square(exact.values, below=below)
    own = error_of(expected, exact.values, below)
    eps = torch.finfo(expected.dtype).eps
    allowed = allowance.multiple * own + allowance.floor(eps, exact.drop) * scale
    error = error_of(got, exact.values, below)
    if error <= allowed:
        return None
    dtype = str(expected.dtype).removeprefix("torch.")
    return Finding(
        check="precision",
        message=(
            f"{path} is less precise than {dtype}: rms error {error:.3g} against float64; the reference "
            f"makes {own:.3g}, and {allowed:.3g} is allowed; compute in the declared precision"
        ),
    )
