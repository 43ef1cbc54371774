"""The outside tools of a certification: how they are started, and what their output says.

Pure text: knows neither torch nor a process. A candidate writes to the same output as the tool that
watches it, so what is read here may convict it and never acquits a liar: of several summaries the worst
counts, and rows that it adds make its kernels longer.
"""

from __future__ import annotations

import csv
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from warpsmith.core.task import Limits
from warpsmith.worker.errand import DONE, VOICE

# In which a certification compares, that of the verification included.
PROCESSES = 3

SANITIZER_PROGRAM = "compute-sanitizer"
NCU_PROGRAM = "ncu"
# In the order in which they run: an access out of bounds explains what the others would say.
SANITIZERS = ("memcheck", "racecheck", "initcheck")
# Only its own kernels can be held against a candidate here; what is out of bounds in a library's kernel
# was handed to it.
JUDGED_BY_OWN_KERNELS = {"racecheck", "initcheck"}
CUDA_HOMES = ("/usr/local/cuda", "/usr")

# Beyond what the candidate may take to build: a kernel is up to a hundred times slower under racecheck.
TOOL_S = 600.0
CONNECT_S = 120
MAX_REPORTS = 1000
# Allocations lie apart by this much, so that who leaves his own is seen to.
PADDING_BYTES = 256

DURATION = "gpu__time_duration.sum"
# Old and new spellings.
_NS = dict.fromkeys(("ns", "nsecond"), 1.0) | dict.fromkeys(("us", "usecond"), 1e3)
_NS |= dict.fromkeys(("ms", "msecond"), 1e6) | dict.fromkeys(("s", "second"), 1e9)
# By how much kernels may be longer under the profiler than in the race: a share, and what each of them
# takes to start and to stop where it is run alone.
NCU_SHARE = 0.10
NCU_FLAT_NS = 2_000.0

_SAID = "========="
_SUMMARY = re.compile(rf"{_SAID} ERROR SUMMARY: (\d+) errors?\s*$", re.MULTILINE)
_RACE_SUMMARY = re.compile(
    rf"{_SAID} RACECHECK SUMMARY: \d+ hazards? displayed \((\d+) errors?, \d+ warnings?\)\s*$", re.MULTILINE
)
_NO_REPORT = ("COMPUTE-SANITIZER", "ERROR SUMMARY", "RACECHECK SUMMARY", "LEAK SUMMARY", "Warning", "Info")
# `at f(int*)+0x70 in a.cu:5`, `at 0x88 in f(int*)` and `at 0x88 in a.cu:5:f(int*)`, by version.
_PLACE = re.compile(r"\bat (?:0x[0-9a-f]+ in (?:\S+:\d+:)?)?(.+?)(?:\+0x[0-9a-f]+)?(?: in \S+:\d+)?\s*$")
# What torch and NVIDIA's libraries ship compiled. Not all of cub or CUTLASS: a candidate compiles its own.
_SHIPPED = re.compile(
    r"^(?:void )?(?:(?:at|c10|caffe2|torch|at_cuda_detail|pytorch_flash|fmha|cudnn|cask\w*)::"
    r"|nvjet|cublas|cudnn|cutlass_\d|sm\d+_|(?:ampere|volta|turing|hopper|maxwell|pascal)_"
    r"|gemv2|gemvNSP|splitKreduce)"
)
_TELLING = ("==ERROR==", f"{_SAID} Error", f"{_SAID} Internal", "does not start", VOICE)


class Report(NamedTuple):
    """What a sanitizer found.

    Attributes:
        errors: that count against the candidate.
        shipped_errors: in kernels of torch and NVIDIA's libraries, where those do not count.
        first: the first error that counts, or else the first of all, in one line; empty where there is none.
    """

    errors: int
    shipped_errors: int
    first: str


class Kernel(NamedTuple):
    """One launch that Nsight Compute profiled."""

    name: str
    stream: str
    duration_ns: float


class Profile(NamedTuple):
    """One call, on average over those that were profiled.

    Attributes:
        total_ns: of all its kernels.
        busiest_ns: of those in the stream with the most to do, which ran one after the other.
        kernels: how many.
        streams: in how many streams.
    """

    total_ns: float
    busiest_ns: float
    kernels: float
    streams: int

    @property
    def bound_ns(self) -> float:
        """By how much an honest clock may stay below `busiest_ns`."""
        return NCU_SHARE * self.busiest_ns + NCU_FLAT_NS * self.kernels


def find(program: str) -> str | None:
    """Return the full path of a tool, or None where it is not installed."""
    homes = [os.environ.get("CUDA_HOME"), os.environ.get("CUDA_PATH"), *CUDA_HOMES]
    places = [Path(home) / "bin" / program for home in homes if home]
    return shutil.which(program) or next((str(place) for place in places if place.exists()), None)


