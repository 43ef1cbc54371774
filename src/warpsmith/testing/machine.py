"""The processes that suites share: starting them takes seconds, so one test process starts each once."""

from __future__ import annotations

import atexit
import functools
import subprocess
import sys

from warpsmith.propose.workshop import Workshop
from warpsmith.verify import Verifier

PYTHON_S = 120.0


@functools.cache
def shared_verifier() -> Verifier:
    """Return the verifier of this process; its worker ends with it."""
    verifier = Verifier()
    atexit.register(verifier.close)
    return verifier


@functools.cache
def shared_workshop() -> Workshop:
    """Return the proposers' workshop of this process; its worker starts when it is first asked."""
    workshop = Workshop()
    atexit.register(workshop.close)
    return workshop


def python(code: str, *arguments: str) -> str:
    """Run `code` in a new interpreter and return what it printed.

    Raises:
        AssertionError: it failed; the message is what it wrote to stderr.
    """
    command = [sys.executable, "-c", code, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PYTHON_S, check=False)  # noqa: S603
    if done.returncode:
        raise AssertionError(done.stderr)
    return done.stdout
