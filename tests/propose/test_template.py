"""Kernels from templates: accepted on the CPU, compiled for a GPU, and honest where none fits."""

from __future__ import annotations

import ast
import importlib.util
import json
import os
import random
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pytest
import sources
from template_problems import PROBLEMS, X

from warpsmith.core.problem import Problem, Workload
from warpsmith.core.task import Task
from warpsmith.core.trial import Proposal
from warpsmith.core.verdict import Accepted, Verdict
from warpsmith.propose.base import Wish
from warpsmith.propose.template import Template
from warpsmith.testing import fakes, samples
from warpsmith.testing.machine import shared_verifier, shared_workshop

pytestmark = pytest.mark.timeout(300)


def proposals(task: Task, **options: object) -> list[Proposal]:
    """Return everything that is proposed for `task`, in order."""
    found: list[Proposal] = []
    while True:
        made = [msgspec.structs.replace(fakes.trial(n, of=task), proposal=p) for n, p in enumerate(found)]
        wish = Wish(task=task, parents=(), trials=made, rng=random.Random(0))
        proposal = msgspec.convert(options, Template).propose(wish, shared_workshop())
        if proposal is None:
            return found
        found.append(proposal)


def verdict_on(task: Task, proposal: Proposal) -> Verdict:
    assert proposal.candidate is not None, proposal.note
    return shared_verifier().verify(task, proposal.candidate)


@pytest.mark.parametrize("name", PROBLEMS)
def test_every_pattern_is_accepted_on_a_cpu(name: str) -> None:
    task = samples.quick_task(PROBLEMS[name])
    (proposal,) = proposals(task, variants=1)
    verdict = verdict_on(task, proposal)
    assert isinstance(verdict, Accepted), verdict
    # One number has no other shape; labels may look as if they counted what a crop would shorten.
    assert verdict.shapes == "any" or name in {"loss", "cross_entropy"}


def test_sixteen_bits_are_computed_in_float32() -> None:
    problem = msgspec.structs.replace(
        PROBLEMS["softmax"], workloads=(Workload(name="cpu"), Workload(name="cpu16", dtype="bfloat16"))
    )
    task = samples.quick_task(problem)
    (proposal,) = proposals(task, variants=1)
    verdict = verdict_on(task, proposal)
    assert isinstance(verdict, Accepted), verdict


class Written(NamedTuple):
    """Triton candidates on disk.

    Attributes:
        cases: what the scripts beside this file are told of each.
    """

    folder: Path
    cases: list[dict[str, Any]]

    def answers(self, script: str, **environment: str) -> dict[str, Any]:
        """Return what `script` says of each case, by its name."""
        asked, answer = self.folder / f"{script}.cases.json", self.folder / f"{script}.json"
        asked.write_text(json.dumps(self.cases))
        place = str(Path(__file__).parent / script)
        command = [sys.executable, "-W", "ignore", place, str(asked), str(answer)]
        private = {"TRITON_CACHE_DIR": str(self.folder / "triton"), "CUDA_VISIBLE_DEVICES": ""}
        env = os.environ | private | environment
        done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr[-4000:]
        found: dict[str, Any] = json.loads(answer.read_text())
        assert list(found) == [case["name"] for case in self.cases]
        return found


@pytest.fixture(scope="module")
def on_gpu(tmp_path_factory: pytest.TempPathFactory) -> Written:
    """Three Triton candidates for each pattern, each for another dtype."""
    if importlib.util.find_spec("triton") is None:
        pytest.skip("triton is not installed")
    folder = tmp_path_factory.mktemp("templates")
    cases: list[dict[str, Any]] = []
    for name, problem in PROBLEMS.items():
        reference = folder / f"problem_{name}.py"
        reference.write_text(problem.source)
        task = samples.quick_task(problem, device="cuda")
        for number, proposal in enumerate(proposals(task, backends=["triton"], variants=3)):
            assert proposal.candidate is not None, proposal.note
            path = folder / f"{name}_{number}.py"
            path.write_text(proposal.candidate.source)
            dtype = ("float32", "bfloat16", "float16")[number % 3]
            case = {"name": path.stem, "path": str(path), "problem": str(reference), "init": []}
            cases.append(case | {"dtype": dtype, "inputs": inputs_of(problem, dtype)})
    assert {case["name"].rpartition("_")[0] for case in cases} == set(PROBLEMS)
    return Written(folder, cases)


