"""One block of an MLP-Mixer: an MLP over the patches of each channel, then one over the channels."""

import torch

WORKLOADS = {
    "typical": {"batch": 32, "patches": 196, "width": 768, "dtype": "bfloat16"},
    "large": {"batch": 32, "patches": 784, "width": 512, "dtype": "float16"},
    "awkward": {"batch": 7, "patches": 181, "width": 500},
    "cpu": {"batch": 5, "patches": 121, "width": 200},
}
TOLERANCE = {
    "bfloat16": {
        "atol": 3e-2,
        "rtol": 3e-2,
        "reason": "PyTorch rounds to bfloat16 after each of about ten steps, a fused kernel less often",
    },
}
TAGS = ("block", "layer-norm", "gelu", "matmul", "transpose")


class Model(torch.nn.Module):
    """Normalise before each half and add the half to its input (Tolstikhin et al. 2021)."""

    def __init__(self, patches: int, width: int) -> None:
        super().__init__()
        self.across = mlp(patches, patches // 2)
        self.along = mlp(width, 4 * width)
        self.norm1 = torch.nn.LayerNorm(width)
        self.norm2 = torch.nn.LayerNorm(width)
        for norm in (self.norm1, self.norm2):
            torch.nn.init.normal_(norm.weight, mean=1.0, std=0.3)
            torch.nn.init.normal_(norm.bias, std=0.3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = x + self.across(self.norm1(x).transpose(1, 2)).transpose(1, 2)
        x = x + self.along(self.norm2(x))
        return x


def mlp(width: int, hidden: int) -> torch.nn.Sequential:
    """Return two linear layers with a GELU between them."""
    layers = torch.nn.Sequential(
        torch.nn.Linear(width, hidden), torch.nn.GELU(), torch.nn.Linear(hidden, width)
    )
    for parameter in layers.parameters():
        if parameter.dim() > 1:
            torch.nn.init.kaiming_normal_(parameter, nonlinearity="relu")
        else:
            torch.nn.init.normal_(parameter, std=0.3)
    return layers


def get_inputs(batch: int = 32, patches: int = 196, width: int = 768) -> list[torch.Tensor]:
    """Draw patch embeddings [batch, patches, width]."""
    return [torch.randn(batch, patches, width)]


def get_init_inputs(patches: int = 196, width: int = 768) -> list[int]:
    """Return the number of patches and the model's width."""
    return [patches, width]
