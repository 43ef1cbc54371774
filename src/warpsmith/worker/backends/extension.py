"""What the C++ and CUDA backends share: torch's extension builder, kept private and quick.

Knows `torch.utils.cpp_extension`; knows nothing of kernels.
"""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

from warpsmith.worker.process import available_bytes

# What a compiler takes for a file that includes torch/extension.h.
COMPILER_BYTES = 1536 << 20


def private_build(scratch: Path) -> dict[str, str]:
    """Return the environment that keeps extension builds inside `scratch`."""
    # Two at once by default, so that the binding and the kernels compile side by side.
    jobs = str(max(2, min(8, (os.cpu_count() or 2) // 2, available_bytes() // COMPILER_BYTES)))
    return {"TORCH_EXTENSIONS_DIR": str(scratch / "extensions"), "MAX_JOBS": jobs, "PATH": tool_path()}


def tool_path() -> str:
    """Return where to look for programs: the environment's own first, which may hold the only ninja."""
    return os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])


def missing_ninja() -> str:
    """Say that ninja is missing, if it is; torch's extension builder can't do without."""
    return "" if shutil.which("ninja", path=tool_path()) else "no ninja; pip install ninja"
