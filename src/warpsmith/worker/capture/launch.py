"""Read from a compiled Triton kernel how it is launched: the tuned configuration and the grid.

The one place that knows Inductor's autotuner. With a device the kernel has run and one configuration
is left; without one the first it would have tried stands in.
"""

from __future__ import annotations

import ast
from typing import Any, TypeAlias

from torch._inductor.runtime import triton_heuristics

from warpsmith.worker.capture.captured import Launch, NotStandalone

Values: TypeAlias = dict[str, int | bool | float | str]


def launch_of(name: str, kernel: Any, text: str) -> Launch:
    """Return how `kernel` is launched.

    Args:
        name: the kernel's name, for messages.
        kernel: Inductor's autotuner around it.
        text: the kernel's source.

    Raises:
        NotStandalone: it is not launched through Inductor's autotuner, or the way it is has no plain form.
    """
    if not isinstance(kernel, triton_heuristics.CachingAutotuner):
        raise NotStandalone(f"kernel {name!r} is launched by {type(kernel).__name__}")
    config = _config(name, kernel)
    meta = kernel.inductor_meta
    try:
        grid = triton_heuristics.GridExpr.from_meta(meta, config)
    except (KeyError, AssertionError, AttributeError) as error:
        raise NotStandalone(f"kernel {name!r} has a grid of type {meta.get('grid_type')!r}") from error
    declared = _parameters(name, text)
    constants = _constants(name, declared, kernel.triton_meta, config)
    return Launch(
        parameters=tuple(p for p in declared if p not in constants),
        grid_only=tuple(meta.get("extra_launcher_args", ())),
        prefix=tuple(grid.prefix),
        grid=(str(grid.x_grid), str(grid.y_grid), str(grid.z_grid)),
        constants=constants | _options(kernel.triton_meta, config, text),
    )


def _config(name: str, kernel: Any) -> Any:
    if len(kernel.launchers) == 1:
        return kernel.launchers[0].config
    if not kernel.configs:
        raise NotStandalone(f"kernel {name!r} was never run and has no configuration")
    return kernel.configs[0]


def _parameters(name: str, text: str) -> dict[str, bool]:
    """Return the kernel's parameters in order, and whether each is a compile-time constant."""
    for function in ast.walk(ast.parse(text)):
        if isinstance(function, ast.FunctionDef) and function.name == name:
            return {a.arg: "constexpr" in ast.unparse(a.annotation or ast.Pass()) for a in function.args.args}
    raise NotStandalone(f"the text of kernel {name!r} does not define it")


def _constants(name: str, declared: dict[str, bool], meta: dict[str, Any], config: Any) -> Values:
    """Return the compile-time parameters that a call has to name."""
    compile_time = [p for p, is_constant in declared.items() if is_constant]
    special = {"num_warps": config.num_warps, "num_stages": config.num_stages}
    known = {**special, **meta.get("constants", {}), **config.kwargs}
    missing = [p for p in compile_time if p not in known]
    if missing:
        raise NotStandalone(f"kernel {name!r} leaves {', '.join(map(repr, missing))} open")
    return {p: known[p] for p in compile_time}


def _options(meta: dict[str, Any], config: Any, text: str) -> Values:
    """Return the launch options that differ from Triton's defaults."""
    options: Values = {"num_warps": config.num_warps, "num_stages": config.num_stages}
    if "tl.device_assert" in text:
        # Inductor compiles index checks in; Triton leaves them out unless asked to debug.
        options |= {"debug": True, "sanitize_overflow": False}
    if not meta.get("enable_fp_fusion", True):
        options["enable_fp_fusion"] = False
    if meta.get("disable_ftz"):
        options["enable_reflect_ftz"] = False
    if meta.get("launch_cooperative_grid"):
        options["launch_cooperative_grid"] = True
    if meta.get("launch_pdl"):
        options["launch_pdl"] = True
    return options
