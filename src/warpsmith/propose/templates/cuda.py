"""What all CUDA templates share: vectors of elements, types, how kernels are called and how they are built.

Arithmetic is in float32 whatever the tensors hold. Kernels are written for the dtypes that the traces have.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from warpsmith.propose.templates.module import Module
from warpsmith.propose.templates.rows_triton import tensors
from warpsmith.propose.templates.steps import Kind, NoTemplate, Program, Step
from warpsmith.propose.templates.writing import cuda_expression
from warpsmith.worker.job import Trace

NUMBER = {"float": "float", "int": "int64_t", "bool": "bool"}
_TYPES = {
    "float32": "float",
    "float16": "c10::Half",
    "bfloat16": "c10::BFloat16",
    "int64": "int64_t",
    "bool": "bool",
}
_CONSTANTS = {"float32": "torch::kFloat", "float16": "torch::kHalf", "bfloat16": "torch::kBFloat16"}

# The stream's own header rather than ATen's, which takes libraries of the toolkit that no kernel here needs.
HEAD = """#include <torch/extension.h>
#include <c10/cuda/CUDAException.h>
#include <c10/cuda/CUDAStream.h>
#include <algorithm>
#include <cmath>
#include <cstdint>

"""

COMMON = """
constexpr int64_t MOST_BLOCKS = 0x7fffffff;

// NaN wins, as it does in torch.
__device__ __forceinline__ float larger(float a, float b) { return a < b || b != b ? b : a; }
__device__ __forceinline__ float smaller(float a, float b) { return b < a || b != b ? b : a; }

template <typename T>
T* address(const torch::Tensor& tensor) {
    TORCH_CHECK(
        tensor.is_contiguous() && tensor.scalar_type() == c10::CppTypeToScalarType<T>::value,
        "no kernel was written for such a tensor of ", tensor.scalar_type());
    return static_cast<T*>(tensor.data_ptr());
}
"""

VECTORS = """
// No load or store is wider than 16 bytes, so that a longer vector needs no more alignment.
template <typename T, int V>
struct alignas(sizeof(T) * V < 16 ? sizeof(T) * V : 16) Pack {
    T at[V];
};

template <typename T, int V>
__device__ __forceinline__ Pack<T, V> load(const T* from) {
    return *reinterpret_cast<const Pack<T, V>*>(from);
}

template <typename T, int V>
__device__ __forceinline__ void store(T* to, const Pack<T, V>& pack) {
    *reinterpret_cast<Pack<T, V>*>(to) = pack;
}

// Elements of a vector.
template <typename T>
constexpr int WIDTH = VEC_BYTES > sizeof(T) ? VEC_BYTES / sizeof(T) : 1;
"""

OPERATIONS = """
struct Sum {
    static __device__ __forceinline__ float of(float a, float b) { return a + b; }
};
struct Largest {
    static __device__ __forceinline__ float of(float a, float b) { return larger(a, b); }
};
struct Smallest {
    static __device__ __forceinline__ float of(float a, float b) { return smaller(a, b); }
};
"""

# Division and square roots as Triton has them: within 2 units in the last place.
_BUILD = """extension = load_inline(
    name="{name}",
    cpp_sources=["void run({parameters});"],
    cuda_sources=[CUDA],
    functions=["run"],
    extra_cuda_cflags=["-prec-div=false", "-prec-sqrt=false"],
)"""


class Typed(NamedTuple):
    """The C++ types of a program's tensors, T being that of the leading input.

    Attributes:
        leads: dtypes that the leading input comes in.
        loads: by step.
        outputs: in order.
    """

    leads: tuple[str, ...]
    loads: dict[str, str]
    outputs: tuple[str, ...]

    @property
    def names(self) -> dict[str, str]:
        """The type of each tensor that a kernel is given, by its name there."""
        return self.loads | {f"out{n}": type_ for n, type_ in enumerate(self.outputs)}

    @property
    def parameters(self) -> str:
        """Kernel parameters: addresses."""
        loads = [f"const {type_}* __restrict__ {name}_p" for name, type_ in self.loads.items()]
        outputs = [f"{type_}* __restrict__ out{n}_p" for n, type_ in enumerate(self.outputs)]
        return ", ".join([*loads, *outputs])

    @property
    def arguments(self) -> str:
        """What a kernel is called with: addresses."""
        return ", ".join(f"{name}_p" for name in self.names)


def typed(program: Program, traces: Sequence[Trace]) -> Typed:
    """Return the types of a program's tensors.

    Raises:
        NoTemplate: a tensor's dtype changes from workload to workload, and not with the leading input's.
    """
    dtypes = [{o.op: o.dtype for o in trace.operations} for trace in traces]
    leads = [each[program.lead] for each in dtypes]
    loads = {}
    for step in program.loads:
        given = [each[step.source] for each in dtypes]
        if given != leads and len(set(given)) > 1:
            raise NoTemplate(f"the dtype of {step.source} is another one for another workload")
        loads[step.name] = "T" if given == leads else _TYPES[given[0]]
    outputs = ["float" if o.finish else _TYPES[o.dtype] if o.dtype else "T" for o in program.outputs]
    return Typed(tuple(sorted(set(leads))), loads, tuple(outputs))


def indented(lines: Sequence[str], depth: int = 1) -> list[str]:
    """Return lines further to the right."""
    return [f"{'    ' * depth}{line}" for line in lines]


def value_of(step: Step, place: str) -> str:
    """Return a step's value; a load is from `place`, and `j + k` is the column."""
    if step.op == "load":
        return f"{step.name}_{place}"
    if step.op == "column":
        return "int64_t(j + k)"
    return "float(cols)" if step.op == "cols" else cuda_expression(step)


