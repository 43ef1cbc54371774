"""Temporary folders of worker processes, removed with them, also when the host was killed.

A folder's name holds the host's process id; whoever comes next removes the folders of
hosts that are gone.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import tempfile
from pathlib import Path

_NAME = re.compile(r"warpsmith-(\d+)-\w+")


class Scratch:
    """One temporary folder at a time."""

    def __init__(self) -> None:
        self._folder: Path | None = None

    def make(self) -> Path:
        """Return a new empty folder, in place of the last one."""
        self.remove()
        _sweep(Path(tempfile.gettempdir()))
        self._folder = Path(tempfile.mkdtemp(prefix=f"warpsmith-{os.getpid()}-"))
        return self._folder

    def remove(self) -> None:
        """Remove the folder and all that workers and candidates left in it."""
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None


def _sweep(parent: Path) -> None:
    for entry in parent.glob("warpsmith-*"):
        match = _NAME.fullmatch(entry.name)
        if match is None or Path(f"/proc/{match[1]}").exists():
            continue
        with contextlib.suppress(FileNotFoundError):  # somebody else sweeps, too
            if entry.stat().st_uid == os.getuid():
                shutil.rmtree(entry, ignore_errors=True)
