"""What a compiler said, in the order in which its reader needs it: the first error first."""

from __future__ import annotations

import re

# g++, nvcc, clang; the linker; ptxas and nvcc's driver; NVRTC.
_ERROR = re.compile(
    r"\berror\s*(?:#\d+[-\w]*)?\s*:|undefined reference to|multiple definition of|cannot find -l"
    r"|^ptxas fatal|^nvcc fatal|\bcatastrophic error\b"
)
# A command line of a thousand characters hides the one line that says what is wrong.
_COMMAND = re.compile(r"^(?:\[\d+/\d+\] |FAILED: |/\S*(?:c\+\+|g\+\+|nvcc|ninja)\b)")
MAX_ERROR_CHARACTERS = 300
MAX_LINE_CHARACTERS = 500
LINES_AFTER = 3
MAX_ERRORS = 10


def first_error(text: str) -> str:
    """Return the first line that says what is wrong; empty where no line does."""
    found = next((line for line in text.splitlines() if _is_error(line)), "")
    return found.strip()[:MAX_ERROR_CHARACTERS]


def compiler_log(text: str, limit: int) -> str:
    """Return errors with the lines that follow them, then the whole output, within `limit` characters."""
    lines = [line[:MAX_LINE_CHARACTERS] for line in text.splitlines()]
    places = [number for number, line in enumerate(lines) if _is_error(line)][:MAX_ERRORS]
    kept = sorted(
        {place + after for place in places for after in range(LINES_AFTER)} & set(range(len(lines)))
    )
    errors = "\n".join(lines[number] for number in kept)
    head = f"{errors}\n\n--- all of the output ---\n" if errors else ""
    if len(head) > limit // 2:
        head = f"{head[: limit // 2]}\n[...]\n"
    return head + shortened("\n".join(lines), limit - len(head))


def shortened(text: str, limit: int) -> str:
    """Return the beginning and the end of what is too long."""
    if len(text) <= limit:
        return text
    head = limit // 6
    return f"{text[:head]}\n[...]\n{text[head - limit :]}"


def _is_error(line: str) -> bool:
    return bool(_ERROR.search(line)) and not _COMMAND.match(line)
