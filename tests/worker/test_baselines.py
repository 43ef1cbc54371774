"""Baselines by name: what may be asked for, and what says of itself that it does not apply."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch.nn import functional

from warpsmith.core.errors import UsageError
from warpsmith.worker.baselines import baseline_names, make_baseline
from warpsmith.worker.baselines.base import DoesNotApply

QUERY = torch.randn(1, 2, 16, 8)


def attention(query: torch.Tensor) -> torch.Tensor:
    return functional.scaled_dot_product_attention(query, query, query)


def test_every_name_that_is_listed_can_be_made() -> None:
    names = baseline_names()
    assert {"eager", "eager:tf32", "compile:max-autotune-no-cudagraphs", "library:sdpa-cudnn"} <= set(names)
    assert "library" not in names
    for name in names:
        make_baseline(name)


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("eager:tf23", "did you mean 'eager:tf32'"),
        ("library", "library:"),
        ("library:sdpa-flsh", "did you mean 'library:sdpa-flash'"),
        ("compile:max-autotun", "did you mean 'compile:max-autotune'"),
    ],
)
def test_a_mode_that_is_not_there_is_refused_with_a_near_one(name: str, near: str) -> None:
    with pytest.raises(UsageError, match="no baseline") as refused:
        make_baseline(name)
    assert near in str(refused.value)


def test_a_library_computes_what_the_reference_does() -> None:
    with torch.no_grad():
        forced = make_baseline("library:sdpa-flash").prepare(attention)
        for _ in range(2):
            torch.testing.assert_close(forced(QUERY), attention(QUERY))


@pytest.mark.parametrize(
    ("name", "model", "why"),
    [
        ("library:sdpa-flash", torch.relu, "does not call torch's scaled_dot_product_attention"),
        ("library:sdpa-cudnn", attention, "cuDNN attention needs a CUDA device"),
        ("library:cublaslt", torch.relu, "cuBLASLt needs a CUDA device"),
        ("library:cudnn", torch.relu, "needs a CUDA device"),
    ],
)
def test_a_library_that_has_no_such_operator_says_so(
    name: str, model: Callable[[torch.Tensor], torch.Tensor], why: str
) -> None:
    with torch.no_grad(), pytest.raises(DoesNotApply, match=why):
        make_baseline(name).prepare(model)(QUERY)


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a GPU, so TF32 applies")
def test_tf32_is_for_gpus() -> None:
    with pytest.raises(DoesNotApply, match="TF32 is a mode of GPUs"):
        make_baseline("eager:tf32").prepare(torch.relu)


@pytest.mark.gpu
def test_tf32_is_on_for_one_baseline_and_off_for_the_others() -> None:
    matrix = torch.randn(1024, 1024, device="cuda")
    exact = matrix.double() @ matrix.double()

    def error(name: str) -> float:
        called = make_baseline(name).prepare(lambda x: x @ x)
        return float((called(matrix).double() - exact).abs().max())

    assert error("eager:tf32") > 10 * error("eager")
    assert not torch.backends.cuda.matmul.allow_tf32
