"""A backend whose candidates are no modules but functions of one number, applied to every element."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from warpsmith.worker.backends.base import import_entry

FIRST_LINE = "# plainpy"


class PlainPy(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A Python file that begins with `# plainpy` and whose entry maps a float to a float."""

    device_types: tuple[str, ...] = ("cpu",)

    def claim(self, source: str) -> int:
        """Claim files that say they are for it, whatever else they look like."""
        return 5 if source.startswith(FIRST_LINE) else 0

    def missing(self) -> str:
        """Nothing."""
        return ""

    def environment(self, scratch: Path, device: str) -> dict[str, str]:
        """Nothing."""
        return {}

    def build(self, path: Path, entry: str) -> Callable[..., Any]:
        """Return what makes a callable on tensors from the function called `entry`."""
        return elementwise(import_entry(path, entry))


def elementwise(function: Callable[[float], float]) -> Callable[..., Any]:
    """Return a stand-in for a class: constructed with anything, called with one floating tensor."""
    import torch  # noqa: PLC0415 - the host imports this module without torch

    def construct(*_init_inputs: object) -> Callable[[torch.Tensor], torch.Tensor]:
        def call(x: torch.Tensor) -> torch.Tensor:
            values = [function(value) for value in x.flatten().tolist()]
            return torch.tensor(values, dtype=x.dtype).reshape(x.shape)

        return call

    return construct
