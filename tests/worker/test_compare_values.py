"""The tolerance rule, element by element, and the message that explains a difference.

Every property is checked in chunks of a few elements too, so that chunk borders are met.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from warpsmith.core.problem import EXACT, Tolerance
from warpsmith.core.verdict import Finding
from warpsmith.worker import scale
from warpsmith.worker.compare import Differences, compare_all, mismatch_of_values
from warpsmith.worker.scale import root_mean_square

LOOSE = Tolerance(atol=0.1, rtol=0.1)
INF, NAN = math.inf, math.nan
FLOATS = [torch.float64, torch.float32, torch.float16, torch.bfloat16]
INTEGERS = [torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8, torch.uint16, torch.uint64]

# torch's first call of an operator may take longer than any deadline.
quick = settings(deadline=None, derandomize=True, max_examples=60)

finite = st.floats(-900.0, 900.0)  # a gap of three decades below a large value makes it a mask's fill value
lists = st.lists(finite, min_size=1, max_size=12)


@pytest.fixture(autouse=True, params=[1 << 24, 3], ids=["one chunk", "chunks of three"])
def chunks(request: pytest.FixtureRequest) -> Iterator[None]:
    """Compare at once, or three elements at a time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(scale.CHUNK_ELEMENTS, "cpu", request.param)
        yield


def mismatch(
    got: torch.Tensor, expected: torch.Tensor, tolerance: Tolerance = LOOSE
) -> tuple[Finding | None, Differences]:
    differences = Differences()
    return mismatch_of_values(got, expected, tolerance, "output", differences), differences


def doubles(values: list[float]) -> torch.Tensor:
    return torch.tensor(values, dtype=torch.float64)


@quick
@given(lists)
def test_what_is_equal_is_right_at_any_tolerance(values: list[float]) -> None:
    for tolerance in (EXACT, LOOSE):
        finding, seen = mismatch(doubles(values), doubles(values), tolerance)
        assert finding is None
        assert seen.stats().elements == len(values)
        assert (seen.max_abs, seen.max_rel, seen.outside) == (0.0, 0.0, 0)


@quick
@given(st.lists(st.tuples(finite, finite), min_size=1, max_size=12), st.floats(0, 1), st.floats(0, 1))
def test_the_rule_is_the_one_that_the_tolerance_states(
    pairs: list[tuple[float, float]], atol: float, rtol: float
) -> None:
    got, expected = [a for a, _ in pairs], [b for _, b in pairs]
    scale = math.sqrt(math.fsum(b * b for b in expected) / len(pairs))
    margins = [abs(a - b) - (atol * scale + rtol * abs(b)) for a, b in pairs]
    # Rounding decides the cases on the very border; they prove nothing.
    if any(abs(margin) <= 1e-9 * max(1.0, scale) for margin in margins):
        return
    finding, seen = mismatch(doubles(got), doubles(expected), Tolerance(atol=atol, rtol=rtol))
    bad = [index for index, margin in enumerate(margins) if margin > 0]
    assert seen.outside == len(bad)
    assert (finding is None) == (not bad)
    if finding:
        assert f"at index [{bad[0]}]" in finding.message
    if got != expected:
        assert seen.max_abs == pytest.approx(max(abs(a - b) for a, b in pairs))


@quick
@given(lists, st.data(), st.sampled_from([NAN, INF, -INF]))
def test_a_nonfinite_element_where_a_number_belongs_is_never_right(
    values: list[float], data: st.DataObject, odd: float
) -> None:
    place = data.draw(st.integers(0, len(values) - 1))
    got = [odd if index == place else value for index, value in enumerate(values)]
    finding, seen = mismatch(doubles(got), doubles(values), Tolerance(atol=1e300, rtol=1e300))
    assert finding is not None
    assert finding.check == "nonfinite"
    assert f"at index [{place}]" in finding.message
    assert seen.stats().outside == 1 / len(values)


@quick
@given(lists, st.sampled_from([INF, -INF]))
def test_an_infinity_is_right_where_the_reference_has_the_same(values: list[float], odd: float) -> None:
    expected = doubles([*values, odd])
    nudged = expected * 1.01
    finding, seen = mismatch(nudged, expected)
    assert finding is None
    assert math.isfinite(seen.max_abs)
    assert math.isfinite(seen.max_rel)


@pytest.mark.parametrize("got", [-INF, 1e30, NAN])
def test_another_value_in_place_of_an_infinity_is_wrong(got: float) -> None:
    finding, _ = mismatch(doubles([1.0, got]), doubles([1.0, INF]))
    assert finding is not None
    assert finding.check == ("values" if math.isfinite(got) else "nonfinite")
    assert "expected inf" in finding.message


def test_nan_is_not_right_even_where_the_reference_has_it() -> None:
    finding, _ = mismatch(doubles([NAN]), doubles([NAN]))
    assert finding is not None


