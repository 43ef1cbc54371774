"""The contract of a baseline: a way to run the reference that a speedup is stated against."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol


class DoesNotApply(Exception):
    """This baseline has nothing to do with this problem or device; the message says why, to people."""


class Baseline(Protocol):
    """Make the reference module callable in one particular way.

    Runs on the reference side. Importing the module of a baseline imports no torch.
    """

    def prepare(self, model: Any) -> Callable[..., Any]:
        """Return what is to be timed; it is called under `no_grad` and warmed up by the caller.

        Raises:
            DoesNotApply: here or at the first call, where there is nothing to be timed.
        """
        ...
