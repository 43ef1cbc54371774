"""Kernel files: the best of each task, importable, nobody else's file touched."""

from __future__ import annotations

import importlib.util
import tokenize
from pathlib import Path
from types import ModuleType

import pytest
from report_samples import accepted, rejected, run, task, trials

from warpsmith.archive import Archive
from warpsmith.core.candidate import Candidate
from warpsmith.core.task import Task
from warpsmith.core.trial import Proposal, Trial
from warpsmith.report import report_of, write_kernels

SOFTMAX, MLP = task("level1/softmax"), task("level2/mlp")


def kernels_of(folder: Path) -> list[Path]:
    with Archive.open(folder, writable=False) as archive:
        return write_kernels(archive, folder)


def imported(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("kernel", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def run_with_source(folder: Path, source: str, of: Task = SOFTMAX) -> Path:
    [made] = trials(of, accepted())
    proposal = Proposal(proposer="file", variant="mine", candidate=Candidate(source=source, backend="torch"))
    with Archive.create(folder) as archive:
        archive.add_task(of)
        archive.add(
            Trial(
                number=0,
                task_id=of.id,
                proposal=proposal,
                outcome=made.outcome,
                finished_at=made.finished_at,
            )
        )
    return folder


def test_the_best_of_each_task_can_be_imported(tmp_path: Path) -> None:
    folder = run(tmp_path / "run", (SOFTMAX, [accepted(80), accepted(40), rejected()]), (MLP, [accepted(50)]))
    written = kernels_of(folder)
    assert [path.name for path in written] == ["level1-softmax.py", "level2-mlp.py"]
    assert imported(written[0]).ModelNew.NUMBER == 1


def test_docstring_and_future_import_stay_first(tmp_path: Path) -> None:
    [path] = kernels_of(run(tmp_path / "run", (SOFTMAX, [accepted()])))
    assert imported(path).__doc__ == "A kernel."


def test_the_source_stands_unchanged_below_comments_that_tell_the_speedups(tmp_path: Path) -> None:
    source = "x = 1\r\nclass ModelNew: ...  # \N{GREEK SMALL LETTER PI}\n"
    [path] = kernels_of(run_with_source(tmp_path / "run", source))
    text = path.read_bytes().decode()
    assert text.endswith(source)
    header = text.removesuffix(source).splitlines()
    assert all(line.startswith("#") for line in header if line)
    for fact in ("level1/softmax", "over eager", "Test CPU", "2026-11-22", "trial 0"):
        assert any(fact in line for line in header)


@pytest.mark.parametrize(
    "source", ["\ufeffclass ModelNew: ...\n", "# coding: latin-1\nclass ModelNew: ...\n"]
)
def test_what_only_the_first_line_may_say_does_not_spoil_the_file(tmp_path: Path, source: str) -> None:
    [path] = kernels_of(run_with_source(tmp_path / "run", source))
    with tokenize.open(path) as file:
        assert file.encoding == "utf-8"
    assert imported(path).ModelNew


def test_a_name_cannot_leave_the_folder_or_the_comment(tmp_path: Path) -> None:
    hostile = task("../../x y\nraise SystemExit('from a comment')")
    [path] = kernels_of(run_with_source(tmp_path / "run", "class ModelNew: ...\n", hostile))
    assert path.parent == tmp_path / "run" / "kernels"
    assert imported(path).ModelNew


def test_two_tasks_of_one_name_get_two_files(tmp_path: Path) -> None:
    other = task("level1/softmax", baselines=("eager",))
    folder = run(tmp_path / "run", (SOFTMAX, [accepted(80)]), (other, [accepted(50)]))
    names = [path.name for path in kernels_of(folder)]
    assert names == ["level1-softmax.py", f"level1-softmax-{other.id[:8]}.py"]


def test_a_better_kernel_replaces_the_file(tmp_path: Path) -> None:
    folder = run(tmp_path / "run", (SOFTMAX, [accepted(80)]))
    kernels_of(folder)
    with Archive.open(folder) as archive:
        archive.add(trials(SOFTMAX, accepted(80), accepted(40))[1])
    [path] = kernels_of(folder)
    assert imported(path).ModelNew.NUMBER == 1
    assert [each.name for each in path.parent.iterdir()] == ["level1-softmax.py"]


def test_kernels_of_tasks_without_a_winner_are_removed_and_foreign_files_kept(tmp_path: Path) -> None:
    folder = run(tmp_path / "run", (SOFTMAX, [accepted()]), (MLP, [rejected()]))
    kernels_of(folder)
    stale, foreign = folder / "kernels" / "level2-mlp.py", folder / "kernels" / "mine.py"
    stale.write_bytes((folder / "kernels" / "level1-softmax.py").read_bytes())
    foreign.write_text("print('mine')\n")
    kernels_of(folder)
    assert not stale.exists()
    assert foreign.exists()


def test_a_run_without_winners_writes_nothing(tmp_path: Path) -> None:
    folder = run(tmp_path / "run", (SOFTMAX, [rejected()]))
    assert kernels_of(folder) == []
    assert not (folder / "kernels").exists()


def test_a_summary_links_a_kernel_file_only_if_it_holds_the_best(tmp_path: Path) -> None:
    folder = run(tmp_path / "run", (SOFTMAX, [accepted(80)]))

    def linked() -> str | None:
        best = report_of([folder]).problems[0].best
        assert best is not None
        return best.kernel

    assert linked() is None
    kernels_of(folder)
    assert linked() == "kernels/level1-softmax.py"
    with Archive.open(folder) as archive:
        archive.add(trials(SOFTMAX, accepted(80), accepted(40))[1])
    assert linked() is None
