"""Fork candidate processes from one that has torch imported and has touched no GPU.

A candidate then starts in milliseconds instead of seconds, and nothing of one survives
into the next. The nursery never sees candidate code itself. It is the reference side's
child, adopts whatever candidates leave running, and kills it.
"""

from __future__ import annotations

import contextlib
import gc
import os
import signal
import sys
import time
from typing import TypeAlias

import msgspec

from warpsmith.worker.process import (
    adopt_orphans,
    descendants,
    describe_status,
    die_with_parent,
    kill,
    kill_tree,
    limit_memory,
    no_core_dumps,
)
from warpsmith.worker.wire import Channel, ChannelClosed

# A process whose socket closed is on its way out; its own status says more than our signal.
GRACE_S = 2.0
CANDIDATE_MEMORY_SHARE = 0.7


class Ready(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The nursery has imported what it imports, in `import_s` seconds."""

    import_s: float


class Fork(
    msgspec.Struct, frozen=True, kw_only=True, tag_field="order", tag="fork", forbid_unknown_fields=True
):
    """Start a candidate process; its socket and its output pipe come along."""

    device_type: str


class End(
    msgspec.Struct, frozen=True, kw_only=True, tag_field="order", tag="end", forbid_unknown_fields=True
):
    """Make an end of candidate `pid` and everything it started.

    Attributes:
        is_closing: its socket closed by itself, so give it a moment to say how it ended.
    """

    pid: int
    is_closing: bool


class Forked(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The candidate runs as `pid`."""

    pid: int


class Ended(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How it ended, in words; empty where it was we who killed it."""

    how: str


Order: TypeAlias = Fork | End


def _child(order: Fork, channel: Channel, descriptors: list[int], nursery: int) -> None:
    from warpsmith.worker.candidate_side import serve  # noqa: PLC0415 - imported before the fork, see main

    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    os.setsid()
    die_with_parent(nursery)
    no_core_dumps()
    if order.device_type == "cpu":
        limit_memory(CANDIDATE_MEMORY_SHARE)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the host, which ends us in order
    socket_end, output = descriptors
    null = os.open(os.devnull, os.O_RDONLY)
    for source, target in ((null, 0), (output, 1), (output, 2)):
        os.dup2(source, target)
    os.close(null)
    os.close(output)
    channel.close()
    serve(Channel.of_descriptor(socket_end))


def _fork(order: Fork, channel: Channel) -> int:
    descriptors = channel.take_descriptors()
    nursery = os.getpid()
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            _child(order, channel, descriptors, nursery)
            status = 0
        finally:
            os._exit(status)
    for descriptor in descriptors:
        os.close(descriptor)
    return pid


def _end(order: End) -> str:
    how = ""
    deadline = time.monotonic() + (GRACE_S if order.is_closing else 0.0)
    done, status = os.waitpid(order.pid, os.WNOHANG)
    while not done and time.monotonic() < deadline:
        time.sleep(0.005)
        done, status = os.waitpid(order.pid, os.WNOHANG)
    if done:
        how = describe_status(os.waitstatus_to_exitcode(status))
    else:
        kill_tree(order.pid)
        os.waitpid(order.pid, 0)
    _sweep()
    return how


def _sweep() -> None:
    """Kill and reap what the last candidate left behind; there is one candidate at a time."""
    me = os.getpid()
    deadline = time.monotonic() + GRACE_S
    while (left := descendants(me)) and time.monotonic() < deadline:
        for pid in left:
            kill(pid)
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        except ChildProcessError:
            return
        time.sleep(0.002)


def _leave(*_: object) -> None:
    _sweep()
    os._exit(0)


def main() -> None:
    """Run the nursery on the socket whose descriptor is the first argument."""
    channel = Channel.of_descriptor(int(sys.argv[1]))
    # Not SIGKILL: what a candidate detached from itself has no parent to die with but us.
    signal.signal(signal.SIGTERM, _leave)
    die_with_parent(int(sys.argv[2]), signal.SIGTERM)
    adopt_orphans()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    start = time.monotonic()
    import warpsmith.worker.candidate_side  # noqa: F401, PLC0415 - torch, once for all candidates

    # A CPU host may lack triton; its backend says so itself.
    with contextlib.suppress(ImportError):
        import triton  # noqa: F401, PLC0415
    gc.collect()
    gc.freeze()  # a collection in a child would touch, and so copy, every page of the parent
    channel.send(Ready(import_s=time.monotonic() - start))
    with contextlib.suppress(ChannelClosed):
        while True:
            order: Order = channel.receive(Order)
            if isinstance(order, Fork):
                channel.send(Forked(pid=_fork(order, channel)))
            else:
                channel.send(Ended(how=_end(order)))
    _leave()


if __name__ == "__main__":
    main()
