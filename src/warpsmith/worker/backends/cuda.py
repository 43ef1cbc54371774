"""CUDA C++ through `torch.utils.cpp_extension.load_inline`, for the present architecture only."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from warpsmith.worker.backends.base import import_entry
from warpsmith.worker.backends.extension import missing_ninja, private_build
from warpsmith.worker.builds.lean import quick_builds

# The second line is host code for a device: what calls a library, or is compiled by nvcc all the same.
_CUDA = re.compile(
    r"\b__global__\b|\bcuda_sources?\b|<<<"
    r"|_compile_kernel\b|\bcuda\.(?:bindings|core)\b|#include\s*[<\"](?:cuda\w*|cublas\w*|cudnn\w*|nvrtc|mma)\.h|\bcudaStream_t\b|\bnvcc\b|\bnvrtc\b"
)
# Set beside the candidate, so that it need not touch the device to be built for it.
ARCHITECTURE_VARIABLE = "WARPSMITH_ARCHITECTURE"
CUDA_HOMES = ("/usr/local/cuda", "/usr")


def find_nvcc() -> str | None:
    """Return the path of the CUDA compiler, on the PATH or in a usual place."""
    homes = [os.environ.get("CUDA_HOME"), os.environ.get("CUDA_PATH"), *CUDA_HOMES]
    places = [Path(home) / "bin" / "nvcc" for home in homes if home]
    return shutil.which("nvcc") or next((str(place) for place in places if place.exists()), None)


def _home_of(nvcc: str) -> str:
    return str(Path(nvcc).parent.parent)


class Cuda(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A Python module that compiles CUDA C++ with `load_inline`.

    Attributes:
        flags: given to nvcc before the candidate's own.
    """

    flags: tuple[str, ...] = ("-O3",)
    device_types: tuple[str, ...] = ("cuda",)

    @property
    def binding_flags(self) -> tuple[str, ...]:
        """None: the flags are for kernels."""
        return ()

    @property
    def with_cuda(self) -> bool:
        """Yes."""
        return True

    def claim(self, source: str) -> int:
        """Claim sources that hold CUDA C++, even where they also hold Triton."""
        return 4 if _CUDA.search(source) else 0

    def missing(self) -> str:
        """The CUDA compiler, and ninja for the extension builder."""
        return missing_ninja() if find_nvcc() else "no nvcc; install the CUDA toolkit or set CUDA_HOME"

    def environment(self, scratch: Path, device: str) -> dict[str, str]:
        """Keep builds private and build for this device's architecture alone."""
        built = private_build(scratch)
        arch = {"TORCH_CUDA_ARCH_LIST": os.environ.get(ARCHITECTURE_VARIABLE) or architecture(device)}
        if (nvcc := find_nvcc()) is None:
            return built | arch
        # For candidates that call the compiler themselves, or load libraries of the toolkit.
        path = os.pathsep.join([built["PATH"], str(Path(nvcc).parent)])
        return built | arch | {"PATH": path, "CUDA_HOME": os.environ.get("CUDA_HOME") or _home_of(nvcc)}

    def build(self, path: Path, entry: str) -> Callable[..., Any]:
        """Import the module, which compiles its extension."""
        quick_builds(extra_cuda_cflags=self.flags)
        return import_entry(path, entry)


def architecture(device: str) -> str:
    """Return what to build for, as `TORCH_CUDA_ARCH_LIST` has it."""
    import torch  # noqa: PLC0415 - the host imports this module without torch

    major, minor = torch.cuda.get_device_capability(device)
    # The `a` targets carry an architecture's own instructions (wgmma on 9.0), which 9.0 alone refuses.
    return f"{major}.{minor}{'a' if (major, minor) >= (9, 0) else ''}"
