"""What every test shares: GPU tests are skipped, with the reason, where there is no CUDA device.

Knows nothing about Warpsmith itself; helpers for one area live beside that area's tests.
"""

from __future__ import annotations

import atexit
import os
import shutil
import signal
import subprocess
import sys
import tempfile

import pytest

FOLDER_VARIABLE = "WARPSMITH_LOCKS"
PROBE = "import torch; print(torch.cuda.is_available(), torch.__version__)"


def pytest_configure() -> None:
    """Give each xdist worker locks of its own, and take Ctrl-C.

    A job in a shell's background ignores Ctrl-C and hands that on to all that it starts.
    """
    # Where xdist has one worker a core, to take turns would be to have one worker.
    if "PYTEST_XDIST_WORKER" in os.environ and FOLDER_VARIABLE not in os.environ:
        os.environ[FOLDER_VARIABLE] = folder = tempfile.mkdtemp(prefix="warpsmith-locks-")
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    gpu_tests = [item for item in items if item.get_closest_marker("gpu")]
    if not gpu_tests:
        return
    reason = why_no_cuda()
    if reason is not None:
        for item in gpu_tests:
            item.add_marker(pytest.mark.skip(reason=reason))


def why_no_cuda() -> str | None:
    """Return why GPU tests cannot run here, or None where they can.

    Asks in a process of its own: a CUDA context in this one would be inherited, broken, by forks.
    """
    answer = subprocess.run([sys.executable, "-c", PROBE], capture_output=True, text=True, check=False)
    if answer.returncode != 0:
        return "torch cannot be imported here"
    available, version = answer.stdout.split()
    return None if available == "True" else f"no CUDA device that torch {version} can use"
