"""One writer for a run folder, for as long as its process lives.

The kernel drops the lock when the process ends, however it ends, so nothing stale
is ever left to clean up. Readers take no lock.
"""

from __future__ import annotations

import fcntl
import os
from io import TextIOWrapper
from pathlib import Path

from warpsmith.core.errors import UsageError


class WriterLock:
    """An exclusive `flock` on a file that holds the writer's process id.

    Args:
        path: the lock file; made where it is missing, never removed, because removing it would let
            two writers hold locks on two files of one name.

    Raises:
        UsageError: another process, or this one, holds it.
        OSError: the file cannot be opened for writing.
    """

    def __init__(self, path: Path) -> None:
        # Closed in `release`; Python opens files close-on-exec, so worker processes don't inherit the lock.
        self._file: TextIOWrapper = path.open("a+")
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            self._file.seek(0)
            owner = self._file.read().strip()
            self._file.close()
            who = f"process {owner}" if owner else "another process"
            raise UsageError(
                f"{path.parent} is being written by {who}; wait for it to end or choose another --out"
            ) from error
        self._file.truncate(0)
        self._file.write(str(os.getpid()))
        self._file.flush()

    def release(self) -> None:
        """Let the next writer in; calling it again does nothing."""
        self._file.close()
