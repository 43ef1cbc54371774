"""What each built-in component is tested with; a component without an entry here fails its suite.

Sources are candidates for `2 * x + 1` on a float32 tensor, the problem of `warpsmith.testing.samples`.
"""

from __future__ import annotations

import atexit
import functools
import itertools
from collections.abc import Mapping
from pathlib import Path
from typing import TypeVar

import pytest

from warpsmith.core.candidate import Candidate
from warpsmith.core.verdict import Accepted, Rejected, Verdict
from warpsmith.engine.simulated import foretold
from warpsmith.testing import (
    ArchiveSample,
    BackendSample,
    BaselineSample,
    ExecutorSample,
    ExportSample,
    FileFormatSample,
    FormatSample,
    ProposerSample,
    StrategySample,
    TimerSample,
    samples,
)
from warpsmith.testing.llm_server import LlmServer

T = TypeVar("T")

TRITON = """import torch
import triton
import triton.language as tl


@triton.jit
def affine(x, y, count, BLOCK: tl.constexpr):
    at = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    inside = at < count
    tl.store(y + at, 2 * tl.load(x + at, mask=inside) + 1, mask=inside)


class ModelNew(torch.nn.Module):
    def forward(self, x):
        y = torch.empty_like(x)
        affine[(triton.cdiv(x.numel(), 256),)](x, y, x.numel(), BLOCK=256)
        return y
"""

ATTENTION = """import torch


class Model(torch.nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.nn.functional.scaled_dot_product_attention(x, x, x)


def get_inputs(rows: int = 16) -> list[torch.Tensor]:
    return [torch.randn(1, 2, rows, 8)]
"""

ATTENTION_CANDIDATE = """import torch


class ModelNew(torch.nn.Module):
    def forward(self, x):
        return torch.softmax(x @ x.mT / x.shape[-1] ** 0.5, -1) @ x
"""

CUDA = '''import ctypes
import os
import subprocess

import torch

SOURCE = """
__global__ void affine(const float* x, float* y, long count) {
    long at = blockIdx.x * (long)blockDim.x + threadIdx.x;
    if (at < count) y[at] = 2 * x[at] + 1;
}
extern "C" void run(const float* x, float* y, long count) {
    affine<<<(count + 255) / 256, 256>>>(x, y, count);
}
"""
with open("affine.cu", "w") as file:
    file.write(SOURCE)
nvcc = os.path.join(os.environ["CUDA_HOME"], "bin", "nvcc")
command = [nvcc, "-O2", "-arch=native", "-shared", "-Xcompiler", "-fPIC", "affine.cu", "-o", "affine.so"]
built = subprocess.run(command, capture_output=True, text=True)
if built.returncode:
    raise RuntimeError(built.stdout + built.stderr)
kernels = ctypes.CDLL("./affine.so")


class ModelNew(torch.nn.Module):
    def forward(self, x):
        y = torch.empty_like(x)
        kernels.run(ctypes.c_void_p(x.data_ptr()), ctypes.c_void_p(y.data_ptr()), ctypes.c_long(x.numel()))
        return y
'''


CPP = '''import ctypes
import subprocess

import torch

SOURCE = """
extern "C" void affine(const float* x, float* y, long count) {
    for (long at = 0; at < count; ++at) y[at] = 2 * x[at] + 1;
}
"""
with open("affine.cpp", "w") as file:
    file.write(SOURCE)
command = ["g++", "-O2", "-shared", "-fPIC", "affine.cpp", "-o", "affine.so"]
built = subprocess.run(command, capture_output=True, text=True)
if built.returncode:
    raise RuntimeError(built.stderr)
kernels = ctypes.CDLL("./affine.so")


class ModelNew(torch.nn.Module):
    def forward(self, x):
        y = torch.empty_like(x)
        kernels.affine(ctypes.c_void_p(x.data_ptr()), ctypes.c_void_p(y.data_ptr()), ctypes.c_long(x.numel()))
        return y
'''


def foretelling(kind: type[Verdict]) -> str:
    """Return a candidate of which a simulated crew gives a verdict of that kind."""
    sources = (f"# {number}\n{samples.AFFINE_CANDIDATE}" for number in itertools.count())
    task = samples.quick_task()
    return next(s for s in sources if isinstance(foretold(task, Candidate(source=s, backend="torch")), kind))


HANGING = "\nimport time\n\nwhile True:\n    time.sleep(1)\n"
HANGING_SOURCE = f"ModelNew = None{HANGING}"

BACKEND_SAMPLES = {
    "torch": BackendSample(
        name="torch",
        accepted=samples.AFFINE_CANDIDATE,
        failing="import no_such_library as ModelNew\n",
        build_error="no_such_library",
        hanging=HANGING_SOURCE,
    ),
    "cpp": BackendSample(
        name="cpp",
        accepted=CPP,
        failing=CPP.replace("y[at] = 2", "y[at] = no_such_name * 2"),
        build_error="no_such_name",
        hanging=HANGING_SOURCE,
    ),
    "triton": BackendSample(
        name="triton",
        accepted=TRITON,
        failing=TRITON.replace("@triton.jit", "@triton.jit(no_such_option=1)"),
        build_error="no_such_option",
        hanging=HANGING_SOURCE,
    ),
    "cuda": BackendSample(
        name="cuda",
        accepted=CUDA,
        failing=CUDA.replace("y[at] = 2", "y[at] = no_such_name * 2"),
        build_error="no_such_name",
        hanging=HANGING_SOURCE,
    ),
}

