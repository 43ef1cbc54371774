"""What float32 means on both sides of the trust line: float32."""

from __future__ import annotations

import torch


def strict_float32() -> None:
    """Keep TF32 out of convolutions too; torch leaves it on there and off in matrix products.

    A reference that drops to 10 bits of mantissa would set the standard for everybody,
    and a candidate that inherits the setting would drop to them without having asked.
    """
    torch.backends.cudnn.allow_tf32 = False
    torch.backends.cuda.matmul.allow_tf32 = False
