"""Builds by key in a folder of this user: written once, in one step, thrown away by size and age of use.

An entry is one read-only file that appears by renaming, so a reader sees a whole one or none, whoever
else writes and whenever a writer is killed. What it holds is checked at every reading; an entry that is
not as it was sealed is removed.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import stat
import time
from pathlib import Path

from warpsmith.worker.builds.parcel import NoParcel, Parcel, check_sealed, memory_file

# Set by the host for its workers; and by users: a folder, or `off`.
FOLDER_VARIABLE = "WARPSMITH_BUILD_CACHE"
LIMIT_VARIABLE = "WARPSMITH_BUILD_CACHE_BYTES"
DEFAULT_LIMIT_BYTES = 4 << 30
OFF = "off"
SUFFIX = ".build"
# No write takes as long; who left this was killed.
LEFTOVER_S = 3600.0


class BuildCache:
    """The builds in one folder.

    Args:
        folder: made if it is not there.
        limit_bytes: all entries together; the ones that were used longest ago go first.
    """

    def __init__(self, folder: Path, limit_bytes: int = DEFAULT_LIMIT_BYTES) -> None:
        self.folder = folder
        self._limit_bytes = limit_bytes
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._sweep()

    def get(self, key: str) -> int | None:
        """Return a sealed memory file with the build `key`, or None; the caller closes it."""
        path = self._path(key)
        try:
            data = path.read_bytes()
        except OSError:
            return None
        try:
            check_sealed(data, key)
        except NoParcel:
            path.unlink(missing_ok=True)
            return None
        with contextlib.suppress(OSError):  # evicted just now, which takes nothing from what was read
            os.utime(path)
        return memory_file(data)

    def put(self, parcel: Parcel) -> None:
        """Keep a build; whoever was first with the same key has kept the same."""
        path = self._path(parcel.index.key)
        part = path.with_name(f"{path.name}.tmp-{os.getpid()}-{secrets.token_hex(4)}")
        try:
            with part.open("xb") as file:
                file.write(parcel.encoded())
                file.flush()
                os.fsync(file.fileno())
            part.chmod(0o444)
            part.rename(path)
        except OSError:  # a full disk costs a cache, never a verdict
            part.unlink(missing_ok=True)
            return
        descriptor = os.open(self.folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        self._evict()

    def _path(self, key: str) -> Path:
        return self.folder / f"{key}{SUFFIX}"

    def _sweep(self) -> None:
        for path in self.folder.glob(f"*{SUFFIX}.tmp-*"):
            with contextlib.suppress(OSError):  # another one sweeps, too
                if time.time() - path.stat().st_mtime > LEFTOVER_S:
                    path.unlink()

    def _evict(self) -> None:
        found = []
        for path in self.folder.glob(f"*{SUFFIX}"):
            with contextlib.suppress(OSError):
                known = path.stat()
                found.append((known.st_mtime_ns, known.st_size, path))
        total = sum(size for _, size, _ in found)
        for _, size, path in sorted(found):
            if total <= self._limit_bytes:
                return
            path.unlink(missing_ok=True)
            total -= size


def cache_of_environment() -> BuildCache | None:
    """Return the cache that the environment names; None where it is off, or not ours alone to write to."""
    named = os.environ.get(FOLDER_VARIABLE, OFF)
    if named == OFF:
        return None
    try:
        limit = int(os.environ.get(LIMIT_VARIABLE, DEFAULT_LIMIT_BYTES))
        cache = BuildCache(Path(named).absolute(), limit)
        found = cache.folder.stat()
    except (OSError, ValueError):
        return None
    is_ours = found.st_uid == os.geteuid() and not found.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
    return cache if is_ours else None
