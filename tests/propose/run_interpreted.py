"""Run in a process of its own, TRITON_INTERPRET=1: what Triton candidates answer, next to their references.

    python run_interpreted.py CASES.json ANSWER.json

A case is a candidate's file and its problem's. The answer holds, by case, the largest error of any output
in units of 1e-4 of its root mean square and of the element, or what went wrong.
"""

from __future__ import annotations

import importlib.util
import json
import sys
import traceback
import types
from pathlib import Path
from typing import Any

import torch


def loaded(path: Path) -> types.ModuleType:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
    return module


def error_of(candidate: Path, problem: Path) -> float:
    """Return how far the candidate's outputs are from the reference's, on inputs that are not contiguous."""
    module = loaded(problem)
    torch.manual_seed(3)
    reference, mine = module.Model(), loaded(candidate).ModelNew()
    mine.load_state_dict(reference.state_dict())
    inputs = [tensor.mT.contiguous().mT if tensor.dim() > 1 else tensor for tensor in module.get_inputs()]
    with torch.no_grad():
        expected, got = reference(*inputs), mine(*inputs)
    worst = 0.0
    pairs = zip(*((out if isinstance(out, tuple) else (out,)) for out in (expected, got)), strict=True)
    for right, answer in pairs:
        assert right.shape == answer.shape, (right.shape, answer.shape)
        assert right.dtype == answer.dtype, (right.dtype, answer.dtype)
        allowed = 1e-4 * (right.pow(2).mean().sqrt() + right.abs())
        worst = max(worst, float(((right - answer).abs() / allowed).max()))
    return worst


def main() -> None:
    answers: dict[str, Any] = {}
    for case in json.loads(Path(sys.argv[1]).read_text()):
        try:
            answers[case["name"]] = error_of(Path(case["path"]), Path(case["problem"]))
        except Exception:  # noqa: BLE001 - every case is to be reported
            answers[case["name"]] = traceback.format_exc()[-2000:]
    Path(sys.argv[2]).write_text(json.dumps(answers))


if __name__ == "__main__":
    main()