def inputs_of(problem: Problem, dtype: str) -> list[tuple[list[int], str]]:
    """Return the shape and dtype of every input, read off the problem's text."""
    tree = ast.parse(problem.source)
    found: list[tuple[list[int], str]] = []
    for call in ast.walk(
        next(s for s in tree.body if isinstance(s, ast.FunctionDef) and s.name == "get_inputs")
    ):
        if isinstance(call, ast.Call) and ast.unparse(call.func) == "torch.randn":
            found.append(([ast.literal_eval(size) for size in call.args], dtype))
        elif isinstance(call, ast.Call) and ast.unparse(call.func) == "torch.randint":
            found.append((list(ast.literal_eval(call.args[1])), "int64"))
    return found


def test_every_pattern_compiles_for_a_gpu(on_gpu: Written) -> None:
    answers = on_gpu.answers("compile_for_h100.py")
    broken = {name: sizes for name, sizes in answers.items() if not isinstance(sizes, list) or not sizes}
    assert not broken, broken
    assert all(size > 0 for sizes in answers.values() for size in sizes)


def test_every_pattern_is_right_in_tritons_interpreter(on_gpu: Written) -> None:
    # The interpreter has no tanh of the device's library.
    cases = [case for case in on_gpu.cases if "libdevice" not in Path(case["path"]).read_text()]
    answers = Written(on_gpu.folder, cases).answers("run_interpreted.py", TRITON_INTERPRET="1")
    assert len(answers) > len(PROBLEMS)
    assert not {name: error for name, error in answers.items() if isinstance(error, str) or error > 1}


def test_variants_differ_and_come_to_an_end() -> None:
    found = proposals(samples.quick_task(PROBLEMS["softmax"], device="cuda"))
    names = [proposal.variant for proposal in found]
    texts = [proposal.candidate.source for proposal in found if proposal.candidate]
    assert len(set(names)) == len(set(texts)) == len(found) > 3


BIAS = "self.b = nn.Parameter(torch.randn(51))"


@pytest.mark.parametrize(
    ("problem", "reason"),
    [
        (sources.problem("torch.cumsum(x, -1)", inputs=X), "'cumsum'"),
        (sources.problem("{'y': torch.relu(x)}", inputs=X), "returns a dict"),
        (sources.problem("x if x.sum() > 0 else -x", inputs=X), "can't be traced"),
        (sources.problem("torch.nn.functional.dropout(x, 0.5)", inputs=X), "in no template"),
        (sources.problem("x.mul_(2)", inputs=X), "changes its inputs"),
        (sources.problem("(x * x).sum() + 1", inputs=X), "a sum of everything"),
        (sources.problem("x * self.b.sum()", inputs=X, setup=BIAS), "over all rows"),
        (sources.problem("x + x.mean(-1)", inputs="[torch.randn(8, 8)]"), "broadcasts in another way"),
    ],
)
def test_what_no_template_fits_is_said_once(problem: Problem, reason: str) -> None:
    (proposal,) = proposals(samples.quick_task(problem))
    assert proposal.candidate is None
    assert reason in proposal.note


def test_a_reference_that_uses_its_sizes_is_not_taken_for_one_that_does_not() -> None:
    workloads = tuple(Workload(name=f"cpu{n}", axes={"n": n}) for n in (16, 32))
    source = sources.problem_source("x / x.shape[-1]").replace("get_inputs():", "get_inputs(n=16):")
    problem = sources.problem_of(
        source.replace("torch.randn(16, 8)", "torch.randn(8, n)"), workloads=workloads
    )
    (proposal,) = proposals(samples.quick_task(problem))
    assert proposal.candidate is None
    assert "another workload" in proposal.note