@pytest.mark.parametrize("dtype", FLOATS)
@quick
@given(lists)
def test_zeros_do_not_pass_for_an_answer_that_is_none(dtype: torch.dtype, values: list[float]) -> None:
    expected = torch.tensor(values).clamp(-6e4, 6e4).to(dtype)
    if not bool((expected != 0).any()):
        return
    finding, _ = mismatch(torch.zeros_like(expected), expected)
    assert finding is not None, "the absolute part scales with the output, however small it is"


@pytest.mark.parametrize("dtype", FLOATS)
def test_tiny_outputs_are_held_to_their_own_scale(dtype: torch.dtype) -> None:
    expected = torch.tensor([1e-6, 2e-6, -3e-6], dtype=dtype)
    assert mismatch(expected * 1.05, expected)[0] is None
    assert mismatch(expected * 2, expected)[0] is not None


@pytest.mark.parametrize("dtype", INTEGERS)
def test_integers_must_be_equal(dtype: torch.dtype) -> None:
    expected = torch.tensor([1, 100, 7, 0]).to(dtype)
    got = torch.tensor([1, 100, 8, 0]).to(dtype)
    assert mismatch(expected.clone(), expected, EXACT)[0] is None
    finding, seen = mismatch(got, expected, EXACT)
    assert finding is not None
    assert "at index [2]: expected 7, got 8" in finding.message
    assert "exact equality" in finding.message
    assert (seen.max_abs, seen.outside) == (1.0, 1)


def test_wide_integers_are_not_rounded_before_they_are_compared() -> None:
    expected = torch.tensor([2**62])
    assert mismatch(expected + 1, expected, EXACT)[0] is not None


@pytest.mark.parametrize("dtype", INTEGERS)
def test_a_tolerance_given_for_integers_is_heeded(dtype: torch.dtype) -> None:
    expected = torch.tensor([50, 60, 70]).to(dtype)
    got = torch.tensor([50, 61, 70]).to(dtype)
    assert mismatch(got, expected, Tolerance(atol=0.0, rtol=0.02))[0] is None
    assert mismatch(got, expected, Tolerance(atol=0.0, rtol=0.01))[0] is not None


def test_bools_must_be_equal() -> None:
    expected = torch.tensor([True, False, True])
    assert mismatch(expected.clone(), expected, EXACT)[0] is None
    finding, _ = mismatch(~expected, expected, EXACT)
    assert finding is not None
    assert "at index [0]: expected True, got False" in finding.message


@pytest.mark.parametrize("dtype", [torch.complex64, torch.complex128])
def test_complex_numbers_differ_by_their_distance(dtype: torch.dtype) -> None:
    expected = torch.tensor([3 + 4j, 1 - 1j], dtype=dtype)
    assert mismatch(expected + 0.1j, expected)[0] is None
    finding, seen = mismatch(expected + torch.tensor([0, 3 + 4j]), expected)
    assert finding is not None
    assert "expected (1-1j), got (4+3j)" in finding.message
    assert seen.max_abs == pytest.approx(5.0)
    odd, _ = mismatch(expected * torch.tensor([1, NAN]), expected)
    assert odd is not None
    assert odd.check == "nonfinite"


@pytest.mark.parametrize("dtype", [torch.float8_e4m3fn, torch.float8_e5m2])
def test_8_bit_floats_are_compared_as_the_numbers_they_are(dtype: torch.dtype) -> None:
    expected = torch.tensor([1.0, 2.0, -4.0]).to(dtype)
    near, far = torch.tensor([1.0, 2.0, -4.5]).to(dtype), torch.tensor([1.0, 8.0, -4.0]).to(dtype)
    assert mismatch(near, expected, Tolerance(atol=0.1, rtol=0.1))[0] is None
    finding, _ = mismatch(far, expected)
    assert finding is not None
    assert "at index [1]: expected 2, got 8" in finding.message


def test_nothing_is_right_where_nothing_is_expected() -> None:
    finding, seen = mismatch(torch.empty(0, 3), torch.empty(0, 3))
    assert finding is None
    assert seen.stats().elements == 0


def test_a_tensor_without_dimensions_has_no_index() -> None:
    finding, _ = mismatch(torch.tensor(3.0), torch.tensor(1.0))
    assert finding is not None
    assert finding.message.startswith("output: expected 1, got 3; ")


def test_an_index_counts_in_the_outputs_own_dimensions() -> None:
    expected = torch.zeros(4, 3, 5)
    got = expected.clone()
    got[2, 1, 3] = got[3, 2, 4] = 1.0
    finding, _ = mismatch(got, expected)
    assert finding is not None
    assert "output at index [2, 1, 3]: expected 0, got 1" in finding.message


