"""Small models that each hold one difficulty of writing generated code down, and inputs for them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812 - everybody's name for it
from torch import nn
from torch import randn as normal

Case = tuple[nn.Module, list[Any]]


class Softmax(nn.Module):
    """One reduction."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.softmax(-1)


class Block(nn.Module):
    """Linear, GELU, residual and layer norm: two weights of one shape, a library call and a kernel."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(64, 64)
        self.norm = nn.LayerNorm(64)
        nn.init.normal_(self.norm.weight)
        nn.init.normal_(self.norm.bias)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.norm(F.gelu(self.linear(x)) + x)  # type: ignore[no-any-return]


class Outputs(nn.Module):
    """A dict of tensors, tuples, an input passed through, a weight and plain values."""

    def __init__(self) -> None:
        super().__init__()
        self.shift = nn.Parameter(normal(32))

    def forward(self, x: torch.Tensor, y: torch.Tensor) -> dict[str, Any]:
        parts = [x * y, (y, self.shift), x.t()]
        return {"sum": x + self.shift, "parts": parts, "largest": x.max(-1), "kind": "test", "none": None}


class BatchNorm(nn.Module):
    """Training mode: the running statistics and the counter change on every call."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(8)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return F.relu(self.norm(self.conv(x)))


class Embedding(nn.Module):
    """Integer indices, and one weight under two names."""

    def __init__(self) -> None:
        super().__init__()
        self.tokens = nn.Embedding(50, 16)
        self.head = nn.Linear(16, 50, bias=False)
        self.head.weight = self.tokens.weight

    def forward(self, indices: torch.Tensor) -> torch.Tensor:
        return self.head(self.tokens(indices).tanh())  # type: ignore[no-any-return]


class ConvBlock(nn.Module):
    """Convolutions from a library, the rest generated; layouts change on the way."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(4, 8, 3, stride=2)
        self.norm = nn.GroupNorm(2, 8)
        self.up = nn.ConvTranspose2d(8, 4, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.up(F.mish(F.max_pool2d(self.norm(self.conv(x)), 2)))  # type: ignore[no-any-return]


class Attention(nn.Module):
    """A library's attention between views of one tensor."""

    def __init__(self) -> None:
        super().__init__()
        self.qkv = nn.Linear(32, 96)
        self.out = nn.Linear(32, 32)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        batch, length, width = x.shape
        q, k, v = self.qkv(x).view(batch, length, 3, 4, 8).permute(2, 0, 3, 1, 4)
        mixed = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        return self.out(mixed.transpose(1, 2).reshape(batch, length, width)) + x  # type: ignore[no-any-return]


class Tables(nn.Module):
    """Tensors no state dict brings: a buffer, attributes (one transposed), a literal; an expanded buffer."""

    wave: torch.Tensor
    mask: torch.Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("wave", torch.linspace(0, 3, 16).cos(), persistent=False)
        self.register_buffer("mask", torch.tensor([[1.0], [0.0], [1.0], [0.5]]).expand(4, 16))
        self.scale = torch.tensor(2.5)
        self.mixing = normal(5, 16).t()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        mixed = (x * self.wave * self.mask * self.scale) @ self.mixing
        return mixed + torch.tensor([1.0, 2.0, float("inf"), -0.1, 1e-20], device=x.device)


class Nested(nn.Module):
    """Containers and plain values among the inputs."""

    def forward(
        self,
        tensors: dict[str, torch.Tensor],
        factor: float,
        flag: bool,  # noqa: FBT001 - forward's arguments are positional
        pair: tuple[torch.Tensor, Any],
    ) -> tuple[torch.Tensor]:
        result = tensors["a"] * factor + pair[0]
        return (result + pair[1]["z"] if flag else result,)