def even(program: Program) -> str:
    """Return the condition that vectors may be loaded and stored: every address is a multiple of 16."""
    along = [step.name for step in program.loads if step.kind in {Kind.FULL, Kind.COL}]
    along += [f"out{n}" for n, o in enumerate(program.outputs) if program.step(o.value).kind is Kind.FULL]
    bits = " | ".join(f"uintptr_t({name}_p)" for name in along)
    return f"({bits}) % 16 == 0" if bits else "true"


def host(types: Typed, sizes: str, body: Sequence[str]) -> str:
    """Return the functions of the host.

    Args:
        types: of the tensors.
        sizes: the names of numbers that follow them; nothing is launched where the first is 0.
        body: statements that launch, for one type T.
    """
    numbers = ", ".join(f"int64_t {size}" for size in sizes.split())
    tensors_ = ", ".join(f"const torch::Tensor& {name}" for name in types.names)
    addresses = [f"auto* {name}_p = address<{type_}>({name});" for name, type_ in types.names.items()]
    given = ", ".join([*types.names, *sizes.split()])
    lines = ["template <typename T>", f"void launch({tensors_}, {numbers}) {{"]
    lines += indented([*addresses, "const auto stream = c10::cuda::getCurrentCUDAStream();", *body])
    lines += [*indented(["C10_CUDA_KERNEL_LAUNCH_CHECK();"]), "}", ""]
    led = next((name for name, type_ in types.names.items() if type_ == "T"), "")
    lines += [f"void run({signature(types, sizes)}) {{", f"    if ({sizes.partition(' ')[0]} == 0) return;"]
    for dtype in types.leads if led else types.leads[:1]:
        condition = f"if ({led}.scalar_type() == {_CONSTANTS[dtype]}) " if led else ""
        lines.append(f"    {condition}return launch<{_TYPES[dtype]}>({given});")
    if led:
        lines.append(f'    TORCH_CHECK(false, "no kernel was written for ", {led}.scalar_type());')
    return "\n".join([*lines, "}", ""])


def signature(types: Typed, sizes: str) -> str:
    """Return the parameters of the function that Python calls."""
    return ", ".join(
        [*(f"torch::Tensor {name}" for name in types.names), *(f"int64_t {s}" for s in sizes.split())]
    )


class Source(NamedTuple):
    """What nvcc compiles, and what Python calls it with.

    Attributes:
        sizes: the numbers that follow the tensors, and their expressions in Python.
        shape: the expression for the outputs' shape, where it is not as the program says.
    """

    types: Typed
    code: str
    sizes: dict[str, str]
    shape: str = ""


def candidate(program: Program, module: Module, title: str, source: Source) -> str:
    """Return the candidate's file, `title` being the first line of its docstring."""
    parameters = signature(source.types, " ".join(source.sizes))
    build = _BUILD.format(name="template_in_cuda", parameters=parameters)
    lines, arguments, answer = tensors(program, module, source.shape)
    imports = "import torch\nfrom torch.utils.cpp_extension import load_inline\n"
    imports = f"import math\n{imports}" if any("math." in size for size in source.sizes.values()) else imports
    head = f'{imports}\nCUDA = r"""\n{source.code}"""\n\n{build}'
    call = f"extension.run({arguments}, {', '.join(source.sizes.values())})"
    return module.source(title, head, [*lines, call, f"return {answer}"])
