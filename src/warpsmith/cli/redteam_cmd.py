"""warpsmith redteam: attacks that have to be refused, honest kernels that have to be accepted."""

from __future__ import annotations

import contextlib
import io
import json
from collections.abc import Callable, Iterator, Sequence
from fnmatch import fnmatch
from pathlib import Path

import click

from warpsmith.cli.options import device_option, json_option
from warpsmith.core.codec import decode, encode
from warpsmith.core.errors import RecordError, UsageError
from warpsmith.redteam import Case, Outcome, RedTeam, read_corpus
from warpsmith.redteam.corpus import find_corpus
from warpsmith.redteam.matrix import matrix_json, matrix_markdown, score, score_text
from warpsmith.redteam.runner import Form


@click.command()
@device_option
@click.option("--name", "pattern", metavar="PATTERN", help="Only cases like this, with * and ?.")
@click.option(
    "--kind", type=click.Choice(["all", "attacks", "honest"]), default="all", show_default=True, help="Which."
)
@click.option("--plain", is_flag=True, help="Leave the attacks' hardened forms out.")
@click.option("--quick", is_flag=True, help="Fewer seeds and shorter timing than a default verdict has.")
@click.option("--jobs", type=click.IntRange(1, 64), default=1, show_default=True, help="Verifiers at work.")
@click.option("--corpus", metavar="DIR", help="Folder with exploits/ and honest/.")
@click.option("--out", metavar="FILE.md", help="Write the matrix as Markdown, too.")
@click.option(
    "--keep",
    metavar="FILE.jsonl",
    help="Write every outcome there as it comes, and don't repeat what is there already.",
)
@click.option("--seconds", type=click.FloatRange(min=0.0, min_open=True), help="Begin no case after this.")
@json_option
def redteam(
    device: str,
    pattern: str | None,
    kind: str,
    plain: bool,
    quick: bool,
    jobs: int,
    corpus: str | None,
    out: str | None,
    keep: str | None,
    seconds: float | None,
    as_json: bool,
) -> int:
    """Try to fool the verifier: run every attack and every honest kernel of the corpus.

    Exit status 1 when an attack was accepted, an honest kernel refused, or one got no verdict or was not
    reached. What is kept by --keep belongs to one corpus, device and version: take a new file for another.
    """
    cases = _chosen(read_corpus(find_corpus(corpus)), pattern, kind)
    with RedTeam(
        device, is_quick=quick, jobs=jobs, forms=("plain",) if plain else ("plain", "hardened")
    ) as team:
        planned = team.plan(cases)
        if not planned:
            raise UsageError("no case fits; `warpsmith redteam --name '*'` takes all that run on this device")
        with _kept(keep, planned) as (outcomes, note):
            done = {(each.name, each.form) for each in outcomes}
            left = [(case, form) for case, form in planned if (case.name, form) not in done]
            for outcome in team.run(left, seconds):
                note(outcome)
                outcomes.append(outcome)
                click.echo(f"[{len(outcomes)}/{len(planned)}] {_line(outcome)}", err=as_json)
        where = team.target.device if team.target else device
    outcomes.sort(key=lambda each: (each.kind, each.name, each.form != "plain"))
    if out is not None:
        Path(out).write_text(matrix_markdown(outcomes, cases), encoding="utf-8")
    counted = score(outcomes)
    if as_json:
        click.echo(json.dumps(matrix_json(outcomes, where)))
    else:
        _tell(outcomes)
        click.echo(f"{score_text(counted)}, on {where}")
    if (missing := len(planned) - len(outcomes)) > 0:
        click.echo(f"{missing} of {len(planned)} were not reached in time", err=True)
    return 0 if counted.is_proof and not missing else 1


@contextlib.contextmanager
def _kept(
    path: str | None, planned: Sequence[tuple[Case, Form]]
) -> Iterator[tuple[list[Outcome], Callable[[Outcome], None]]]:
    """Yield the outcomes of `planned` that are in the file, and what adds one to it.

    A fault is no outcome to keep: that case is tried again.

    Raises:
        UsageError: the file can't be read or written, or holds something else.
    """
    if path is None:
        yield [], lambda _: None
        return
    wanted = {(case.name, form) for case, form in planned}
    try:
        with Path(path).open("a+b", buffering=0) as file:
            file.seek(0)
            text = file.read()
            whole = text[: text.rfind(b"\n") + 1]
            file.truncate(len(whole))  # a kill may have left half a line
            lines = whole.splitlines()
            found = {(each.name, each.form): each for each in (decode(line, Outcome) for line in lines)}
            kept = [each for key, each in found.items() if key in wanted and each.status != "faulted"]
            yield kept, lambda outcome: _write(file, outcome)
    except OSError as error:
        raise UsageError(f"can't keep outcomes in {path!r}: {error.strerror}") from error
    except RecordError as error:
        raise UsageError(f"{path!r} holds no outcomes of a red team ({error}); name a new file") from error


def _write(file: io.FileIO, outcome: Outcome) -> None:
    file.write(encode(outcome) + b"\n")


def _chosen(cases: Sequence[Case], pattern: str | None, kind: str) -> list[Case]:
    kinds = {"all": {"attack", "honest"}, "attacks": {"attack"}, "honest": {"honest"}}[kind]
    return [case for case in cases if case.kind in kinds and (pattern is None or fnmatch(case.name, pattern))]


def _line(outcome: Outcome) -> str:
    form = " (hardened)" if outcome.form == "hardened" else ""
    said = f"rejected by {outcome.by}" if outcome.status == "rejected" else outcome.status
    speed = f", {outcome.speedup:.2f}x over eager" if outcome.speedup is not None else ""
    mark = "ok  " if outcome.is_right else "FAIL"
    return f"{mark} {outcome.name}{form}: {said}{speed} in {outcome.wall_s:.1f} s"


def _tell(outcomes: Sequence[Outcome]) -> None:
    """Say what went wrong, and what went otherwise than its file says, with the reasons."""
    for each in outcomes:
        if not each.is_right:
            click.echo(f"FAIL {each.name} ({each.form}): {each.status}: {each.reason}")
        elif not each.is_as_said:
            click.echo(f"note {each.name} ({each.form}): refused by {each.by}, not as it says: {each.reason}")
