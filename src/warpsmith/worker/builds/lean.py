"""Builds of torch's extension builder against a small header in place of torch's large one.

Beside the candidate, and before it is imported. A folder that is searched before torch's own holds a
`torch/extension.h` and a `torch/types.h` with what kernels need; a source that plainly needs more, or does
not compile against them, gets the real ones, without a word. Imports no torch at module level.
"""

from __future__ import annotations

import functools
import hashlib
import inspect
import os
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

# Set beside the candidate: the folder that stands before torch's, perhaps with precompiled headers in it.
HEADERS_VARIABLE = "WARPSMITH_HEADERS"
PACKAGED = Path(__file__).parent / "include"

_OPERATORS = {
    *("cat", "empty", "empty_like", "empty_strided", "from_blob", "full", "full_like", "matmul", "mm"),
    *("ones", "ones_like", "stack", "sum", "zeros", "zeros_like"),
}
_NAMES = {
    *("Tensor", "TensorOptions", "TensorList", "ScalarType", "Scalar", "Dtype", "Device", "DeviceType"),
    *("DeviceGuard", "OptionalDeviceGuard", "Half", "BFloat16", "IntArrayRef", "ArrayRef", "MemoryFormat"),
    *("dtype", "device", "nullopt", "optional", "PackedTensorAccessor32", "PackedTensorAccessor64"),
    *("RestrictPtrTraits", "DefaultPtrTraits", "TensorAccessor", "acc_type", "opmath_type", "toString"),
    *("parallel_for", "get_num_threads", "wrap_pybind_function", "get_thread_num", "kCPU", "kCUDA"),
}
_KNOWN = _OPERATORS | _NAMES
# at::cuda and c10::cuda come with headers that a source includes itself.
_OWN_HEADERS = {"cuda", "native", "detail", "impl"}
_QUALIFIED = re.compile(r"\b(?:torch|at)\s*::\s*(\w+)")
_CONSTANT = re.compile(r"k[A-Z]\w*$")
# Means something else, or nothing, without the real headers.
_MORE = re.compile(
    r"requires_grad|\bTORCH_LIBRARY|\bAutoGrad|GradMode|\btorch/(?!extension\.h|types\.h|csrc/)|\bRegisterOperators\b"
)
_BINDING = re.compile(r"\bPYBIND11_MODULE\b|\bpybind11\b|\bpy::")
_FAILED = "Error building extension"


def needs_more(sources: str, device_sources: str = "") -> bool:
    """Whether sources plainly need torch's real headers, so that trying without would be time lost."""
    text = f"{sources}\n{device_sources}"
    names = {name for name in _QUALIFIED.findall(text) if not _CONSTANT.match(name)}
    has_bindings_in_kernels = bool(_BINDING.search(device_sources))
    return bool(names - _KNOWN - _OWN_HEADERS or _MORE.search(text) or has_bindings_in_kernels)


def quick_builds(**flags: Sequence[str]) -> None:
    """Make `load` and `load_inline` quick, and add `flags`, by argument name, before a candidate's own.

    Candidates import the functions by name, so this must run before they are imported.
    """
    from torch.utils import cpp_extension  # noqa: PLC0415 - the host imports backends without torch

    for name in ("load", "load_inline"):
        original = getattr(cpp_extension, name)
        setattr(cpp_extension, name, quickened(original, flags, cpp_extension.JIT_EXTENSION_VERSIONER))


def quickened(
    original: Callable[..., Any], flags: dict[str, Sequence[str]], versioner: Any
) -> Callable[..., Any]:
    """Return the builder `original` with `flags`, trying the small headers first where that may do."""

    @functools.wraps(original)
    def built(*positional: object, **named: object) -> Any:
        given = inspect.signature(original).bind(*positional, **named).arguments
        for argument, extra in flags.items():
            given[argument] = [*extra, *(given.get(argument) or ())]
        if given.get("use_pch"):
            given["use_pch"] = False  # it writes where torch is installed; ours are there already
        marker = _marker(str(given["name"]))
        if marker.exists() or needs_more(*_texts(given)):
            return original(**given)
        headers = os.environ.get(HEADERS_VARIABLE) or str(PACKAGED)
        lean = _copied(given)
        lean["extra_include_paths"] = [headers, *(_listed(given.get("extra_include_paths")))]
        try:
            return original(**lean)
        except RuntimeError as error:
            if _FAILED not in str(error):
                raise
        # As if it had never been tried: the builder numbers what it builds twice.
        versioner.entries.pop(given["name"], None)
        marker.parent.mkdir(parents=True, exist_ok=True)
        marker.touch()  # kept with the build, so that nobody tries again
        return original(**given)

    return built


def _marker(name: str) -> Path:
    digest = hashlib.sha256(name.encode()).hexdigest()[:16]
    return Path(os.environ.get("TORCH_EXTENSIONS_DIR", "."), f"whole-{digest}")


def _texts(given: dict[str, Any]) -> tuple[str, str]:
    """Return the host's and the device's sources, of `load_inline` or of `load`."""
    if "sources" not in given:
        host, device = _listed(given.get("cpp_sources")), _listed(given.get("cuda_sources"))
        return "\n".join(host), "\n".join(device)
    host, device = [], []
    for path in map(Path, _listed(given["sources"])):
        text = path.read_text(errors="replace") if path.is_file() else ""
        (device if path.suffix == ".cu" else host).append(text)
    return "\n".join(host), "\n".join(device)


def _copied(given: dict[str, Any]) -> dict[str, Any]:
    """Return the arguments with lists of their own: the builder adds to those that it is given."""
    return {name: list(value) if isinstance(value, list) else value for name, value in given.items()}


def _listed(value: Any) -> list[str]:
    if not value:
        return []
    return [value] if isinstance(value, str) else list(value)
