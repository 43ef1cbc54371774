"""The contract of a backend: how source becomes a class that can be constructed.

Imports no torch at module level: the host asks backends to recognise sources.
"""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

MODULE_NAME = "candidate"


class NoEntry(Exception):
    """The candidate's module does not define the entry it must define."""


class Backend(Protocol):
    """One way of writing a kernel.

    `claim`, `device_types` and `missing` run on the host and import nothing heavy;
    `environment` and `build` run in the candidate's own disposable process.

    Attributes:
        device_types: kinds of device its candidates run on.
    """

    @property
    def device_types(self) -> tuple[str, ...]:
        """Kinds of device its candidates run on: `cpu`, `cuda`."""
        ...

    def claim(self, source: str) -> int:
        """Say how sure it is that `source` is written for it: 0 is not at all, 1 would do."""
        ...

    def missing(self) -> str:
        """Say what this host lacks, in one sentence with the remedy; empty when nothing."""
        ...

    def environment(self, scratch: Path, device: str) -> dict[str, str]:
        """Return environment variables to set before the candidate is imported."""
        ...

    def build(self, path: Path, entry: str) -> Callable[..., Any]:
        """Import the candidate at `path`, compiling what it compiles; return what `entry` names.

        Raises:
            NoEntry: the module has no such callable.
            Exception: whatever the candidate raises.
        """
        ...


@runtime_checkable
class Extending(Protocol):
    """A backend whose candidates go through torch's extension builder, so that its header can be precompiled.

    Attributes:
        binding_flags: given to the compiler of the binding file.
        with_cuda: whether the binding file is built as one of a CUDA extension.
    """

    @property
    def binding_flags(self) -> tuple[str, ...]:
        """Flags of the binding file's compiler."""
        ...

    @property
    def with_cuda(self) -> bool:
        """Whether CUDA's headers belong to it."""
        ...


def import_entry(path: Path, entry: str) -> Callable[..., Any]:
    """Import the module at `path` under the name `candidate` and return its `entry`."""
    spec = importlib.util.spec_from_file_location(MODULE_NAME, path)
    if spec is None or spec.loader is None:
        raise NoEntry(f"{path.name} is not a Python module")
    module = importlib.util.module_from_spec(spec)
    sys.modules[MODULE_NAME] = module  # Triton and dataclasses look their module up by name
    spec.loader.exec_module(module)
    found: object = getattr(module, entry, None)
    if not callable(found):
        raise NoEntry(f"the candidate defines no class {entry!r}; define `class {entry}(nn.Module)`")
    return found
