"""A gated recurrent unit over whole sequences: every step's state is an output."""

import torch

WORKLOADS = {
    "typical": {"batch": 64, "length": 128, "inputs": 512, "width": 512},
    "large": {"batch": 128, "length": 64, "inputs": 1024, "width": 1024},
    "awkward": {"batch": 37, "length": 77, "inputs": 300, "width": 333, "dtype": "float16"},
    "cpu": {"batch": 16, "length": 60, "inputs": 128, "width": 160},
}
TAGS = ("block", "recurrent", "sigmoid", "matmul")


class Model(torch.nn.Module):
    """Start from a given state, and return the states of all steps and the last."""

    def __init__(self, inputs: int, width: int) -> None:
        super().__init__()
        self.layer = torch.nn.GRU(inputs, width, batch_first=True)
        for name, parameter in self.layer.named_parameters():
            is_bias = name.startswith("bias")
            torch.nn.init.normal_(parameter, std=0.3 if is_bias else parameter.shape[1] ** -0.5)

    def forward(self, x: torch.Tensor, state: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        states, last = self.layer(x, state.unsqueeze(0))
        return states, last.squeeze(0)


def get_inputs(batch: int = 64, length: int = 128, inputs: int = 512, width: int = 512) -> list[torch.Tensor]:
    """Draw sequences [batch, length, inputs] and first states [batch, width]."""
    return [torch.randn(batch, length, inputs), torch.randn(batch, width)]


def get_init_inputs(inputs: int = 512, width: int = 512) -> list[int]:
    """Return the widths of the input and of the state."""
    return [inputs, width]
