"""Become another program behind walls that stand already: how outside tools run on candidates.

Profilers and sanitizers must start what they look at themselves, so the first process of a sandbox
turns into the tool, and the tool starts `worker.solo`. Runs after a fork, as the candidate's user.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Mapping
from pathlib import Path
from typing import NoReturn

NOT_STARTED = 127
# Python ignores these, and what is ignored stays so in the new program.
IGNORED_BY_PYTHON = (signal.SIGPIPE, signal.SIGXFSZ)


def become(words: tuple[str, ...], environment: Mapping[str, str], files: Mapping[str, int]) -> NoReturn:
    """Put `files` into the working folder and run `words` in place of this process.

    Args:
        words: the program, by its full path, and its arguments.
        environment: variables to add to this process's own.
        files: open files by the name that their contents get; they are closed.
    """
    try:
        folder = str(Path.cwd())
        for name, descriptor in files.items():
            _copy(descriptor, Path(folder, name))
            os.close(descriptor)
        for number in IGNORED_BY_PYTHON:
            signal.signal(number, signal.SIG_DFL)
        os.execve(words[0], words, {**os.environ, "HOME": folder, "TMPDIR": folder, **environment})  # noqa: S606
    except OSError as error:
        os.write(2, f"{words[0]} does not start: {error}\n".encode())
    os._exit(NOT_STARTED)


def _copy(descriptor: int, path: Path) -> None:
    """Copy a whole file; its offset, which others may share, is neither used nor moved."""
    left = os.fstat(descriptor).st_size
    offset = 0
    with path.open("wb") as target:
        while left > 0 and (copied := os.sendfile(target.fileno(), descriptor, offset, left)):
            offset += copied
            left -= copied
