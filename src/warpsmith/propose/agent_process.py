"""Run an external command to its end or its time limit, in little of our environment, and keep its words.

Knows processes; knows nothing of problems, prompts and candidates.
"""

from __future__ import annotations

import os
import select
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from warpsmith.propose import agent_guard

# What a program needs to start, find a GPU and find its own settings. None of these holds a key.
USUAL_ENV = (
    "CUDA_HOME",
    "CUDA_PATH",
    "CUDA_VISIBLE_DEVICES",
    "HOME",
    "LANG",
    "LC_ALL",
    "LD_LIBRARY_PATH",
    "LOGNAME",
    "PATH",
    "SHELL",
    "SSL_CERT_FILE",
    "TMPDIR",
    "TZ",
    "USER",
    "XDG_CACHE_HOME",
    "XDG_CONFIG_HOME",
)
# Beyond the limit, the guard has this long to end everything before it is killed itself.
GRACE_S = 20.0
# A shorter value, such as `1`, is no secret and would be found everywhere.
SECRET_CHARS = 6


class Ended(NamedTuple):
    """How a command ended.

    Attributes:
        how: `exit N`, `signal N`, `timeout`, `abandoned` or `missing REASON`.
        transcript: what it printed, the middle left out where that is long, without secrets.
        wall_s: seconds it ran.
    """

    how: str
    transcript: str
    wall_s: float


def run(  # noqa: PLR0913 - what makes a process
    command: Sequence[str],
    folder: Path,
    *,
    stdin: Path,
    env: Mapping[str, str],
    timeout_s: float,
    keep_bytes: int,
) -> Ended:
    """Run `command` in `folder`; when this returns, nothing it started is left.

    Args:
        command: program and arguments; no shell reads them.
        folder: its working directory.
        stdin: the file that it reads as its standard input.
        env: the whole of its environment.
        timeout_s: wall seconds after which everything it started is killed.
        keep_bytes: of what it prints, stdout and stderr together.
    """
    started = time.monotonic()
    program = shutil.which(command[0], path=env.get("PATH")) if os.sep not in command[0] else command[0]
    if program is None:
        return Ended(how="missing No such file or directory", transcript="", wall_s=0.0)
    status_read, status_write = os.pipe()
    try:
        guard = subprocess.Popen(  # noqa: S603 - the command is what the user asks for
            [
                *(sys.executable, "-I", str(Path(agent_guard.__file__).resolve())),
                *(str(status_write), str(timeout_s), str(stdin), str(folder), program, *command[1:]),
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            pass_fds=(status_write,),
            env=dict(env),
            start_new_session=True,
        )
    except (OSError, ValueError) as error:  # a brief that is too long for an argument, or holds a NUL
        os.close(status_read)
        os.close(status_write)
        return Ended(how=f"missing {getattr(error, 'strerror', None) or error}", transcript="", wall_s=0.0)
    os.close(status_write)
    try:
        said = _read_all(guard, started + timeout_s + GRACE_S, keep_bytes)
    finally:
        # Closing its standard input tells it to end all, however we got here.
        assert guard.stdin is not None  # noqa: S101 - asked for above
        assert guard.stdout is not None  # noqa: S101
        guard.stdin.close()
        try:
            guard.wait(GRACE_S)
        except subprocess.TimeoutExpired:
            guard.kill()
            guard.wait()
        guard.stdout.close()
        with os.fdopen(status_read, "rb") as pipe:
            os.set_blocking(pipe.fileno(), False)
            how = (pipe.read() or b"").decode(errors="replace").strip()
    return Ended(how=how or "signal 9", transcript=said, wall_s=time.monotonic() - started)


def environment(names: Sequence[str]) -> dict[str, str]:
    """Return the usual variables and those of `names`, as far as they are set."""
    return {name: os.environ[name] for name in (*USUAL_ENV, *names) if name in os.environ} | {"TERM": "dumb"}


def without_values(text: str, names: Sequence[str]) -> str:
    """Return `text` with the values of the environment variables `names` replaced by their names."""
    for name in names:
        value = os.environ.get(name, "").strip()
        if len(value) >= SECRET_CHARS:
            text = text.replace(value, f"[{name}]")
    return text


def _read_all(guard: subprocess.Popen[bytes], end: float, keep_bytes: int) -> str:
    """Return what is printed until nobody can print any more; beginning and end where it is long."""
    assert guard.stdout is not None  # noqa: S101 - asked for by the caller
    pipe = guard.stdout.fileno()
    half = keep_bytes // 2
    head, tail, dropped = bytearray(), bytearray(), False
    while (left_s := end - time.monotonic()) > 0:
        if not select.select([pipe], [], [], left_s)[0]:
            break
        piece = os.read(pipe, 1 << 16)
        if not piece:
            break
        room = half - len(head)
        head += piece[:room]
        tail += piece[room:]
        if len(tail) > half:
            dropped = True
            del tail[: len(tail) - half]
    if dropped:
        # Whole lines alone: half a key would not be known for one.
        del head[head.rfind(b"\n") + 1 :]
        del tail[: tail.find(b"\n") + 1 or len(tail)]
    text = head.decode(errors="replace")
    if dropped:
        text += "[... the middle is left out ...]\n"
    # Not text, and a database may refuse it.
    return (text + tail.decode(errors="replace")).replace("\0", "�")
