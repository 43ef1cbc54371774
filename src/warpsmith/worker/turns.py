"""Turns on a device: who times has it to himself, who compares shares it, over all processes of this host.

A turn is for work, a visit for data: a verification visits the device from its first byte there to its last
and takes turns meanwhile. Advisory file locks, which the kernel drops with the process that holds them,
however it ends. Knows no task and no candidate.
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
# Who visits alone waits for whole verifications of others.
VISIT_WAIT_S = 1800.0
POLL_S = 0.02
# Every trusted worker has a temporary folder of its own; the locks have to be in one that all of them share.
SHARED_FOLDER = Path("/tmp")  # noqa: S108 - empty files that hold no data, in whoever's hands they are
# Names another folder, where containers that use one GPU share no /tmp.
FOLDER_VARIABLE = "WARPSMITH_LOCKS"


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
        folder: where the lock files lie; they are empty and stay. None takes the one of this host.
        wait_s: how long to wait for a turn; None takes what is usual for a turn and for a visit.
    """

    def __init__(self, key: str, folder: Path | None = None, wait_s: float | None = None) -> None:
        place = folder or _folder_of_host()
        self._key = key
        self._wait_s = wait_s
        # Who wants the device alone waits holding the gate, so that those who share can't keep it out.
        self._gate = place / f"warpsmith-{key}.gate"
        self._room = place / f"warpsmith-{key}.lock"
        self._shared: int | None = None
        self._is_held = False
        # The same for visits.
        self._door = place / f"warpsmith-{key}.door"
        self._house = place / f"warpsmith-{key}.house"

    @contextlib.contextmanager
    def visit(self, *, alone: bool = False) -> Iterator[Visit]:
        """Have data on the device, beside others who have, or while nobody else has.

        Raises:
            InfrastructureError: others have been there for too long.
        """
        how = fcntl.LOCK_EX if alone else fcntl.LOCK_SH
        with contextlib.ExitStack() as held:
            with self._held(self._door, fcntl.LOCK_EX, VISIT_WAIT_S):
                descriptor = held.enter_context(self._held(self._house, how, VISIT_WAIT_S))
            yield Visit(descriptor, is_alone=alone)

    @contextlib.contextmanager
    def shared(self) -> Iterator[None]:
        """Use the device beside others who share it, or in a turn that is held already.

        Raises:
            InfrastructureError: somebody has had it alone for too long.
        """
        with contextlib.nullcontext() if self._is_held else self._turn(fcntl.LOCK_SH):
            yield

    @contextlib.contextmanager
    def alone(self) -> Iterator[None]:
        """Use the device while no other process of Warpsmith's does.

        Raises:
            InfrastructureError: others have had it for too long.
        """
        with self._turn(fcntl.LOCK_EX):
            yield

    @contextlib.contextmanager
    def _turn(self, how: int) -> Iterator[None]:
        with contextlib.ExitStack() as held:
            with self._held(self._gate, fcntl.LOCK_EX):
                descriptor = held.enter_context(self._held(self._room, how))
            self._is_held = True
            self._shared = descriptor if how == fcntl.LOCK_SH else None
            try:
                yield
            finally:
                self._is_held = False
                self._shared = None

    @contextlib.contextmanager
    def aside(self) -> Iterator[None]:
        """Let others who wait go first, where a shared turn is held; then take it again.

        Raises:
            InfrastructureError: somebody has had the device alone for too long.
        """
        if self._shared is None:
            yield
            return
        fcntl.flock(self._shared, fcntl.LOCK_UN)
        try:
            yield
        finally:
            with self._held(self._gate, fcntl.LOCK_EX):
                self._take(self._shared, fcntl.LOCK_SH, WAIT_S if self._wait_s is None else self._wait_s)

    @contextlib.contextmanager
    def _held(self, path: Path, how: int, usual_wait_s: float = WAIT_S) -> Iterator[int | None]:
        descriptor = _opened(path)
        if descriptor is None:  # another user's files on a host that protects them: better no turns than none
            yield None
            return
        try:
            self._take(descriptor, how, usual_wait_s if self._wait_s is None else self._wait_s)
            yield descriptor
        finally:
            os.close(descriptor)

    def _take(self, descriptor: int, how: int, wait_s: float) -> None:
        deadline = time.monotonic() + wait_s
        while True:
            try:
                fcntl.flock(descriptor, how | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise InfrastructureError(
                        f"device {self._key} was in use by another verification for {wait_s:g} s"
                    ) from None
                time.sleep(POLL_S)
            else:
                return


class Visit:
    """Somebody's being there.

    Args:
        descriptor: of the lock; None where there is none to be had.
        is_alone: whether nobody else can be there.
    """

    def __init__(self, descriptor: int | None, *, is_alone: bool) -> None:
        self._descriptor = descriptor
        self._is_alone = is_alone

    def ends_in_company(self) -> bool:
        """Say whether others are there, too. To be asked once, at the end: it may give the place away."""
        if self._is_alone or self._descriptor is None:
            return False
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        return False


def _folder_of_host() -> Path:
    if named := os.environ.get(FOLDER_VARIABLE):
        if not (Path(named).is_dir() and os.access(named, os.W_OK)):
            raise InfrastructureError(
                f"{FOLDER_VARIABLE} names {named!r}, where no lock can be made; "
                "name a folder that can be written"
            )
        return Path(named)
    is_usable = SHARED_FOLDER.is_dir() and os.access(SHARED_FOLDER, os.W_OK)
    return SHARED_FOLDER if is_usable else Path(tempfile.gettempdir())


def _opened(path: Path) -> int | None:
    for flags in (os.O_RDWR, os.O_RDWR | os.O_CREAT):
        with contextlib.suppress(OSError):
            descriptor = os.open(path, flags | os.O_CLOEXEC, 0o666)
            with contextlib.suppress(OSError):
                path.chmod(0o666)  # whatever our umask: others take turns, too
            return descriptor
    return None
