"""What a candidate's code raised, said so that its author can act on it. Knows no step's inner workings."""

from __future__ import annotations

import subprocess
import traceback
from pathlib import Path

import torch

from warpsmith.worker.backends.base import NoEntry
from warpsmith.worker.builds.log import compiler_log, first_error, shortened
from warpsmith.worker.steps import Construct, Failed, Load, Step
from warpsmith.worker.timers.events import DeviceHangs

LOG_CHARACTERS = 6000
# The check of a candidate that ran out of memory.
OUT_OF_MEMORY = "memory"


def failure(error: BaseException, step: Step, path: Path) -> Failed:
    """Return the answer to a step in which the candidate at `path` raised."""
    frames = traceback.extract_tb(error.__traceback__)
    lines = [frame.lineno for frame in frames if frame.filename == str(path)]
    line = error.lineno if isinstance(error, SyntaxError) else (lines[-1] if lines else None)
    check, message = _classify(error, step, path, is_ours=not lines)
    return Failed(check=check, message=_printable(message), log=_printable(_log(error, path)), line=line)


def _log(error: BaseException, path: Path) -> str:
    """Return what a compiler said, its first error first, or the traceback from the candidate on."""
    folder = f"{path.parent}/"
    if said := _compiler_said(error):
        return compiler_log(said.replace(folder, ""), LOG_CHARACTERS)
    # Frames above the candidate's first are ours and would only mislead its author.
    below = error.__traceback__
    while below is not None and below.tb_frame.f_code.co_filename != str(path):
        below = below.tb_next
    text = "".join(traceback.format_exception(type(error), error, below))
    return shortened(text.replace(str(path), "candidate.py"), LOG_CHARACTERS)


def _compiler_said(error: BaseException) -> str:
    """Return the output of the compiler that failed, torch's builder or a program; empty if none did."""
    if isinstance(error, subprocess.CalledProcessError):
        parts = (error.stderr, error.stdout)
        texts = [part.decode(errors="replace") if isinstance(part, bytes) else part for part in parts if part]
        return (
            "\n".join([f"{_words(error.cmd)} ended with status {error.returncode}", *texts]) if texts else ""
        )
    text = _text_of(error)
    is_build = first_error(text) and (isinstance(error, RuntimeError | OSError) and "\n" in text)
    return text if is_build else ""


def _words(command: object) -> str:
    return " ".join(map(str, command)) if isinstance(command, list | tuple) else str(command)


def _text_of(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:  # noqa: BLE001 - the candidate's own class, so its own __str__
        return ""


def _classify(error: BaseException, step: Step, path: Path, *, is_ours: bool) -> tuple[str, str]:
    """Return check and message; `is_ours` says that our call raised, before any line of the candidate ran."""
    text = _text_of(error)
    said = text.strip().splitlines() or [""]
    short = f"{type(error).__name__}: {said[0][:500]}" if said[0] else type(error).__name__
    if isinstance(error, NoEntry | DeviceHangs):
        return ("entry" if isinstance(error, NoEntry) else "timeout"), text
    if isinstance(error, torch.cuda.OutOfMemoryError | MemoryError) or "can't allocate memory" in text:
        return OUT_OF_MEMORY, f"the candidate ran out of memory ({short})"
    if isinstance(error, SystemExit | KeyboardInterrupt):
        return "exit", f"the candidate left by {type(error).__name__} instead of returning"
    if isinstance(step, Load):
        return "import", _not_imported(error, path, short)
    where = "__init__" if isinstance(step, Construct) else "forward"
    if isinstance(error, TypeError) and is_ours and "argument" in text:
        return "arguments", f"{where} does not take the problem's arguments: {short}"
    return "exception", f"{where} raised {short}"


def _not_imported(error: BaseException, path: Path, short: str) -> str:
    if first := first_error(_compiler_said(error)):
        # After the name of the extension comes a command of a thousand characters.
        failed, place = short.partition(": [")[0].rstrip("."), first.rpartition(f"{path.parent}/")[2]
        return f"the candidate does not build: {failed[:200]}: {place}"
    return f"the candidate does not import: {short}"


def _printable(text: str) -> str:
    return text.encode("utf-8", "replace").decode()
