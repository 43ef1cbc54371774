"""Arithmetic in a shorter format than declared."""

from __future__ import annotations

import pytest
from check_samples import HONEST, REDUCED, advice, but, convicts, judge, looks_like, ran

CHECK = "downcast"
TF32 = ("sm80_xmma_gemm_f32f32_tf32f32_f32_tn_n_tilesize128x128x32_kernel__5x_cublas", 90, False)
FLOAT32 = ("sm80_xmma_gemm_f32f32_f32f32_f32_tn_n_tilesize128x128x8_cublas", 90, False)
OWN = ("my_bf16_epilogue(float*)", 90, True)


def test_errors_of_a_shorter_format_convict() -> None:
    assert "TF32" in convicts(CHECK, looks_like(CHECK, "errors as TF32 leaves them"))


def test_a_library_kernel_of_a_shorter_format_convicts() -> None:
    assert "tf32f32" in convicts(CHECK, but(census=ran(TF32, ("relu(float*)", 10, True))))


@pytest.mark.parametrize(
    "evidence",
    [
        but(census=ran(FLOAT32)),
        but(census=ran(OWN)),
        but(census=ran(TF32), track=REDUCED),
        but(census=ran(TF32), dtypes=("float32", "bfloat16")),
        but(census=ran(TF32), dtypes=()),
        but(looks_like(CHECK), track=REDUCED),
        HONEST,
    ],
    ids=["float32", "own name", "reduced", "mixed dtypes", "unknown dtypes", "reduced error", "honest"],
)
def test_what_the_task_leaves_free_does_not(evidence: object) -> None:
    assert judge(CHECK, evidence) is None  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "line",
    [
        "y = x.half() @ w",
        "y = x.to(torch.bfloat16)",
        "y = x.to(dtype=torch.float16)",
        "torch.backends.cuda.matmul.allow_tf32 = True",
        "torch.set_float32_matmul_precision('high')",
        "acc = tl.dot(a, b, acc)",
    ],
)
def test_casts_and_switches_are_pointed_at(line: str) -> None:
    assert advice(CHECK, f"import torch\nimport triton.language as tl\n{line}") == [3]


@pytest.mark.parametrize(
    "line",
    [
        "y = x.to(torch.float32)",
        "torch.backends.cuda.matmul.allow_tf32 = False",
        "torch.set_float32_matmul_precision('highest')",
        "acc = tl.dot(a, b, acc, input_precision='ieee')",
        "half = n // 2",
    ],
)
def test_full_precision_is_not(line: str) -> None:
    assert advice(CHECK, line) == []
