"""Verification from the host: one `Verifier`, one verdict a candidate."""

from __future__ import annotations

from warpsmith.verify.verifier import Verifier

__all__ = ["Verifier"]
