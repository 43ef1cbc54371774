"""Run torch.compile on a model and write down what Inductor generated and how it binds to the model.

Arguments are bound by the order of the graph's placeholders and by the identity of the tensors in
them, never by shape. On a CPU nothing is compiled or run; on a GPU the kernels run once, so that the
configurations the autotuner picks are known. The caller's model and inputs are left as they were.
"""

from __future__ import annotations

import contextlib
import copy
import inspect
import itertools
import types
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any
from unittest import mock

import torch
import torch._dynamo.config as dynamo_config
import torch._inductor.config as inductor_config
from torch import nn
from torch._inductor.async_compile import AsyncCompile
from torch._inductor.codecache import PyCodeCache
from torch._inductor.compile_fx import compile_fx
from torch._inductor.graph import GraphLowering
from torch._subclasses.fake_tensor import FakeTensor

from warpsmith.worker.capture.binding import Answer, Binding
from warpsmith.worker.capture.captured import Captured, Launch, NotStandalone, Source
from warpsmith.worker.capture.launch import launch_of
from warpsmith.worker.capture.source import Generated, names_read, parse
from warpsmith.worker.capture.toolchain import externs_of, toolchain_now
from warpsmith.worker.capture.variants import known_options

# A fixed number of threads: Inductor sizes arrays on the stack by it, so it must not vary later.
# Randomness as in eager, so that one seed gives one answer. No C++ wrapper, no CUDA graphs, no
# partitions and no cached graphs: each would hide the module we want to read.
BASE_OPTIONS: dict[str, object] = {
    "fx_graph_cache": False,
    "fallback_random": True,
    "cpp_wrapper": False,
    "freezing": False,
    "graph_partition": False,
    "benchmark_harness": False,
    "triton.cudagraphs": False,
    "triton.multi_kernel": 0,
}


def capture(model: nn.Module, inputs: Sequence[object], *, options: Mapping[str, object]) -> Captured:
    """Return what torch.compile generates for `model` called with `inputs`.

    Args:
        model: in the mode (train or eval) and on the device it shall run.
        inputs: what `forward` takes, by position; lists, tuples and dicts may nest.
        options: Inductor's own, by dotted name.

    Raises:
        NotStandalone: the model is not one graph, or its graph can't be written as a file.
        torch.OutOfMemoryError: the device is too small to tune the kernels.
    """
    twin = _twin(model)
    binding = Binding(twin, inputs)
    recorder = _Recorder(binding)
    with _settings(options):
        output = binding.output(_compiled_call(twin, binding, recorder))
        _refuse_changed_state(model, twin)
        generated = recorder.generated()
        has_cpp = any(kernel.language == "cpp_pybinding" for kernel in generated.kernels.values())
        return Captured(
            generated=recorder.text,
            torch_version=torch.__version__,
            device=binding.device,
            threads=int(options.get("cpp.threads", torch.get_num_threads())),  # type: ignore[call-overload]
            parameters=_parameters(model, len(inputs)),
            inputs=binding.inputs,
            weights=binding.weights,
            arguments=recorder.sources,
            output=output,
            updates=binding.updates(twin, recorder.answers, output),
            launches=recorder.launches(generated),
            externs=externs_of(recorder.text),
            toolchain=toolchain_now() if has_cpp else None,
            constants=(*binding.constants, *recorder.constants(generated)),
        )


def _twin(model: nn.Module) -> nn.Module:
    """Return a copy with Python state of its own that shares the model's tensors."""
    shared = {id(tensor): tensor for tensor in itertools.chain(model.parameters(), model.buffers())}
    try:
        return copy.deepcopy(model, dict[int, Any](shared))
    except Exception as error:  # the model's own code or objects
        raise NotStandalone(f"the model can't be copied: {_first_line(error)}") from error


@contextlib.contextmanager
def _settings(options: Mapping[str, object]) -> Iterator[None]:
    wanted = {"cpp.threads": torch.get_num_threads(), **BASE_OPTIONS, **options}
    known = known_options()
    with (
        torch.no_grad(),
        inductor_config.patch({name: value for name, value in wanted.items() if name in known}),
        dynamo_config.patch(automatic_dynamic_shapes=False),
    ):
        yield


def _compiled_call(twin: nn.Module, binding: Binding, recorder: _Recorder) -> object:
    """Call the compiled model; tensors the graph computes come back as the recorder's answers."""

    def call(*inputs: object) -> object:
        return twin(*inputs)

    # A code object of its own keeps our entries out of the caches, and the recompile limits, of others.
    fresh = types.FunctionType(call.__code__.replace(), call.__globals__, "call", None, call.__closure__)
    compiled = torch.compile(fresh, backend=recorder.backend, fullgraph=True, dynamic=False)
    try:
        return compiled(*binding.arguments)
    except torch.OutOfMemoryError:
        raise
    except Exception as error:  # the problem's code is traced, and may do what the compiler can't follow
        if recorder.failure is not None:
            raise recorder.failure from error
        raise NotStandalone(f"torch.compile can't take it as one graph: {_first_line(error)}") from error


def _first_line(error: Exception) -> str:
    cause = getattr(error, "inner_exception", error)  # torch.compile wraps what its backend raises
    lines = [line.strip() for line in str(cause).splitlines() if line.strip()]
    return f"{type(cause).__name__}: {lines[0] if lines else 'no message'}"


