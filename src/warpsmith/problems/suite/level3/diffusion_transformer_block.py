"""One block of a diffusion transformer: scales, shifts and gates come from a condition (adaLN)."""

import torch
from torch.nn import functional

WORKLOADS = {
    "typical": {"batch": 16, "patches": 256, "width": 1152, "heads": 16, "dtype": "bfloat16"},
    "large": {"batch": 4, "patches": 1024, "width": 1152, "heads": 16, "dtype": "float16"},
    "awkward": {"batch": 3, "patches": 391, "width": 520, "heads": 8},
    "cpu": {"batch": 2, "patches": 121, "width": 256, "heads": 4},
}
TOLERANCE = {
    "bfloat16": {
        "atol": 5e-2,
        "rtol": 5e-2,
        "reason": "PyTorch rounds to bfloat16 after each of about twenty steps, a fused kernel less often",
    },
}
TAGS = ("block", "attention", "layer-norm", "gelu", "silu", "matmul", "fusion")


class Model(torch.nn.Module):
    """Modulate what is normalised, and gate what is added (Peebles and Xie 2023)."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads, self.width = heads, width
        self.modulate = torch.nn.Linear(width, 6 * width)
        self.qkv = torch.nn.Linear(width, 3 * width)
        self.project = torch.nn.Linear(width, width)
        self.up = torch.nn.Linear(width, 4 * width)
        self.down = torch.nn.Linear(4 * width, width)
        for parameter in self.parameters():
            if parameter.dim() > 1:
                torch.nn.init.kaiming_normal_(parameter, nonlinearity="linear")
            else:
                torch.nn.init.normal_(parameter, std=0.3)

    def forward(self, x: torch.Tensor, condition: torch.Tensor) -> torch.Tensor:
        changes = self.modulate(functional.silu(condition)).unsqueeze(1).chunk(6, dim=-1)
        shift1, scale1, gate1, shift2, scale2, gate2 = changes
        x = x + gate1 * self.project(self.attend(self.normed(x) * (1 + scale1) + shift1))
        hidden = self.up(self.normed(x) * (1 + scale2) + shift2)
        x = x + gate2 * self.down(functional.gelu(hidden, approximate="tanh"))
        return x

    def normed(self, x: torch.Tensor) -> torch.Tensor:
        """Normalise each patch, without a scale and a shift that would be alike for all conditions."""
        return functional.layer_norm(x, (self.width,), eps=1e-6)

    def attend(self, x: torch.Tensor) -> torch.Tensor:
        """Mix the patches of [batch, patches, width] in each head."""
        query, key, value = self.qkv(x).unflatten(-1, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        return functional.scaled_dot_product_attention(query, key, value).transpose(1, 2).flatten(2)


def get_inputs(batch: int = 16, patches: int = 256, width: int = 1152) -> list[torch.Tensor]:
    """Draw patches [batch, patches, width] and a condition [batch, width] for each image."""
    return [torch.randn(batch, patches, width), torch.randn(batch, width)]


def get_init_inputs(width: int = 1152, heads: int = 16) -> list[int]:
    """Return the model's width and number of heads."""
    return [width, heads]
