"""A control exports a state as a candidate does, or the difference would count as a lie."""

import pytest
import torch
from torch import nn

from warpsmith.worker.candidate_side import state_at
from warpsmith.worker.layout import Control
from warpsmith.worker.trees import leaf_of


@pytest.fixture
def module() -> nn.Module:
    """Return a module with parameters and buffers at several depths."""
    return nn.Sequential(nn.Linear(3, 4), nn.Sequential(nn.BatchNorm1d(4)))


def test_every_parameter_and_buffer_is_found_by_its_name(module: nn.Module) -> None:
    for name, tensor in [*module.named_parameters(), *module.named_buffers()]:
        assert state_at(module, name) is tensor


@pytest.mark.parametrize("name", ["2.weight", "0.scale", "0.weight.data", "1.0", "training"])
def test_what_is_no_state_is_not(module: nn.Module, name: str) -> None:
    assert state_at(module, name) is None


def test_a_control_holds_buffers_of_the_same_names_and_form(module: nn.Module) -> None:
    control = Control()
    control.hold({name: leaf_of(t) for name, t in module.named_buffers()}, torch.device("cpu"))
    held = {name: (t.shape, t.dtype) for name, t in control.state.named_buffers()}
    assert held == {name: (t.shape, t.dtype) for name, t in module.named_buffers()}
    control.forget()
    assert state_at(control.state, "1.0.running_mean") is None
