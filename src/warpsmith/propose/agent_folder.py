"""The folder that a coding agent works in, and what it left there.

Knows files; runs nothing and judges no kernel.
"""

from __future__ import annotations

import os
import shlex
import stat
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec

from warpsmith.core.task import Task
from warpsmith.core.trial import Trial
from warpsmith.core.verdict import Rejected
from warpsmith.propose.prompting import parent_file, said_of
from warpsmith.propose.python_text import defines, syntax_error
from warpsmith.verify.scan import MAX_SOURCE_BYTES, decode_source

PROBLEM, BRIEF, VERIFY, USAGE = "problem.py", "BRIEF.md", "verify.sh", "usage.json"
OURS = (PROBLEM, BRIEF, VERIFY, USAGE)
ENTRY = "ModelNew"
USAGE_BYTES = 1 << 16


class Usage(msgspec.Struct, frozen=True, kw_only=True):
    """What an agent says it took; other fields are not looked at.

    Attributes:
        tokens: read and written.
        usd: US dollars; None where it does not say.
    """

    tokens: int = 0
    usd: float | None = None

    def __post_init__(self) -> None:
        if self.tokens < 0 or not 0 <= (self.usd or 0.0) < float("inf"):
            raise ValueError("usage is not negative")


class Found(NamedTuple):
    """What the file holds.

    Attributes:
        source: text of a Python module that defines the entry; None where it is none.
        reason: why there is none; empty where there is one.
    """

    source: str | None
    reason: str = ""


def fill(folder: Path, task: Task, parents: Sequence[Trial], brief: str) -> None:
    """Write problem, brief, parents and the way to verify into the empty `folder`."""
    (folder / PROBLEM).write_text(task.problem.source, encoding="utf-8")
    (folder / BRIEF).write_text(brief, encoding="utf-8")
    (folder / VERIFY).write_text(_script(task), encoding="utf-8")
    for parent in parents:
        candidate = parent.proposal.candidate
        if candidate is None:
            continue
        source = folder / parent_file(parent)
        source.parent.mkdir(exist_ok=True)
        source.write_text(candidate.source, encoding="utf-8")
        source.with_suffix(".md").write_text(f"{said_of(parent, task)}\n", encoding="utf-8")


def _script(task: Task) -> str:
    track = task.track
    words = [sys.executable, "-c", "from warpsmith.cli import main; main()", "verify", f"./{PROBLEM}"]
    options = ["--device", task.target.device, "--tier", task.tier.value, "--json"]
    options += ["--kernels", track.kernels, "--precision", track.precision, "--shapes", track.shapes]
    for name in task.baselines:
        options += ["--baseline", name]
    return (
        "#!/bin/sh\n"
        "# Verify a candidate as the search will, on inputs of its own: sh verify.sh FILE\n"
        'cd "$(dirname "$0")" || exit 2\n'
        f'exec {shlex.join(words)} "$@" {shlex.join(options)}\n'
    )


def collect(folder: Path, name: str) -> Found:
    """Return what the file `name` holds; links are not followed, for they may lead anywhere."""
    path, reason = folder, ""
    for part in Path(name).parts:
        path /= part
        reason = reason or _odd(path, name)
    if reason or not stat.S_ISREG(path.lstat().st_mode):
        return Found(None, reason or f"{name} is no regular file")
    try:
        source = decode_source(_head(path, MAX_SOURCE_BYTES + 1))
    except OSError as error:
        return Found(None, f"{name} can't be read: {error.strerror}")
    if isinstance(source, Rejected):
        return Found(None, f"{name} holds no candidate: {source.reason}")
    reason = _junk(source, name)
    return Found(None if reason else source, reason)


def _odd(path: Path, name: str) -> str:
    try:
        mode = path.lstat().st_mode
    except OSError:
        return f"it wrote no {name}"
    return f"{name} is a link; write the file itself" if stat.S_ISLNK(mode) else ""


def _junk(source: str, name: str) -> str:
    """Say why `source` can't be a candidate; empty where it may be one."""
    if not source.strip():
        return f"{name} is empty"
    if wrong := syntax_error(source):
        return f"{name} is not Python: {wrong}"
    return "" if defines(source, ENTRY) else f"{name} defines no class {ENTRY}"


def usage(folder: Path) -> Usage:
    """Return what the agent says it took; nothing known where it does not say so in a form we know."""
    path = folder / USAGE
    try:
        if not stat.S_ISREG(path.lstat().st_mode):
            return Usage()
        return msgspec.json.decode(_head(path, USAGE_BYTES), type=Usage)
    except (OSError, msgspec.DecodeError, ValueError):
        return Usage()


def _head(path: Path, most_bytes: int) -> bytes:
    # Between the look and the reading nobody can put a link there: everything the agent started is dead.
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    with os.fdopen(descriptor, "rb") as file:
        return file.read(most_bytes)
