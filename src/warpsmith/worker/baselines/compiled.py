"""`torch.compile` of the reference, its mode in the baseline's name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import msgspec


class Compiled(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Inductor, specialised to the workload's shapes.

    Attributes:
        mode: as for `torch.compile`.
    """

    mode: Literal["default", "reduce-overhead", "max-autotune", "max-autotune-no-cudagraphs"] = "default"

    def prepare(self, model: Any) -> Callable[..., Any]:
        """Return the compiled module; the first call compiles it."""
        import torch  # noqa: PLC0415 - names of baselines are listed on the host, without torch

        compiled: Callable[..., Any] = torch.compile(model, mode=self.mode, dynamic=False)
        return compiled
