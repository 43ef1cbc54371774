"""What the C++ and CUDA backends share: torch's extension builder, kept private and quick.

Knows `torch.utils.cpp_extension`; knows nothing of kernels.
"""

from __future__ import annotations

import functools
import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path


def private_build(scratch: Path) -> dict[str, str]:
    """Return the environment that keeps extension builds inside `scratch`."""
    # Two compilers at once by default: torch/extension.h takes 1.5 GB of memory each.
    jobs = str(max(2, min(8, (os.cpu_count() or 2) // 2)))
    return {"TORCH_EXTENSIONS_DIR": str(scratch / "extensions"), "MAX_JOBS": jobs, "PATH": tool_path()}


def tool_path() -> str:
    """Return where to look for programs: the environment's own first, which may hold the only ninja."""
    return os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])


def missing_ninja() -> str:
    """Say that ninja is missing, if it is; torch's extension builder can't do without."""
    return "" if shutil.which("ninja", path=tool_path()) else "no ninja; pip install ninja"


def default_flags(**flags: Sequence[str]) -> None:
    """Make `load` and `load_inline` add `flags`, by argument name, before a candidate's own.

    Candidates import the functions by name, so this must run before they are imported.
    """
    from torch.utils import cpp_extension  # noqa: PLC0415 - the host imports this module without torch

    for name in ("load", "load_inline"):
        original = getattr(cpp_extension, name)

        @functools.wraps(original)
        def with_flags(*args: object, _original: object = original, **kwargs: object) -> object:
            for argument, extra in flags.items():
                given = kwargs.get(argument) or ()
                kwargs[argument] = [*extra, *given]  # type: ignore[misc]
            return _original(*args, **kwargs)  # type: ignore[operator]

        setattr(cpp_extension, name, with_flags)
