"""Every example does what it says, on the CPU; one without an entry below fails."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from warpsmith.archive import Archive
from warpsmith.core.verdict import Stage
from warpsmith.testing import fakes

EXAMPLES = Path(__file__).parents[2] / "examples"
SOFTMAX = """import torch


class ModelNew(torch.nn.Module):
    def forward(self, x):
        return torch.softmax(x, dim=-1)
"""
# Not programs but problem files, which the problems' own tests read.
PROBLEMS = {"fused_norm_gate.py"}
TESTED = {"verify_a_candidate.py", "search_for_a_kernel.py", "read_a_run.py", "custom_strategy.py"}


def output_of(example: str, *arguments: str) -> str:
    environment = {**os.environ, "CUDA_VISIBLE_DEVICES": ""}
    command = [sys.executable, str(EXAMPLES / example), *arguments]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_every_example_is_tested_below() -> None:
    assert {path.name for path in EXAMPLES.glob("*.py")} == PROBLEMS | TESTED


@pytest.mark.parametrize("example", sorted(TESTED))
def test_an_example_can_be_read_at_a_glance(example: str) -> None:
    assert len((EXAMPLES / example).read_text().splitlines()) < 60


def test_a_candidate_is_verified() -> None:
    assert output_of("verify_a_candidate.py").startswith("accepted: ")


def test_a_kernel_is_searched_and_saved(tmp_path: Path) -> None:
    said = output_of("search_for_a_kernel.py", str(tmp_path / "run"))
    assert re.match(r"trial 0, \S+: accepted\n", said)
    assert "class ModelNew" in (tmp_path / "run" / "best.py").read_text()


def test_a_run_is_read(tmp_path: Path) -> None:
    task = fakes.task("level1/softmax")
    slow = fakes.rejected("the build took too long", stage=Stage.BUILD, check="timeout")
    with Archive.create(tmp_path / "run") as archive:
        archive.add_task(task)
        for trial in fakes.trials(slow, fakes.accepted(candidate_ns=40), slow, of=task):
            archive.add(trial)
    said = output_of("read_a_run.py", str(tmp_path / "run"))
    assert said.splitlines() == [
        "level1/softmax on cpu: 3 trials",
        "  best: trial 1, 2.50x over eager",
        "  2 rejected at build: timeout",
    ]


def test_a_strategy_of_one_s_own_decides_when_to_stop(tmp_path: Path) -> None:
    for name, source in (("a", SOFTMAX + "\nimport no_such_module\n"), ("b", SOFTMAX), ("c", SOFTMAX)):
        (tmp_path / f"{name}.py").write_text(source)
    said = output_of("custom_strategy.py", str(tmp_path), str(tmp_path / "run"))
    assert said.splitlines() == ["a.py not accepted", "b.py accepted"]
