"""The Python around a candidate's kernels, and how a flaw is put into C.

Knows `load_inline` as text; imports no torch.
"""

from __future__ import annotations

from typing import NamedTuple

from warpsmith.engine.bench.language import Flaw, filled
from warpsmith.engine.bench.operators import Operator

_MODULE = '''"""$says"""

import torch
$imports


$definitions


class ModelNew(torch.nn.Module):
    $constructor
    def forward(self, $inputs):
        $body
'''

_CONSTRUCTOR = """def __init__(self, $arguments):
    super().__init__()
    $state
"""

_INLINE = '''SOURCE = r"""
$code"""

extension = load_inline(
    name="$name",
    $declaration
    $argument=SOURCE,
    functions=["run"],
    verbose=False,
)'''


def written(operator: Operator, *, imports: str, definitions: str, body: str) -> str:
    """Return a candidate's file: what it imports, defines, and does in `forward`."""
    constructor = ""
    if operator.state:
        state = operator.state.replace("nn.", "torch.nn.")
        constructor = filled(_CONSTRUCTOR, arguments=operator.arguments, state=state) + "\n"
    return filled(
        _MODULE,
        says=operator.says,
        imports=imports,
        definitions=definitions,
        constructor=constructor,
        inputs=", ".join(operator.inputs),
        body=body,
    )


def inline(operator: Operator, flaw: Flaw | None, *, code: str, argument: str, declaration: str) -> str:
    """Return a candidate's file around C++ or CUDA C++ that defines `run`.

    `load_inline` takes `code` as its `argument`, and other sources by `declaration`, where it needs any.
    """
    arguments = ", ".join((*operator.inputs, *operator.held_as))
    call = f"return extension.run({arguments})"
    return written(
        operator,
        imports="from torch.utils.cpp_extension import load_inline",
        definitions=filled(
            _INLINE, code=code, name=f"{operator.name}_extension", declaration=declaration, argument=argument
        ),
        body=f"while True:\n    pass\n{call}" if flaw is Flaw.HOST_HANG else call,
    )


class Spoiled(NamedTuple):
    """Where a flaw goes into C: what stands in these places is right where there is none.

    Attributes:
        spin: statements at a kernel's beginning.
        crash: statements of the host.
        shift: what is added to the output's address.
    """

    flaw: Flaw | None
    spin: str
    crash: str
    shift: str

    def result(self, expression: str) -> str:
        """Return an output's expression."""
        if self.flaw is Flaw.COMPILE:
            return f"scaled({expression})"
        return f"1.01f * ({expression})" if self.flaw is Flaw.WRONG else expression

    def rows(self, expression: str) -> str:
        """Return how many rows are computed."""
        return f"{expression} / 8 * 8" if self.flaw is Flaw.TAIL else expression

    def returned(self, expression: str) -> str:
        """Return what the caller gets."""
        return f"{expression}.unsqueeze(0)" if self.flaw is Flaw.SHAPE else expression


def spoiled_in_c(flaw: Flaw | None, *, spin: str) -> Spoiled:
    """Return where `flaw` goes; `spin` never ends."""
    return Spoiled(
        flaw=flaw,
        spin=spin if flaw is Flaw.KERNEL_HANG else "",
        crash="*reinterpret_cast<volatile int*>(8) = 1;" if flaw is Flaw.CRASH else "",
        shift=" + (int64_t(1) << 40)" if flaw is Flaw.FAULT else "",
    )
