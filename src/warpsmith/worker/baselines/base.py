"""The contract of a baseline: a way to run the reference that a speedup is stated against."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol


class Baseline(Protocol):
    """Make the reference module callable in one particular way.

    Runs on the reference side. Importing the module of a baseline imports no torch.
    """

    def prepare(self, model: Any) -> Callable[..., Any]:
        """Return what is to be timed; it is called under `no_grad` and warmed up by the caller."""
        ...
