"""The host's hold on a trusted worker process: start it, ask it, replace it when it dies.

Knows processes and deadlines; knows nothing of verdicts. Never imports torch.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

from warpsmith.core.errors import InfrastructureError, RecordError, UsageError, WorkerDied
from warpsmith.verify.scratch import Scratch
from warpsmith.worker import turns
from warpsmith.worker.builds import cache as builds
from warpsmith.worker.builds import headers
from warpsmith.worker.job import Reply, Request, Role, Trouble
from warpsmith.worker.output import Output
from warpsmith.worker.wire import Channel, ChannelClosed, DeadlinePassed

T = TypeVar("T", bound=Reply)

OUTPUT_BYTES = 64 * 1024
GOODBYE_S = 5.0
# A candidate can read the environment its process was started with, so keys and tokens stay out.
KEPT_NAMES = {
    "PATH",
    "HOME",
    "USER",
    "LOGNAME",
    "TMPDIR",
    "TERM",
    "CXX",
    "CC",
    "VIRTUAL_ENV",
    turns.FOLDER_VARIABLE,
    "LD_LIBRARY_PATH",
}
KEPT_PREFIXES = (
    "LANG",
    "LC_",
    "CUDA_",
    "NVIDIA_",
    "TORCH",
    "TRITON_",
    "PYTHON",
    "OMP_",
    "MKL_",
    "XDG_",
    "NCCL_",
)
# glibc gives large blocks back at every free, and page faults then decide a CPU comparison (3-4x on eager).
# Its mmap threshold can't be set above 32 MB, so mmap is switched off instead.
MALLOC = {"MALLOC_MMAP_MAX_": "0", "MALLOC_TRIM_THRESHOLD_": str(1 << 40)}


def _require_host() -> None:
    if sys.platform != "linux":
        raise UsageError(
            "verification needs Linux; run Warpsmith there, or in a container or a virtual machine"
        )
    if importlib.util.find_spec("torch") is None:
        raise UsageError(
            "torch is not installed; install your build of it, or pip install 'warpsmith[torch]'"
        )


class RequestFailed(InfrastructureError):
    """The worker is well but could not carry out the request."""

    def __init__(self, trouble: Trouble) -> None:
        super().__init__(trouble.reason)
        self.trouble = trouble


def cache_folder() -> Path:
    """Where compiler output of trusted processes is kept between runs."""
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "warpsmith"


def worker_environment() -> dict[str, str]:
    """Return the environment of a trusted worker."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if name in KEPT_NAMES or name.startswith(KEPT_PREFIXES)
    }
    inductor = {"TORCHINDUCTOR_CACHE_DIR": str(cache_folder() / "inductor")}
    return inductor | _build_caches() | kept | MALLOC


def _build_caches() -> dict[str, str]:
    """Return where builds are kept, and how much of them; `off` keeps none, nor precompiled headers."""
    named = os.environ.get(builds.FOLDER_VARIABLE) or str(cache_folder() / "builds")
    if named == builds.OFF:
        return {}
    limit = os.environ.get(builds.LIMIT_VARIABLE) or str(builds.DEFAULT_LIMIT_BYTES)
    if not limit.isdigit():
        raise UsageError(f"{builds.LIMIT_VARIABLE} is a number of bytes, not {limit!r}")
    return {
        builds.FOLDER_VARIABLE: named,
        builds.LIMIT_VARIABLE: limit,
        headers.FOLDER_VARIABLE: str(cache_folder() / "headers"),
    }


class WorkerProcess:
    """A trusted worker, started when first asked and again after it died."""

    def __init__(self, role: Role = Role.VERIFIER) -> None:
        self._role = role
        self._scratch = Scratch()
        self._process: subprocess.Popen[bytes] | None = None
        self._channel: Channel | None = None
        self._output: Output | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def start(self) -> Channel:
        """Start the process if there is none; it imports torch while the caller does other things.

        Raises:
            UsageError: this system can't run workers.
        """
        _require_host()
        # An idle worker says nothing, so what can be read is its end, which shows before its status does.
        channel, process = self._channel, self._process
        if channel is not None and process is not None and not channel.has_input() and process.poll() is None:
            return channel
        self.close()
        channel, theirs = Channel.pair()
        self._channel = channel
        self._output = Output(OUTPUT_BYTES)
        command = [
            sys.executable,
            "-P",
            "-m",
            "warpsmith.worker",
            str(theirs.fileno()),
            str(os.getpid()),
            self._role,
        ]
        self._process = subprocess.Popen(  # noqa: S603 - our own module
            command,
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
            stdout=self._output.write_end,
            stderr=self._output.write_end,
            env=worker_environment() | {"TMPDIR": str(self._scratch.make())},
            start_new_session=True,
        )
        theirs.close()
        os.close(self._output.write_end)
        return channel

    def ask(self, request: Request, *kinds: type[T], limit_s: float) -> T:
        """Return the worker's answer to `request`, which is one of `kinds`.

        Raises:
            RequestFailed: it says why it could not.
            WorkerDied: it crashed or took longer than `limit_s`; the next request starts a new one.
        """
        channel = self.start()
        try:
            channel.send(request)
            reply: Reply = channel.receive(Reply, deadline=time.monotonic() + limit_s)
        except DeadlinePassed as error:
            self._bury()
            raise WorkerDied(f"a trusted worker gave no answer within {limit_s:.0f} s") from error
        except (ChannelClosed, RecordError) as error:
            how = self._bury()
            raise WorkerDied(f"a trusted worker {how} in the middle of its work") from error
        except BaseException:
            # Interrupted while it waits: the answer would still come, and pass for that to the next request.
            self.close()
            raise
        if isinstance(reply, Trouble):
            if reply.fatal:
                self._bury()
            raise RequestFailed(reply)
        if not isinstance(reply, kinds):
            wanted = " or ".join(kind.__name__ for kind in kinds)
            raise RecordError(f"asked a worker for {wanted}, got {type(reply).__name__}")
        return reply

    def kill(self) -> None:
        """Kill the process, if there is one; may be called while another thread waits for its answer."""
        if (process := self._process) is not None:
            process.kill()

    @property
    def log(self) -> str:
        """What the last process that died wrote."""
        return self._last_log

    _last_log = ""

    def _bury(self) -> str:
        status = None
        if self._process is not None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                status = self._process.wait(timeout=1.0)
        how = "hung" if status is None else f"ended with status {status}"
        if status is not None and status < 0:
            how = f"was killed by {signal.Signals(-status).name}"
        self.close()
        return how

    def close(self) -> None:
        """End the process and all below it; nothing is left running."""
        if self._channel is not None:
            self._channel.close()
            self._channel = None
        if self._process is not None:
            # Its nursery and candidates ask the kernel to be killed when their parent goes.
            self._process.kill()
            self._process.wait(timeout=GOODBYE_S)
            self._process = None
        self._scratch.remove()
        if self._output is not None:
            self._last_log = self._output.text()
            self._output = None
