"""Dtypes as people write them, at the end of a locator or in an option; knows no format."""

from __future__ import annotations

from warpsmith.core.errors import UnknownName
from warpsmith.core.registry import suggest

SHORT = {"fp16": "float16", "bf16": "bfloat16", "fp32": "float32", "fp64": "float64", "half": "float16"}
_CASTS = ("float32", "bfloat16", "float16")


def full_dtype(name: str) -> str:
    """Return `bfloat16` for `bf16`, and other names as they are."""
    return SHORT.get(name.lower(), name)


def split_cast(rest: str) -> tuple[str, str | None]:
    """Return a locator without `@DTYPE` at its end, and the dtype; None without one.

    Raises:
        UnknownName: what stands there is no dtype to cast to.
    """
    head, at, tail = rest.rpartition("@")
    if not at or "/" in tail or ":" in tail:  # an @ in the name of a folder
        return rest, None
    dtype = full_dtype(tail)
    if dtype not in _CASTS:
        raise UnknownName(f"can't cast to the dtype {tail!r}{suggest(tail, ['fp32', 'bf16', 'fp16'])}")
    return head, dtype