# Of the shipped formats this one alone reads nobody's files.
FORMATS_WITHOUT_FILES = {"suite"}

BASELINE_SAMPLES = {
    "eager": BaselineSample(name="eager"),
    "compile": BaselineSample(name="compile"),
    "library": BaselineSample(
        name="library", mode="sdpa-flash", problem=ATTENTION, candidate=ATTENTION_CANDIDATE
    ),
}

TIMER_SAMPLES = {
    "wall": TimerSample(name="wall", device="cpu"),
    "cuda_events": TimerSample(name="cuda_events", device="cuda:0"),
}
GPU_TIMERS = {"cuda_events"}

STRATEGY_SAMPLES = {
    "beam": StrategySample(name="beam"),
    "best_of_n": StrategySample(name="best_of_n", options={"n": "7"}),
    "evolve": StrategySample(name="evolve"),
    "portfolio": StrategySample(name="portfolio"),
    "refine": StrategySample(name="refine"),
    "tree": StrategySample(name="tree"),
}

# What a simulated crew says of a candidate is drawn from its text.
EXECUTOR_SAMPLES = {
    "local": ExecutorSample(name="local"),
    "ray": ExecutorSample(name="ray"),
    "simulated": ExecutorSample(
        name="simulated", accepted=foretelling(Accepted), rejected=foretelling(Rejected)
    ),
}

EXPORT_SAMPLES = {
    "openevolve": ExportSample(name="openevolve", options={"model": "scripted"}),
    "shinka": ExportSample(name="shinka", options={"model": "scripted"}),
}

ARCHIVE_SAMPLES = {
    "sqlite": ArchiveSample(name="sqlite"),
}


def format_samples(folder: Path) -> dict[str, FormatSample]:
    """Return the samples of formats that read files, which are written into `folder`."""
    mine, checkout = folder / "mine", folder / "KernelBench" / "level1"
    for place, names in ((mine, ("first", "second")), (checkout, ("1_First", "2_Second"))):
        place.mkdir(parents=True)
        for name in names:
            (place / f"{name}.py").write_text(samples.AFFINE)
    broken, broken_checkout = folder / "broken", folder / "BrokenBench" / "level1"
    for place, names in ((broken, ("good", "bad")), (broken_checkout, ("1_Good", "2_Bad"))):
        place.mkdir(parents=True)
        for name, text in zip(names, (samples.AFFINE, "class Model:\n"), strict=True):
            (place / f"{name}.py").write_text(text)
    return {
        "suite": FormatSample(
            name="suite",
            several="level1",
            one="level1/embedding_bag",
            misspelt="level1/sofmax",
        ),
        "file": FileFormatSample(
            name="file",
            several=str(mine),
            one=str(mine / "first.py"),
            misspelt=str(mine / "frist.py"),
            nowhere=str(folder / "nowhere" / "first.py"),
            with_broken=str(broken),
        ),
        "kernelbench": FileFormatSample(
            name="kernelbench",
            several=str(folder / "KernelBench"),
            one=f"{folder / 'KernelBench'}:level1/2",
            misspelt=f"{folder / 'KernelBench'}:level1/1_Frist",
            nowhere=str(folder / "nowhere"),
            with_broken=str(folder / "BrokenBench"),
        ),
    }


@functools.cache
def scripted_model() -> str:
    """Return the address of a model that always answers the same candidate; it ends with this process."""
    server = LlmServer()
    atexit.register(server.close)
    return server.__enter__().base_url


def proposer_samples(folder: Path) -> dict[str, ProposerSample]:
    """Return the samples of proposers; the candidates of `file` are written into `folder`."""
    for name in ("one", "two", "three", "four"):
        (folder / f"{name}.py").write_text(f"# {name}\n{samples.AFFINE_CANDIDATE}")
    start = folder / "start" / "candidate.py"
    start.parent.mkdir()
    start.write_text(TRITON)
    script = folder / "start" / "agent.sh"
    script.write_text(f"cat > candidate.py <<'END'\n{samples.AFFINE_CANDIDATE}END\n")
    asking = {"model": "scripted", "base_url": scripted_model(), "key_env": ""}
    return {
        **{
            name: ProposerSample(name=name, options=asking)
            for name in ("crossover", "fix", "ideas", "oneshot", "refine", "translate")
        },
        "agent": ProposerSample(name="agent", options={"command": f"sh {script}"}),
        "file": ProposerSample(name="file", options={"path": str(folder)}, steps=5),
        "inductor": ProposerSample(name="inductor", steps=2),
        "mutate": ProposerSample(name="mutate", options={"path": str(start)}, steps=9),
        "template": ProposerSample(name="template", steps=5),
        "tune": ProposerSample(name="tune", options={"path": str(start)}, steps=9),
    }


def sample_of(name: str, known: Mapping[str, T]) -> T:
    """Return the sample of component `name`; a component without one fails."""
    if name not in known:
        pytest.fail(f"{name!r} is registered and has no sample in conformance_samples.py")
    return known[name]
