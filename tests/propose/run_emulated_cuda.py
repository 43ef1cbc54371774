"""Run in a process of its own: what CUDA candidates answer on a CPU, next to their references.

    python run_emulated_cuda.py CASES.json ANSWER.json

A case is a candidate's file, its problem's, and a dtype. All kernels are compiled at once, as C++ in which
the threads of a block take turns. The answer holds, by case, the largest error of any output in units of a
tolerance, on inputs that are strided and on ones that are not aligned, or what went wrong.
"""

from __future__ import annotations

import importlib.util
import json
import re
import sys
import traceback
import types
from pathlib import Path
from typing import Any
from unittest import mock

import torch
from torch.utils import cpp_extension

from warpsmith.worker.builds.lean import quick_builds

EMULATOR = Path(__file__).with_name("emulated_cuda.h").read_text()
LAUNCH = re.compile(r"(\w+<[^<>]*>)<<<([^<>]+), ([^<>,]+), 0, stream>>>\((.*)\);")
TOLERANCE = {"float32": 1e-4, "float16": 4e-3, "bfloat16": 3e-2}


def loaded(path: Path) -> types.ModuleType:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
    return module


def as_cpp(code: str, number: int, declaration: str) -> str:
    """Return a candidate's CUDA as C++, in a namespace of its own, with a function that Python calls."""
    body = re.sub(r"^#include .*$", "", code, flags=re.MULTILINE)
    body = LAUNCH.sub(r"emulated(\2, \3, [=] { \1(\4); });", body)
    assert "<<<" not in body
    parameters = declaration.partition("(")[2].rpartition(")")[0]
    names = ", ".join(parameter.split()[-1] for parameter in parameters.split(","))
    call = f"void run{number}({parameters}) {{ case{number}::run({names}); }}"
    return f"namespace case{number} {{\n{body}\n}}\n{call}\n"


def built(paths: list[Path]) -> list[types.ModuleType]:
    """Return the candidates' modules, all of whose kernels are in one library."""
    asked: list[dict[str, Any]] = []

    def load_inline(**given: Any) -> types.SimpleNamespace:
        asked.append(given)
        return types.SimpleNamespace()

    with mock.patch.object(cpp_extension, "load_inline", load_inline):
        modules = [loaded(path) for path in paths]
    texts = [as_cpp(one["cuda_sources"][0], n, one["cpp_sources"][0]) for n, one in enumerate(asked)]
    library = cpp_extension.load_inline(
        name="emulated",
        cpp_sources=[EMULATOR + "\n".join(texts)],
        functions=[f"run{n}" for n in range(len(texts))],
        extra_cflags=["-O1", "-std=c++20"],
    )
    for number, module in enumerate(modules):
        module.extension.run = getattr(library, f"run{number}")
    return modules


def shifted(tensor: torch.Tensor) -> torch.Tensor:
    """Return the same numbers, contiguous, at an address that is no multiple of 16."""
    room = torch.empty(tensor.numel() + 1, dtype=tensor.dtype)
    return room[1:].view(tensor.shape).copy_(tensor)


def strided(tensor: torch.Tensor) -> torch.Tensor:
    return tensor.mT.contiguous().mT if tensor.dim() > 1 else tensor


def outputs(answer: Any) -> tuple[torch.Tensor, ...]:
    return answer if isinstance(answer, tuple) else (answer,)


def error_of(module: types.ModuleType, problem: Path, dtype: torch.dtype, tolerance: float) -> float:
    """Return how far the candidate's outputs are from those of the reference in float32."""
    source = loaded(problem)
    torch.manual_seed(3)
    reference, mine = source.Model().to(dtype), module.ModelNew().to(dtype)
    mine.load_state_dict(reference.state_dict())
    inputs = [t.to(dtype) if t.is_floating_point() else t for t in source.get_inputs()]
    worst = 0.0
    for way in (torch.clone, strided, shifted, lambda t: t[:0]):
        given = [way(tensor) for tensor in inputs]
        with torch.no_grad():
            own = outputs(reference(*given))
            expected = outputs(reference.float()(*(t.float() if t.is_floating_point() else t for t in given)))
            got = outputs(mine(*given))
        reference.to(dtype)
        for right, shape, answer in zip(expected, own, got, strict=True):
            assert (shape.shape, shape.dtype) == (answer.shape, answer.dtype), (shape.shape, answer.shape)
            assert torch.equal(right.isnan(), answer.isnan())
            allowed = tolerance * (right.pow(2).mean().sqrt() + right.abs())
            error = ((right - answer.float()).abs() / allowed)[~right.isnan()]
            worst = max([worst, *error.flatten().tolist()])
    return worst


def main() -> None:
    cases = json.loads(Path(sys.argv[1]).read_text())
    torch.use_deterministic_algorithms(mode=True)  # fills what is not written with NaN
    quick_builds()
    modules = built([Path(case["path"]) for case in cases])
    answers: dict[str, Any] = {}
    for case, module in zip(cases, modules, strict=True):
        try:
            dtype = getattr(torch, case["dtype"])
            answers[case["name"]] = error_of(module, Path(case["problem"]), dtype, TOLERANCE[case["dtype"]])
        except Exception:  # noqa: BLE001 - every case is to be reported
            answers[case["name"]] = traceback.format_exc()[-2000:]
    Path(sys.argv[2]).write_text(json.dumps(answers))


if __name__ == "__main__":
    main()
