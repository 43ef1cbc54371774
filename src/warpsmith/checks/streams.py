"""Check for work that goes on when a call has returned: side streams, threads."""

from __future__ import annotations

import ast
from collections.abc import Iterator

import msgspec

from warpsmith.checks.evidence import Evidence
from warpsmith.checks.source import advice, calls
from warpsmith.core.verdict import Finding

NAME = "streams"
_STARTED = {
    "torch.cuda.Stream": "make the current stream wait for it before returning",
    "torch.cuda.ExternalStream": "make the current stream wait for it before returning",
    "threading.Thread": "join it before returning",
    "threading.Timer": "join it before returning",
    "_thread.start_new_thread": "wait for it before returning",
    "concurrent.futures.ThreadPoolExecutor": "wait for its results before returning",
    "multiprocessing.Process": "join it before returning",
}


class Streams(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Work left to a stream or a thread that no clock waits for is not timed.

    Attributes:
        threads: how many a call may leave running that are no pool's.
        late_calls: how many of eight calls may leave the device at work; a busy host delays some.
    """

    threads: int = 0
    late_calls: int = 3

    def scan(self, tree: ast.Module) -> Iterator[Finding]:
        """Point at streams and threads that are made."""
        for call in calls(tree):
            if remedy := _STARTED.get(call.name):
                yield advice(NAME, f"makes a {call.name}; {remedy}", call.line)

    def judge(self, evidence: Evidence) -> Finding | None:
        """Convict threads and device work that outlive their call."""
        threads = max((facts.threads for facts in evidence.facts), default=0)
        if threads > self.threads:
            message = f"a call left {threads} thread(s) of its own running; join them before returning"
            return Finding(check=NAME, message=message)
        late = max((facts.late for facts in evidence.facts), default=0)
        if late > self.late_calls:
            message = (
                f"{late} of eight calls left the device at work after their clock had stopped; "
                "make the current stream wait for every other one before returning"
            )
            return Finding(check=NAME, message=message)
        return None