def _refuse_changed_state(model: nn.Module, twin: nn.Module) -> None:
    """Raise if running changed numbers or texts that the model keeps on itself."""
    twins = dict(twin.named_modules())
    for name, before in model.named_modules():
        after = vars(twins[name])
        for attribute, value in vars(before).items():
            if isinstance(value, bool | int | float | str) and after.get(attribute) != value:
                place = f"{name}.{attribute}".lstrip(".")
                raise NotStandalone(f"the model changes its attribute {place!r} while it runs")


def _parameters(model: nn.Module, count: int) -> tuple[str, ...]:
    """Name the inputs after the parameters of `forward`."""
    signature = inspect.signature(model.forward)
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    names = [name for name, parameter in signature.parameters.items() if parameter.kind in kinds][:count]
    return (*names, *(f"input_{index}" for index in range(len(names), count)))


class _Recorder:
    """A compiler for torch.compile that keeps what it sees and computes nothing."""

    def __init__(self, binding: Binding) -> None:
        self._binding = binding
        self._lowered: list[tuple[GraphLowering, Any]] = []
        self.sources: tuple[Source, ...] = ()
        self.answers: list[Answer] = []
        self.text = ""
        self.failure: NotStandalone | None = None

    def backend(self, graph: torch.fx.GraphModule, examples: Sequence[object]) -> Callable[..., Any]:
        """Have Inductor generate its module; return a function that gives recognisable answers."""
        try:
            nodes = [node for node in graph.graph.nodes if node.op == "placeholder"]
            self.sources = tuple(self._binding.source(*pair) for pair in zip(nodes, examples, strict=True))
        except NotStandalone as failure:
            self.failure = failure  # torch.compile wraps what a backend raises
            raise
        texts: list[str] = []
        with self._watching(), mock.patch.object(GraphLowering, "save_output_code", texts.append):
            compiled: Callable[..., Any] = compile_fx(graph, list(examples))  # type: ignore[arg-type, assignment]
        self.text = texts[-1] if texts else ""
        (returned,) = next(node for node in graph.graph.nodes if node.op == "output").args
        self.answers = [_stand_in(node) for node in returned]
        self._binding.expect(self.answers)

        def run(*arguments: torch.Tensor) -> tuple[torch.Tensor, ...]:
            if self._tunable(arguments):
                compiled(*self._unshared(arguments))
                torch.cuda.synchronize()
            return tuple(answer.stand_in for answer in self.answers)

        return run

    @contextlib.contextmanager
    def _watching(self) -> Iterator[None]:
        """Keep every generated module; leave C++ uncompiled, and Triton too where there is no device."""
        original = GraphLowering.compile_to_module

        def keep(graph: GraphLowering) -> Any:
            module = original(graph)
            self._lowered.append((graph, module))
            return module

        def no_cpp(*_: object, **__: object) -> None:
            return None

        with contextlib.ExitStack() as stack:
            stack.enter_context(mock.patch.object(GraphLowering, "compile_to_module", keep))
            if self._binding.device == "cpu":
                stack.enter_context(mock.patch.object(AsyncCompile, "cpp_pybinding", no_cpp))
            if self._binding.is_pretended:
                stack.enter_context(mock.patch.object(AsyncCompile, "triton", _uncompiled))
            yield

    def _tunable(self, arguments: Sequence[torch.Tensor]) -> bool:
        """Say whether there are Triton kernels to tune and a device to do it on."""
        return "async_compile.triton(" in self.text and not any(isinstance(a, FakeTensor) for a in arguments)

    def _unshared(self, arguments: Sequence[torch.Tensor]) -> list[torch.Tensor]:
        """Copy the arguments that the graph writes to."""
        written = set(self._lowered[-1][0].mutated_input_idxs)
        return [a.clone() if i in written else a for i, a in enumerate(arguments)]

    def generated(self) -> Generated:
        """Take the generated module apart.

        Raises:
            NotStandalone: there is none, or it does not fit the graph.
        """
        if not self.text:
            raise NotStandalone("torch.compile found nothing to compute in it")
        generated = parse(self.text)
        if len(generated.arguments) != len(self.sources) or len(generated.results) != len(self.answers):
            raise NotStandalone("inputs or outputs share memory, which is handled outside the generated code")
        return generated

    def launches(self, generated: Generated) -> dict[str, Launch]:
        """Return how each Triton kernel is launched."""
        module = self._lowered[-1][1]
        used = set(names_read(generated.body))
        kernels = [k for k in generated.kernels.values() if k.language == "triton" and k.name in used]
        return {k.name: launch_of(k.name, getattr(module, k.name), k.text) for k in kernels}

    def constants(self, generated: Generated) -> Iterator[Any]:
        """Yield the tensors that Inductor made constants of its module."""
        for name, tensor in self._lowered[-1][0].constants.items():
            if name in generated.definitions:
                yield self._binding.constant(name, tensor)


def _stand_in(result: torch.fx.Node) -> Answer:
    """Make a tensor that stands for one result of the graph, whatever it is."""
    value = result.meta["example_value"]
    return Answer(torch.empty(0), tuple(value.shape), str(value.dtype).removeprefix("torch."))


def _uncompiled(_: AsyncCompile, name: str, source: str, *__: object, **___: object) -> Any:
    """Load a Triton kernel without compiling it."""
    return getattr(PyCodeCache.load(source), name)
