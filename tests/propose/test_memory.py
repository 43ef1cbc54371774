"""What earlier runs teach: kernels for similar problems, why some were refused, what small changes did."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from warpsmith.archive import Archive
from warpsmith.core.errors import UsageError
from warpsmith.core.task import Task
from warpsmith.core.trial import Trial
from warpsmith.core.verdict import Stage, Verdict
from warpsmith.propose.memory import operators_of, recall, similarity
from warpsmith.testing import fakes

SOFTMAX = "import torch\nclass Model(torch.nn.Module):\n    def forward(self, x):\n        return {}\n"
WANTED = fakes.task("level1/wanted", source=SOFTMAX.format("torch.softmax(x, -1)"))
SAME = fakes.task("level1/same", source=SOFTMAX.format("x.softmax(dim=-1)"))
NEAR = fakes.task("level2/near", source=SOFTMAX.format("torch.softmax(torch.relu(x), -1)"))
FAR = fakes.task("level1/far", source=SOFTMAX.format("torch.cumsum(x, -1)"))


def kernel(
    number: int, outcome: Verdict, task: Task, source: str = "", parents: tuple[int, ...] = ()
) -> Trial:
    made = fakes.trial(
        number, outcome, of=task, source=source or f"# {task.problem.name} {number}\n", parents=parents
    )
    candidate = made.proposal.candidate
    assert candidate is not None
    written = msgspec.structs.replace(candidate, backend="cpp")
    return msgspec.structs.replace(made, proposal=msgspec.structs.replace(made.proposal, candidate=written))


@pytest.fixture
def run(tmp_path: Path) -> str:
    """A run with a kernel for each problem, a refusal, and a change that made a kernel faster."""
    block = "BLOCK = {}\nclass ModelNew: ...\n"
    same = [
        kernel(0, fakes.accepted(candidate_ns=80), SAME, block.format(64)),
        kernel(1, fakes.accepted(candidate_ns=40), SAME, block.format(256), (0,)),
        kernel(2, fakes.rejected("no barrier", stage=Stage.BUILD, check="build"), SAME),
    ]
    near = [kernel(0, fakes.accepted(candidate_ns=50), NEAR)]
    far = [kernel(0, fakes.accepted(candidate_ns=10), FAR), kernel(1, fakes.rejected("far off"), FAR)]
    folder = tmp_path / "run"
    with Archive.create(folder) as archive:
        for task, trials in ((SAME, same), (NEAR, near), (FAR, far)):
            archive.add_task(task)
            for trial in trials:
                archive.add(trial)
    return str(folder)


def test_the_most_similar_verified_kernels_are_shown_the_nearest_last(run: str) -> None:
    shown = recall(WANTED, "cpp", [run], shots=3, lessons=0).exemplars
    assert [exemplar.note for exemplar in shown] == [
        "level2/near, 2.00x over eager",
        "level1/same, 2.50x over eager",
    ]
    assert "BLOCK = 256" in shown[-1].source
    (nearest,) = recall(WANTED, "cpp", [run], shots=1, lessons=0).exemplars
    assert nearest == shown[-1]
    assert recall(WANTED, "cpp", [run], shots=0, lessons=0) == ((), ())
    assert recall(WANTED, "triton", [run], shots=3, lessons=9) == ((), ())


def test_lessons_are_refusals_and_changes_that_mattered_on_similar_problems(run: str) -> None:
    refused, faster = recall(WANTED, "cpp", [run], shots=0, lessons=9).lessons
    assert refused.startswith("Once a candidate was refused when it was imported and compiled (build)")
    assert "no barrier (level1/same)" in refused
    assert faster == "Verified on level1/same: `BLOCK = 256` in place of `BLOCK = 64` made it 2.00x faster."
    assert recall(WANTED, "cpp", [run], shots=0, lessons=1).lessons == (refused,)


def test_operators_are_spelt_alike_and_bookkeeping_is_none() -> None:
    module = "class Model:\n    def __init__(self):\n        super().__init__()\n        nn.LayerNorm(4)\n"
    function = "class Model:\n    def forward(self, x):\n        return F.layer_norm(x.view(-1), (4,)) @ x\n"
    assert operators_of(module) == {"layernorm"}
    assert operators_of(function) == {"layernorm", "matmul"}
    assert similarity(operators_of(module), operators_of(function)) == 0.5
    assert operators_of("not python(") == frozenset()


def test_a_memory_that_is_no_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="not a run folder"):
        recall(WANTED, "cpp", [str(tmp_path)], shots=1, lessons=1)
