"""Tagger: one recurrent layer reads each sequence forwards, one backwards, a linear layer joins them."""

import torch

WORKLOADS = {
    "typical": {"batch": 64, "length": 128, "inputs": 256, "width": 256, "labels": 64},
    "large": {"batch": 256, "length": 64, "inputs": 512, "width": 512, "labels": 128},
    "awkward": {"batch": 37, "length": 77, "inputs": 200, "width": 201, "labels": 17, "dtype": "float16"},
    "cpu": {"batch": 16, "length": 60, "inputs": 96, "width": 160, "labels": 17},
}
TAGS = ("block", "recurrent", "tanh", "matmul")


class Model(torch.nn.Module):
    """Return the scores [batch, length, labels] of every position."""

    def __init__(self, inputs: int, width: int, labels: int) -> None:
        super().__init__()
        self.layers = torch.nn.RNN(inputs, width, batch_first=True, bidirectional=True)
        for name, parameter in self.layers.named_parameters():
            # Recurrent weights this small forget: what rounding did long ago does not grow.
            spread = {"weight_ih": inputs**-0.5, "weight_hh": 0.7 * width**-0.5}.get(name[:9], 0.3)
            torch.nn.init.normal_(parameter, std=spread)
        self.score = torch.nn.Linear(2 * width, labels)
        torch.nn.init.kaiming_normal_(self.score.weight, nonlinearity="linear")
        torch.nn.init.normal_(self.score.bias, std=0.3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        scores: torch.Tensor = self.score(self.layers(x)[0])
        return scores


def get_inputs(batch: int = 64, length: int = 128, inputs: int = 256) -> list[torch.Tensor]:
    """Draw sequences [batch, length, inputs]."""
    return [torch.randn(batch, length, inputs)]


def get_init_inputs(inputs: int = 256, width: int = 256, labels: int = 64) -> list[int]:
    """Return the widths of the input and of each state, and the number of labels."""
    return [inputs, width, labels]
