"""How alike two candidates are, by normalised source.

Pure text; nothing is compiled here. Embeddings, which others use for this, cost a call each and tell two
tile sizes apart no better.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

from warpsmith.core.normalise import normalised
from warpsmith.core.trial import Trial

# Tokens in a row that make up one feature: long enough to carry structure, short enough for one edit to
# leave most features alone.
GRAM = 5
_TOKEN = re.compile(r"[A-Za-z_]\w*|\d+(?:\.\d+)?|[^\s\w]")


def similarity(first: str, second: str) -> float:
    """Return how alike two sources are, in [0, 1]: the Jaccard index of their token n-grams.

    Broder 1997, "On the resemblance and containment of documents": |A and B| / |A or B| over shingles,
    here of `GRAM` tokens of the normalised source.
    """
    ours, theirs = _grams(first), _grams(second)
    common = len(ours & theirs)
    return common / (len(ours) + len(theirs) - common)


def distinct(trials: Iterable[Trial], count: int, threshold: float) -> list[Trial]:
    """Return the first `count` trials of which no two are more alike than `threshold`, in the order given.

    Trials without a candidate are left out. Where fewer are that different, there are fewer.
    """
    chosen: list[Trial] = []
    sources: list[str] = []
    for trial in trials:
        if len(chosen) >= count:
            break
        candidate = trial.proposal.candidate
        if candidate is None or any(similarity(candidate.source, source) > threshold for source in sources):
            continue
        chosen.append(trial)
        sources.append(candidate.source)
    return chosen


@lru_cache(maxsize=4096)
def _grams(source: str) -> frozenset[tuple[str, ...]]:
    tokens = _TOKEN.findall(normalised(source))
    # A source shorter than one n-gram is one feature by itself.
    return frozenset(tuple(tokens[at : at + GRAM]) for at in range(max(1, len(tokens) - GRAM + 1)))
