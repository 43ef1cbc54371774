"""Candidates written from Inductor's Triton compile for an H100, every launch spelled out; needs no GPU.

What the kernels compute is checked in test_capture_gpu.py, where there is a device to run them on.
"""

from __future__ import annotations

import ast
import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import pytest

HERE = Path(__file__).parent
CASES = ("softmax_default", "block_default", "embedding_default", "conv_block_default")
VARIANTS = (
    "wide_generated_matmul",
    "wide_looped_reductions",
    "wide_cooperative_reductions",
    "wide_combined_kernels",
    "wide_unfused",
    "wide_pooled_memory",
)

pytestmark = [
    pytest.mark.skipif(importlib.util.find_spec("triton") is None, reason="triton is not installed"),
    pytest.mark.timeout(300),
]


class Pretended(NamedTuple):
    """What the process that pretends to have a GPU left."""

    folder: Path
    refused: dict[str, str]
    launches: dict[str, Any]

    def source(self, name: str) -> str:
        return (self.folder / f"{name}.py").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def pretended(tmp_path_factory: pytest.TempPathFactory) -> Pretended:
    folder = tmp_path_factory.mktemp("pretended")
    command = [sys.executable, "-W", "ignore", str(HERE / "capture_pretend.py"), str(folder)]
    private = {"TRITON_CACHE_DIR": str(folder / "triton"), "CUDA_VISIBLE_DEVICES": ""}
    done = subprocess.run(command, env=os.environ | private, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-4000:]
    return Pretended(folder, **json.loads((folder / "pretended.json").read_text()))


def test_nothing_is_refused(pretended: Pretended) -> None:
    assert pretended.refused == {}


def test_every_launch_compiles_for_the_device(pretended: Pretended) -> None:
    assert set(CASES) | set(VARIANTS) <= set(pretended.launches)
    for name, launches in pretended.launches.items():
        assert isinstance(launches, list), f"{name}: {launches}"
        assert launches, name
        for launch in launches:
            assert launch["cubin_bytes"] > 0
            assert all(isinstance(size, int) and size >= 1 for size in launch["grid"]), (name, launch)
            assert launch["options"]["num_warps"] in {1, 2, 4, 8, 16, 32}


@pytest.mark.parametrize("name", CASES + VARIANTS)
def test_file_holds_plain_triton_only(pretended: Pretended, name: str) -> None:
    source = pretended.source(name)
    kernels = [
        function
        for function in ast.walk(ast.parse(source))
        if isinstance(function, ast.FunctionDef) and function.decorator_list
    ]
    assert {launch["kernel"] for launch in pretended.launches[name]} <= {kernel.name for kernel in kernels}
    assert {ast.unparse(mark) for kernel in kernels for mark in kernel.decorator_list} == {"triton.jit"}
    for leftover in ("triton_heuristics", "async_compile", "stream=", "set_device", "get_raw_stream"):
        assert leftover not in source


def test_kernels_compute_nothing_that_nobody_reads(pretended: Pretended) -> None:
    for function in ast.walk(ast.parse(pretended.source("softmax_default"))):
        if isinstance(function, ast.FunctionDef) and function.decorator_list:
            names = [node for node in ast.walk(function) if isinstance(node, ast.Name)]
            read = {name.id for name in names if isinstance(name.ctx, ast.Load)}
            assert {name.id for name in names if isinstance(name.ctx, ast.Store)} <= read


def test_generated_matmul_calls_no_library(pretended: Pretended) -> None:
    assert "torch.mm(" in pretended.source("wide_unfused")
    generated = pretended.source("wide_generated_matmul")
    assert "torch.mm(" not in generated
    assert "library calls" not in generated
    assert "tl.dot(" in generated


def test_cooperative_kernels_are_launched_as_such(pretended: Pretended) -> None:
    launches = pretended.launches["wide_cooperative_reductions"]
    assert any(launch["options"].get("launch_cooperative_grid") for launch in launches)


def test_index_checks_stay_in_force(pretended: Pretended) -> None:
    (launch,) = pretended.launches["embedding_default"]
    assert "tl.device_assert(" in pretended.source("embedding_default")
    assert launch["options"]["debug"] is True


def test_combined_kernels_are_fewer(pretended: Pretended) -> None:
    combined, unfused = (len(pretended.launches[f"wide_{n}"]) for n in ("combined_kernels", "unfused"))
    assert combined < unfused


def test_tensor_descriptors_get_memory_and_aligned_inputs(pretended: Pretended) -> None:
    if "wide_tensor_descriptors" not in pretended.launches:
        pytest.skip("this torch has no tensor descriptors")
    source = pretended.source("wide_tensor_descriptors")
    assert "triton.set_allocator(_scratch)" in source
    assert "% 16" in source
