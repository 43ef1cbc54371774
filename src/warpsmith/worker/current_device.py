"""Which of several GPUs a process means where nobody says: Triton, events and plain launches ask for that."""

from __future__ import annotations

import torch


def make_current(device: torch.device) -> None:
    """Let `device` be the one that is meant; of a CPU, or a GPU without a number, there is one anyway."""
    if device.type == "cuda" and device.index is not None:
        torch.cuda.set_device(device)
