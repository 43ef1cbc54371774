"""The mix: problem files, candidates right and wrong, the pairs to verify, and what each must be told.

    python -m warpsmith.engine.bench.mix FOLDER [--device cuda] [--count 64] [--seed 0]

Half of the candidates are in each of two languages and a quarter of either is flawed, spread evenly over the
problems; everything follows from the seed. Writes files and runs none.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import click
import msgspec

from warpsmith.core.errors import UsageError
from warpsmith.engine.bench.in_cpp import InCpp
from warpsmith.engine.bench.in_cuda import InCuda
from warpsmith.engine.bench.in_torch import InTorch
from warpsmith.engine.bench.in_triton import InTriton
from warpsmith.engine.bench.language import Flaw, Knobs, Language
from warpsmith.engine.bench.operators import OPERATORS, Operator, problem_source

PAIRS, EXPECTED = "pairs.jsonl", "expected.jsonl"
LANGUAGES: dict[str, tuple[Language, Language]] = {
    "cuda": (InTriton(), InCuda()),
    "cpu": (InTorch(), InCpp()),
}
# Of one problem and one language, every fourth candidate is flawed.
ONE_FLAWED_IN = 4


class Entry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One candidate of a mix.

    Attributes:
        problem: path of the problem's file.
        candidate: path of the candidate's file.
        flaw: what is wrong with it; empty where nothing is.
        expected: the only status that a verdict may have: `accepted` or `rejected`.
    """

    problem: str
    candidate: str
    backend: str
    flaw: str
    expected: str


class _Draft(NamedTuple):
    operator: Operator
    language: Language
    flaw: Flaw | None


def write_mix(folder: Path, device_type: str, count: int = 64, seed: int = 0) -> list[Entry]:
    """Write a mix into `folder` and return its entries, in the order of the pairs.

    `pairs.jsonl` is for `warpsmith verify --batch`; `expected.jsonl` has an `Entry` a line.

    Raises:
        UsageError: there are no such candidates, or not so many.
    """
    if device_type not in LANGUAGES:
        raise UsageError(f"no mix for {device_type!r}; take {' or '.join(LANGUAGES)}")
    if count < len(OPERATORS) or count % len(OPERATORS):
        raise UsageError(f"a mix of {count} can't be even; take a multiple of {len(OPERATORS)}")
    rng = random.Random(seed)
    (folder / "problems").mkdir(parents=True, exist_ok=True)
    (folder / "candidates").mkdir(exist_ok=True)
    for operator in OPERATORS:
        _problem(folder, operator).write_text(problem_source(operator, device_type), encoding="utf-8")
    shuffled = _shuffled_variants(device_type, rng)
    entries = []
    for number, draft in enumerate(_drafts(device_type, count, rng)):
        if not (left := shuffled[draft.operator.name, draft.language.backend]):
            raise UsageError(f"there are not {count} different candidates; take fewer")
        source = draft.language.source(draft.operator, left.pop(), draft.flaw)
        path = folder / "candidates" / f"{number:04d}_{draft.operator.name}_{draft.language.backend}.py"
        path.write_text(source, encoding="utf-8")
        entries.append(
            Entry(
                problem=str(_problem(folder, draft.operator)),
                candidate=str(path),
                backend=draft.language.backend,
                flaw=draft.flaw or "",
                expected="rejected" if draft.flaw else "accepted",
            )
        )
    rng.shuffle(entries)
    _write_lines(folder / PAIRS, ({name: getattr(e, name) for name in _PAIR} for e in entries))
    _write_lines(folder / EXPECTED, map(msgspec.to_builtins, entries))
    return entries


_PAIR = ("problem", "candidate", "backend")


def read_mix(folder: Path) -> list[Entry]:
    """Return the entries that `write_mix` wrote."""
    lines = (folder / EXPECTED).read_bytes().splitlines()
    return [msgspec.json.decode(line, type=Entry) for line in lines]


def _problem(folder: Path, operator: Operator) -> Path:
    return folder / "problems" / f"{operator.name}.py"


def _shuffled_variants(device_type: str, rng: random.Random) -> dict[tuple[str, str], list[Knobs]]:
    found = {}
    for operator in OPERATORS:
        for language in LANGUAGES[device_type]:
            variants = language.variants(operator)
            rng.shuffle(variants)
            found[operator.name, language.backend] = variants
    return found


def _drafts(device_type: str, count: int, rng: random.Random) -> Iterator[_Draft]:
    """Yield what to write: a round has every problem once, its languages in turn, and a quarter flawed."""
    languages = LANGUAGES[device_type]
    flaws = {language.backend: _flaws(rng) for language in languages}
    for number in range(count):
        turn, place = divmod(number, len(OPERATORS))
        language = languages[(turn + place) % 2]
        # Places go in twos, one of each language; the turns of a problem's flaws change its language.
        is_flawed = (place // 2 + turn + turn // ONE_FLAWED_IN) % ONE_FLAWED_IN == 0
        yield _Draft(OPERATORS[place], language, next(flaws[language.backend]) if is_flawed else None)


def _flaws(rng: random.Random) -> Iterator[Flaw]:
    """Yield every flaw before any comes again."""
    while True:
        yield from rng.sample(list(Flaw), len(Flaw))


def _write_lines(path: Path, rows: Iterable[Any]) -> None:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--device", type=click.Choice(sorted(LANGUAGES)), default="cuda", show_default=True)
@click.option("--count", default=64, show_default=True, help="Candidates; a multiple of 8.")
@click.option("--seed", default=0, show_default=True)
def main(folder: Path, device: str, count: int, seed: int) -> None:
    """Write problems, candidates, pairs and expected verdicts into FOLDER."""
    entries = write_mix(folder, device, count, seed)
    click.echo(f"{len(entries)} candidates in {folder}, {sum(bool(e.flaw) for e in entries)} of them flawed")


if __name__ == "__main__":
    main()
