"""Strict encoding and decoding of records, and their content ids.

All (de)serialisation in Warpsmith goes through this file, so that a change of
library is a change of one file. JSON has no NaN and no infinity, and msgspec
would write them as null; `encode` refuses them instead.
"""

from __future__ import annotations

import hashlib
import math
from typing import Any, TypeVar

import msgspec

from warpsmith.core.errors import RecordError

T = TypeVar("T")


def require_finite(value: object, where: str = "record") -> None:
    """Walk builtin containers and refuse floats that JSON cannot say.

    Raises:
        RecordError: a NaN or an infinity stands somewhere in `value`.
    """
    if isinstance(value, float):
        if not math.isfinite(value):
            raise RecordError(f"{where} holds {value!r}, which is not a finite number")
    elif isinstance(value, dict):
        for key, item in value.items():
            require_finite(item, f"{where}.{key}")
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            require_finite(item, f"{where}[{index}]")


def builtins_of(record: object) -> Any:
    """Return `record` as dicts, lists and scalars, all floats finite."""
    plain = msgspec.to_builtins(record)
    require_finite(plain, type(record).__name__)
    return plain


def encode(record: object) -> bytes:
    """Return JSON with all fields present and all floats finite; the order of mappings is kept."""
    return msgspec.json.encode(builtins_of(record))


def decode(data: bytes | str, kind: type[T]) -> T:
    """Return the record of type `kind` written in `data`.

    Raises:
        RecordError: a field is missing, unknown or of the wrong type.
    """
    try:
        return msgspec.json.decode(data, type=kind)
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        name = getattr(kind, "__name__", str(kind))
        raise RecordError(f"not a {name} record: {error}") from error


def content_id(record: object) -> str:
    """SHA-256 of the canonical JSON (keys sorted) over all fields of `record`, as 64 hex digits."""
    canonical = msgspec.json.encode(builtins_of(record), order="sorted")
    return hashlib.sha256(canonical).hexdigest()


def text_id(text: str) -> str:
    """SHA-256 of `text` in UTF-8, as 64 hex digits; the name of a blob."""
    return hashlib.sha256(text.encode()).hexdigest()
