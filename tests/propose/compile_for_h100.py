"""Run in a process of its own: compile what Triton candidates launch for an H100 that is not there.

    python compile_for_h100.py CASES.json ANSWER.json

A case is a candidate's file, its init inputs, and the shape and dtype of each input. Its forward runs on
tensors without memory; every launch is compiled and none is run. The answer holds, by case, the bytes of
each kernel, or what went wrong.
"""

from __future__ import annotations

import importlib.util
import json
import sys
import traceback
import types
from pathlib import Path
from typing import Any
from unittest import mock

import torch
import triton
from triton.backends.compiler import GPUTarget
from triton.runtime.jit import JITFunction, MockTensor


class Driver:
    """As much of a Triton driver as compiling needs."""

    utils = types.SimpleNamespace(
        get_device_properties=lambda _: {"max_shared_mem": 232448, "multiprocessor_count": 132}
    )

    def get_current_target(self) -> GPUTarget:
        return GPUTarget("cuda", 90, 32)

    def get_current_device(self) -> int:
        return 0

    def get_current_stream(self, _: int = 0) -> int:
        return 0


def compiled(path: Path, init: list[Any], inputs: list[tuple[list[int], str]], dtype: str) -> list[int]:
    """Return the size of each kernel that one call launches, in bytes."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    sizes: list[int] = []
    original = JITFunction.run

    def run(self: Any, *arguments: Any, grid: Any, warmup: bool, **options: Any) -> Any:
        stand_ins = [MockTensor(a.dtype) if isinstance(a, torch.Tensor) else a for a in arguments]
        kernel = original(self, *stand_ins, grid=grid, warmup=True, **options)
        assert all(isinstance(size, int) and size >= 1 for size in grid), grid
        assert kernel.metadata.shared <= 232448, f"{kernel.metadata.shared} bytes of shared memory"
        sizes.append(len(kernel.asm["cubin"]))
        return kernel

    with torch.device("meta"), torch.no_grad(), mock.patch.object(JITFunction, "run", run):
        model = module.ModelNew(*init).to(getattr(torch, dtype))
        model(*(torch.empty(shape, dtype=getattr(torch, name)) for shape, name in inputs))
    return sizes


def main() -> None:
    answers: dict[str, Any] = {}
    with mock.patch.object(triton.runtime.driver, "_active", Driver()):
        for case in json.loads(Path(sys.argv[1]).read_text()):
            try:
                path = Path(case["path"])
                answers[case["name"]] = compiled(path, case["init"], case["inputs"], case["dtype"])
            except Exception:  # noqa: BLE001 - every case is to be reported
                answers[case["name"]] = traceback.format_exc()[-2000:]
    Path(sys.argv[2]).write_text(json.dumps(answers))


if __name__ == "__main__":
    main()
