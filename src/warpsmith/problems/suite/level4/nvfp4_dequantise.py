"""Turn 4-bit floats, two in a byte, back into numbers: a float8 scale for every 16, one per expert."""

import torch

WORKLOADS = {
    "typical": {"experts": 16, "rows": 1024, "cols": 4096, "dtype": "bfloat16"},
    "large": {"experts": 64, "rows": 768, "cols": 2048, "dtype": "bfloat16"},
    "awkward": {"experts": 37, "rows": 701, "cols": 1104},
    "cpu": {"experts": 20, "rows": 61, "cols": 272},
}
TAGS = ("quantised", "fp4", "fp8", "gather", "memory-bound")
SHARING = 16


class Model(torch.nn.Module):
    """Read the low half of a byte first; a number is a sign, two bits of exponent, one of mantissa."""

    def forward(
        self, packed: torch.Tensor, scales: torch.Tensor, expert_scales: torch.Tensor
    ) -> torch.Tensor:
        codes = torch.stack((packed & 15, packed >> 4), dim=-1).flatten(-2).to(torch.int32)
        exponent, mantissa = (codes >> 1) & 3, codes & 1
        # Without an exponent 0 or a half, with one 1 or 1.5 times its power of two.
        twice = torch.where(exponent == 0, mantissa, (2 + mantissa) << exponent.clamp(min=1) - 1)
        signed = torch.where(codes >= 8, -twice, twice).unflatten(-1, (-1, SHARING))
        halves = signed.float() * scales.float().unsqueeze(-1)
        wide: torch.Tensor = 0.5 * halves.flatten(-2) * expert_scales.float()[:, None, None]
        return wide.to(expert_scales.dtype)


def get_inputs(experts: int = 16, rows: int = 1024, cols: int = 4096) -> list[torch.Tensor]:
    """Draw uint8 pairs [experts, rows, cols / 2], float8 scales [.., cols / 16], a number per expert."""
    return [
        torch.randint(256, (experts, rows, cols // 2), dtype=torch.uint8),
        (200 * torch.rand(experts, rows, cols // SHARING)).to(torch.float8_e4m3fn),
        (0.2 + 1.6 * torch.rand(experts)) / 1000,
    ]
