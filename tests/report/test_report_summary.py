"""What a summary says of runs in real archives."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from report_samples import accepted, faulted, provenance, rejected, run, task, trials

from warpsmith.archive import Archive
from warpsmith.core.codec import decode, encode
from warpsmith.core.errors import UsageError
from warpsmith.core.task import Task
from warpsmith.core.trial import Duplicate, Judged, Nothing, Outcome
from warpsmith.core.verdict import Rejected, Stage
from warpsmith.report import Summary, read_run, report_of, summarise, to_markdown
from warpsmith.report.runs import Attempt, RunRecord
from warpsmith.report.summary import BaselineScores

SOFTMAX, MLP, VIT = task("level1/softmax"), task("level2/mlp"), task("level3/vit")


def against(summary: Summary, baseline: str) -> BaselineScores:
    return next(each for each in summary.scores.baselines if each.baseline == baseline)


def fast(summary: Summary, baseline: str) -> dict[float, float | None]:
    return {point.p: point.share for point in against(summary, baseline).fast}


def test_fast_p_is_told_for_each_baseline_by_name(tmp_path: Path) -> None:
    folder = run(
        tmp_path / "run",
        (SOFTMAX, [accepted(50, eager=100, compile=40)]),
        (MLP, [accepted(80, eager=100, compile=100)]),
        (VIT, [rejected()]),
    )
    summary = report_of([folder])
    assert fast(summary, "eager") == pytest.approx(
        {0: 2 / 3, 0.5: 2 / 3, 0.8: 2 / 3, 1: 2 / 3, 1.5: 1 / 3, 2: 0}
    )
    assert fast(summary, "compile") == pytest.approx(
        {0: 2 / 3, 0.5: 2 / 3, 0.8: 1 / 3, 1: 1 / 3, 1.5: 0, 2: 0}
    )


def test_the_geometric_mean_is_over_accepted_alone_and_says_how_many(tmp_path: Path) -> None:
    folder = run(tmp_path / "run", (SOFTMAX, [accepted(25)]), (MLP, [accepted(100)]), (VIT, [rejected()]))
    scores = against(report_of([folder]), "eager")
    assert scores.geometric_mean == pytest.approx(2.0)
    assert scores.timed == 2


def test_a_problem_with_faults_alone_is_left_out_and_counted(tmp_path: Path) -> None:
    folder = run(
        tmp_path / "run",
        (SOFTMAX, [accepted(50)]),
        (MLP, [faulted(), Duplicate(of=0), faulted()]),
        (VIT, [faulted(), rejected()]),
    )
    summary = report_of([folder])
    assert (summary.scores.problems, summary.scores.left_out) == (2, 1)
    assert fast(summary, "eager")[1] == 0.5
    assert [problem.left_out for problem in summary.problems] == [False, True, False]


def test_a_problem_without_trials_counts_as_not_passed_and_as_untried(tmp_path: Path) -> None:
    summary = report_of([run(tmp_path / "run", (SOFTMAX, [accepted(50)]), (MLP, []))])
    assert (summary.scores.problems, summary.scores.untried, summary.scores.left_out) == (2, 1, 0)
    assert fast(summary, "eager")[0] == 0.5


def test_an_empty_run_has_a_summary(tmp_path: Path) -> None:
    summary = report_of([run(tmp_path / "run")])
    assert (summary.problems, summary.machine, summary.finished_at) == ((), None, None)
    assert fast(summary, "eager")[1] is None


def test_the_best_kernel_is_the_fastest_over_the_primary_baseline(tmp_path: Path) -> None:
    folder = run(
        tmp_path / "run", (SOFTMAX, [accepted(60), accepted(40, compile=30), accepted(50, compile=90)])
    )
    best = report_of([folder]).problems[0].best
    assert best is not None
    assert best.trial == 1
    assert {name: each.value for name, each in best.speedups.items()} == {"eager": 2.5, "compile": 0.75}
    other = report_of([folder], primary="compile").problems[0].best
    assert other is not None
    assert other.trial == 2


def test_a_baseline_that_was_not_timed_leaves_the_others_standing(tmp_path: Path) -> None:
    folder = run(tmp_path / "run", (SOFTMAX, [accepted(50, eager=0, compile=100)]), (MLP, [accepted(50)]))
    summary = report_of([folder])
    assert (against(summary, "eager").timed, against(summary, "eager").untimed) == (1, 1)
    assert fast(summary, "compile") == pytest.approx({0: 1, 0.5: 1, 0.8: 1, 1: 1, 1.5: 1, 2: 0})


def test_a_kernel_without_any_timed_baseline_is_accepted_without_a_speedup(tmp_path: Path) -> None:
    summary = report_of([run(tmp_path / "run", (SOFTMAX, [accepted(50, eager=0), accepted(40, eager=0)]))])
    best = summary.problems[0].best
    assert best is not None
    assert (best.trial, best.speedups) == (1, {})
    assert fast(summary, "eager")[0] == 1
    assert against(summary, "eager").geometric_mean is None


def test_trials_are_counted_by_what_became_of_them(tmp_path: Path) -> None:
    outcomes: list[Outcome] = [
        accepted(),
        rejected(),
        rejected(),
        faulted(),
        Duplicate(of=0),
        Nothing(reason="no graph"),
    ]
    counts = report_of([run(tmp_path / "run", (SOFTMAX, outcomes))]).problems[0].counts
    assert (counts.tried, counts.accepted, counts.rejected) == (6, 1, 2)
    assert (counts.faulted, counts.duplicates, counts.nothing) == (1, 1, 1)


def test_rejections_are_counted_by_stage_in_order_and_by_check(tmp_path: Path) -> None:
    wrong = [rejected(Stage.COMPARE, "values", f"output 0 differs at index {index}") for index in range(3)]
    folder = run(
        tmp_path / "run",
        (SOFTMAX, [*wrong, rejected(Stage.BUILD, "compile", "no such header")]),
        (MLP, [rejected(Stage.COMPARE, "values"), rejected(Stage.COMPARE, "shape")]),
    )
    told = [(each.where, each.what, each.trials, each.problems) for each in report_of([folder]).rejections]
    assert told == [("build", "compile", 1, 1), ("compare", "values", 4, 2), ("compare", "shape", 1, 1)]


def test_trials_without_a_verdict_are_told_with_their_reason(tmp_path: Path) -> None:
    outcomes: list[Outcome] = [faulted("device lost"), faulted("device lost"), Nothing(reason="no graph")]
    told = report_of([run(tmp_path / "run", (SOFTMAX, outcomes))]).no_verdict
    assert [(each.where, each.what, each.trials) for each in told] == [
        ("faulted", "device lost", 2),
        ("nothing", "no graph", 1),
    ]


def test_a_problem_without_a_kernel_says_why(tmp_path: Path) -> None:
    outcomes: list[Outcome] = [rejected(reason="output 0 is wrong\nmore"), Duplicate(of=0)]
    folder = run(tmp_path / "run", (SOFTMAX, outcomes), (MLP, []))
    assert [problem.obstacle for problem in report_of([folder]).problems] == [
        "compare: output 0 is wrong",
        None,
    ]


def test_progress_tells_improvements_alone(tmp_path: Path) -> None:
    folder = run(tmp_path / "run", (SOFTMAX, [rejected(), accepted(50), accepted(60), accepted(40)]))
    problem = report_of([folder]).problems[0]
    assert [(step.tried, step.speedup) for step in problem.progress] == [(2, 2.0), (4, 2.5)]
    assert problem.accepted_after == 2


def test_a_duplicate_counts_in_pass_at_k_as_what_it_duplicates(tmp_path: Path) -> None:
    outcomes: list[Outcome] = [
        accepted(),
        Duplicate(of=0),
        rejected(),
        Nothing(reason="no graph"),
        faulted(),
        Duplicate(of=4),
    ]
    told = report_of([run(tmp_path / "run", (SOFTMAX, outcomes))]).pass_at_k
    assert [(each.k, each.value) for each in told] == [(1, 0.5)]


def test_devices_are_not_merged_and_both_are_named(tmp_path: Path) -> None:
    first = run(tmp_path / "a", (SOFTMAX, [accepted(device="NVIDIA H100")]))
    second = run(tmp_path / "b", (MLP, [accepted(device="NVIDIA A100")]))
    with pytest.raises(UsageError, match="'NVIDIA H100' and 'NVIDIA A100' do not belong in one table"):
        report_of([first, second])


def test_a_rejection_on_another_device_is_not_merged_either(tmp_path: Path) -> None:
    elsewhere = Judged(
        verdict=Rejected(stage=Stage.COMPARE, reason="wrong", provenance=provenance("Other CPU"))
    )
    folder = run(tmp_path / "run", (SOFTMAX, [accepted()]), (MLP, [elsewhere]))
    with pytest.raises(UsageError, match="'Test CPU' and 'Other CPU'"):
        report_of([folder])


def test_timers_are_not_merged_and_both_are_named(tmp_path: Path) -> None:
    folder = run(tmp_path / "run", (SOFTMAX, [accepted()]), (MLP, [accepted(timer="cuda-events")]))
    with pytest.raises(UsageError, match="'wall' and 'cuda-events'"):
        report_of([folder])


def test_targets_are_not_merged_even_before_anything_was_measured(tmp_path: Path) -> None:
    folder = run(tmp_path / "run", (SOFTMAX, []), (task("level2/mlp", device="cuda"), []))
    with pytest.raises(UsageError, match="'cpu' and 'cuda'"):
        report_of([folder])


def test_one_problem_in_two_runs_is_one_problem_with_the_better_kernel(tmp_path: Path) -> None:
    first = run(tmp_path / "a", (SOFTMAX, [accepted(50)]))
    second = run(tmp_path / "b", (SOFTMAX, [accepted(80), accepted(25)]))
    summary = report_of([first, second])
    best = summary.problems[0].best
    assert best is not None
    assert summary.scores.problems == 1
    assert summary.problems[0].counts.tried == 3
    assert (best.run, best.trial, best.speedups["eager"].value) == (str(second), 1, 4.0)


def test_levels_have_scores_of_their_own(tmp_path: Path) -> None:
    summary = report_of([run(tmp_path / "run", (SOFTMAX, [accepted()]), (MLP, [rejected()]))])
    assert {level: scores.accepted for level, scores in summary.levels.items()} == {"level1": 1, "level2": 0}


def tagged(of: Task, *tags: str) -> Task:
    return msgspec.structs.replace(of, problem=msgspec.structs.replace(of.problem, tags=tags))


def test_tags_that_tell_problems_apart_have_scores_of_their_own(tmp_path: Path) -> None:
    softmax, mlp = tagged(SOFTMAX, "row", "all", "alone"), tagged(MLP, "row", "all")
    other = tagged(task("level2/other"), "all")
    folder = run(tmp_path / "run", (softmax, [accepted()]), (mlp, [rejected()]), (other, [rejected()]))
    summary = report_of([folder])
    assert {tag: (scores.problems, scores.accepted) for tag, scores in summary.tags.items()} == {
        "row": (2, 1)
    }
    assert "## By tag" in to_markdown(summary)


def test_the_command_of_a_run_is_told(tmp_path: Path) -> None:
    folder = run(tmp_path / "run", (SOFTMAX, [accepted()]))
    with Archive.open(folder) as archive:
        archive.set_setting("command", '"warpsmith search level1/softmax --out run"')
    assert "warpsmith search level1/softmax --out run" in report_of([folder]).commands


def test_a_report_can_be_made_while_the_run_goes_on(tmp_path: Path) -> None:
    with Archive.create(tmp_path / "run") as archive:
        archive.add_task(SOFTMAX)
        for count, trial in enumerate(trials(SOFTMAX, accepted(), rejected(), accepted()), start=1):
            archive.add(trial)
            assert report_of([tmp_path / "run"]).counts.tried == count


def test_a_summary_is_a_function_of_the_trials() -> None:
    runs = [RunRecord("run", (Attempt(SOFTMAX, trials(SOFTMAX, accepted(), rejected())),))]
    assert encode(summarise(runs)) == encode(summarise(runs))


def test_a_summary_survives_json(tmp_path: Path) -> None:
    summary = report_of(
        [run(tmp_path / "run", (SOFTMAX, [accepted(compile=70)]), (MLP, [rejected(), faulted()]))]
    )
    assert decode(encode(summary), Summary) == summary


def test_weak_isolation_is_named_as_not_proven(tmp_path: Path) -> None:
    summary = report_of([run(tmp_path / "run", (SOFTMAX, [accepted()]))])
    assert any("not run in a whole sandbox" in each for each in summary.unproven)


def test_a_folder_without_a_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="not a run folder"):
        read_run(tmp_path)
