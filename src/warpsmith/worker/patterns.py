"""Trace a problem's reference to the operators that it calls, as plain facts for whoever writes kernels.

Nothing is computed: tensors are fake, so that the largest workload costs no memory and no time.
Knows no kernel and no pattern.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.fx import Node
from torch.fx.experimental.proxy_tensor import make_fx

from warpsmith.core.problem import Problem, Workload
from warpsmith.worker.inputs import LoadedProblem
from warpsmith.worker.job import Atom, Operand, Operation, PatternJob, Trace, Traced, Trouble
from warpsmith.worker.trees import dtype_name

_HERE = torch.device("cpu")
# Results that share memory with their argument.
_VIEWS = {
    "alias", "as_strided", "detach", "expand", "<built-in function getitem>", "permute", "reshape", "select",
    "slice", "split", "squeeze", "t", "transpose", "unbind", "unsqueeze", "view", "_to_copy",
}  # fmt: skip


class NotTraceable(Exception):
    """The reference is not a graph of operators on tensors; the message says why."""


def answer(job: PatternJob) -> Traced | Trouble:
    """Return a trace of every workload of `job`, or why there is none."""
    try:
        return Traced(traces=tuple(_trace(job.problem, workload, job.seed) for workload in job.workloads))
    except NotTraceable as error:
        return Trouble(reason=str(error))


def _trace(problem: Problem, workload: Workload, seed: int) -> Trace:
    loaded = LoadedProblem(problem)
    # The module is real: what is fake can't be cast.
    model = loaded.construct(loaded.init_inputs(workload, seed, _HERE), workload, seed, _HERE)
    if not isinstance(model, torch.nn.Module):
        raise NotTraceable("the reference is not a torch.nn.Module")
    named = {**dict(model.named_parameters()), **dict(model.named_buffers())}
    singles: list[bool] = []

    def call(weights: list[torch.Tensor], arguments: list[torch.Tensor]) -> Any:
        given = dict(zip(named, weights, strict=True))
        output = torch.func.functional_call(model, given, tuple(arguments))
        if not isinstance(output, torch.Tensor | tuple):
            raise NotTraceable(
                f"the reference returns a {type(output).__name__}, no tensor and no tuple of them"
            )
        singles.append(isinstance(output, torch.Tensor))
        return output

    with FakeTensorMode(allow_non_fake_inputs=True) as mode, torch.no_grad():
        inputs = loaded.inputs(workload, seed, _HERE)
        if not isinstance(inputs, list | tuple) or not all(isinstance(i, torch.Tensor) for i in inputs):
            raise NotTraceable("the inputs are not a list of tensors")
        weights = [mode.from_tensor(weight.detach()) for weight in named.values()]
        try:
            graph = make_fx(torch.func.functionalize(call, remove="mutations"))(weights, list(inputs)).graph
        except NotTraceable:
            raise
        except Exception as error:  # the problem's own code, or an operator without a fake
            said = str(error).partition("\n")[0]
            raise NotTraceable(f"the reference can't be traced: {type(error).__name__}: {said}") from error
    names = [*(f"self.{name}" for name in named), *(f"input.{at}" for at in range(len(inputs)))]
    return _facts(graph, names, is_single=singles[-1])


def _facts(graph: torch.fx.Graph, names: list[str], *, is_single: bool) -> Trace:
    operations: list[Operation] = []
    outputs: list[str] = []
    placeholders = iter(names)
    for node in graph.nodes:
        if node.op == "placeholder":
            operations.append(_operation(node, next(placeholders), ()))
        elif node.op == "call_function":
            arguments = tuple(_operand(argument) for argument in node.args)
            operations.append(_operation(node, _pure_name(node), arguments))
        elif node.op == "output":
            given = node.args[0] if isinstance(node.args[0], list | tuple) else [node.args[0]]
            outputs = [each.name for each in given if isinstance(each, Node)]
            if len(outputs) < len(given):
                raise NotTraceable("the outputs are not a tensor or a tuple of tensors")
        else:
            raise NotTraceable(
                f"the reference holds a tensor that is neither parameter nor buffer: {node.name}"
            )
    return Trace(operations=tuple(operations), outputs=tuple(outputs), is_single=is_single)


def _pure_name(node: Node) -> str:
    """Return an operator's name; one that works in place on a fresh result is as good as one that does not.

    Raises:
        NotTraceable: it writes to what went in, or to part of something.
    """
    name = _name_of(node)
    if not name.endswith("_"):
        return name
    target = node.args[0]
    if not isinstance(target, Node) or target.op != "call_function" or _name_of(target) in _VIEWS:
        raise NotTraceable("the reference changes its inputs, weights or buffers")
    return name.removesuffix("_")


def _name_of(node: Node) -> str:
    # An overload is called `aten.add.Tensor`; which overload it is shows in the arguments.
    parts = str(node.target).split(".")
    return parts[1] if parts[0] == "aten" and len(parts) > 1 else str(node.target)


def _operation(node: Node, op: str, arguments: tuple[Operand, ...]) -> Operation:
    value = node.meta.get("val")
    tensor = value if isinstance(value, torch.Tensor) else None
    return Operation(
        name=node.name,
        op=op,
        arguments=arguments,
        options={name: _operand(given) for name, given in node.kwargs.items()},
        shape=None if tensor is None else tuple(int(size) for size in tensor.shape),
        dtype="" if tensor is None else dtype_name(tensor.dtype),
    )


def _operand(value: Any) -> Operand:
    """Return an argument as a plain value; another operation's result by its name, after a `%`."""
    return [_atom(each) for each in value] if isinstance(value, list | tuple) else _atom(value)


def _atom(value: Any) -> Atom:
    if isinstance(value, Node):
        return f"%{value.name}"
    if value is None or isinstance(value, bool | int | float):
        return value if value is None or abs(value) < math.inf else str(value)
    return dtype_name(value) if isinstance(value, torch.dtype) else str(value)
