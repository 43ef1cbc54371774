"""Tracks and passthroughs in a report: named, never ranked together, never a win."""

from __future__ import annotations

from pathlib import Path

import pytest
from report_samples import accepted, rejected, run, task

from warpsmith.archive import Archive
from warpsmith.core.errors import UsageError
from warpsmith.core.task import Track
from warpsmith.report import Summary, report_of, to_html, to_markdown, write_kernels
from warpsmith.report.charts import fast_p_rows

DECLARED = Track(shapes="declared")
SOFTMAX, MLP = task("level1/softmax"), task("level2/mlp")


def fast(summary: Summary) -> dict[float, float | None]:
    return {point.p: point.share for point in summary.scores.baselines[0].fast}


def test_a_passthrough_passes_no_threshold_from_one_on(tmp_path: Path) -> None:
    folder = run(tmp_path / "run", (SOFTMAX, [accepted(20, own_share=0.0)]), (MLP, [accepted(50)]))
    summary = report_of([folder])
    assert fast(summary) == {0: 1, 0.5: 1, 0.8: 1, 1: 0.5, 1.5: 0.5, 2: 0}
    scores = summary.scores.baselines[0]
    assert (scores.surely_faster, scores.timed) == (1, 2)
    assert scores.geometric_mean == pytest.approx(2**0.5), "it enters as 1, the other as 2"
    assert summary.scores.passthrough == 1
    curve = [row for row in fast_p_rows(summary, 3.0) if row["series"] == "eager"]
    assert max(float(row["p"]) for row in curve if float(row["share"]) > 0.5) <= 1


def test_a_kernel_of_its_own_is_the_best_even_where_a_passthrough_is_faster(tmp_path: Path) -> None:
    outcomes = [accepted(20, own_share=0.0), accepted(80, own_share=0.9), accepted(90)]
    best = report_of([run(tmp_path / "run", (SOFTMAX, outcomes))]).problems[0].best
    assert best is not None
    assert (best.trial, best.passthrough) == (1, False)


def test_without_any_timed_baseline_a_kernel_of_its_own_goes_first_too(tmp_path: Path) -> None:
    outcomes = [accepted(20, own_share=0.0, eager=0), accepted(80, eager=0)]
    best = report_of([run(tmp_path / "run", (SOFTMAX, outcomes))]).problems[0].best
    assert best is not None
    assert best.trial == 1


def test_a_passthrough_that_is_all_there_is_is_shown_as_measured_and_labelled(tmp_path: Path) -> None:
    folder = run(tmp_path / "run", (SOFTMAX, [accepted(20, own_share=0.001), rejected()]))
    with Archive.open(folder, writable=False) as archive:
        [kernel] = write_kernels(archive, folder)
    summary = report_of([folder])
    problem = summary.problems[0]
    assert problem.best is not None
    assert problem.best.speedups["eager"].value == pytest.approx(5)
    assert problem.progress == ()
    markdown, page = to_markdown(summary), to_html(summary)
    assert "counts as no win" in markdown.splitlines()[2]
    assert ", passthrough |" in markdown
    assert ", passthrough</span>" in page
    assert 'class="faster">5' not in page
    assert "a passthrough" in kernel.read_text()


def test_a_share_of_its_own_that_was_not_measured_makes_no_passthrough(tmp_path: Path) -> None:
    assert fast(report_of([run(tmp_path / "run", (SOFTMAX, [accepted(20)]))]))[2.0] == 1


def test_tracks_are_not_merged_and_both_are_named(tmp_path: Path) -> None:
    first = run(tmp_path / "a", (SOFTMAX, [accepted()]))
    second = run(tmp_path / "b", (task("level2/mlp", track=DECLARED), [accepted()]))
    with pytest.raises(UsageError, match=r"any shapes' and .*declared shapes' do not belong in one table"):
        report_of([first, second])


def test_the_track_is_told_on_top_and_in_the_commands(tmp_path: Path) -> None:
    folder = run(tmp_path / "run", (task(track=DECLARED), [accepted()]))
    with Archive.open(folder, writable=False) as archive:
        [kernel] = write_kernels(archive, folder)
    summary = report_of([folder])
    assert "- Track: library-allowed, declared precision, declared shapes" in to_markdown(summary)
    [command] = [each for each in summary.commands if each.startswith("warpsmith verify")]
    assert command.endswith("--shapes declared")
    [line] = [line for line in kernel.read_text().splitlines() if line.startswith("# Verify")]
    assert line.endswith("--device cpu --shapes declared")


def test_what_was_shown_for_the_declared_shapes_alone_is_named_as_not_proven(tmp_path: Path) -> None:
    def said(name: str, **about: object) -> bool:
        folder = run(tmp_path / name, (task(track=DECLARED), [accepted(**about)]))  # type: ignore[arg-type]
        return any(each.startswith("Shapes: 1 of") for each in report_of([folder]).unproven)

    assert said("narrow", shapes="declared")
    assert not said("wide", shapes="any")
