"""Read what this machine is: provenance of a verdict, and the doctor's raw material."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import shutil
import subprocess
from pathlib import Path

import torch

from warpsmith import __version__
from warpsmith.core.errors import UsageError
from warpsmith.core.provenance import Provenance
from warpsmith.core.task import Task
from warpsmith.worker.backends import BACKENDS
from warpsmith.worker.sandbox.plan import Grade

PACKAGES = ("torch", "triton", "msgspec", "numpy")
COMPILER_ANSWER_S = 10.0


def cpu_name() -> str:
    """Return the CPU's model name, or its architecture where the kernel does not say."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.machine()
    return next(
        (line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.machine()
    )


def usable_cores() -> int:
    """Cores this process may run on."""
    return len(os.sched_getaffinity(0))


def software() -> dict[str, str]:
    """Return versions by name; what is not installed is absent."""
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    if torch.version.cuda:
        found["cuda"] = torch.version.cuda
    compiler = os.environ.get("CXX", "g++")
    if shutil.which(compiler):
        said = subprocess.run(  # noqa: S603 - the user's own compiler
            [compiler, "--version"], capture_output=True, text=True, timeout=COMPILER_ANSWER_S, check=False
        )
        found["compiler"] = (said.stdout.splitlines() or ["unknown"])[0]
    return found


def driver_and_clocks(index: int) -> tuple[str | None, dict[str, int]]:
    """Return the GPU driver's version and the SM and memory clocks in MHz, where NVML is there to ask."""
    try:
        import pynvml  # noqa: PLC0415 - optional: extra `gpu`
    except ImportError:
        return None, {}
    try:
        pynvml.nvmlInit()
        handle = pynvml.nvmlDeviceGetHandleByUUID(str(_uuid(index)))
        clocks = {
            "sm": int(pynvml.nvmlDeviceGetClockInfo(handle, pynvml.NVML_CLOCK_SM)),
            "memory": int(pynvml.nvmlDeviceGetClockInfo(handle, pynvml.NVML_CLOCK_MEM)),
        }
        return str(pynvml.nvmlSystemGetDriverVersion()), clocks
    except pynvml.NVMLError:
        return None, {}


def _uuid(index: int) -> str:
    uuid = str(torch.cuda.get_device_properties(index).uuid)
    return uuid if uuid.startswith("GPU-") else f"GPU-{uuid}"


def provenance(
    task: Task,
    device: torch.device,
    versions: dict[str, str],
    isolation: Grade,
    isolation_lacks: tuple[str, ...],
) -> Provenance:
    """Return where and with what `task` is being measured."""
    is_gpu = device.type == "cuda"
    driver, clocks = driver_and_clocks(device.index or 0) if is_gpu else (None, {})
    return Provenance(
        verifier=__version__,
        tier=task.tier.value,
        device=torch.cuda.get_device_name(device) if is_gpu else cpu_name(),
        device_type=device.type,
        driver=driver,
        threads=torch.get_num_threads(),
        software=versions,
        clocks_mhz=clocks,
        isolation=isolation,
        isolation_lacks=isolation_lacks,
        seed=task.seed,
    )


def devices() -> dict[str, str]:
    """Return a line about every device, by device name."""
    found = {"cpu": f"{cpu_name()}, {usable_cores()} cores usable"}
    for index in range(torch.cuda.device_count()):
        properties = torch.cuda.get_device_properties(index)
        found[f"cuda:{index}"] = (
            f"{properties.name}, {properties.total_memory / 2**30:.0f} GiB, compute capability "
            f"{properties.major}.{properties.minor}, L2 {properties.L2_cache_size / 2**20:.0f} MiB"
        )
    return found


def lacking() -> dict[str, str]:
    """Return what each backend lacks here; an empty text means that it works."""
    has_gpu = torch.cuda.device_count() > 0
    found = {}
    for name in BACKENDS:
        try:
            backend = BACKENDS.make(name)
        except UsageError as error:
            found[name] = str(error)  # a third party's package that does not import
            continue
        needs_gpu = "cpu" not in backend.device_types
        found[name] = "no CUDA device" if needs_gpu and not has_gpu else backend.missing()
    return found
