"""Derive a child seed from a parent seed and a label.

Nobody adds 1 to a seed: two streams that were drawn for different purposes must
never coincide, and a purpose has a name.
"""

from __future__ import annotations

import hashlib


def derive(parent: int, *labels: str | int) -> int:
    """Return a seed in [0, 2**63) that depends on `parent` and every label, in order."""
    text = "\x1f".join([str(parent), *(str(label) for label in labels)])
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1
