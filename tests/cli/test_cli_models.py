"""`warpsmith search` with language models: several in one run, and a replay with no key and no network."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from command import Cli, Spawned
from sources import candidate, problem_source

from warpsmith.archive import Archive
from warpsmith.core.trial import Trial
from warpsmith.testing.llm_server import LlmServer

CHEAPLY = ("--tier", "screen", "--baseline", "eager", "--device", "cpu")


def fenced(source: str) -> str:
    return f"```python\n{source}```\n"


# The second and third never reach a worker, so only the first is verified.
REPLIES = [fenced(candidate().source), fenced("class ModelNew(:\n"), "I would rather not."]


def trials(run: Path) -> list[Trial]:
    with Archive.open(run, writable=False) as archive:
        (task,) = archive.tasks()
        return archive.trials(task.id)


def told(trial: Trial) -> tuple[object, ...]:
    return trial.proposal.candidate, trial.proposal.note, trial.proposal.spent


def test_a_recorded_run_is_done_again_with_no_key_and_no_network(
    cli: Cli, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RECORDING_KEY", "k-123456789")
    run, again = folder / "run", folder / "again"
    with LlmServer(REPLIES) as server:
        asking = ["-o", f"base_url={server.base_url}", "-o", "key_env=RECORDING_KEY"]
        models = ["--model", "big=3", "--model", "small"]
        budget = ["--budget", "trials=3", "--seed", "7"]
        words = ["--proposer", "oneshot", *models, *asking, *CHEAPLY, *budget]
        assert cli("search", folder / "relu.py", *words, "--out", run).status == 0
        assert server.count == 3
        asked = [request.body["model"] for request in server.requests]
    recorded = trials(run)
    assert [trial.proposal.spent.model for trial in recorded if trial.proposal.spent] == asked

    monkeypatch.delenv("RECORDING_KEY")
    replay = Spawned("search", "--replay", run, "--out", again, "--json")
    answer = replay.end()
    assert (answer.status, json.loads(answer.out)["tasks"][0]["best"]["trial"]) == (0, 0)
    assert [told(trial) for trial in trials(again)] == [told(trial) for trial in recorded]
    assert (again / "models.tape").is_file(), "it can be replayed in turn"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["relu.py", "--model", "m", "--out", "run"], "no option 'models'"),
        (["relu.py", "--proposer", "oneshot", "--model", "a,b", "--out", "run"], "repeat --model"),
        (["relu.py", "--proposer", "oneshot", "--model", "a=x", "--out", "run"], "model 'a'"),
        (["relu.py", "--proposer", "oneshot", "--model", "a", "-o", "model=b", "--out", "run"], "both model"),
        (["relu.py", "--replay", "nowhere", "--out", "run"], "no run and no tape 'nowhere'"),
        (["relu.py", "--replay", ".", "--out", "run"], "leave PROBLEM away"),
        (["--replay", ".", "--out", "run"], "not a run folder"),
        (["relu.py", "--replay", "good.py", "--out", "run"], "a tape holds no seed"),
        (["--resume", "run", "--replay", "run"], "leave PROBLEM, --out and --replay away"),
    ],
)
def test_words_that_make_no_sense_get_a_sentence(
    cli: Cli, folder: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], message: str
) -> None:
    monkeypatch.chdir(folder)
    extra = ["--proposer", "oneshot", "--model", "m"] if "good.py" in words else []
    assert message in cli("search", *words, *extra).error
    assert not (folder / "run").exists()


def test_a_bench_takes_a_preset_as_a_search_does(
    cli: Cli, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    (folder / "relu.py").write_text(problem_source())
    known = cli("bench", "relu.py", "--preset", "monkees", "--out", "run")
    assert "no preset 'monkees'; did you mean 'monkeys'" in known.error
    both = cli("bench", "relu.py", "--preset", "monkeys", "--strategy", "beam", "--out", "run")
    assert "a preset has its own strategy and proposers" in both.error
    asks = cli("bench", "relu.py", "--preset", "monkeys", "--out", "run")
    assert "name one with --model NAME" in asks.error
