"""Run in a process of its own: have Inductor generate Triton for a CUDA device that is not there.

    python capture_pretend.py FOLDER

Tensors are fake, the device's properties are an H100's, and a matmul's autotuner is told that the first
Triton template wins. Every launch of every candidate is then compiled, not run, for that device.
Leaves NAME.py for each case and `pretended.json`: what was refused, and the launches by case.
"""

from __future__ import annotations

import contextlib
import importlib.util
import inspect
import json
import re
import sys
import traceback
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import capture_models
import torch
import triton
from torch import nn
from torch._dynamo.device_interface import CudaInterface
from torch._inductor import select_algorithm
from torch._inductor.fx_passes import joint_graph
from torch._subclasses.fake_tensor import FakeTensorMode
from triton.backends.compiler import GPUTarget
from triton.runtime.jit import JITFunction, MockTensor

from warpsmith.worker.capture.capture import capture
from warpsmith.worker.capture.captured import NotStandalone
from warpsmith.worker.capture.standalone import standalone
from warpsmith.worker.capture.variants import variants

PROPERTIES = types.SimpleNamespace(
    name="NVIDIA H100 80GB HBM3", major=9, minor=0, total_memory=80 << 30, multi_processor_count=132,
    regs_per_multiprocessor=65536, max_threads_per_multi_processor=2048, max_threads_per_block=1024,
    warp_size=32, L2_cache_size=50 << 20, shared_memory_per_block=49152, shared_memory_per_block_optin=232448,
    shared_memory_per_multiprocessor=233472, gcnArchName="", is_integrated=0, uuid="", pci_bus_id=0,
)  # fmt: skip


# Variants that differ in more than a number.
STRUCTURES = (
    "tuned",
    "generated-matmul",
    "looped-reductions",
    "cooperative-reductions",
    "combined-kernels",
    "tensor-descriptors",
    "native-matmul",
    "unfused",
    "pooled-memory",
)


class Driver:
    """As much of a Triton driver as compiling needs."""

    utils = types.SimpleNamespace(
        get_device_properties=lambda _: {"max_shared_mem": 232448, "multiprocessor_count": 132}
    )

    def get_current_target(self) -> GPUTarget:
        return GPUTarget("cuda", 90, 32)

    def get_current_device(self) -> int:
        return 0

    def get_current_stream(self, _: int = 0) -> int:
        return 0

    def get_active_torch_device(self) -> torch.device:
        return torch.device("cuda", 0)


def first_template_wins(*_: object, **__: object) -> Any:
    def benchmark(choices: list[Any], *_: object, **__: object) -> dict[Any, float]:
        ranked = sorted(choices, key=lambda c: not isinstance(c, select_algorithm.TritonTemplateCaller))
        return {choice: float(place + 1) for place, choice in enumerate(ranked)}

    return benchmark


def nothing(*_: object, **__: object) -> None:
    return None


@contextlib.contextmanager
def pretended_cuda() -> Iterator[None]:
    """Let torch and Triton believe in one H100."""
    cache = select_algorithm.AlgorithmSelectorCache
    with contextlib.ExitStack() as stack:

        def put(name: str, value: object) -> None:
            stack.enter_context(mock.patch(name, value, create=True))

        put("torch.cuda.is_available", lambda: True)
        put("torch.cuda.device_count", lambda: 1)
        put("torch.cuda.current_device", lambda: 0)
        put("torch.cuda.get_device_properties", lambda _=None: PROPERTIES)
        put("torch.cuda._get_device_properties", lambda _=None: PROPERTIES)
        put("torch.cuda.get_device_capability", lambda _=None: (9, 0))
        put("torch.cuda.get_rng_state", lambda *_: torch.zeros(16, dtype=torch.uint8))
        put("torch.cuda.set_rng_state", nothing)
        put("torch.cuda.synchronize", nothing)
        put("torch.cuda._lazy_init", nothing)
        put("torch.cuda._exchange_device", lambda _: 0)
        put("torch.cuda._maybe_exchange_device", lambda _: 0)
        put("torch._C._cuda_getCurrentRawStream", lambda _=0: 0)
        put("torch.accelerator.is_available", lambda: False)
        put("torch._inductor.runtime.triton_helpers.set_driver_to_gpu", nothing)
        put("torch._subclasses.fake_tensor.init_gpu_context", nothing)
        for owner, name, value in (
            (CudaInterface.Worker, "get_device_properties", staticmethod(lambda _=None: PROPERTIES)),
            (CudaInterface, "is_available", staticmethod(lambda: True)),
            (joint_graph, "lazy_init", nothing),
            (triton.runtime.driver, "_active", Driver()),
            (cache, "make_benchmark_fn", classmethod(first_template_wins)),
            (cache, "make_precompile_fn", lambda *_, **__: nothing),
            (cache, "log_results", nothing),
        ):
            stack.enter_context(mock.patch.object(owner, name, value))
        yield


