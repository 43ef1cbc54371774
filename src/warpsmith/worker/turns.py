"""Turns on a device: who times has it to himself, who compares shares it, over all processes of this host.

Two advisory file locks a device, which the kernel drops with the process that holds them, however
it ends. Knows no task and no candidate.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from warpsmith.core.errors import InfrastructureError

if TYPE_CHECKING:
    import torch

WAIT_S = 600.0
POLL_S = 0.02


def device_key(device: torch.device) -> str:
    """Return what names a device to every process of this host, whatever devices each can see."""
    if device.type != "cuda":
        return device.type
    import torch  # noqa: PLC0415 - the host, which has none, reads this file's constants

    return str(torch.cuda.get_device_properties(device).uuid)


class Turns:
    """The locks of one device.

    Args:
        key: names the device.
        folder: where the lock files lie; they are empty and stay.
        wait_s: how long to wait for a turn.
    """

    def __init__(self, key: str, folder: Path | None = None, wait_s: float = WAIT_S) -> None:
        place = folder or Path(tempfile.gettempdir())
        self._key = key
        self._wait_s = wait_s
        # Who wants the device alone waits holding the gate, so that those who share can't keep it out.
        self._gate = place / f"warpsmith-{key}.gate"
        self._room = place / f"warpsmith-{key}.lock"

    @contextlib.contextmanager
    def shared(self) -> Iterator[None]:
        """Use the device beside others who share it.

        Raises:
            InfrastructureError: somebody has had it alone for too long.
        """
        with contextlib.ExitStack() as held:
            with self._held(self._gate, fcntl.LOCK_EX):
                held.enter_context(self._held(self._room, fcntl.LOCK_SH))
            yield

    @contextlib.contextmanager
    def alone(self) -> Iterator[None]:
        """Use the device while no other process of Warpsmith's does.

        Raises:
            InfrastructureError: others have had it for too long.
        """
        with contextlib.ExitStack() as held:
            with self._held(self._gate, fcntl.LOCK_EX):
                held.enter_context(self._held(self._room, fcntl.LOCK_EX))
            yield

    @contextlib.contextmanager
    def _held(self, path: Path, how: int) -> Iterator[None]:
        descriptor = _opened(path)
        if descriptor is None:  # another user's files on a host that protects them: better no turns than none
            yield
            return
        try:
            self._take(descriptor, how)
            yield
        finally:
            os.close(descriptor)

    def _take(self, descriptor: int, how: int) -> None:
        deadline = time.monotonic() + self._wait_s
        while True:
            try:
                fcntl.flock(descriptor, how | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise InfrastructureError(
                        f"device {self._key} was in use by another verification for {self._wait_s:g} s"
                    ) from None
                time.sleep(POLL_S)
            else:
                return


def _opened(path: Path) -> int | None:
    for flags in (os.O_RDWR, os.O_RDWR | os.O_CREAT):
        with contextlib.suppress(OSError):
            descriptor = os.open(path, flags | os.O_CLOEXEC, 0o666)
            with contextlib.suppress(OSError):
                path.chmod(0o666)  # whatever our umask: others take turns, too
            return descriptor
    return None