def test_an_index_counts_elements_and_not_memory() -> None:
    expected = torch.zeros(3, 4)
    got = torch.zeros(4, 3).t()
    got[0, 2] = 1.0
    finding, _ = mismatch(got, expected)
    assert finding is not None
    assert "at index [0, 2]" in finding.message


def test_the_message_says_all_that_is_needed_to_act_on_it() -> None:
    expected = torch.tensor([1.0, 2.0, 4.0, 8.0])
    finding, _ = mismatch(torch.tensor([1.0, 3.0, 4.0, 2.0]), expected)
    assert finding == Finding(
        check="values",
        message=(
            "output at index [1]: expected 2, got 3; max abs error 6, max rel error 0.75; "
            "50 % of 4 elements outside tolerance (|got-expected| <= 0.1 x 4.61 (rms) + 0.1 x |expected|)"
        ),
    )


def test_errors_beyond_what_a_float_holds_still_make_a_record() -> None:
    huge = doubles([sys.float_info.max, 1.0])
    finding, seen = mismatch(-huge, huge)
    assert finding is not None
    assert seen.stats().max_abs == sys.float_info.max
    _, seen = mismatch(doubles([5e-324, 1.0]), doubles([1e-300, 1.0]) * 1e-20)
    assert math.isfinite(seen.stats().max_rel)


def test_the_square_of_a_huge_output_makes_nothing_else_right() -> None:
    expected = doubles([1e200, 2e200])
    assert mismatch(expected * 3, expected)[0] is not None
    assert mismatch(expected * 1.01, expected)[0] is None


@quick
@given(lists)
def test_root_mean_square_leaves_nonfinite_elements_out(values: list[float]) -> None:
    expected = math.sqrt(math.fsum(value * value for value in values) / len(values))
    assert root_mean_square(doubles([*values, INF, NAN])) == pytest.approx(expected)


def test_root_mean_square_of_nothing_is_nothing() -> None:
    assert root_mean_square(torch.empty(0)) == root_mean_square(doubles([INF])) == 0.0


def test_one_wrong_tensor_among_many_is_named_and_all_are_counted() -> None:
    right, wrong = torch.ones(4), torch.zeros(3)
    seen = Differences()
    finding = compare_all(
        [right, wrong, wrong],
        [right, torch.ones(3), torch.ones(3)],
        ["output[0]", "output[1]", "output[2]"],
        lambda _: LOOSE,
        seen,
    )
    assert finding is not None
    assert finding.message.startswith("output[1] at index [0]")
    assert seen.stats().elements == 10
    assert seen.stats().outside == 0.6


def test_every_output_has_the_tolerance_of_its_own_dtype() -> None:
    asked = []

    def tolerance_for(dtype: str) -> Tolerance:
        asked.append(dtype)
        return LOOSE

    tensors = [torch.ones(1, dtype=dtype) for dtype in (torch.float16, torch.int64, torch.complex64)]
    compare_all(tensors, tensors, ["a", "b", "c"], tolerance_for, Differences())
    assert asked == ["float16", "int64", "complex64"]


def test_a_fill_value_decides_no_tolerance() -> None:
    expected = torch.ones(100)
    expected[:3] = -1e9  # a mask's
    wrong = expected.clone()
    wrong[50] = 2.0
    finding, _ = mismatch(wrong, expected, Tolerance(atol=1e-3, rtol=0.0))
    assert finding is not None
    assert "index [50]" in finding.message


def test_rounding_errors_as_large_and_as_many_as_the_references_are_no_difference() -> None:
    exact = torch.tensor([-1e-7, -1.1e-7, -1e-7, 0.0, 0.0, 0.0], dtype=torch.float64)
    expected = torch.tensor([0.0, 0.0, 0.0, 0.0, 0.0, 0.0])  # 1 + erf(x) is nothing here
    got = torch.tensor([-1.65e-7, -2e-7, -1e-7, 0.0, 0.0, 0.0])  # and one bit of 1 here
    tight = Tolerance(atol=1e-4, rtol=1e-4)
    assert mismatch_of_values(got, expected, tight, "output", Differences(), exact=exact) is None


@pytest.mark.parametrize(
    "got",
    [[-1e-6, -1e-7, -1e-7, 0.0], [-3e-8, -3e-8, -3e-8, 3e-8], [NAN, -1e-7, -1e-7, 0.0]],
    ids=["farther", "more elements", "no number"],
)
def test_more_or_larger_errors_than_the_references_are_a_difference(got: list[float]) -> None:
    exact = torch.tensor([-1e-7, -1e-7, -1e-7, 0.0], dtype=torch.float64)
    expected = torch.tensor([0.0, 0.0, 0.0, 0.0])
    tight = Tolerance(atol=1e-4, rtol=1e-4)
    seen = Differences()
    assert mismatch_of_values(torch.tensor(got), expected, tight, "output", seen, exact=exact) is not None
    assert seen.outside > 0