FAKES = FakeTensorMode(allow_non_fake_inputs=True)


def faked(value: Any) -> Any:
    """Turn the tensors of a nested value into fake ones on the pretended device."""
    if isinstance(value, torch.Tensor):
        with FAKES:
            return torch.empty_strided(value.shape, value.stride(), dtype=value.dtype, device="cuda")
    return type(value)(map(faked, value)) if isinstance(value, list | tuple) else value


def fake_model(model: nn.Module) -> nn.Module:
    for module in model.modules():
        for name, parameter in module.named_parameters(recurse=False):
            setattr(module, name, nn.Parameter(faked(parameter.detach()), requires_grad=False))
        for name, buffer in module.named_buffers(recurse=False):
            setattr(module, name, faked(buffer))
    return model


def compiled_launches(path: Path) -> list[dict[str, Any]]:
    """Call a candidate's `run` on tensors without memory; compile what it would launch."""
    launches: list[dict[str, Any]] = []
    original = JITFunction.run

    def run(self: Any, *arguments: Any, grid: Any, warmup: bool, **options: Any) -> Any:
        stand_ins = [MockTensor(a.dtype) if isinstance(a, torch.Tensor) else a for a in arguments]
        kernel = original(self, *stand_ins, grid=grid, warmup=True, **options)
        fact = {"kernel": self.__name__, "grid": list(grid), "options": options}
        launches.append(fact | {"cubin_bytes": len(kernel.asm["cubin"])})
        return kernel

    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)

    def empty(shape: Any, stride: Any, dtype: torch.dtype) -> torch.Tensor:
        return torch.empty_strided(shape, stride, dtype=dtype, device="meta")

    stand_ins = {
        "empty_strided_cuda": empty,
        "reinterpret_tensor": lambda tensor, shape, stride, _=0: empty(shape, stride, tensor.dtype),
        "alloc_from_pool": lambda _, __, dtype, shape, stride: empty(shape, stride, dtype),
        "assert_size_stride": nothing,  # without memory, convolutions promise another layout
    }
    for name, stand_in in stand_ins.items():
        if hasattr(module, name):
            setattr(module, name, stand_in)
    layouts = {re.sub(r"\W", "_", name): layout for name, *layout, _ in module.EXPECTED}
    arguments = [empty(*layouts[name]) for name in inspect.signature(module.run).parameters]
    with mock.patch.object(JITFunction, "run", run):
        module.run(*arguments)
    return launches


def main() -> None:
    folder = Path(sys.argv[1])
    refused: dict[str, str] = {}
    launches: dict[str, Any] = {}
    jobs: list[tuple[str, str, dict[str, object]]] = []
    jobs += [(name, "default", {}) for name in ("softmax", "block", "embedding", "conv_block")]
    known = variants("cuda")
    jobs += [("wide", name, known[name]) for name in STRUCTURES if name in known]
    with pretended_cuda():
        for case, variant, options in jobs:
            name = f"{case}_{variant.replace('-', '_')}"
            model, inputs = capture_models.cases()[case]()
            try:
                captured = capture(fake_model(model), faked(inputs), options=options)
                path = folder / f"{name}.py"
                path.write_text(standalone(captured, title=f"The case {name}."), encoding="utf-8")
                launches[name] = compiled_launches(path)
            except NotStandalone as error:
                refused[name] = str(error)
            except Exception:  # noqa: BLE001 - every case is to be reported
                launches[name] = traceback.format_exc()[-3000:]
    (folder / "pretended.json").write_text(json.dumps({"refused": refused, "launches": launches}))


if __name__ == "__main__":
    main()
