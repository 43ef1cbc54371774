"""Run in a process of its own: does each candidate agree with its problem, at extents that nothing divides?

    python compare_mix.py < CASES.json > ANSWER.json

A case is the problem's file and the candidate's; the answer says by the candidate's name whether they agree.
"""

from __future__ import annotations

import importlib.util
import json
import re
import sys
from pathlib import Path
from types import ModuleType

import torch

ROWS, COLUMNS = 13, 1029


def module_of(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
    return module


def problem_of(path: Path) -> ModuleType:
    """The problem with other extents."""
    source = re.sub(r"^batch_size = \d+$", f"batch_size = {ROWS}", path.read_text(), flags=re.MULTILINE)
    source = re.sub(r"^dim = \d+$", f"dim = {COLUMNS}", source, flags=re.MULTILINE)
    module = ModuleType(path.stem)
    exec(source, module.__dict__)  # noqa: S102 - our own file
    return module


def agrees(problem_path: Path, candidate_path: Path) -> bool:
    torch.manual_seed(0)
    problem = problem_of(problem_path)
    model = problem.Model(*problem.get_init_inputs())
    new = module_of(candidate_path).ModelNew(*problem.get_init_inputs())
    new.load_state_dict(model.state_dict())
    inputs = [6 * tensor - 1 for tensor in problem.get_inputs()]
    with torch.no_grad():
        wanted, got = model(*inputs), new(*inputs)
    scale = float(wanted.square().mean().sqrt())
    return got.shape == wanted.shape and torch.allclose(got, wanted, rtol=1e-5, atol=1e-5 * scale)


def main() -> None:
    cases = [(Path(problem), Path(candidate)) for problem, candidate in json.load(sys.stdin)]
    print(json.dumps({candidate.name: agrees(problem, candidate) for problem, candidate in cases}))  # noqa: T201


if __name__ == "__main__":
    main()
