"""C++ for the CPU, through torch's extension builder or plain g++, OpenMP and vector flags on."""

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

_CPP = re.compile(r"\bload_inline\b|\bcpp_sources?\b|extern \"C\"|#include\s*[<\"]")


class Cpp(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A Python module that compiles C++ with `torch.utils.cpp_extension.load_inline` or g++.

    Attributes:
        flags: added to every build of the extension builder, before the candidate's own.
    """

    flags: tuple[str, ...] = ("-O3", "-march=native", "-fopenmp")
    device_types: tuple[str, ...] = ("cpu",)

    @property
    def binding_flags(self) -> tuple[str, ...]:
        """The same as for the kernels, which are in the same file."""
        return self.flags

    @property
    def with_cuda(self) -> bool:
        """No."""
        return False

    def claim(self, source: str) -> int:
        """Claim sources that hold C++ and no CUDA."""
        return 2 if _CPP.search(source) else 0

    def missing(self) -> str:
        """A C++ compiler, and ninja for the extension builder."""
        compiler = os.environ.get("CXX", "g++")
        if not shutil.which(compiler):
            return f"no C++ compiler {compiler!r}; install g++ or set CXX"
        return missing_ninja()

    def environment(self, scratch: Path, device: str) -> dict[str, str]:  # noqa: ARG002
        """Keep builds private."""
        return private_build(scratch)

    def build(self, path: Path, entry: str) -> Callable[..., Any]:
        """Import the module, which compiles its extension."""
        quick_builds(extra_cflags=self.flags, extra_ldflags=("-fopenmp",))
        return import_entry(path, entry)
