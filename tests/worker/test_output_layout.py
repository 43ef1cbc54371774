"""Outputs come in the reference's strides, out of memory that held nothing of use."""

from __future__ import annotations

import subprocess
import sys

import torch

from warpsmith.worker.layout import Control, settled
from warpsmith.worker.trees import describe

CPU = torch.device("cpu")


def test_a_tensor_with_other_strides_is_converted() -> None:
    made = settled(torch.arange(6.0).reshape(3, 2).t(), describe(torch.empty(2, 3)))
    assert made.is_contiguous()
    assert torch.equal(made, torch.arange(6.0).reshape(3, 2).t())


def test_a_tensor_with_the_same_strides_is_the_same_tensor() -> None:
    output = torch.empty(3, 2).t()
    assert settled(output, describe(torch.empty(3, 2).t())) is output
    row = torch.empty(1, 4).as_strided((1, 4), (9, 1))
    assert settled(row, describe(torch.empty(1, 4))) is row, "the stride along one element does not count"


def test_nested_outputs_are_converted_where_they_are_like_the_references() -> None:
    layout = describe({"a": [torch.empty(2, 3)], "n": 3})
    made = settled({"a": [torch.empty(3, 2).t()], "n": 3}, layout)
    assert made["a"][0].is_contiguous()
    assert made["n"] == 3


def test_what_is_not_like_the_references_is_left_to_the_comparison() -> None:
    layout = describe([torch.empty(2, 3)])
    for odd in (torch.empty(3, 2).t(), [torch.empty(4)], "text", [torch.empty(2), torch.empty(2)]):
        assert settled(odd, layout) is odd or settled(odd, layout)[0] is odd[0]


REUSE = """
import torch
from warpsmith.worker.layout import empty_outputs, poison_free_memory
from warpsmith.worker.trees import describe

layout = describe(torch.empty(1 << 14))
torch.full((1 << 14,), 7.0)  # leaves its values in a block that is free now
poison_free_memory(layout, torch.device("cpu"))
(left,) = empty_outputs(layout, torch.device("cpu"))
print(int((left == 7.0).sum()))
"""


def test_memory_that_outputs_will_lie_in_holds_nan() -> None:
    # In a process of its own: which block is free depends on all that was allocated before.
    done = subprocess.run([sys.executable, "-c", REUSE], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "0"


def test_a_control_returns_outputs_of_the_asked_form() -> None:
    control = Control()
    layout = describe((torch.empty(3, 2).t(), [torch.empty(4, dtype=torch.int64)]))
    control.pose(layout, CPU)
    assert describe(control(torch.empty(5), flag=True)) == layout
