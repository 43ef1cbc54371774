"""Framed messages and file descriptors over a Unix socket; knows nothing of what they say.

A frame is eight bytes of length, big-endian, and canonical JSON. The receiver names
the type it will accept, so bytes from an untrusted process either decode strictly or
raise `RecordError`.
"""

from __future__ import annotations

import os
import select
import socket
import time
from collections.abc import Sequence
from typing import Any

from warpsmith.core.codec import decode, encode
from warpsmith.core.errors import RecordError

# A capture result holds source text and a job holds a problem; nothing honest comes near this.
MAX_FRAME_BYTES = 64 * 1024 * 1024
HEADER_BYTES = 8
MAX_DESCRIPTORS = 8


class ChannelClosed(Exception):
    """The other end went away."""


class DeadlinePassed(Exception):
    """The other end said nothing in time."""


class Channel:
    """One end of a message stream; owns its socket."""

    def __init__(self, end: socket.socket) -> None:
        self._socket = end
        self._descriptors: list[int] = []

    @classmethod
    def pair(cls) -> tuple[Channel, Channel]:
        """Return the two ends of a new stream."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        return cls(ours), cls(theirs)

    @classmethod
    def of_descriptor(cls, descriptor: int) -> Channel:
        """Take over an inherited socket."""
        return cls(socket.socket(fileno=descriptor))

    def fileno(self) -> int:
        """The descriptor, for `select` and for handing on to a child."""
        return self._socket.fileno()

    def close(self) -> None:
        """Close this end and every descriptor that arrived and was not taken."""
        for descriptor in self._descriptors:
            os.close(descriptor)
        self._descriptors.clear()
        self._socket.close()

    def send(self, message: object, descriptors: Sequence[int] = ()) -> None:
        """Send `message`, with duplicates of `descriptors`.

        Raises:
            ChannelClosed: the other end is gone.
        """
        body = encode(message)
        try:
            header = len(body).to_bytes(HEADER_BYTES, "big")
            if descriptors:
                socket.send_fds(self._socket, [header], list(descriptors))
            else:
                self._socket.sendall(header)
            self._socket.sendall(body)
        except (BrokenPipeError, ConnectionResetError) as error:
            raise ChannelClosed from error

    def receive(self, kind: Any, *, deadline: float | None = None) -> Any:
        """Return the next message, which must be of type `kind`.

        Args:
            kind: a struct or a tagged union of structs; unions are no types to a checker, hence `Any`.
            deadline: `time.monotonic()` value after which to give up; None waits for ever.

        Raises:
            ChannelClosed: the other end is gone.
            DeadlinePassed: no whole message arrived in time.
            RecordError: what arrived is not a `kind`.
        """
        length = int.from_bytes(self._read(HEADER_BYTES, deadline), "big")
        if length > MAX_FRAME_BYTES:
            raise RecordError(f"a message of {length} bytes is over the limit of {MAX_FRAME_BYTES}")
        return decode(self._read(length, deadline), kind)

    def has_input(self, wait_s: float = 0.0) -> bool:
        """Whether there is something to read within `wait_s`: a message, or the other end's goodbye."""
        return bool(select.select([self._socket], [], [], wait_s)[0])

    def take_descriptors(self) -> list[int]:
        """Return the descriptors that came with the messages so far; the caller owns them."""
        taken, self._descriptors = self._descriptors, []
        return taken

    def _read(self, count: int, deadline: float | None) -> bytes:
        data = bytearray()
        while len(data) < count:
            timeout = None if deadline is None else max(0.0, deadline - time.monotonic())
            if not select.select([self._socket], [], [], timeout)[0]:
                raise DeadlinePassed
            try:
                chunk, descriptors, _, _ = socket.recv_fds(
                    self._socket, min(count - len(data), 1 << 20), MAX_DESCRIPTORS
                )
            except ConnectionResetError as error:
                raise ChannelClosed from error
            room = MAX_DESCRIPTORS - len(self._descriptors)
            self._descriptors += descriptors[:room]
            # No message has more; who sends them without end must not use up ours.
            for descriptor in descriptors[room:]:
                os.close(descriptor)
            if not chunk:
                raise ChannelClosed
            data += chunk
        return bytes(data)
