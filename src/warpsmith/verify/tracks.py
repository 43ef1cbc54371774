"""How a track is written: as words for people, and as options of the command line."""

from __future__ import annotations

import msgspec

from warpsmith.core.task import Track

# What a search asks for: compilers specialise to the shapes they are shown.
DECLARED_SHAPES = Track(shapes="declared")


# The protocol with such a track, which also brings tolerances that no option sets.
KERNELBENCH = "kernelbench-v0"


def track_words(track: Track) -> str:
    """Return for example `library-allowed, declared precision, any shapes`."""
    words = f"{track.kernels}, {track.precision} precision, {track.shapes} shapes"
    return words if track.inputs == "any" else f"{words}, {track.inputs} inputs"


def track_options(track: Track) -> tuple[str, ...]:
    """Return the words that ask `warpsmith verify` for `track`; none for the default one."""
    if track.inputs == "declared":  # what a protocol alone asks for, with everything else
        return ("--protocol", KERNELBENCH)
    usual = Track()
    return tuple(
        word
        for name, value in msgspec.structs.asdict(track).items()
        if value != getattr(usual, name)
        for word in (f"--{name}", value)
    )
