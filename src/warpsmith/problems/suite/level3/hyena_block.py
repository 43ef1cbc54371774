"""Hyena operator: a causal convolution as long as the sequence, by Fourier transform, between two gates."""

import torch

WORKLOADS = {
    "typical": {"batch": 4, "length": 4096, "width": 384},
    "large": {"batch": 2, "length": 16_384, "width": 256},
    "awkward": {"batch": 3, "length": 3001, "width": 200},
    "cpu": {"batch": 1, "length": 1300, "width": 120},
}
TAGS = ("block", "fft", "conv1d", "matmul", "fusion")


class Model(torch.nn.Module):
    """Make the long filter from waves that fade at another rate in each channel (Poli et al. 2023)."""

    time: torch.Tensor

    def __init__(self, length: int, width: int) -> None:
        super().__init__()
        self.enter = torch.nn.Linear(width, 3 * width)
        self.short = torch.nn.Conv1d(3 * width, 3 * width, 3, groups=3 * width, padding=2)
        self.leave = torch.nn.Linear(width, width)
        for parameter in self.parameters():
            if parameter.dim() > 1:
                torch.nn.init.kaiming_normal_(parameter, nonlinearity="linear")
            else:
                torch.nn.init.normal_(parameter, std=0.3)
        self.waves = torch.nn.Parameter(16**-0.5 * torch.randn(width, 16))
        self.speed = torch.nn.Parameter(20 * torch.randn(16))
        self.log_fade = torch.nn.Parameter(torch.empty(width).uniform_(1.0, 5.0))
        self.skip = torch.nn.Parameter(torch.randn(width))
        self.register_buffer("time", torch.linspace(0.0, 1.0, length))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        length = x.shape[1]
        mixed = self.short(self.enter(x).transpose(1, 2))[..., :length]
        first, second, value = mixed.chunk(3, dim=1)
        value = first * value
        value = second * (long_conv(value, self.filter(length)) + self.skip.unsqueeze(-1) * value)
        out: torch.Tensor = self.leave(value.transpose(1, 2))
        return out

    def filter(self, length: int) -> torch.Tensor:
        """Return the first taps of the long filter, [width, length]."""
        time = self.time[:length]
        fade = torch.exp(-self.log_fade.exp().unsqueeze(-1) * time)
        taps = fade * (self.waves @ torch.sin(torch.outer(self.speed, time) + 1))
        return taps / taps.square().sum(dim=-1, keepdim=True).sqrt()


def long_conv(x: torch.Tensor, taps: torch.Tensor) -> torch.Tensor:
    """Convolve [batch, width, length] with taps [width, length], causally; zeros keep the ends apart."""
    length = x.shape[-1]
    product = torch.fft.rfft(x, n=2 * length) * torch.fft.rfft(taps, n=2 * length)
    convolved: torch.Tensor = torch.fft.irfft(product, n=2 * length)
    return convolved[..., :length]


def get_inputs(batch: int = 4, length: int = 4096, width: int = 384) -> list[torch.Tensor]:
    """Draw normalised token embeddings [batch, length, width]."""
    return [torch.randn(batch, length, width)]


def get_init_inputs(length: int = 4096, width: int = 384) -> list[int]:
    """Return the longest sequence and the model's width."""
    return [length, width]
