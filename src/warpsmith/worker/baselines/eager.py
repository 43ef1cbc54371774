"""The reference as written, with and without TF32."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import msgspec

from warpsmith.worker.baselines.base import DoesNotApply


class Eager(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """PyTorch's eager mode: float32 means float32, so TF32 is off; `eager:tf32` has it on.

    Attributes:
        mode: `tf32` lets float32 products and convolutions drop to 10 bits of mantissa, on a GPU.
    """

    mode: Literal["strict", "tf32"] = "strict"

    def prepare(self, model: Any) -> Callable[..., Any]:
        """Return the module itself, or a call of it under the other setting."""
        import torch  # noqa: PLC0415 - names of baselines are listed on the host, without torch

        called: Callable[..., Any] = model
        if self.mode == "strict":
            return called
        if not torch.cuda.is_available():
            raise DoesNotApply("TF32 is a mode of GPUs; eager is the same baseline here")

        def with_tf32(*args: Any, **named: Any) -> Any:
            kept = torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32
            torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = True
            try:
                return called(*args, **named)
            finally:
                torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32 = kept

        return with_tf32