class Counters(nn.Module):
    """Buffers changed in place, through an operator and by assignment."""

    count: torch.Tensor
    total: torch.Tensor
    last: torch.Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("count", torch.zeros((), dtype=torch.int64))
        self.register_buffer("total", torch.zeros(4))
        self.register_buffer("last", torch.zeros(4))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.count += 1
        self.total.mul_(0.5).add_(x.sum(0))
        self.last = x.amax(0)
        return x / self.count + self.total


class Dtypes(nn.Module):
    """Booleans, integer division, low precision and double precision."""

    def forward(self, x: torch.Tensor, mask: torch.Tensor, wide: torch.Tensor) -> tuple[torch.Tensor, ...]:
        picked = x.masked_fill(mask, -1e9)
        return picked.argmax(-1), x > 0, (x * 7).long() // 3, x.bfloat16() * 2, wide.softmax(-1), x.cumsum(-1)


class Wide(nn.Module):
    """A matmul with an epilogue, a norm along rows and a sum along columns: something for every option."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(128, 256)
        self.norm = nn.LayerNorm(256)

    def forward(self, x: torch.Tensor, indices: torch.Tensor) -> tuple[torch.Tensor, ...]:
        y = F.gelu(self.linear(x))
        z = self.norm(y)
        return z, y.sum(0), (z.t() + 1).relu(), F.embedding(indices, z).softmax(-1), x.sum()


def cases() -> dict[str, Callable[[], Case]]:
    """Return, by name, what makes a model and its inputs."""
    return {
        "softmax": lambda: (Softmax(), [normal(64, 1000)]),
        "block": lambda: (Block(), [normal(8, 64)]),
        "outputs": lambda: (Outputs(), [normal(32, 32), normal(32, 32)]),
        "batch_norm": lambda: (BatchNorm().train(), [normal(2, 3, 8, 8)]),
        "embedding": lambda: (Embedding(), [torch.randint(0, 50, (4, 7))]),
        "conv_block": lambda: (ConvBlock().eval(), [normal(2, 4, 17, 17)]),
        "attention": lambda: (Attention(), [normal(2, 16, 32)]),
        "tables": lambda: (Tables(), [normal(2, 4, 16)]),
        "nested": lambda: (
            Nested(),
            [{"a": normal(4, 4), "unused": normal(2)}, 2.0, True, (normal(4, 4), {"z": normal(1, 4)})],
        ),
        "counters": lambda: (Counters(), [normal(4, 4)]),
        "dtypes": lambda: (Dtypes(), [normal(8, 33), torch.rand(8, 33) > 0.5, normal(4, 9).double()]),
        "wide": lambda: (Wide(), [normal(96, 128), torch.randint(0, 96, (40,))]),
    }


class Breaks(nn.Module):
    """Takes a branch that depends on values."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + 1 if x.sum() > 0 else x - 1


class BigTable(nn.Module):
    """A large tensor that is neither parameter nor buffer."""

    def __init__(self) -> None:
        super().__init__()
        self.table = normal(100, 100)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.table


class Remembers(nn.Module):
    """Keeps a tensor on itself."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.cache = x * 2
        return self.cache + 1


class Counts(nn.Module):
    """Keeps a number on itself."""

    def __init__(self) -> None:
        super().__init__()
        self.calls = 0

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.calls += 1
        return x * 2


class Grows(nn.Module):
    """A buffer that changes its shape."""

    seen: torch.Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("seen", torch.zeros(1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.seen = torch.cat([self.seen, x])
        return x * 2


def refusals() -> dict[str, Callable[[], Case]]:
    """Return, by name, models that can't be written down."""
    return {
        "graph_break": lambda: (Breaks(), [normal(4)]),
        "big_constant": lambda: (BigTable(), [normal(100)]),
        "kept_tensor": lambda: (Remembers(), [normal(4)]),
        "kept_number": lambda: (Counts(), [normal(4)]),
        "growing_buffer": lambda: (Grows(), [normal(4)]),
        "strange_input": lambda: (Softmax(), [object()]),
        "nothing_to_do": lambda: (nn.Identity(), [normal(4)]),
    }
