"""A candidate called by a program of its own, for tools that must start what they look at.

`python -m warpsmith.worker.solo` runs behind a candidate's walls, below Nsight Compute or
compute-sanitizer, and does what `errand.json` in its working folder says. It is the candidate
side without a reference side: it compares nothing, states no time, and what it prints is no proof.
"""

from __future__ import annotations

import contextlib
import mmap
import os
import random
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import torch

from warpsmith.core.codec import decode
from warpsmith.worker.candidate_side import CandidateSide
from warpsmith.worker.errand import DATA_FILE, DONE, ERRAND_FILE, VOICE, Errand, Visit
from warpsmith.worker.failures import failure
from warpsmith.worker.layout import settled
from warpsmith.worker.precision import strict_float32
from warpsmith.worker.steps import Run, Step
from warpsmith.worker.trees import describe, rebuild, tensor_leaves, tensors_of, views

CANDIDATE_FAILED = 3


class Solo(CandidateSide):
    """A candidate side that reads what it needs from one file."""

    def __init__(self, errand: Errand, data: Path) -> None:
        super().__init__()
        self._errand = errand
        self._data = data
        # What is being done, to say of what the candidate failed.
        self.step: Step = errand.load

    def run_errand(self) -> None:
        """Load the candidate and make every call."""
        load = msgspec.structs.replace(self._errand.load, scratch=str(Path.cwd()))
        # Loading clears the environment, and the driver looks for a tool's library there when it starts.
        _start_driver(torch.device(load.device))
        self.load(load)
        if self.device.type == "cuda" and self.entry is not None:
            self.entry = _taking_tensors_on(self.device, self.entry)
        for visit in self._errand.visits:
            self._visit(visit)

    def _visit(self, visit: Visit) -> None:
        self.step = visit.construct
        part = self._part(visit.construct_start, visit.construct.arena.size_bytes)
        self.construct(visit.construct, [part])
        inputs = self._inputs(visit)
        self.step = Run(inputs=visit.inputs, start_bytes=0, seed=visit.seed, timer="")
        flushed = torch.empty(self._errand.flush_bytes, dtype=torch.uint8, device=self.device)
        for number in range(self._errand.warm_calls + self._errand.calls):
            strict_float32()
            torch.manual_seed(visit.seed)
            random.seed(visit.seed)
            flushed.zero_()
            with self._range(is_on=number >= self._errand.warm_calls), torch.no_grad():
                settled(self._called(inputs), visit.layout)

    @contextlib.contextmanager
    def _range(self, *, is_on: bool) -> Iterator[None]:
        """Let a profiler that waits for it see the body, and nothing else."""
        if self.device.type != "cuda":
            yield
            return
        runtime: Any = torch.cuda.cudart()
        torch.cuda.synchronize(self.device)
        if is_on:
            runtime.cudaProfilerStart()
        yield
        torch.cuda.synchronize(self.device)
        if is_on:
            runtime.cudaProfilerStop()

    def _inputs(self, visit: Visit) -> object:
        """Return inputs in memory of their own, each by itself, so that what lies beside it is nobody's."""
        with self._data.open("rb") as file:
            mapped = mmap.mmap(
                file.fileno(), 0, flags=mmap.MAP_PRIVATE, prot=mmap.PROT_READ | mmap.PROT_WRITE
            )
        leaves = [leaf for _, leaf in tensor_leaves(visit.inputs)]
        memory = torch.frombuffer(mapped, dtype=torch.uint8)
        found = views(memory, leaves, start=visit.inputs_start)
        return rebuild(visit.inputs, (tensor.to(self.device, copy=True) for tensor in found))

    def _part(self, start: int, size: int) -> int:
        """Return a part of the data file as a file that can be mapped from its beginning."""
        descriptor = os.memfd_create("errand", os.MFD_CLOEXEC)
        with self._data.open("rb") as file:
            end = start + size
            while start < end and (copied := os.sendfile(descriptor, file.fileno(), start, end - start)):
                start += copied
        return descriptor


def _start_driver(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.init()
        torch.zeros(1, device=device)


def _taking_tensors_on(device: torch.device, entry: Callable[..., Any]) -> Callable[..., Any]:
    """Return `entry` for arguments whose tensors lie on the host."""

    def moved(value: object) -> Any:
        return rebuild(describe(value), (tensor.to(device) for tensor in tensors_of(value)))

    def called(*arguments: object, **named: object) -> Any:
        return entry(*moved(arguments), **moved(named))

    return called


def main() -> None:
    """Do the errand; the exit status and the last line say whether every call was made."""
    errand = decode(Path(ERRAND_FILE).read_bytes(), Errand)
    solo = Solo(errand, Path(DATA_FILE).absolute())
    try:
        solo.run_errand()
    except BaseException as error:  # noqa: BLE001 - candidate code may raise anything, SystemExit included
        failed = failure(error, solo.step, solo.path)
        sys.stderr.write(f"{failed.log}\n{VOICE} {failed.message}\n")
        sys.exit(CANDIDATE_FAILED)
    sys.stdout.write(f"{DONE}\n")


if __name__ == "__main__":
    main()
