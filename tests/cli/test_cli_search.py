"""`warpsmith search`: what a run leaves behind, and that neither Ctrl-C nor kill -9 loses or repeats a trial.

The candidates are files, so that nothing but their verification takes time.
"""

from __future__ import annotations

import json
import signal
from pathlib import Path

import pytest
from command import Cli, Spawned
from processes import Lingerers, wait_until_gone
from sources import candidate, problem_source

from warpsmith.archive import Archive
from warpsmith.core.trial import Trial
from warpsmith.worker.process import descendants

CHEAPLY = ("--tier", "screen", "--baseline", "eager", "--device", "cpu")


class Hunt:
    """A folder with a problem, a folder of candidates, and the run that searches among them."""

    def __init__(self, folder: Path) -> None:
        self.problem = folder / "relu.py"
        self.problem.write_text(problem_source())
        self.candidates = folder / "candidates"
        self.candidates.mkdir()
        self.lingerers = Lingerers()
        self.run = folder / "run"
        self.put("a.py", candidate("torch.clamp(x, min=0)").source)
        self.put("b.py", candidate("x").source)

    def put(self, name: str, source: str) -> None:
        (self.candidates / name).write_text(source)

    def put_staying(self, name: str) -> None:
        """Put a candidate that detaches a process and stays, as that process does."""
        self.put(name, candidate(top=self.lingerers.stay_and_detach, body="stay()").source)

    @property
    def words(self) -> list[str | Path]:
        options = ["--proposer", "file", "-o", f"path={self.candidates}", *CHEAPLY]
        return ["search", self.problem, *options, "--budget", "trials=9", "--retime", "0", "--out", self.run]

    def trials(self) -> list[Trial]:
        with Archive.open(self.run, writable=False) as archive:
            (task,) = archive.tasks()
            return archive.trials(task.id)

    def outcomes(self) -> list[tuple[int, str, str]]:
        """Number, file and verdict of every finished trial."""
        return [
            (trial.number, trial.proposal.variant, type(trial.verdict).__name__) for trial in self.trials()
        ]


@pytest.fixture
def hunt(tmp_path: Path) -> Hunt:
    return Hunt(tmp_path)


FINISHED = [(0, "a.py", "Accepted"), (1, "b.py", "Rejected"), (2, "c.py", "Accepted")]


def test_a_search_finds_the_winner_and_leaves_a_run_that_can_be_read(cli: Cli, hunt: Hunt) -> None:
    hunt.put("c.py", candidate().source)
    answer = cli(*hunt.words, "--json")
    told = json.loads(answer.out)
    assert (answer.status, answer.out.count("\n"), told["run"]) == (0, 1, str(hunt.run))
    (row,) = told["tasks"]
    assert (row["problem"], row["trials"], row["best"]["status"]) == ("relu", 3, "accepted")
    assert "relu: trial 1 file:b.py: rejected at compare" in answer.err
    assert hunt.outcomes() == FINISHED
    assert any(hunt.run.joinpath("kernels").iterdir())
    report = cli("report", hunt.run)
    assert (report.status, report.err) == (0, "")
    assert "relu" in report.out

    taken = cli(*hunt.words)
    assert "holds a run; continue it with --resume" in taken.error
    wrong = cli("search", "--resume", hunt.run, "--budget", "trails=1")
    assert "no budget 'trails=1'" in wrong.error
    assert hunt.outcomes() == FINISHED


def test_ctrl_c_keeps_what_is_finished_and_says_how_to_go_on(cli: Cli, hunt: Hunt) -> None:
    hunt.put_staying("c.py")
    search = Spawned(*hunt.words)
    search.wait_for("trial 1 file:b.py: rejected")
    lingerers = hunt.lingerers.wait_for(2)
    search.process.send_signal(signal.SIGINT)
    answer = search.end()
    assert (answer.status, answer.out) == (130, "")
    assert f"go on with: warpsmith search --resume {hunt.run}" in answer.err
    assert "Traceback" not in answer.err
    assert wait_until_gone(lingerers) == []
    assert hunt.outcomes() == FINISHED[:2]
    assert (hunt.run / "report.md").exists(), "what is finished is reported"
    before = hunt.trials()

    hunt.put("c.py", candidate().source)
    resumed = cli("search", "--resume", hunt.run)
    assert resumed.status == 0
    assert "goes on after 2 finished trials" in resumed.err
    assert hunt.outcomes() == FINISHED
    assert hunt.trials()[:2] == before


def test_ctrl_c_before_the_first_trial_is_finished_is_no_fault(hunt: Hunt) -> None:
    hunt.put_staying("a.py")
    search = Spawned(*hunt.words)
    lingerers = hunt.lingerers.wait_for(2)
    search.process.send_signal(signal.SIGINT)
    answer = search.end()
    assert (answer.status, answer.out) == (130, "")
    assert "--resume" in answer.err
    assert "Traceback" not in answer.err
    assert wait_until_gone(lingerers) == []
    assert hunt.outcomes() == []


def test_kill_9_loses_no_finished_trial_repeats_none_and_leaves_no_process(cli: Cli, hunt: Hunt) -> None:
    hunt.put_staying("c.py")
    search = Spawned(*hunt.words)
    search.wait_for("trial 1 file:b.py: rejected")
    lingerers = hunt.lingerers.wait_for(2)
    below = descendants(search.process.pid)
    assert set(lingerers) < set(below)
    search.process.kill()
    assert search.end().status == -signal.SIGKILL
    assert wait_until_gone(below) == []
    before = hunt.trials()
    assert hunt.outcomes() == FINISHED[:2]

    hunt.put("c.py", candidate().source)
    assert cli("search", "--resume", hunt.run).status == 0
    assert hunt.outcomes() == FINISHED
    assert hunt.trials()[:2] == before


def test_a_run_can_be_read_while_it_is_written_and_written_by_one_alone(cli: Cli, hunt: Hunt) -> None:
    hunt.put_staying("c.py")
    search = Spawned(*hunt.words)
    search.wait_for("trial 1 file:b.py: rejected")
    assert hunt.outcomes() == FINISHED[:2]
    assert cli("report", hunt.run).status == 0
    assert f"is being written by process {search.process.pid}" in cli("search", "--resume", hunt.run).error
    search.process.kill()
    search.end()


def test_a_search_on_an_executor_finds_the_same_and_is_interrupted_the_same(cli: Cli, hunt: Hunt) -> None:
    hunt.put_staying("c.py")
    search = Spawned(*hunt.words, "--executor", "local")
    search.wait_for("trial 1 file:b.py: rejected")
    lingerers = hunt.lingerers.wait_for(2)
    search.process.send_signal(signal.SIGINT)
    answer = search.end()
    assert (answer.status, answer.out) == (130, "")
    assert "Traceback" not in answer.err
    assert wait_until_gone(lingerers) == []
    assert hunt.outcomes() == FINISHED[:2]
    hunt.put("c.py", candidate().source)
    resumed = cli("search", "--resume", hunt.run, "--executor", "local:lanes=1")
    assert resumed.status == 0, resumed.err
    assert hunt.outcomes() == FINISHED


def test_an_executor_that_is_not_there_is_named_before_anything_starts(cli: Cli, hunt: Hunt) -> None:
    answer = cli(*hunt.words, "--executor", "lokal")
    assert answer.status == 2
    assert "did you mean 'local'" in answer.err
    assert not hunt.run.exists()
