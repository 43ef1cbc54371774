"""Triton kernels, compiled by Triton itself at their first launch."""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from warpsmith.worker.backends.base import import_entry

_JIT = re.compile(r"^\s*@\s*(triton\.)?(jit|autotune|heuristics)\b", re.MULTILINE)


class Triton(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A Python module with `@triton.jit` functions, for CUDA devices."""

    device_types: tuple[str, ...] = ("cuda",)

    def claim(self, source: str) -> int:
        """Claim sources that decorate a function with `triton.jit`."""
        return 3 if "triton" in source and _JIT.search(source) else 0

    def missing(self) -> str:
        """Triton itself."""
        has_triton = importlib.util.find_spec("triton") is not None
        return "" if has_triton else "triton is not installed; it comes with a CUDA build of torch"

    def environment(self, scratch: Path, device: str) -> dict[str, str]:  # noqa: ARG002
        """Keep Triton's cache private to the candidate."""
        return {"TRITON_CACHE_DIR": str(scratch / "triton")}

    def build(self, path: Path, entry: str) -> Callable[..., Any]:
        """Import the module; kernels compile at their first launch."""
        return import_entry(path, entry)
