"""The reference side's hold on its nursery. Imports no torch, so that both can import theirs at once."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from typing import TypeVar

from warpsmith.core.errors import InfrastructureError, RecordError
from warpsmith.worker.nursery import End, Fork, Ready
from warpsmith.worker.wire import Channel, ChannelClosed, DeadlinePassed

T = TypeVar("T")

NURSERY_START_S = 180.0
NURSERY_ANSWER_S = 30.0


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
        ]
        # Threads that numpy's BLAS starts on import would make every fork a multi-threaded one.
        environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}
        self._process = subprocess.Popen(  # noqa: S603 - our own module
            command, pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL, env=environment
        )
        theirs.close()
        self._is_ready = False

    def order(self, order: Fork | End, kind: type[T], descriptors: Sequence[int] = ()) -> T:
        """Give one order and return its answer.

        Raises:
            InfrastructureError: the nursery is gone or silent.
        """
        try:
            if not self._is_ready:
                self._channel.receive(Ready, deadline=time.monotonic() + NURSERY_START_S)
                self._is_ready = True
            self._channel.send(order, descriptors)
            answer: T = self._channel.receive(kind, deadline=time.monotonic() + NURSERY_ANSWER_S)
        except (ChannelClosed, DeadlinePassed, RecordError) as error:
            raise InfrastructureError("the process that starts candidates does not answer") from error
        return answer

    def close(self) -> None:
        """End the nursery; its children die with it."""
        self._channel.close()
        self._process.wait(timeout=NURSERY_ANSWER_S)
