"""A trusted worker process: `python -m warpsmith.worker DESCRIPTOR HOST_PID ROLE`.

Starts the nursery before it imports torch, so that both import at the same time. It
ends when its socket closes, and is killed when the host dies.
"""

from __future__ import annotations

import signal
import sys

from warpsmith.worker.job import Role
from warpsmith.worker.nursery_client import Nursery
from warpsmith.worker.process import die_with_parent, no_core_dumps
from warpsmith.worker.wire import Channel


def main() -> None:
    """Serve the host until it goes away."""
    channel = Channel.of_descriptor(int(sys.argv[1]))
    die_with_parent(int(sys.argv[2]))
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the host, which ends us in order
    no_core_dumps()
    nursery = Nursery() if sys.argv[3] == Role.VERIFIER else None
    from warpsmith.worker.service import Service  # noqa: PLC0415 - imports torch, see above

    Service(nursery).serve(channel)


if __name__ == "__main__":
    main()
