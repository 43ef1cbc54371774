"""Keep what a process prints, within bounds; imports nothing heavy, since the host uses it too."""

from __future__ import annotations

import os
import threading


class Output:
    """Drain a pipe for ever, keeping the first and last part of what came; a flood costs nothing."""

    def __init__(self, limit_bytes: int) -> None:
        self.read_end, self.write_end = os.pipe()
        self._half = limit_bytes // 2
        self._head = bytearray()
        self._tail = bytearray()
        self._dropped = 0
        self._thread = threading.Thread(target=self._drain, daemon=True)
        self._thread.start()

    def _drain(self) -> None:
        while chunk := os.read(self.read_end, 1 << 16):
            room = self._half - len(self._head)
            self._head += chunk[:room] if room > 0 else b""
            self._tail += chunk[max(room, 0) :]
            if (excess := len(self._tail) - self._half) > 0:
                del self._tail[:excess]
                self._dropped += excess
        os.close(self.read_end)

    def text(self) -> str:
        """Return what was kept; meant to be called after the writers have ended."""
        self._thread.join(timeout=1.0)
        gap = f"\n[... {self._dropped} bytes dropped ...]\n".encode() if self._dropped else b""
        return (bytes(self._head) + gap + bytes(self._tail)).decode(errors="replace").strip()
