"""The reference side's hold on a program behind a candidate's walls: start it, wait, bury it.

Knows nothing of what the program does; what it printed is data, since a candidate may have printed it.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from warpsmith.core.errors import InfrastructureError
from warpsmith.core.task import Limits
from warpsmith.worker.nursery import End, Ended, Forked, Launch
from warpsmith.worker.nursery_client import Nursery
from warpsmith.worker.output import Output
from warpsmith.worker.sandbox.plan import Terms

# A profiler writes a few hundred bytes for every kernel.
OUTPUT_BYTES = 8 << 20


class Ran(NamedTuple):
    """How a program did.

    Attributes:
        text: what it wrote to stdout and stderr.
        how: how it ended, in words; empty where it was killed because its time was up.
    """

    text: str
    how: str


class _Awaited(Output):
    """The output of a program that ends by itself."""

    def ends_within(self, timeout_s: float) -> bool:
        """Wait until nobody can write any more; say whether that came to be."""
        self._thread.join(timeout=timeout_s)
        return not self._thread.is_alive()


def run_program(  # noqa: PLR0913 - what a program is
    nursery: Nursery,
    device_type: str,
    limits: Limits,
    words: Sequence[str],
    *,
    environment: Mapping[str, str],
    files: Mapping[str, int],
    limit_s: float,
) -> Ran:
    """Run `words` in a sandbox and return how that went.

    Args:
        nursery: what starts it.
        device_type: `cpu` or `cuda`.
        limits: what it may have, apart from time.
        words: the program, by its full path, and its arguments.
        environment: variables to add to the nursery's own.
        files: open files by the name that copies of them get in its scratch folder.
        limit_s: when to kill it.

    Raises:
        InfrastructureError: it can't be started.
    """
    output = _Awaited(OUTPUT_BYTES)
    folder = Path(tempfile.mkdtemp(prefix="warpsmith-program-"))
    order = Launch(
        terms=Terms(device_type=device_type, limits=limits, host_scratch=str(folder)),
        words=tuple(words),
        environment=dict(environment),
        files=tuple(files),
    )
    try:
        try:
            forked = nursery.order(order, Forked, [output.write_end, *files.values()])
        finally:
            os.close(output.write_end)
        if forked.trouble:
            raise InfrastructureError(f"a sandbox can't be made: {forked.trouble}")
        has_ended = False
        try:
            has_ended = output.ends_within(limit_s)
        finally:
            how = nursery.order(End(pid=forked.pid, is_closing=has_ended), Ended).how
        return Ran(output.text(), how if has_ended else "")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
