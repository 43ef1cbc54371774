"""What a wrong output looks like, for outputs that are wrong in known ways."""

from __future__ import annotations

import pytest
import torch

from warpsmith.worker.diagnosis import diagnose
from warpsmith.worker.layout import POISON_BYTE

N = 64


def answers(calls: int, dtype: torch.dtype = torch.float32) -> list[torch.Tensor]:
    """Return what the reference says to as many calls, oldest first."""
    generator = torch.Generator().manual_seed(calls)
    return [torch.randn(N, N, generator=generator).to(dtype) for _ in range(calls)]


def poisoned(like: torch.Tensor) -> torch.Tensor:
    made = like.clone()
    made.view(torch.uint8).fill_(POISON_BYTE)
    return made


def named(got: torch.Tensor, expected: torch.Tensor, *earlier: torch.Tensor) -> str | None:
    found = diagnose([got], [expected], [[each] for each in earlier])
    return found.check if found else None


def rounded(values: torch.Tensor, bits: int) -> torch.Tensor:
    """Keep `bits` of mantissa, as TF32 hardware does with what it is given."""
    dropped = 23 - bits
    words = values.view(torch.int32) + (1 << (dropped - 1))
    return (words >> dropped << dropped).view(torch.float32)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float64])
def test_the_answer_to_an_earlier_call_is_a_replay(dtype: torch.dtype) -> None:
    first, second, expected = answers(3, dtype)
    assert named(second, expected, first, second) == "replay"
    found = diagnose([first], [expected], [[first], [second]])
    assert found is not None
    assert "2 calls ago" in found.message


def test_a_replay_need_not_be_bit_for_bit() -> None:
    old, expected = answers(2)
    assert named(old * (1 + 1e-6), expected, old) == "replay"


def test_an_answer_that_misses_a_change_in_place_is_a_replay() -> None:
    old, _ = answers(2)
    expected = old.clone()
    expected[3, 5] += 7.0
    assert named(old, expected, old) == "replay"


def test_parts_of_an_earlier_answer_are_stale() -> None:
    old, expected = answers(2)
    got = expected.clone()
    got[10:20] = old[10:20]
    found = diagnose([got], [expected], [[old]])
    assert found is not None
    assert found.check == "staleness"
    assert "15.6 %" in found.message


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float64, torch.complex64])
def test_poison_left_over_is_skipped_work(dtype: torch.dtype) -> None:
    _, expected = answers(2, dtype)
    got = expected.clone()
    got[60:] = poisoned(expected)[60:]
    found = diagnose([got], [expected], [])
    assert found is not None
    assert found.check == "skipped_work"
    assert "4 of 64 rows, the first at 60" in found.message


def test_one_element_never_written_is_skipped_work() -> None:
    _, expected = answers(2)
    got = expected.clone()
    got[-1, -1] = poisoned(expected)[0, 0]
    found = diagnose([got], [expected], [])
    assert found is not None
    assert "element 4095 of 4096" in found.message


def test_an_output_that_stayed_zero_is_skipped_work() -> None:
    old, expected = answers(2)
    got = expected.clone()
    got[:, 32:] = 0
    assert named(got, expected, old) == "skipped_work"


def test_integers_that_are_minus_one_are_skipped_work_only_in_numbers() -> None:
    expected = torch.arange(100)
    wrong = expected.clone()
    wrong[7] = -1
    assert named(wrong, expected) is None
    assert named(torch.full_like(expected, -1), expected) == "skipped_work"


@pytest.mark.parametrize("bits", [10, 7])
def test_products_of_rounded_operands_are_a_downcast(bits: int) -> None:
    a, b = answers(2)
    got = rounded(a, bits) @ rounded(b, bits)
    assert named(got, a @ b) == "downcast"


def test_what_is_wrong_in_one_place_or_by_much_looks_like_nothing() -> None:
    _, expected = answers(2)
    spike = expected + 1e-5 * torch.randn(N, N)
    spike[0, 0] += 1.0
    assert named(spike, expected) is None
    assert named(expected * 2, expected) is None
    assert named(expected + 1e-6 * expected, expected) is None


def test_a_nan_looks_like_nothing() -> None:
    _, expected = answers(2)
    got = expected.clone()
    got[0, 0] = float("nan")
    assert named(got, expected) is None


def test_the_output_that_is_wrong_is_the_one_diagnosed() -> None:
    old, other, expected = answers(3)
    found = diagnose([other, old], [other, expected], [[other, old]])
    assert found is not None
    assert found.check == "replay"


def test_earlier_answers_of_other_shapes_and_missing_ones_do_no_harm() -> None:
    old, expected = answers(2)
    earlier = [[old[:3]], [], [old.double()], [old]]
    found = diagnose([old], [expected], earlier)
    assert found is not None
    assert found.check == "replay"


def test_scalars_and_flags_can_be_diagnosed() -> None:
    assert named(torch.tensor(2.0), torch.tensor(3.0), torch.tensor(2.0)) == "replay"
    flags = torch.tensor([True, False])
    assert named(~flags, flags) is None
