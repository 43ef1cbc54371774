"""What a run spent, in every kind of page, and how its trials descend from each other."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec
import pytest
from report_samples import accepted, provenance, rejected, task, trials

from warpsmith.archive import Archive
from warpsmith.core.trial import Judged, Retiming, Spent, Trial
from warpsmith.core.verdict import Accepted
from warpsmith.report import report_of, to_html, to_markdown
from warpsmith.report.curves import best_rows, faster_rows
from warpsmith.report.lineage import best_line, lineage_rows

TASK = task()


def paid(trial: Trial, proposer: str, model: str, usd: float | None, parents: tuple[int, ...] = ()) -> Trial:
    """Return the trial as a model's work of 100 tokens that took 2 s of the device."""
    spent = Spent(model=model, tokens=100, usd=usd)
    proposal = msgspec.structs.replace(trial.proposal, proposer=proposer, spent=spent, device_s=2.0)
    return msgspec.structs.replace(trial, proposal=proposal, parents=parents)


def history() -> list[Trial]:
    first, wrong, better, other = trials(TASK, accepted(80), rejected(), accepted(40), accepted(50))
    return [
        paid(first, "oneshot", "big", 0.5),
        paid(wrong, "refine", "small", 0.25, (0,)),
        paid(better, "refine", "big", None, (0,)),
        paid(other, "refine", "small", 0.25, (1,)),
    ]


def run(folder: Path, found: Sequence[Trial], *retimings: Retiming) -> Path:
    with Archive.create(folder) as archive:
        archive.add_task(TASK)
        for trial in found:
            archive.add(trial)
        for retiming in retimings:
            archive.add_retiming(retiming)
    return folder


def again(number: int, judged: Judged) -> Retiming:
    return Retiming(task_id=TASK.id, number=number, seed=3, verdict=judged.verdict, finished_at="2026-11-22")


def test_spend_is_told_by_proposer_and_by_model(tmp_path: Path) -> None:
    summary = report_of([run(tmp_path / "run", history())])
    spending = summary.spending
    assert [(each.who, each.trials, each.accepted) for each in spending.proposers] == [
        ("oneshot", 1, 1),
        ("refine", 3, 2),
    ]
    assert [(each.who, each.tokens, each.usd, each.unpriced) for each in spending.models] == [
        ("big", 200, 0.5, 1),
        ("small", 200, 0.5, 0),
    ]
    assert (spending.total.tokens, spending.total.usd, spending.total.device_s) == (400, 1.0, 8.0)
    assert "400 tokens, 1.00 US dollars, 1 trial without a known price" in to_markdown(summary)
    assert "| model | big | 2 | 2 | 200 | 0.5000* |" in to_markdown(summary)
    assert "<h2>Spend</h2>" in to_html(summary)


def test_the_best_so_far_is_told_by_what_it_had_cost(tmp_path: Path) -> None:
    (problem,) = report_of([run(tmp_path / "run", history())]).problems
    assert [(row["cost"], row["speedup"]) for row in best_rows(problem, "usd")] == [
        (0.5, 1.25),
        (0.75, 2.5),
        (1.0, 2.5),
    ]
    assert [row["cost"] for row in best_rows(problem, "device_s")] == [2.0, 6.0, 8.0]
    shares = [(row["cost"], row["share"]) for row in faster_rows([problem], "usd")]
    assert shares == [(0.0, 0.0), (0.5, 1.0), (1.0, 1.0)]


def test_the_lineage_is_drawn_where_trials_have_parents(tmp_path: Path) -> None:
    summary = report_of([run(tmp_path / "run", history())])
    (problem,) = summary.problems
    dots, edges = lineage_rows(problem.lineage)
    assert [(edge["trial"], edge["to"], edge["best"]) for edge in edges] == [(0, 1, 0), (0, 2, 1), (1, 3, 0)]
    assert [dot["what"] for dot in dots] == ["accepted", "other", "accepted", "accepted"]
    assert best_line(problem.lineage) == {0, 2}
    assert "who descends from whom" in to_html(summary)
    alone = report_of([run(tmp_path / "alone", trials(TASK, accepted(80), accepted(70)))])
    assert "who descends from whom" not in to_html(alone)


def test_the_best_is_stated_by_the_timing_that_did_not_choose_it(tmp_path: Path) -> None:
    chosen = run(tmp_path / "run", history())
    (problem,) = report_of([chosen]).problems
    assert problem.best is not None
    assert (problem.best.trial, problem.best.retimed) == (2, False)
    folder = run(tmp_path / "again", history(), again(2, accepted(60)), again(3, accepted(50)))
    summary = report_of([folder])
    (problem,) = summary.problems
    assert problem.best is not None
    assert (problem.best.trial, problem.best.retimed) == (3, True)
    assert problem.best.speedups["eager"].value == pytest.approx(2.0)
    assert any("timed again" in each for each in summary.unproven)
    assert not any("leans high" in each for each in summary.unproven)


def test_phases_on_the_device_count_and_a_build_does_not(tmp_path: Path) -> None:
    judged = accepted(80)
    assert isinstance(judged.verdict, Accepted)
    verdict = msgspec.structs.replace(judged.verdict, phases_s={"build": 9.0, "timing": 1.5})
    assert verdict.provenance == provenance()
    found = trials(TASK, Judged(verdict=verdict), rejected())
    assert report_of([run(tmp_path / "run", found)]).spending.total.device_s == 1.5
