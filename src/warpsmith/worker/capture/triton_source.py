"""Write Inductor's Triton kernels as plain `@triton.jit` functions with explicit launches.

Works on text: which configuration a kernel is launched with was decided before, in `launch.py`.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence

from warpsmith.worker.capture.captured import Launch, NotStandalone
from warpsmith.worker.capture.source import KernelText, names_read

# Assigning one of these to a name that nobody reads has no effect.
PURE_CALL = re.compile(r"^(?:tl\.(?:program_id|arange|full|load|zeros|broadcast_to)|libdevice\.|tl_math\.)")
MODULES = {"tl", "triton", "triton_helpers", "libdevice", "tl_math"}
BUILTINS = {"float", "int", "bool", "range", "min", "max"}
HELPERS_IMPORT = {
    "triton_helpers": "from torch._inductor.runtime import triton_helpers",
    "libdevice": "from torch._inductor.runtime.triton_helpers import libdevice",
    "tl_math": "from torch._inductor.runtime.triton_helpers import math as tl_math",
}
# Descriptors made inside a kernel take memory from an allocator, which Triton looks up on every launch.
SCRATCH = """\
def _scratch(size, alignment, stream):
    return torch.empty(size, dtype=torch.int8, device="cuda")
"""
USE_SCRATCH = "triton.set_allocator(_scratch)"


class TritonSection:
    """The kernels of a file, and the imports they need."""

    def __init__(self, kernels: Sequence[KernelText]) -> None:
        self._functions: dict[str, ast.FunctionDef] = {}
        self._notes = {kernel.name: kernel.made_from for kernel in kernels}
        for kernel in kernels:
            self._add(kernel)

    def _add(self, kernel: KernelText) -> None:
        for statement in ast.parse(kernel.text).body:
            if not isinstance(statement, ast.FunctionDef):
                continue
            before = self._functions.get(statement.name)
            function = _plain(statement)
            if before is not None and ast.dump(before) != ast.dump(function):
                raise NotStandalone(f"two kernels bring different helpers called {statement.name!r}")
            self._functions[statement.name] = function
        if kernel.name not in self._functions:
            raise NotStandalone(f"the text of kernel {kernel.name!r} does not define it")

    def imports(self) -> list[str]:
        """Return the import lines the kernels need."""
        used = set(names_read(self._functions.values()))
        unknown = used - MODULES - BUILTINS - set(self._functions) - self._own_names()
        if unknown:
            raise NotStandalone(f"a Triton kernel uses {', '.join(map(repr, sorted(unknown)))} from outside")
        lines = [line for name, line in HELPERS_IMPORT.items() if name in used]
        return ["import triton", "import triton.language as tl", *lines]

    def _own_names(self) -> set[str]:
        """Return every name that some kernel binds itself."""
        parts = [part for function in self._functions.values() for part in ast.walk(function)]
        stored = {p.id for p in parts if isinstance(p, ast.Name) and isinstance(p.ctx, ast.Store)}
        return stored | {p.arg for p in parts if isinstance(p, ast.arg)}

    @property
    def needs_scratch(self) -> bool:
        """Whether a kernel makes tensor descriptors, which need memory and aligned tensors."""
        return any("make_tensor_descriptor" in ast.unparse(f) for f in self._functions.values())

    def text(self) -> str:
        """Return the kernels' definitions."""
        parts = [SCRATCH.rstrip("\n")] if self.needs_scratch else []
        for name, function in self._functions.items():
            note = f"# {self._notes[name]}\n" if self._notes.get(name) else ""
            parts.append(note + ast.unparse(ast.fix_missing_locations(function)))
        return "\n\n\n".join(parts) + "\n"


def _plain(function: ast.FunctionDef) -> ast.FunctionDef:
    """Drop the tuning decorator and what the kernel computes for nobody."""
    function.decorator_list = [d for d in function.decorator_list if ast.unparse(d).startswith("triton.jit")]
    if not function.decorator_list:
        raise NotStandalone(f"{function.name!r} is not a plain Triton function")
    while _drop_unread(function):
        pass
    return function


