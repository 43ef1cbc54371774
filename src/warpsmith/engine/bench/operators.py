"""The eight problems of the mix: what they compute, how large they are, and their files.

The files are in KernelBench's format, nothing added. Knows no candidate. Every operator works on rows of
float32, so that one way of writing a kernel serves several.
"""

from __future__ import annotations

from enum import StrEnum
from string import Template

import msgspec

FLOAT_BYTES = 4
# A GPU's problems have up to 6 GB of inputs, a CPU's some megabytes.
CPU_ROWS, CPU_COLUMNS = 512, 1536


class Form(StrEnum):
    """How outputs hang on inputs: element by element, on a whole row, or one for each row."""

    ELEMENTS = "elements"
    ROWS = "rows"
    REDUCTION = "reduction"


class Operator(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One problem.

    Attributes:
        rows: first extent of every input on a GPU.
        columns: second extent there.
        says: the file's first line.
        inputs: names of the arguments of `forward`, all of shape [rows, columns]; two are added.
        weights: names of what the kernel needs of the module, each of shape [columns].
        state: statement in the module's constructor that makes the weights; empty without any.
        held_as: expression of each weight in `forward`, in the order of `weights`.
        returns: expression of the answer in the reference.
        draws: `rand` or `randn`.
    """

    name: str
    form: Form
    rows: int
    columns: int
    says: str
    returns: str
    inputs: tuple[str, ...] = ("x",)
    weights: tuple[str, ...] = ()
    state: str = ""
    held_as: tuple[str, ...] = ()
    draws: str = "rand"

    @property
    def input_bytes(self) -> int:
        """Bytes of all inputs of one call on a GPU."""
        return FLOAT_BYTES * self.rows * self.columns * len(self.inputs)

    @property
    def arguments(self) -> str:
        """What the module is constructed with, as it stands in a signature; empty without weights."""
        return "dim" if self.weights else ""


OPERATORS = (
    Operator(
        name="add_relu",
        form=Form.ELEMENTS,
        rows=4096,
        columns=4096,
        says="Adds two tensors and applies ReLU.",
        inputs=("x", "y"),
        returns="torch.relu(x + y)",
        draws="randn",
    ),
    Operator(
        name="layer_norm",
        form=Form.ROWS,
        rows=16384,
        columns=4096,
        says="Layer normalization over the last dimension.",
        weights=("weight", "bias"),
        state="self.norm = nn.LayerNorm(dim)",
        held_as=("self.norm.weight", "self.norm.bias"),
        returns="self.norm(x)",
    ),
    Operator(
        name="gelu",
        form=Form.ELEMENTS,
        rows=8192,
        columns=16384,
        says="GELU in its approximation by a hyperbolic tangent.",
        returns='torch.nn.functional.gelu(x, approximate="tanh")',
        draws="randn",
    ),
    Operator(
        name="softmax",
        form=Form.ROWS,
        rows=4096,
        columns=65536,
        says="Softmax over the last dimension.",
        returns="torch.softmax(x, dim=1)",
    ),
    Operator(
        name="add_rms_norm",
        form=Form.ROWS,
        rows=49152,
        columns=4096,
        says="Adds a residual and normalizes by the root mean square of each row.",
        inputs=("x", "y"),
        weights=("weight",),
        state="self.weight = nn.Parameter(torch.rand(dim) + 0.5)",
        held_as=("self.weight",),
        returns="(x + y) * torch.rsqrt((x + y).pow(2).mean(dim=1, keepdim=True) + 1e-5) * self.weight",
        draws="randn",
    ),
    Operator(
        name="l2_norm",
        form=Form.ROWS,
        rows=8192,
        columns=65536,
        says="Divides each row by its Euclidean norm.",
        returns="torch.nn.functional.normalize(x, p=2.0, dim=1)",
    ),
    Operator(
        name="row_mean",
        form=Form.REDUCTION,
        rows=12288,
        columns=65536,
        says="Mean of each row.",
        returns="torch.mean(x, dim=1)",
    ),
    Operator(
        name="row_max",
        form=Form.REDUCTION,
        rows=16384,
        columns=90112,
        says="Largest element of each row.",
        returns="torch.amax(x, dim=1)",
        draws="randn",
    ),
)

_FILE = Template('''"""$says"""

import torch
import torch.nn as nn


class Model(nn.Module):
    def __init__(self$parameters):
        super(Model, self).__init__()$state

    def forward(self, $inputs):
        return $returns


batch_size = $rows
dim = $columns


def get_inputs():
    return [$drawn]


def get_init_inputs():
    return [$arguments]
''')


def problem_source(operator: Operator, device_type: str) -> str:
    """Return the problem's file for `cuda` or `cpu`; the two differ in their extents alone."""
    is_cpu = device_type == "cpu"
    return _FILE.substitute(
        says=operator.says,
        parameters=f", {operator.arguments}" if operator.arguments else "",
        state=f"\n        {operator.state}" if operator.state else "",
        inputs=", ".join(operator.inputs),
        returns=operator.returns,
        rows=CPU_ROWS if is_cpu else operator.rows,
        columns=CPU_COLUMNS if is_cpu else operator.columns,
        drawn=", ".join(f"torch.{operator.draws}(batch_size, dim)" for _ in operator.inputs),
        arguments=operator.arguments,
    )
