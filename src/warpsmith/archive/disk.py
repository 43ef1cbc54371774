"""Files that appear whole or not at all, and disk errors in one sentence.

Knows paths and bytes; knows nothing of records.
"""

from __future__ import annotations

import errno
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from warpsmith.core.errors import InfrastructureError, UsageError, WarpsmithError

FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
NOT_WRITABLE = {errno.EACCES, errno.EPERM, errno.EROFS}
NOT_A_FOLDER = {errno.ENOTDIR, errno.EEXIST}

# Unfinished files begin with this, so that a writer can sweep what a killed one left behind.
UNFINISHED = ".unfinished-"


def full(folder: Path) -> InfrastructureError:
    """Return the error for a full disk; finished trials are safe because each was one transaction."""
    return InfrastructureError(f"no space left to write in {folder}; every finished trial is kept")


ANOTHER_FOLDER = "choose another --out"


def _opening_error(error: OSError, folder: Path, remedy: str) -> WarpsmithError:
    if error.errno in FULL:
        return full(folder)
    if error.errno in NOT_WRITABLE:
        return UsageError(f"{folder} is not writable; {remedy}")
    if error.errno in NOT_A_FOLDER:
        return UsageError(f"{folder} is not a folder; {remedy}")
    return UsageError(f"{folder} cannot be used ({error.strerror}); {remedy}")


@contextmanager
def opening(folder: Path, remedy: str = ANOTHER_FOLDER) -> Iterator[None]:
    """Turn disk errors met before any work began into what the caller should do about them.

    Raises:
        UsageError: the folder cannot be written.
        InfrastructureError: the disk is full.
    """
    try:
        yield
    except OSError as error:
        raise _opening_error(error, folder, remedy) from error


@contextmanager
def writing(folder: Path) -> Iterator[None]:
    """Turn disk errors met in the middle of a run into faults of the machine.

    Raises:
        InfrastructureError: the disk is full, became read-only or failed.
    """
    try:
        yield
    except OSError as error:
        if error.errno in FULL:
            raise full(folder) from error
        raise InfrastructureError(
            f"cannot write in {folder} ({error.strerror}); every finished trial is kept"
        ) from error


def make_folder(folder: Path) -> None:
    """Make `folder` and its parents where missing; a crash afterwards does not lose it.

    Raises:
        OSError: the disk refused, or something else has that name.
    """
    if not folder.is_dir():
        folder.mkdir(parents=True, exist_ok=True)
        _sync_folder(folder.parent)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_atomically(path: Path, data: bytes) -> None:
    """Write `data` to `path` so that a reader sees the old file or the new one, and a crash loses neither.

    Raises:
        OSError: the disk refused; nothing is left at a temporary name.
    """
    unfinished = path.with_name(f"{UNFINISHED}{os.getpid()}-{threading.get_native_id()}-{path.name}")
    try:
        with unfinished.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(path)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise
    _sync_folder(path.parent)
