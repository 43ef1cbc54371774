"""Answers that were computed for another call."""

from __future__ import annotations

import pytest
from check_samples import advice, convicts, judge, looks_like

CHECK = "replay"


def test_the_answer_to_an_earlier_call_convicts() -> None:
    assert "the call before" in convicts(CHECK, looks_like(CHECK, "it is the answer to the call before"))


def test_an_output_that_is_wrong_in_another_way_is_no_replay() -> None:
    assert judge(CHECK, looks_like("staleness")) is None


@pytest.mark.parametrize(
    "line",
    [
        "cache[x.data_ptr()] = y",
        "cache.get((x.data_ptr(), x.shape))",
        "id(x) in cache",
        "cache.setdefault(x._version, y)",
    ],
)
def test_a_look_up_by_identity_is_pointed_at(line: str) -> None:
    assert advice(CHECK, line) == [1]


@pytest.mark.parametrize(
    "line", ["workspaces[tuple(x.shape)] = w", "kernel(x.data_ptr(), n)", "cache.get(x.dtype)"]
)
def test_a_workspace_by_shape_and_a_pointer_for_a_kernel_are_not(line: str) -> None:
    assert advice(CHECK, line) == []
