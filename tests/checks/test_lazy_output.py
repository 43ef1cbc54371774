"""Outputs that are promises."""

from __future__ import annotations

from check_samples import HONEST, advice, convicts, judge, saw

CHECK = "lazy_output"


def test_an_output_that_is_no_plain_tensor_convicts() -> None:
    assert "LazyTensor" in convicts(CHECK, saw(lazy=("output[0] is a LazyTensor",)))


def test_plain_tensors_do_not() -> None:
    assert judge(CHECK, HONEST) is None


def test_tensor_subclasses_and_dispatch_hooks_are_pointed_at() -> None:
    source = "import torch\nclass L(torch.Tensor):\n    def __torch_function__(self): ..."
    assert advice(CHECK, source) == [2, 2]
    assert advice(CHECK, "from torch import nn\nclass M(nn.Module):\n    def forward(self, x): ...") == []
