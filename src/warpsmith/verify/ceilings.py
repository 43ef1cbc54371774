"""Ceilings of this host's devices, kept between commands so that a bound can be told without measuring again.

For people who look at problems. A verdict measures its own, so what lies here convicts and acquits nobody.
"""

from __future__ import annotations

from pathlib import Path

import msgspec

from warpsmith.core.errors import UsageError
from warpsmith.core.roofline import Ceilings
from warpsmith.verify.worker_process import cache_folder


def kept_ceilings(device: str) -> Ceilings | None:
    """Return what was kept of the device with this description; None where nothing is kept."""
    return _all().get(device)


def keep_ceilings(ceilings: Ceilings) -> Path:
    """Keep `ceilings` under their device's description, and return the file.

    Raises:
        UsageError: it can't be written.
    """
    path = _path()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        whole = msgspec.json.encode(_all() | {ceilings.device: ceilings})
        fresh = path.with_suffix(".new")
        fresh.write_bytes(msgspec.json.format(whole, indent=2) + b"\n")
        fresh.replace(path)
    except OSError as error:
        reason = error.strerror or error
        raise UsageError(
            f"cannot write {str(path)!r}: {reason}; set XDG_CACHE_HOME to another folder"
        ) from error
    return path


def _path() -> Path:
    return cache_folder() / "ceilings.json"


def _all() -> dict[str, Ceilings]:
    try:
        return msgspec.json.decode(_path().read_bytes(), type=dict[str, Ceilings])
    except (OSError, msgspec.DecodeError):
        return {}  # nothing was kept, or by another version: it is measured again