def _drop_unread(function: ast.FunctionDef) -> bool:
    """Remove assignments to names that are never read; say whether there were any."""
    read = set(names_read([function]))
    dropped = False
    for block in _blocks(function):
        kept = [statement for statement in block if not _is_unread(statement, read)]
        if len(kept) < len(block):
            dropped = True
            block[:] = kept or [ast.Pass()]
    return dropped


def _blocks(function: ast.FunctionDef) -> list[list[ast.stmt]]:
    found = [function.body]
    for part in ast.walk(function):
        if isinstance(part, ast.For | ast.While | ast.If):
            found += [block for block in (part.body, part.orelse) if block]
    return found


def _is_unread(statement: ast.stmt, read: set[str]) -> bool:
    if isinstance(statement, ast.Assign):
        targets: list[ast.expr] = statement.targets
    elif isinstance(statement, ast.AnnAssign) and statement.value is not None:
        targets = [statement.target]
    else:
        return False
    if not all(isinstance(target, ast.Name) and target.id not in read for target in targets):
        return False
    calls = [part for part in ast.walk(statement) if isinstance(part, ast.Call)]
    return all(PURE_CALL.match(ast.unparse(call.func)) for call in calls)


def launched(kernel: str, launch: Launch, arguments: Sequence[ast.expr]) -> ast.stmt:
    """Return the statement that launches `kernel` with what Inductor's `run` was given.

    Raises:
        NotStandalone: the arguments don't fit the kernel, or its grid depends on a tensor.
    """
    wanted = (*launch.parameters, *launch.grid_only)
    if len(arguments) != len(wanted):
        raise NotStandalone(f"kernel {kernel!r} takes {len(wanted)} arguments and is given {len(arguments)}")
    given = dict(zip(wanted, arguments, strict=True))
    grid = _grid(kernel, launch, given)
    while len(grid) > 1 and grid[-1] == 1:
        grid.pop()
    options = [ast.keyword(arg=k, value=ast.Constant(value=v)) for k, v in launch.constants.items()]
    target = ast.Subscript(
        value=ast.Name(id=kernel, ctx=ast.Load()),
        slice=ast.Tuple(elts=[ast.Constant(value=size) for size in grid], ctx=ast.Load()),
        ctx=ast.Load(),
    )
    positional = [given[name] for name in launch.parameters]
    return ast.Expr(value=ast.Call(func=target, args=positional, keywords=options))


def _grid(kernel: str, launch: Launch, given: dict[str, ast.expr]) -> list[int]:
    """Work the grid's expressions out: with fixed shapes they are numbers."""
    values = {name: _number(value) for name, value in given.items()}
    scope: dict[str, object] = {name: value for name, value in values.items() if value is not None}
    sizes = []
    try:
        for statement in launch.prefix:
            exec(statement, {"max": max, "min": min}, scope)  # noqa: S102 - Inductor's own arithmetic
        for axis in launch.grid:
            sizes.append(eval(axis, {"max": max, "min": min}, scope))  # noqa: S307, PERF401 - the same
    except NameError as error:
        raise NotStandalone(f"the grid of kernel {kernel!r} depends on {error.name!r}") from error
    if not all(isinstance(size, int) for size in sizes):
        raise NotStandalone(f"the grid of kernel {kernel!r} is {sizes}")
    return sizes


def _number(value: ast.expr) -> int | None:
    """Return what an integer expression without names comes to; None for anything else."""
    if any(isinstance(part, ast.Name | ast.Call | ast.Attribute) for part in ast.walk(value)):
        return None
    result = eval(ast.unparse(value), {"__builtins__": {}})  # noqa: S307 - arithmetic on literals
    return result if isinstance(result, int) else None
