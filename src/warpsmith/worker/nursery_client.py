"""The reference side's hold on its nursery. Imports no torch, so that both can import theirs at once."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from typing import TypeVar

from warpsmith.core.errors import InfrastructureError, RecordError
from warpsmith.worker.builds.headers import FOLDER_VARIABLE, headers_root
from warpsmith.worker.nursery import Order, Ready
from warpsmith.worker.wire import Channel, ChannelClosed, DeadlinePassed

T = TypeVar("T")

NURSERY_START_S = 180.0
NURSERY_ANSWER_S = 30.0
# A candidate can read the environment that its process was started with. What libraries look at when they
# are loaded, and where to find them, must be there; a candidate's own environment is made by its own side.
KEPT_NAMES = {"PATH", "HOME", "LD_LIBRARY_PATH", "LANG", "CC", "CXX", "VIRTUAL_ENV"}
KEPT_PREFIXES = ("LC_", "CUDA_", "NVIDIA_", "PYTHON", "OMP_", "MKL_", "MALLOC_", "TORCH_CUDA_")


def nursery_environment() -> dict[str, str]:
    """Return the environment to start a nursery with."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if name in KEPT_NAMES or name.startswith(KEPT_PREFIXES)
    }
    # Threads that numpy's BLAS starts on import would make every fork a multi-threaded one.
    # Candidates see the folder read-only, so it has to be there before their walls are.
    headers = headers_root()
    shown = {} if headers is None else {FOLDER_VARIABLE: str(headers)}
    return kept | shown | {"OPENBLAS_NUM_THREADS": "1"}


class Nursery:
    """The process that forks candidates; started once for each worker."""

    def __init__(self) -> None:
        self._channel, theirs = Channel.pair()
        command = [
            sys.executable,
            "-P",
            "-m",
            "warpsmith.worker.nursery",
            str(theirs.fileno()),
            str(os.getpid()),
            tempfile.gettempdir(),
        ]
        self._process = subprocess.Popen(  # noqa: S603 - our own module
            command, pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL, env=nursery_environment()
        )
        theirs.close()
        self._ready: Ready | None = None

    def ready(self) -> Ready:
        """Wait until it can start candidates; return what they will be behind.

        Raises:
            InfrastructureError: it is gone or silent.
        """
        if self._ready is None:
            with _answering():
                self._ready = self._channel.receive(Ready, deadline=time.monotonic() + NURSERY_START_S)
        return self._ready

    def order(self, order: Order, kind: type[T], descriptors: Sequence[int] = ()) -> T:
        """Give one order and return its answer.

        Raises:
            InfrastructureError: the nursery is gone or silent.
        """
        self.ready()
        with _answering():
            self._channel.send(order, descriptors)
            answer: T = self._channel.receive(kind, deadline=time.monotonic() + NURSERY_ANSWER_S)
        return answer

    def close(self) -> None:
        """End the nursery; its children die with it."""
        self._channel.close()
        try:
            self._process.wait(timeout=NURSERY_ANSWER_S)
        except subprocess.TimeoutExpired:  # it hangs, which may be why it is closed
            self._process.kill()
            self._process.wait()


@contextlib.contextmanager
def _answering() -> Iterator[None]:
    try:
        yield
    except (ChannelClosed, DeadlinePassed, RecordError) as error:
        raise InfrastructureError("the process that starts candidates does not answer") from error
