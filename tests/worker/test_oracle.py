"""How operands are rounded to the precision below their own, in real and in complex products."""

from __future__ import annotations

import pytest
import torch

from warpsmith.worker.oracle import LOWER, Widened, to_tf32

# Eleven significant bits: the step below and above one is 2 ** -10.
STEP = 2.0**-10


def test_tf32_keeps_eleven_significant_bits_and_rounds_ties_to_even() -> None:
    given = torch.tensor([1.0, 1.0 + STEP, 1.0 + STEP / 2, 1.0 + 1.5 * STEP, -1.0 - 0.6 * STEP])
    wanted = torch.tensor([1.0, 1.0 + STEP, 1.0, 1.0 + 2 * STEP, -1.0 - STEP])
    assert torch.equal(to_tf32(given), wanted)


@pytest.mark.parametrize("dtype", [torch.complex64, torch.complex128])
def test_both_parts_of_a_complex_number_are_rounded(dtype: torch.dtype) -> None:
    given = torch.tensor([[complex(1.0 + 0.6 * STEP, 2.0 + 0.2 * STEP)]], dtype=dtype)
    wanted = torch.tensor([[complex(1.0 + STEP, 2.0)]], dtype=dtype)
    assert torch.equal(LOWER[torch.complex64](given), wanted)
    assert torch.equal(to_tf32(given.conj()), wanted.conj())


@pytest.mark.parametrize("dtype", [torch.float32, torch.complex64])
def test_the_factors_of_products_are_rounded_where_that_is_asked_for(dtype: torch.dtype) -> None:
    torch.manual_seed(0)
    a, b = (torch.randn(8, 8, dtype=dtype) for _ in range(2))
    with Widened() as exact:
        wide = a @ b
    with Widened(lower=LOWER[dtype]) as rounded:
        narrow = a @ b
    assert (exact.products, rounded.products) == (1, 1)
    assert wide.dtype in {torch.float64, torch.complex128}
    error = float((wide - narrow).abs().max() / wide.abs().max())
    assert 1e-5 < error < 1e-2
