"""Shapes derived from a problem's own inputs: inputs that describe each other stay consistent."""

from __future__ import annotations

import torch

from warpsmith.worker.shapes import crops_of


def sizes(*tensors: torch.Tensor) -> set[int]:
    return {crop.extent for crop in crops_of(tensors)}


def offsets(count: int, total: int, dtype: torch.dtype = torch.int64) -> torch.Tensor:
    inner = torch.randint(total, (count - 1,)).sort().values
    return torch.cat((torch.zeros(1), inner, torch.full((1,), total))).to(dtype)


def test_offsets_are_never_cropped_to_others_that_do_not_cover_what_they_count() -> None:
    values, starts = torch.randn(5000, 64), offsets(200, 5000)
    assert sizes(values, starts) == {64}


def test_what_there_is_one_of_for_every_segment_keeps_its_size() -> None:
    packed, starts, scale = torch.randn(4096, 8, 64), offsets(16, 4096, torch.int32), torch.randn(16)
    assert sizes(packed, starts, scale) == {8, 64}


def test_lengths_are_never_cropped_to_others_with_another_sum() -> None:
    lengths = torch.tensor([100, 300, 50, 574])
    assert sizes(torch.randn(1024, 48), lengths) == {48}


def test_indices_and_labels_are_cropped_with_their_batch() -> None:
    assert 512 in sizes(torch.randn(512, 1000), torch.randint(10, (512,)))
    assert 700 in sizes(torch.randn(50_000, 96), torch.randint(50_000, (700,)))


def test_positions_that_count_up_are_no_offsets() -> None:
    assert 128 in sizes(torch.randn(4, 128, 64), torch.arange(128) * 3)
