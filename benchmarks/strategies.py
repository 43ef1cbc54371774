"""Compare the search strategies on a made-up landscape: `python benchmarks/strategies.py [--trials 64]`.

No model, no compiler and no device take part, and a minute is enough. For every strategy, with its
default options: the geometric mean over landscapes of the true speedup of what it found, its ratio to
best_of_n at the same number of trials with a 95 % bootstrap interval over landscapes, the paired effect
size (Cohen's d of the differences of logarithms), and on how many landscapes it found the better one.
"""

# ruff: noqa: T201 - a benchmark prints its table
from __future__ import annotations

import argparse
import math
import random
import statistics

from warpsmith.search import STRATEGIES
from warpsmith.testing.landscape import Landscape

BASE = "best_of_n"
RESAMPLES = 2000
# Where nothing was accepted the library itself is used, so nothing was lost and nothing gained.
LEAST = 1.0


def found(name: str, options: dict[str, str], seeds: range, trials: int, in_flight: int) -> list[float]:
    """Return the logarithm of the speedup found on each landscape."""
    logs = []
    for seed in seeds:
        landscape = Landscape(seed)
        done = landscape.search(STRATEGIES.make(name, options), trials, in_flight=in_flight)
        logs.append(math.log(max(LEAST, landscape.found(done))))
    return logs


def interval(values: list[float]) -> tuple[float, float]:
    """Return the 95 % percentile bootstrap interval of the mean (Efron 1979)."""
    rng = random.Random(1)
    means = sorted(statistics.fmean(rng.choices(values, k=len(values))) for _ in range(RESAMPLES))
    return means[round(0.025 * RESAMPLES)], means[round(0.975 * RESAMPLES) - 1]


def row(name: str, logs: list[float], base: list[float]) -> str:
    """Return one line of the table."""
    gains = [ours - theirs for ours, theirs in zip(logs, base, strict=True)]
    spread = statistics.stdev(gains)
    effect = statistics.fmean(gains) / spread if spread else 0.0
    low, high = interval(gains)
    return (
        f"{name:10}  {math.exp(statistics.fmean(logs)):7.3f}  {math.exp(statistics.fmean(gains)):6.3f} "
        f"[{math.exp(low):.3f}, {math.exp(high):.3f}]  {effect:6.2f}  "
        f"{sum(gain > 0 for gain in gains):3d}/{len(gains)}"
    )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description="Compare the search strategies on a made-up landscape.")
    parser.add_argument("--trials", type=int, default=64, help="trials of each search")
    parser.add_argument("--seeds", type=int, default=30, help="landscapes")
    parser.add_argument("--in-flight", type=int, default=1, help="moves asked for and not finished")
    chosen = parser.parse_args()
    print(f"{chosen.trials} trials, {chosen.seeds} landscapes, {chosen.in_flight} in flight")
    print(f"{'strategy':10}  {'speedup':>7}  {'over ' + BASE:22}  {'d':>6}  better")
    seeds = range(chosen.seeds)
    base = found(BASE, {}, seeds, chosen.trials, chosen.in_flight)
    for name in STRATEGIES.names():
        logs = base if name == BASE else found(name, {}, seeds, chosen.trials, chosen.in_flight)
        print(row(name, logs, base))


if __name__ == "__main__":
    main()
