"""Folders for other engines: what is written, that the real OpenEvolve runs on it, what evaluators say."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from warpsmith.cli.main import run
from warpsmith.core.errors import InfrastructureError, UsageError
from warpsmith.core.problem import Problem, Workload
from warpsmith.core.verdict import Stage
from warpsmith.exports import EXPORTS
from warpsmith.exports.evaluation import Evaluation, scored
from warpsmith.exports.initial import initial_source
from warpsmith.problems import load
from warpsmith.testing import fakes
from warpsmith.testing.exports import exported
from warpsmith.testing.llm_server import LlmServer
from warpsmith.testing.samples import AFFINE, AFFINE_CANDIDATE, quick_task

WRONG = AFFINE_CANDIDATE.replace(", 1)", ", 2)")
# A real engine imports torch in two processes; this is for a machine that is busy with other things.
LONG_S = 400


@pytest.mark.parametrize("name", EXPORTS.names())
def test_options_that_make_no_sense_are_refused_with_the_remedy(name: str) -> None:
    with pytest.raises(UsageError, match="name one with -o model=NAME"):
        EXPORTS.make(name, {})
    with pytest.raises(UsageError, match="at least 1"):
        EXPORTS.make(name, {"model": "m", "iterations": "0"})


@pytest.mark.timeout(LONG_S)
def test_the_real_openevolve_searches_on_our_verifier(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    replies = [f"No.\n```python\n{WRONG}```", f"Better.\n```python\n{AFFINE_CANDIDATE}```"]
    with LlmServer(replies) as server:
        options = {"base_url": server.base_url, "key_env": "", "iterations": "2", "islands": "1"}
        export = exported("openevolve", folder, model="scripted", **options)
        words = export.command(Path()).split()[1:]
        ended = subprocess.run(
            [sys.executable, "-m", "openevolve.cli", *words],
            check=False,
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=LONG_S,
        )
        said = ended.stdout + ended.stderr
        assert ended.returncode == 0, said
        prompts = [request.prompt for request in server.requests]
    assert len(prompts) == 2, said
    assert all("You write fast cpp kernels" in prompt for prompt in prompts)
    assert "Accepted: correct on every workload" in prompts[0], "the verdict on the parent is in the prompt"
    best = json.loads((folder / "output" / "best" / "best_program_info.json").read_text())
    assert best["metrics"]["accepted"] == 1.0, said
    assert best["metrics"]["combined_score"] > 0
    programs = [
        json.loads(path.read_text())
        for path in (folder / "output" / "checkpoints" / "checkpoint_2" / "programs").glob("*.json")
    ]
    kept = [program["metrics"] for program in programs]
    found = sorted((metrics.get("accepted", -1.0), metrics.get("combined_score", -1.0)) for metrics in kept)
    assert [accepted for accepted, _ in found] == [0.0, 1.0, 1.0], said
    assert found[0] == (0.0, 0.0)


@pytest.mark.timeout(LONG_S)
@pytest.mark.parametrize(("program", "is_right"), [(None, True), (WRONG, False)])
def test_shinkas_evaluator_leaves_what_shinka_reads(
    program: str | None, *, is_right: bool, tmp_path: Path
) -> None:
    folder = tmp_path / "folder"
    exported("shinka", folder, model="scripted")
    if program is not None:
        (folder / "initial.py").write_text(program)
    # As its launcher does it: from another working directory, by the two options.
    ended = subprocess.run(
        [
            *(sys.executable, str(folder / "evaluate.py")),
            *(
                "--program_path",
                str(folder / "initial.py"),
                "--results_dir",
                str(tmp_path / "results" / "gen_0"),
            ),
        ],
        check=False,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=LONG_S,
    )
    assert ended.returncode == 0, ended.stderr
    results = tmp_path / "results" / "gen_0"
    correct = json.loads((results / "correct.json").read_text())
    metrics = json.loads((results / "metrics.json").read_text())
    assert correct["correct"] is is_right
    assert (metrics["combined_score"] > 0) is is_right
    assert metrics["public"]["accepted"] == float(is_right)
    if is_right:
        assert correct["error"] is None
    else:
        assert "Rejected when its outputs were compared" in correct["error"]
        assert metrics["text_feedback"] == correct["error"]


def test_a_verdict_becomes_a_score() -> None:
    task = quick_task()
    fast = scored(task, None, fakes.accepted(candidate_ns=25, eager=100))
    assert fast.is_accepted
    assert fast.metrics == {
        "combined_score": 4.0,
        "accepted": 1.0,
        "progress": 1.0,
        "speedup over eager": 4.0,
    }
    built = scored(task, None, fakes.rejected("it does not build", stage=Stage.BUILD))
    wrong = scored(task, None, fakes.rejected("element 7 is off"))
    assert built.metrics["combined_score"] == wrong.metrics["combined_score"] == 0.0
    assert 0 < built.metrics["progress"] < wrong.metrics["progress"] < 1
    assert "element 7 is off" in wrong.feedback


def test_a_machine_that_fails_is_no_score() -> None:
    with pytest.raises(InfrastructureError, match="there is no verdict: the device stopped answering"):
        scored(quick_task(), None, fakes.faulted())


def test_what_is_no_text_is_rejected_and_scores_nothing(tmp_path: Path) -> None:
    problem, program = tmp_path / "problem.py", tmp_path / "program.py"
    problem.write_text(AFFINE)
    program.write_bytes(bytes(range(256)))
    evaluation = Evaluation(problem, device="cpu", tier="screen")
    said = evaluation.score(program)
    evaluation.close()
    assert not said.is_accepted
    assert "not UTF-8" in said.feedback


def test_the_first_program_holds_what_the_reference_uses_and_no_more() -> None:
    source = '''"""Scaled."""
import torch
from torch import nn

SCALE = 3.0
UNUSED = 4


def scaled(x):
    return x * SCALE


@torch.no_grad
def unused():
    return Model


class Block(nn.Module):
    def forward(self, x):
        return scaled(x)  # ä, then Model


class Model(nn.Module):
    def __init__(self):
        super(Model, self).__init__()
        self.block = Block()

    def forward(self, x):
        return self.block(x)


def get_inputs():
    return [torch.randn(4)]
'''
    made = initial_source(Problem(name="p", source=source, workloads=(Workload(name="cpu"),)))
    compile(made, "initial", "exec")
    assert "class ModelNew(nn.Module):" in made
    assert "super(ModelNew, self)" in made
    assert "SCALE = 3.0" in made
    assert "def scaled" in made
    for word in ("UNUSED", "unused", "get_inputs", "class Model("):
        assert word not in made


def test_a_reference_that_is_no_class_is_kept_as_it_is() -> None:
    problem = Problem(name="p", source="Model = make()\n", workloads=(Workload(name="cpu"),))
    assert initial_source(problem) == "Model = make()\n\n\nModelNew = Model\n"


@pytest.mark.parametrize(
    "name", ["level1/softmax", "level2/swiglu", "level3/mamba_block", "level4/moe_permute"]
)
def test_every_shipped_problem_has_a_first_program_that_parses(name: str) -> None:
    made = initial_source(load(name))
    compile(made, name, "exec")
    assert "class ModelNew" in made


def test_an_engine_or_option_that_is_not_there_is_refused_in_a_sentence(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    out = str(tmp_path / "folder")
    for words, said in (
        (["openevolv", "level1/softmax"], "no export 'openevolv'; did you mean 'openevolve'?"),
        (["shinka", "level1/softmax"], "name one with -o model=NAME"),
        (["shinka", "level1/softmax", "-o", "modle=x"], "no option 'modle'; did you mean 'model'?"),
    ):
        assert run(["export", *words, "--out", out]) == 2
        assert said in capsys.readouterr().err
    assert not Path(out).exists()
