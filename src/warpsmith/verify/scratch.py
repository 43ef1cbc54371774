"""Temporary folders of worker processes, removed with them, also when the host was killed.

The host holds a lock on its folder while it lives; whoever comes next removes the folders
that nobody locks. A process id would not do: /tmp may be shared between containers.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import tempfile
from pathlib import Path

PREFIX = "warpsmith-run-"


class Scratch:
    """One temporary folder at a time."""

    def __init__(self) -> None:
        self._folder: Path | None = None
        self._lock: int | None = None

    def make(self) -> Path:
        """Return a new empty folder, in place of the last one."""
        self.remove()
        _sweep(Path(tempfile.gettempdir()))
        self._folder = Path(tempfile.mkdtemp(prefix=PREFIX))
        self._lock = os.open(self._folder, os.O_RDONLY)
        fcntl.flock(self._lock, fcntl.LOCK_EX)
        return self._folder

    def remove(self) -> None:
        """Remove the folder and all that workers and candidates left in it."""
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None


def _sweep(parent: Path) -> None:
    for entry in parent.glob(f"{PREFIX}*"):
        with contextlib.suppress(OSError):  # locked, somebody else's, or swept by another just now
            descriptor = os.open(entry, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if entry.stat().st_uid == os.getuid():
                    shutil.rmtree(entry, ignore_errors=True)
            finally:
                os.close(descriptor)
