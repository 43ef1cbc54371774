"""Kernels that are there to be seen."""

from __future__ import annotations

import pytest
from check_samples import CUSTOM, advice, but, convicts, judge, ran

from warpsmith.core.errors import InfrastructureError

CHECK = "decoys"
GEMM = ("ampere_sgemm_128x64_tn", 990, False)
DECOY = ("touch_one(float*)", 10, True)
COPY = ("Memcpy DtoD (Device -> Device)", 500, False)


def test_a_decoy_beside_a_library_convicts_where_kernels_must_be_custom() -> None:
    said = convicts(CHECK, but(census=ran(GEMM, DECOY), track=CUSTOM))
    assert "99 %" in said
    assert "sgemm" in said


def test_it_is_no_reason_where_libraries_are_allowed() -> None:
    assert judge(CHECK, but(census=ran(GEMM, DECOY))) is None


def test_nothing_of_one_s_own_convicts_where_kernels_must_be_custom() -> None:
    assert "no kernel" in convicts(CHECK, but(census=ran(COPY), track=CUSTOM))


def test_a_library_s_small_part_and_copies_do_not_count() -> None:
    small = ("void at::native::reduce_kernel<512>(int)", 20, False)
    assert judge(CHECK, but(census=ran(("mine(float*)", 980, True), small, COPY), track=CUSTOM)) is None


def test_a_census_that_could_not_be_taken_is_a_fault() -> None:
    with pytest.raises(InfrastructureError, match="custom-only"):
        judge(CHECK, but(census=None, track=CUSTOM))


def test_a_kernel_that_is_never_launched_is_pointed_at() -> None:
    kernel = "import triton\n@triton.jit\ndef add(x): ...\n"
    assert advice(CHECK, kernel) == [3]
    assert advice(CHECK, f"{kernel}add[(1,)](x)") == []
