"""Whose kernel is it? Decided from a kernel's name, the candidate's text and what it built.

Pure text and bytes: knows neither torch nor a device. Whoever names an own kernel like a
library's, or plants a library's name among what it built, is believed; what follows from
"own" is a label and a track's rule, no correctness.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

# What Triton, nvcc, g++ and NVRTC leave behind that holds the names of kernels.
BUILT = {".so", ".o", ".cubin", ".fatbin", ".ptx", ".json"}
MOST_BYTES = 256 << 20
# Compiled by torch.compile at run time: a library's work, wherever it was stored.
INDUCTOR_FOLDER = "inductor"
_INDUCTOR = re.compile(r"^triton_(poi|red|per|tem|for|unk|mm|bmm|spl|flex)[a-z0-9]*_")
# Namespaces and name schemes of torch, cuBLAS, cuDNN, CUTLASS as they ship.
_LIBRARY = re.compile(
    r"\b(at|c10|caffe2|torch|cub|thrust|cutlass|cute|cudnn|pytorch_flash|fmha|cask\w*)::"
    r"|^(sm\d+_|nvjet|cudnn|cublas|cutlass_\d|(ampere|volta|turing|hopper|maxwell|pascal)_)|_xmma_|gemvNSP|gemv2"
    r"|splitKreduce|gemmSN|gemmk1"
)
_PLUMBING = re.compile(r"^\[?mem(cpy|set)\b|FillFunctor", re.IGNORECASE)
# A CUDA kernel's or a Python function's definition; what follows is its name.
_DEFINED = re.compile(
    r"__global__\s[^;{}()]*(?:__launch_bounds__\s*\([^)]*\)\s*[^;{}()]*)?\b(\w+)\s*\(|\bdef\s+(\w+)\s*\("
)
_ANONYMOUS = "(anonymous namespace)::"
_ANONYMOUS_MANGLED = rb"(?:\d+_GLOBAL__N_[\w.]*?)?"


def is_plumbing(name: str) -> bool:
    """Whether it only copies, clears or fills memory."""
    return bool(_PLUMBING.search(name))


def path_of(name: str) -> tuple[str, ...]:
    """Return namespaces and function of a demangled name: `void a::b<4>(int*)` is a, b."""
    bare = name.replace(_ANONYMOUS, "")
    depth, kept = 0, []
    for character in bare:
        depth += character == "<"
        if not depth:
            kept.append(character)
        depth -= character == ">" and depth > 0
    head = "".join(kept).partition("(")[0].split()
    return tuple(part for part in head[-1].split("::") if part) if head else ()


class Workshop:
    """What one candidate wrote and built."""

    def __init__(self, source: str, artifacts: Path) -> None:
        self._defined = {one or two for one, two in _DEFINED.findall(source)}
        self._built = list(_read(artifacts))

    def is_own(self, name: str) -> bool:
        """Whether a kernel of this (demangled) name was built by the candidate."""
        path = path_of(name)
        if not path:
            return False
        if _LIBRARY.search(name.removeprefix("void ")):
            return self._has_symbol(path)
        if _INDUCTOR.match(path[-1]):
            return path[-1] in self._defined
        return self._is_defined(path[-1]) or self._has_symbol(path) or self._has_word(path)

    def _is_defined(self, function: str) -> bool:
        """Whether the source defines it; DSLs put a prefix or a specialisation's suffix to its name."""
        bare = function.removeprefix("kernel_cutlass_")
        return function in self._defined or any(
            len(name) >= 4 and bare.startswith(f"{name}_") for name in self._defined
        )

    def _has_symbol(self, path: tuple[str, ...]) -> bool:
        """Whether a mangled symbol (Itanium C++ ABI: each name after its length) was built."""
        parts = [f"{len(part)}{part}".encode() for part in path]
        pattern = re.compile(_ANONYMOUS_MANGLED.join(re.escape(part) for part in parts))
        # A lone short name after its length (`1k`) is in any file; with its prefix it is not.
        if len(path) == 1:
            pattern = re.compile(rb"_ZN?L?" + _ANONYMOUS_MANGLED + re.escape(parts[0]))
        return any(pattern.search(data) for data in self._built)

    def _has_word(self, path: tuple[str, ...]) -> bool:
        """Whether an unmangled symbol was built: extern "C", Triton."""
        if len(path) > 1 or len(path[0]) < 4:
            return False
        pattern = re.compile(rb"(?<![A-Za-z0-9_])" + re.escape(path[0].encode()) + rb"(?![A-Za-z0-9_])")
        return any(pattern.search(data) for data in self._built)


def _read(artifacts: Path) -> Iterator[bytes]:
    left = MOST_BYTES
    for path in sorted(artifacts.rglob("*")):
        inside = path.relative_to(artifacts).parts
        if path.suffix not in BUILT or inside[0] == INDUCTOR_FOLDER or not path.is_file():
            continue
        left -= path.stat().st_size
        if left < 0:
            return
        yield path.read_bytes()