def missing() -> str:
    """Say which tool a certification lacks on this host, in a sentence; empty where it has all."""
    absent = [tool for tool in (SANITIZER_PROGRAM, NCU_PROGRAM) if find(tool) is None]
    if not absent:
        return ""
    names = " and ".join(absent)
    return (
        f"certify needs {names} on PATH: install the CUDA toolkit's compute-sanitizer and nsight-compute "
        "packages, set CUDA_HOME, or ask for --tier verify"
    )


def limit_s(limits: Limits) -> float:
    """Wall seconds that one tool may take around one candidate."""
    return limits.build_s + TOOL_S


def sanitizer_words(tool: str) -> tuple[str, ...]:
    """Return the words that start a sanitizer; the program and its arguments follow."""
    # What compilers a candidate starts do is no concern of ours.
    words = ["--tool", tool, "--print-limit", str(MAX_REPORTS), "--target-processes", "application-only"]
    words += ["--launch-timeout", str(CONNECT_S), "--show-backtrace", "no"]
    if tool == "memcheck":
        # Torch's own probing for symbols that a driver lacks would count as errors of the interface.
        words += ["--report-api-errors", "no", "--padding", str(PADDING_BYTES)]
    return (find(SANITIZER_PROGRAM) or SANITIZER_PROGRAM, *words)


def ncu_words() -> tuple[str, ...]:
    """Return the words that start Nsight Compute; the program and its arguments follow.

    It leaves caches alone: they are cleared before each call, as in the race. Cleared before each kernel,
    a kernel that reads what the one before it has left in the cache would look too slow.
    """
    words = ["--config-file", "off", "--target-processes", "application-only", "--profile-from-start", "off"]
    words += ["--metrics", DURATION, "--clock-control", "none", "--cache-control", "none"]
    return (find(NCU_PROGRAM) or NCU_PROGRAM, *words, "--csv", "--print-units", "base")


def sanitizer_report(tool: str, text: str) -> Report | None:
    """Return what the output of a sanitizer says; None where it came to no end."""
    summary = _RACE_SUMMARY if tool == "racecheck" else _SUMMARY
    counts = [int(count) for count in summary.findall(text)]
    if not counts:
        return None
    blocks = list(_blocks(text))
    shipped = [block for block in blocks if tool in JUDGED_BY_OWN_KERNELS and _is_shipped(block)]
    own = [block for block in blocks if block not in shipped]
    errors = max(0, max(counts) - len(shipped))
    telling = own if errors else shipped
    return Report(errors, len(shipped), _in_one_line(telling[0]) if telling else "")


def _blocks(text: str) -> Iterator[list[str]]:
    """Yield the lines of each report: a title, and what is set in below it."""
    block: list[str] = []
    for line in text.splitlines():
        body = line.removeprefix(_SAID)
        if body == line:
            continue
        if body.startswith("   "):
            if block:
                block.append(body.strip())
            continue
        if block:
            yield block
        title = body.strip()
        block = [title] if title and not title.startswith(_NO_REPORT) else []
    if block:
        yield block


def _is_shipped(block: list[str]) -> bool:
    places = [found[1] for line in block if (found := _PLACE.search(line))]
    return bool(places) and bool(_SHIPPED.match(places[0]))


def _in_one_line(block: list[str]) -> str:
    text = " ".join(block[:2])
    return text if len(text) <= 300 else f"{text[:297]}..."


def profiled_kernels(text: str) -> list[Kernel]:
    """Return the launches that the output of Nsight Compute lists."""
    lines = iter(text.splitlines())
    for line in lines:
        if line.startswith('"ID",'):
            header = next(csv.reader([line]))
            return [
                kernel
                for row in csv.reader(_rows(lines))
                if (kernel := _kernel(dict(zip(header, row, strict=False))))
            ]
    return []


def _rows(lines: Iterator[str]) -> Iterator[str]:
    return (line for line in lines if line.startswith('"'))


def _kernel(row: dict[str, str]) -> Kernel | None:
    if row.get("Metric Name") != DURATION or row.get("Metric Unit") not in _NS:
        return None
    try:
        value = float(row["Metric Value"].replace(",", ""))
    except (KeyError, ValueError):
        return None
    return Kernel(row.get("Kernel Name", ""), row.get("Stream", ""), value * _NS[row["Metric Unit"]])


def profile_of(kernels: list[Kernel], calls: int) -> Profile:
    """Return one call's profile, from all launches of `calls` calls."""
    streams: dict[str, float] = {}
    for kernel in kernels:
        streams[kernel.stream] = streams.get(kernel.stream, 0.0) + kernel.duration_ns
    return Profile(
        total_ns=sum(streams.values()) / calls,
        busiest_ns=max(streams.values(), default=0.0) / calls,
        kernels=len(kernels) / calls,
        streams=len(streams),
    )


def last_words(text: str) -> str:
    """Return the line that best says why a tool gave no result."""
    lines = [line.strip() for line in text.splitlines() if line.strip(" =") and line.strip() != DONE]
    telling = [line for line in lines if any(sign in line for sign in _TELLING)]
    chosen = (telling or lines or ["it printed nothing"])[0 if telling else -1]
    return chosen if len(chosen) <= 300 else f"{chosen[:297]}..."
