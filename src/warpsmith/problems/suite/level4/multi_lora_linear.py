"""Add to a layer's output what each token's own low-rank adapter makes of its input."""

import torch

WORKLOADS = {
    "typical": {
        "tokens": 512,
        "width": 4096,
        "outputs": 4096,
        "adapters": 32,
        "rank": 16,
        "dtype": "bfloat16",
    },
    "large": {"tokens": 1024, "width": 4096, "outputs": 8192, "adapters": 64, "rank": 32, "dtype": "float16"},
    "awkward": {"tokens": 333, "width": 1777, "outputs": 1001, "adapters": 7, "rank": 24},
    "cpu": {"tokens": 80, "width": 777, "outputs": 501, "adapters": 6, "rank": 12},
}
TOLERANCE = {
    "bfloat16": {
        "atol": 2e-2,
        "rtol": 2e-2,
        "reason": "PyTorch rounds both products to bfloat16 before the sum, a fused kernel need not",
    },
}
TAGS = ("matmul", "gather", "einsum", "int32", "memory-bound")


class Model(torch.nn.Module):
    """Hold every adapter's two factors; a token's number says which are its own (Chen et al. 2023)."""

    def __init__(self, width: int, outputs: int, adapters: int, rank: int) -> None:
        super().__init__()
        self.down = torch.nn.Parameter(width**-0.5 * torch.randn(adapters, rank, width))
        self.up = torch.nn.Parameter(rank**-0.5 * torch.randn(adapters, outputs, rank))

    def forward(self, x: torch.Tensor, base: torch.Tensor, numbers: torch.Tensor) -> torch.Tensor:
        inner = torch.einsum("tw,trw->tr", x, self.down[numbers])
        return base + torch.einsum("tr,tor->to", inner, self.up[numbers])


def get_inputs(
    tokens: int = 512, width: int = 4096, outputs: int = 4096, adapters: int = 32
) -> list[torch.Tensor]:
    """Draw inputs [tokens, width], the layer's outputs [tokens, outputs] and int32 numbers of adapters."""
    return [
        torch.randn(tokens, width),
        0.5 * torch.randn(tokens, outputs),
        torch.randint(adapters, (tokens,), dtype=torch.int32),
    ]


def get_init_inputs(width: int = 4096, outputs: int = 4096, adapters: int = 32, rank: int = 16) -> list[int]:
    """Return the layer's sizes, the number of adapters and their rank."""
    return [width, outputs, adapters, rank]
