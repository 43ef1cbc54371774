"""One writer for a run folder, for as long as its process lives.

The kernel drops the lock when the process ends, however it ends, so nothing stale
is ever left to clean up. Readers take no lock.
"""

from __future__ import annotations

import fcntl
import os
import time
from io import TextIOWrapper
from pathlib import Path

from warpsmith.core.errors import UsageError

# `writer_of` holds the lock for microseconds; a writer that meets it tries again.
TRIES = 5
BETWEEN_S = 0.02


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
            self._take()
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

    def _take(self) -> None:
        for left in reversed(range(TRIES)):
            try:
                fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if not left:
                    raise
                time.sleep(BETWEEN_S)
            else:
                return

    def release(self) -> None:
        """Let the next writer in; calling it again does nothing."""
        self._file.close()


def writer_of(path: Path) -> int | None:
    """Return the id of the process that holds the lock file `path`; None where nobody does.

    Only a process of this host is seen. One that has only just taken the lock is process 0.
    """
    try:
        file = path.open()
    except FileNotFoundError:
        return None
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            owner = file.read().strip()
            return int(owner) if owner.isdigit() else 0
    return None
