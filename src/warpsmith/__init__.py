"""Warpsmith: from a PyTorch program to a kernel proven equal and measured faster."""

from __future__ import annotations

__version__ = "0.1.0"
