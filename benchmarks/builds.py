"""What a build costs: torch's builder as it is, the small header, precompiled, and found in the cache.

    python benchmarks/builds.py [cpp] [cuda]

One source each, told apart by a comment, in a process of its own with an empty folder; the import of torch
is not counted. `cuda` needs nvcc and a CUDA build of torch, and no device where TORCH_CUDA_ARCH_LIST is set.
Wall seconds depend on what else runs; CPU seconds of all compilers hardly do.
"""

# ruff: noqa: T201, S603 - a benchmark prints, and starts its own script
from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from warpsmith.core.task import Limits
from warpsmith.worker.builds.headers import Headers
from warpsmith.worker.builds.lean import HEADERS_VARIABLE, quick_builds
from warpsmith.worker.builds.parcel import pack, unpack

CPP = """
torch::Tensor scale(torch::Tensor x, double by) {
  TORCH_CHECK(x.is_contiguous(), "contiguous inputs only");
  auto y = torch::empty_like(x);
  const float* p = x.data_ptr<float>();
  float* q = y.data_ptr<float>();
  #pragma omp parallel for
  for (int64_t i = 0; i < x.numel(); ++i) q[i] = p[i] * by;
  return y;
}
"""
CUDA = """
__global__ void kernel(const float* p, float* q, float by, int64_t n) {
  int64_t i = blockIdx.x * 256l + threadIdx.x;
  if (i < n) q[i] = p[i] * by;
}
torch::Tensor scale(torch::Tensor x, double by) {
  auto y = torch::empty_like(x);
  kernel<<<(x.numel() + 255) / 256, 256>>>(x.data_ptr<float>(), y.data_ptr<float>(), by, x.numel());
  return y;
}
"""
FLAGS = {"cpp": ("-O3", "-march=native", "-fopenmp"), "cuda": ()}
WAYS = ("torch's own", "small header", "precompiled", "found built")
LIMIT_S = Limits().build_s * 3


def build(kind: str, way: str, folder: Path) -> None:
    """Build one extension in this process, and print what it cost."""
    os.environ |= {"TORCH_EXTENSIONS_DIR": str(folder / "extensions"), "MAX_JOBS": "2"}
    from torch.utils import cpp_extension  # noqa: PLC0415 - its import is no part of a build

    if way != WAYS[0]:
        quick_builds()
    sources = {"cuda_sources": CUDA} if kind == "cuda" else {}
    text = "torch::Tensor scale(torch::Tensor x, double by);" if sources else CPP
    start, before = time.monotonic(), _cpu_s()
    cpp_extension.load_inline(
        "scale", f"{text}\n// {way}", functions=["scale"], extra_cflags=list(FLAGS[kind]), **sources
    )
    print(json.dumps({"wall_s": time.monotonic() - start, "cpu_s": _cpu_s() - before}))


def _cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def measured(kind: str, way: str, folder: Path, headers: str = "") -> dict[str, float]:
    """Build in a fresh process and folder; return its cost."""
    command = [sys.executable, __file__, "--build", kind, way, str(folder)]
    environment = os.environ | ({HEADERS_VARIABLE: headers} if headers else {})
    done = subprocess.run(
        command, env=environment, stdout=subprocess.PIPE, text=True, check=True, timeout=LIMIT_S
    )
    cost: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return cost


def table(kind: str, folder: Path) -> None:
    """Print a row a way."""
    print(f"\n| {kind} | wall s | CPU s |\n|---|---|---|")
    headers = Headers(folder, kind)
    costs = {}
    for way in WAYS:
        place = folder / kind / way.replace(" ", "-")
        place.mkdir(parents=True)
        if way == "precompiled":
            start = time.monotonic()
            headers.precompile(FLAGS[kind], with_cuda=kind == "cuda")
            headers.precompile(FLAGS[kind], with_cuda=kind == "cuda")  # once is not enough to be worth it
            print(f"| (precompiling, once a host) | {time.monotonic() - start:.1f} | |")
        if way == "found built":
            # Build files hold full paths, so what was built must come back to where it was.
            before = folder / kind / "precompiled"
            parcel = pack(before)
            subprocess.run(["/bin/rm", "-r", str(before / "extensions")], check=True)
            unpack(parcel, before)  # type: ignore[arg-type]
            costs[way] = measured(kind, "precompiled", before, str(headers.folder))
        else:
            costs[way] = measured(kind, way, place, "" if way != "precompiled" else str(headers.folder))
        print(f"| {way} | {costs[way]['wall_s']:.2f} | {costs[way]['cpu_s']:.2f} |", flush=True)
    gain = costs[WAYS[0]]["cpu_s"] / costs["precompiled"]["cpu_s"]
    print(f"precompiled over torch's own: {gain:.1f} times less CPU time")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--build"]:
        build(sys.argv[2], sys.argv[3], Path(sys.argv[4]))
    else:
        with tempfile.TemporaryDirectory(prefix="builds-") as made:
            for asked in sys.argv[1:] or ["cpp"]:
                table(asked, Path(made))
