"""Plain PyTorch: for controls, and for candidates that only rearrange library calls."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from warpsmith.worker.backends.base import import_entry


class Torch(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A module of PyTorch operators; nothing is compiled."""

    device_types: tuple[str, ...] = ("cpu", "cuda")

    def claim(self, source: str) -> int:  # noqa: ARG002 - it takes what nobody else wants
        """Claim anything, weakly."""
        return 1

    def missing(self) -> str:
        """Nothing beyond torch itself."""
        return ""

    def environment(self, scratch: Path, device: str) -> dict[str, str]:  # noqa: ARG002
        """Nothing."""
        return {}

    def build(self, path: Path, entry: str) -> Callable[..., Any]:
        """Import the module."""
        return import_entry(path, entry)
