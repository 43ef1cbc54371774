"""Fork candidate processes from one that has torch imported and has touched no GPU.

A candidate then starts in milliseconds instead of seconds, and nothing of one survives
into the next. Each enters a sandbox of its own before it is told anything. The nursery
never sees candidate code itself. It is the reference side's child, adopts whatever
candidates leave running, and kills it.
"""

from __future__ import annotations

import contextlib
import gc
import os
import signal
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeAlias

import msgspec

from warpsmith.worker.process import (
    adopt_orphans,
    descendants,
    describe_status,
    die_with_parent,
    hide_from_others,
    kill,
    kill_tree,
)
from warpsmith.worker.sandbox.plan import Grade, Terms
from warpsmith.worker.sandbox.program import become
from warpsmith.worker.sandbox.trial import strongest_sandbox
from warpsmith.worker.sandbox.walls import Sandbox
from warpsmith.worker.wire import Channel, ChannelClosed

# A process whose socket closed is on its way out; its own status says more than our signal.
GRACE_S = 2.0


class Ready(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The nursery has imported what it imports, in `import_s` seconds, and knows its walls.

    Attributes:
        grade: of the sandboxes that candidates will get.
        lacks: what is missing for `full`, and how to get it.
    """

    import_s: float
    grade: Grade
    lacks: tuple[str, ...]


class Fork(
    msgspec.Struct, frozen=True, kw_only=True, tag_field="order", tag="fork", forbid_unknown_fields=True
):
    """Start a candidate process; its socket and its output pipe come along."""

    terms: Terms


class Launch(
    msgspec.Struct, frozen=True, kw_only=True, tag_field="order", tag="launch", forbid_unknown_fields=True
):
    """Run a program behind a candidate's walls; its output pipe and its files come along.

    Attributes:
        words: the program, by its full path, and its arguments.
        environment: variables to add to the nursery's own.
        files: names, in its scratch folder, of copies of the files.
    """

    terms: Terms
    words: tuple[str, ...]
    environment: dict[str, str]
    files: tuple[str, ...]


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
    """A candidate, or a program that was launched, runs behind its walls.

    Attributes:
        pid: of its keeper, which ends as the candidate ends.
        scratch: where it may write, by the path it knows.
        trouble: why there is none after all; empty when there is.
    """

    pid: int
    grade: Grade
    lacks: tuple[str, ...]
    scratch: str
    trouble: str


class Ended(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How it ended, in words; empty where it was we who killed it."""

    how: str


Order: TypeAlias = Fork | Launch | End


class Brood:
    """The candidates that run; what else is found below the nursery is a leftover."""

    def __init__(self, sandbox: Sandbox, channel: Channel) -> None:
        self._sandbox = sandbox
        self._channel = channel
        self._statuses: dict[int, int | None] = {}

    def fork(self, terms: Terms) -> Forked:
        """Start a candidate with the descriptors that came along."""
        from warpsmith.worker.candidate_side import serve  # noqa: PLC0415 - imported before, see main

        socket_end, output = self._channel.take_descriptors()

        def be_candidate() -> None:
            serve(Channel.of_descriptor(socket_end))

        return self._start(terms, be_candidate, [socket_end], output)

    def launch(self, order: Launch) -> Forked:
        """Start a program with the descriptors that came along."""
        output, *descriptors = self._channel.take_descriptors()
        files = dict(zip(order.files, descriptors, strict=True))

        def be_program() -> None:
            become(order.words, order.environment, files)

        return self._start(order.terms, be_program, descriptors, output)

    def _start(
        self, terms: Terms, inside: Callable[[], None], descriptors: Sequence[int], output: int
    ) -> Forked:
        try:
            started = self._sandbox.start(terms, inside, descriptors, output)
        finally:
            for descriptor in (*descriptors, output):
                os.close(descriptor)
        if not started.trouble:
            self._statuses[started.pid] = None
        plan = self._sandbox.plan
        return Forked(
            pid=started.pid,
            grade=plan.grade,
            lacks=plan.lacks,
            scratch=self._sandbox.scratch(terms),
            trouble=started.trouble,
        )

    def end(self, order: End) -> str:
        """Make an end of one candidate; return how it had ended by itself, if it had."""
        deadline = time.monotonic() + (GRACE_S if order.is_closing else 0.0)
        self._reap()
        while self._statuses[order.pid] is None and time.monotonic() < deadline:
            time.sleep(0.002)
            self._reap()
        status = self._statuses.pop(order.pid)
        if status is None:
            kill_tree(order.pid)
        self.sweep()
        return "" if status is None else describe_status(os.waitstatus_to_exitcode(status))

    def sweep(self) -> None:
        """Kill and reap what ended candidates left behind."""
        deadline = time.monotonic() + GRACE_S
        while (left := self._leftovers()) and time.monotonic() < deadline:
            for pid in left:
                kill(pid)
            time.sleep(0.001)
            self._reap()

    def end_all(self) -> None:
        """Leave nothing running."""
        self._statuses.clear()
        self.sweep()

    def _leftovers(self) -> set[int]:
        return set(descendants(os.getpid(), besides=self._statuses))

    def _reap(self) -> None:
        with contextlib.suppress(ChildProcessError):
            while (ended := os.waitpid(-1, os.WNOHANG))[0]:
                if ended[0] in self._statuses:
                    self._statuses[ended[0]] = ended[1]


def _import_all() -> None:
    """Import what a candidate side would import when it first needs it: here it costs once, not each time."""
    import warpsmith.worker.candidate_side  # noqa: F401, PLC0415 - torch, once for all candidates
    from warpsmith.core.errors import UsageError  # noqa: PLC0415
    from warpsmith.worker.backends import BACKENDS  # noqa: PLC0415
    from warpsmith.worker.timers import TIMERS  # noqa: PLC0415

    for registry in (BACKENDS, TIMERS):
        for name in registry:
            # A third party's package that does not import says so when it is asked for.
            with contextlib.suppress(UsageError):
                registry.get(name)
    # A CPU host may lack triton; its backend says so itself.
    with contextlib.suppress(ImportError):
        import triton  # noqa: F401, PLC0415


def main() -> None:
    """Run the nursery; its arguments are its socket, its parent and a folder for temporary files."""
    channel = Channel.of_descriptor(int(sys.argv[1]))
    # Not SIGKILL: what a candidate detached from itself has no parent to die with but us.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    die_with_parent(int(sys.argv[2]), signal.SIGTERM)
    hide_from_others()
    adopt_orphans()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    start = time.monotonic()
    _import_all()
    gc.collect()
    gc.freeze()  # a collection in a child would touch, and so copy, every page of the parent
    sandbox = strongest_sandbox(Path(sys.argv[3]))
    brood = Brood(sandbox, channel)
    plan = sandbox.plan
    try:
        channel.send(Ready(import_s=time.monotonic() - start, grade=plan.grade, lacks=plan.lacks))
        with contextlib.suppress(ChannelClosed):
            while True:
                order: Order = channel.receive(Order)
                match order:
                    case Fork():
                        channel.send(brood.fork(order.terms))
                    case Launch():
                        channel.send(brood.launch(order))
                    case End():
                        channel.send(Ended(how=brood.end(order)))
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        brood.end_all()
        os._exit(0)


if __name__ == "__main__":
    main()
