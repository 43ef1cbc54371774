"""Several runs side by side, kernels against the speed of light, and what spreadsheets and slides get."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import msgspec
import pytest
from report_samples import accepted, faulted, rejected, run, task

from warpsmith.cli.main import run as command
from warpsmith.core.roofline import SpeedOfLight
from warpsmith.core.trial import Judged
from warpsmith.core.verdict import Accepted
from warpsmith.report import report_of, to_csv, to_html, to_markdown
from warpsmith.report.light import quartiles, shines_of
from warpsmith.report.metrics import share_interval

SOFTMAX, NORM, SORT = task("level1/softmax"), task("level1/norm"), task("level2/sort")
PNG = b"\x89PNG\r\n\x1a\n"


def lit(ns: int, bound_ns: float, *, compile_ns: int = 0) -> Judged:
    """An acceptance with a bound on its only workload."""
    judged = accepted(ns, compile=compile_ns)
    assert isinstance(judged.verdict, Accepted)
    light = SpeedOfLight(bound_ns=bound_ns, limit="memory", flops=0.0, traffic_bytes=1e6)
    measurements = tuple(msgspec.structs.replace(m, light=light) for m in judged.verdict.measurements)
    return Judged(verdict=msgspec.structs.replace(judged.verdict, measurements=measurements))


@pytest.fixture
def two(tmp_path: Path) -> list[Path]:
    """Runs `a` and `b`: a is twice as fast on softmax, b alone solves norm, sort faulted in b."""
    a = run(tmp_path / "a", (SOFTMAX, [accepted(25)]), (NORM, [rejected()]), (SORT, [accepted(50)]))
    b = run(tmp_path / "b", (SOFTMAX, [accepted(50)]), (NORM, [accepted(80)]), (SORT, [faulted()]))
    return [a, b]


def test_runs_are_compared_on_the_problems_that_both_have_an_answer_for(two: list[Path]) -> None:
    (comparison,) = report_of(two).comparisons
    assert [(duel.problem, duel.winner) for duel in comparison.duels] == [
        ("level1/softmax", "first"),
        ("level1/norm", "second"),
    ]
    assert (comparison.wins, comparison.losses, comparison.baseline) == (1, 1, "eager")
    softmax, norm = comparison.duels
    assert softmax.ratio is not None
    assert softmax.ratio.value == pytest.approx(2.0)
    assert softmax.ratio.low < 2.0 < softmax.ratio.high
    assert norm.ratio is None
    assert comparison.ratio is not None
    assert comparison.ratio.value == pytest.approx(2.0)
    # fast_1 is a half for a and whole for b.
    assert comparison.fast_1_gain is not None
    assert comparison.fast_1_gain.value == pytest.approx(-0.5)


def test_a_run_against_itself_is_a_draw_and_one_run_has_nothing_to_compare(tmp_path: Path) -> None:
    folders = [run(tmp_path / name, (SOFTMAX, [accepted(50)])) for name in "ab"]
    (comparison,) = report_of(folders).comparisons
    assert (comparison.wins, comparison.losses) == (0, 0)
    assert report_of(folders[:1]).comparisons == ()


def test_three_runs_are_compared_two_by_two(tmp_path: Path) -> None:
    folders = [run(tmp_path / name, (SOFTMAX, [accepted(50)])) for name in "abc"]
    pairs = [(Path(c.first).name, Path(c.second).name) for c in report_of(folders).comparisons]
    assert pairs == [("a", "b"), ("a", "c"), ("b", "c")]


def test_pages_say_who_wins_where(two: list[Path]) -> None:
    summary = report_of(two)
    text = to_markdown(summary)
    assert "## Run against run" in text
    assert "A wins 1, B wins 1." in text
    assert "fast_1 of A less that of B: -50.0 points" in text
    assert "Run against run" in to_html(summary)


def test_kernels_stand_against_the_speed_of_light(tmp_path: Path) -> None:
    folder = run(
        tmp_path / "a", (SOFTMAX, [lit(50, 40.0)]), (NORM, [lit(80, 20.0)]), (SORT, [lit(50, 100.0)])
    )
    summary = report_of([folder])
    beyond, near, far = shines_of(summary)
    assert (near.problem, near.limit) == ("level1/softmax", "memory")
    assert near.fraction == pytest.approx(0.8)
    # The baseline takes 100: from there to 40 it is 60, and 10 are left.
    assert near.score == pytest.approx(1 / (1 + 10 / 60))
    assert far.fraction == pytest.approx(0.25)
    assert (beyond.is_beyond, near.is_beyond, beyond.score) == (True, False, None)
    text = to_markdown(summary)
    assert "## Speed of light" in text
    assert "| level2/sort (below its bound: a finding, no record) |" in text
    assert "Best kernels against the speed of light" in to_html(summary)


def test_quartiles_are_values_that_were_seen() -> None:
    assert quartiles([4.0, 1.0, 3.0, 2.0, 5.0]) == (2.0, 3.0, 4.0)
    with pytest.raises(ValueError, match="no values"):
        quartiles([])


def test_a_share_has_width_also_where_all_or_none_pass() -> None:
    none = share_interval(0, 10)
    assert (none.value, none.low) == (0.0, 0.0)
    assert none.high == pytest.approx(0.2775, abs=1e-3)
    assert share_interval(10, 10).low == pytest.approx(0.7225, abs=1e-3)
    half = share_interval(5, 10)
    assert half.high - half.value == pytest.approx(half.value - half.low)


def test_a_table_has_a_line_for_each_problem_and_baseline(tmp_path: Path) -> None:
    folder = run(tmp_path / "a", (SOFTMAX, [lit(50, 40.0, compile_ns=75)]), (NORM, [rejected()]))
    rows = list(csv.DictReader(to_csv(report_of([folder])).splitlines()))
    assert [(row["problem"], row["baseline"]) for row in rows] == [
        ("level1/softmax", "eager"),
        ("level1/softmax", "compile"),
        ("level1/norm", "eager"),
        ("level1/norm", "compile"),
    ]
    assert [float(row["speedup"]) for row in rows[:2]] == [2.0, 1.5]
    assert float(rows[0]["sol_fraction"]) == pytest.approx(0.8)
    assert (rows[2]["accepted"], rows[2]["speedup"], rows[2]["trials_rejected"]) == ("false", "", "1")


def test_text_that_a_spreadsheet_would_compute_is_kept_text(tmp_path: Path) -> None:
    folder = run(tmp_path / "a", (task("=1+1"), [accepted(50)]))
    (row, *_) = csv.DictReader(to_csv(report_of([folder])).splitlines())
    assert row["problem"] == "'=1+1"


def test_the_command_writes_tables_and_pictures(two: list[Path], tmp_path: Path) -> None:
    table, pictures = tmp_path / "out.csv", tmp_path / "pictures"
    words = ["report", *map(str, two), "--csv", str(table), "--png", str(pictures), "--json"]
    assert command(words) == 0
    assert table.read_text().startswith("problem,level,")
    drawn = sorted(pictures.iterdir())
    assert drawn
    assert all(path.suffix == ".png" and path.read_bytes().startswith(PNG) for path in drawn)


def test_json_has_the_comparison(two: list[Path], capsys: pytest.CaptureFixture[str]) -> None:
    assert command(["report", *map(str, two), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["comparisons"][0]["wins"] == 1
