"""What is watched of a call: memory that an output may not share."""

import pytest
import torch

from warpsmith.worker.facts import SETTLED_CALLS, Watch

A_WEIGHT = ("output[0]: a weight or buffer",)


def aliases(watch: Watch, output: torch.Tensor, weight: torch.Tensor) -> tuple[str, ...]:
    """Make one call that returns `output` from a module that holds `weight`."""
    watch.start()
    return watch.stop(outputs=[output], inputs=[], weights=[weight], previous_outputs=[]).aliases


@pytest.mark.parametrize("calls", range(1, SETTLED_CALLS + 3))
def test_an_output_may_lie_where_the_weights_of_an_earlier_module_lay(calls: int) -> None:
    watch, memory = Watch(), torch.empty(64)
    for _ in range(calls):
        assert aliases(watch, torch.empty(64), memory) == ()
    assert aliases(watch, memory, torch.empty(64)) == ()


@pytest.mark.parametrize("calls", range(1, SETTLED_CALLS + 3))
def test_an_output_in_the_memory_of_a_new_modules_weights_is_found(calls: int) -> None:
    watch = Watch()
    first, second = torch.empty(64), torch.empty(64)
    for _ in range(calls):
        aliases(watch, torch.empty(64), first)
    assert aliases(watch, second[10:20], second) == A_WEIGHT
