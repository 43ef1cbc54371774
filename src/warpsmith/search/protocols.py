"""Protocols by name: everything that two people must share for their numbers to compare, as data.

A protocol fixes tier, track, baselines and tolerances, and may pin the problems themselves by their text.
What candidates are made by is left open: that is what is compared.
"""

from __future__ import annotations

from pathlib import Path

import msgspec

from warpsmith.core.codec import text_id
from warpsmith.core.errors import UnknownName, UsageError
from warpsmith.core.problem import Problem, Tolerance
from warpsmith.core.registry import suggest
from warpsmith.core.task import Tier, Track
from warpsmith.problems import Found
from warpsmith.verify.tracks import KERNELBENCH

_PINS = Path(__file__).parent / "pins"


class Protocol(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is fixed.

    Attributes:
        name: what to type.
        summary: one line for people.
        source: where it is defined.
        tier: how much evidence.
        track: the rules of candidates.
        baselines: what speedups are over.
        tolerances: by output dtype, in place of every problem's; empty leaves each problem its own.
        pins: name of the list of problems; empty takes what the caller names.
        takes_unfit: whether problems that let a trivial answer pass count, too.
    """

    name: str
    summary: str
    source: str
    tier: Tier
    track: Track
    baselines: tuple[str, ...]
    tolerances: dict[str, Tolerance] = {}
    pins: str = ""
    takes_unfit: bool = False

    def governed(self, problem: Problem) -> Problem:
        """Return `problem` under the protocol's tolerances."""
        return msgspec.structs.replace(problem, tolerances=problem.tolerances | self.tolerances)

    def pinned(self) -> dict[str, str]:
        """Return the SHA-256 of each pinned source by problem, in order; empty where none is pinned."""
        if not self.pins:
            return {}
        return msgspec.json.decode((_PINS / self.pins).read_bytes(), type=dict[str, str])

    def chosen(self, suite: Found) -> Found:
        """Return the pinned problems out of the shipped suite, in the list's order.

        Raises:
            UsageError: a pinned problem is not there, or not as it was.
        """
        pinned = self.pinned()
        by_name = {problem.name: problem for problem in suite.problems}
        differing = [n for n, pin in pinned.items() if n not in by_name or text_id(by_name[n].source) != pin]
        if differing:
            more = f" and {len(differing) - 1} more" if len(differing) > 1 else ""
            raise UsageError(
                f"protocol {self.name!r} pins {differing[0]}{more} as another version of Warpsmith has it; "
                "use that version, or a newer protocol"
            )
        return Found(tuple(by_name[name] for name in pinned))


def _allclose(tolerance: float) -> Tolerance:
    return Tolerance(atol=tolerance, rtol=tolerance, reason="KernelBench's allclose", absolute=True)


_ALL = (
    Protocol(
        name=KERNELBENCH,
        summary="KernelBench's own rules: torch.allclose on 5 draws of the inputs that its problems make",
        source="Ouyang et al. 2025, KernelBench, arXiv:2502.10517, and its eval.py: 1e-4 for float32, 1e-2 "
        "for 16 bits, 5 trials",
        tier=Tier.VERIFY,
        track=Track(precision="reduced", shapes="declared", inputs="declared"),
        baselines=("eager", "compile"),
        tolerances={
            "float32": _allclose(1e-4),
            "float16": _allclose(1e-2),
            "bfloat16": _allclose(1e-2),
        },
        takes_unfit=True,
    ),
    Protocol(
        name="warpsmith-1",
        summary="a fixed part of the shipped suite, from every level, under the usual rules",
        source="every sixth problem of each level and the starters, as of Warpsmith 0.1",
        tier=Tier.VERIFY,
        track=Track(shapes="declared"),
        baselines=("eager", "compile"),
        pins="warpsmith-1.json",
    ),
)

PROTOCOLS = {protocol.name: protocol for protocol in _ALL}


def protocol_called(name: str) -> Protocol:
    """Return the protocol called `name`.

    Raises:
        UnknownName: there is none.
    """
    if name not in PROTOCOLS:
        raise UnknownName(f"no protocol {name!r}{suggest(name, sorted(PROTOCOLS))}")
    return PROTOCOLS[name]
