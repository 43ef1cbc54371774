"""See the candidate's own lines look where nothing of theirs is: frames, the heap, `/proc`, our modules.

An audit hook can't be removed by Python code, and sees only what a line itself asks for: a
library that walks frames on a candidate's behalf (logging, dataclasses, Triton, Dynamo) is
no attempt of the candidate's. Nothing worth finding is there; who looks is up to no good.
"""

from __future__ import annotations

import _thread
import os
import re
import sys
from pathlib import Path
from types import FrameType

MOST_NOTES = 8
_WATCHED = frozenset(
    {
        "gc.get_objects",
        "gc.get_referrers",
        "gc.get_referents",
        "sys._getframe",
        "sys._current_frames",
        "open",
        "os.listdir",
        "os.scandir",
        "object.__getattr__",
        "import",
    }
)
# /proc/cpuinfo and /proc/meminfo are honest; another process, or one's own memory and descriptors, are not.
_PROC = re.compile(
    r"^/proc/(\d+|self|thread-self)/(task/\d+/)?(mem|maps|smaps|fd|fdinfo|environ|root|cwd|ns)\b"
)
_FRAME_ATTRIBUTES = {"tb_frame", "gi_frame", "cr_frame"}
_REACHING_OUT = {"f_back", "f_locals", "f_globals"}
_LIBRARY = str(Path(os.__file__).parent) + os.sep
_PACKAGES = ("site-packages", "dist-packages")


def _is_standard_library(filename: str) -> bool:
    return filename.startswith(_LIBRARY) and not any(part in filename for part in _PACKAGES)


class Snoops:
    """Attempts seen so far, each once, and threads that run the candidate's code."""

    def __init__(self) -> None:
        self._file = ""
        self._folder = ""
        self._notes: dict[str, None] = {}
        self._in_hook: set[int] = set()

    def begin(self, path: Path) -> None:
        """Look from now on; `path` is the candidate's file, and what lies beside it is its own too."""
        self._file = str(path)
        self._folder = str(path.parent) + os.sep
        sys.addaudithook(self._hook)

    def seen(self) -> tuple[str, ...]:
        """Return what was attempted since `begin`."""
        return tuple(self._notes)

    def busy_threads(self) -> int:
        """Count Python threads, this one aside, that are somewhere in the candidate's code."""
        me = _thread.get_ident()
        frames = sys._current_frames()  # noqa: SLF001 - the documented way
        # Frames that hold themselves would keep the outputs of call after call, until the next collection.
        del frames[me]
        return sum(map(self._runs_candidate, frames.values()))

    def _runs_candidate(self, frame: FrameType | None) -> bool:
        while frame is not None:
            if self._is_candidate(frame):
                return True
            frame = frame.f_back
        return False

    def _is_candidate(self, frame: FrameType | None) -> bool:
        return frame is not None and frame.f_code.co_filename.startswith(self._folder)

    def _hook(self, event: str, arguments: tuple[object, ...]) -> None:
        # Called at every import, open and attribute of a function: the common case leaves here.
        if event not in _WATCHED or len(self._notes) >= MOST_NOTES:
            return
        ident = _thread.get_ident()
        if ident in self._in_hook:
            return
        self._in_hook.add(ident)
        try:
            self._consider(event, arguments, sys._getframe(1))  # noqa: SLF001 - the documented way
        finally:
            self._in_hook.discard(ident)

    def _consider(self, event: str, arguments: tuple[object, ...], caller: FrameType | None) -> None:
        if event in {"open", "os.listdir", "os.scandir"}:
            path = _text(arguments[0])
            if _PROC.match(path):
                self._note(f"{event} {path}", _outermost_of_library(caller))
        elif event == "object.__getattr__":
            if arguments[1] in _FRAME_ATTRIBUTES or _is_our_globals(arguments):
                self._note(str(arguments[1]), caller)
        elif event == "import":
            if str(arguments[0]).partition(".")[0] == "warpsmith":
                self._note(f"import {arguments[0]}", caller)
        elif event == "sys._getframe" and (via := _through_inspect(caller)) is not None:
            self._note(*via)
        else:
            self._note(event, caller)

    def _note(self, what: str, frame: FrameType | None) -> None:
        # exec() and eval() put a frame of their own between the candidate's line and us.
        while (
            frame is not None
            and frame.f_code.co_filename.startswith("<")
            and "frozen" not in frame.f_code.co_filename
        ):
            frame = frame.f_back
        if frame is not None and self._is_candidate(frame):
            where = (
                f"line {frame.f_lineno}" if frame.f_code.co_filename == self._file else "a file of its own"
            )
            self._notes[f"{what} ({where})"] = None


def _text(path: object) -> str:
    if isinstance(path, bytes):
        return os.fsdecode(path)
    return str(path)


def _outermost_of_library(frame: FrameType | None) -> FrameType | None:
    """Return the frame that asked the standard library (pathlib, os, glob) for something."""
    while frame is not None and (
        _is_standard_library(frame.f_code.co_filename) or frame.f_code.co_filename.startswith("<frozen")
    ):
        frame = frame.f_back
    return frame


def _is_our_globals(arguments: tuple[object, ...]) -> bool:
    function, name = arguments[0], arguments[1]
    module = getattr(function, "__module__", None)
    return name == "__globals__" and isinstance(module, str) and module.startswith("warpsmith.")


def _through_inspect(frame: FrameType | None) -> tuple[str, FrameType | None] | None:
    """Return what a line asked `inspect` for, and its frame; None where another asks.

    `inspect.currentframe` has an honest use, to find one's own file; it does not reach out.
    """
    if frame is None or not frame.f_code.co_filename.endswith(f"{os.sep}inspect.py"):
        return None
    name, caller = frame.f_code.co_name, frame.f_back
    if name == "currentframe" and not (caller and _REACHING_OUT.intersection(_words(caller))):
        return name, None
    return f"inspect.{name}", caller


def _words(frame: FrameType) -> set[str]:
    code = frame.f_code
    return {*code.co_names, *(each for each in code.co_consts if isinstance(each, str))}
