"""What Inductor relies on beside its own text: compiler flags, and library functions under short names."""

from __future__ import annotations

import inspect
import re
import types

from torch._inductor.cpp_builder import CppTorchOptions
from torch._inductor.cpu_vec_isa import pick_vec_isa
from torch._inductor.select_algorithm import extern_kernels
from torch._ops import OpOverload, OpOverloadPacket

from warpsmith.worker.capture.captured import Extern, NotStandalone, Toolchain

# Paths, warnings, symbols for debuggers and Inductor's own plumbing change neither speed nor results.
IRRELEVANT = re.compile(r"-(?:g1?|fno-omit-frame-pointer|pedantic|W[a-z-]+|shared|fPIC|D.*PRECOMPILE.*)$")
# -march=native brings every instruction set there is; the macros say which one the text is written for.
VECTOR_FLAGS = {
    "AVX512": ("-mavx512f", "-mavx512dq", "-mavx512vl", "-mavx512bw", "-mfma"),
    "AVX2": ("-mavx2", "-mfma", "-mf16c"),
}


def toolchain_now() -> Toolchain:
    """Return how Inductor would compile C++ under the options in force."""
    isa = pick_vec_isa()
    options = CppTorchOptions(vec_isa=isa, warning_all=False)
    macros = [definition.strip() for definition in options.get_definitions()]
    capability = next((name for name in VECTOR_FLAGS if f"CPU_CAPABILITY_{name}" in macros), "")
    flags = [f"-{flag}" for flag in options.get_cflags()] + [f"-D{macro}" for macro in macros]
    flags = [flag for flag in dict.fromkeys(flags) if not IRRELEVANT.match(flag)]
    return Toolchain(flags=(*flags, *VECTOR_FLAGS.get(capability, ())), capability=capability)


def externs_of(text: str) -> dict[str, Extern]:
    """Return what the names of `extern_kernels` in a generated module stand for."""
    return {name: _extern(name) for name in sorted(set(re.findall(r"\bextern_kernels\.(\w+)", text)))}


def _extern(name: str) -> Extern:
    function = getattr(extern_kernels, name, None)
    if function is None:
        raise NotStandalone(f"it calls {name!r}, which Inductor does not name")
    if isinstance(function, types.BuiltinFunctionType):
        return Extern(expression=f"torch.{function.__name__}", definition="")
    if isinstance(function, OpOverload | OpOverloadPacket):
        return Extern(expression=f"torch.ops.{str(function).replace('::', '.')}", definition="")
    if isinstance(function, types.FunctionType) and _needs_only_torch(function):
        return Extern(expression=function.__name__, definition=inspect.getsource(function))
    raise NotStandalone(f"it calls Inductor's own function {name!r}")


def _needs_only_torch(function: types.FunctionType) -> bool:
    used = [name for name in function.__code__.co_names if name in function.__globals__]
    return set(used) <= {"torch"} and not function.__closure__
