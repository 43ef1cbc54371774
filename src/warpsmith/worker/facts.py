"""Watch the candidate's own process around a call: what it patched, changed, aliased or left running.

Lives where candidate code lives, so all that it notes may have been tampered with: `Facts`
convict and never acquit. Knows no reference, tolerance or seed. It convicts only by what
nothing honest does; torch, Triton and compilers start threads and wrap functions, too.
"""

from __future__ import annotations

import builtins
import os
import select
import socket
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import FunctionType, ModuleType
from typing import NamedTuple

import msgspec
import torch

from warpsmith.checks.evidence import Facts
from warpsmith.worker.snooping import Snoops

# An idle device is synchronised in 10 to 30 us; more means that something was still running.
LATE_NS = 200_000
# Pools start lazily in the first calls: torch's, OpenMP's, the driver's, a compiler's.
SETTLED_CALLS = 3
# Looking through our own modules and a large module's weights takes longer than everything else.
EVERY = 8
# Calls over which late work is counted: a busy host delays a synchronisation now and then, too.
WINDOW = 8

# Names that this package relies on and that nothing honest replaces. Not `torch.manual_seed`, which
# torch._dynamo wraps at its import.
_TORCH = ("empty", "empty_strided", "equal", "allclose", "isclose")
_TENSOR = (
    *("copy_", "clone", "fill_", "zero_", "data_ptr", "untyped_storage", "detach", "view", "as_strided"),
    *("contiguous", "to", "cpu", "item", "numel", "stride", "__eq__", "__getitem__", "__torch_function__"),
)
_EVENT = ("record", "elapsed_time", "synchronize", "query", "wait")
_STREAM = ("synchronize", "query", "wait_event", "wait_stream", "record_event")
_CUDA = ("Event", "Stream", "synchronize", "current_stream", "get_device_properties", "mem_get_info")
_TIME = ("perf_counter", "perf_counter_ns", "monotonic", "monotonic_ns", "time", "time_ns", "sleep")
_BUILTINS = ("id", "hash", "len", "isinstance", "type", "getattr", "setattr", "min", "max", "sum", "round")
_OS = ("write", "read", "listdir", "close", "dup2", "_exit")
_SOCKET = ("send", "sendall", "sendmsg", "recv", "recvmsg", "recv_into")
# Operators whose kernels a candidate has no reason to replace: those that carry its outputs to us.
_OPERATORS = ("copy_", "clone", "fill_", "zero_", "empty.memory_format", "empty_strided", "_to_copy", "equal")


class Watched(NamedTuple):
    """One attribute as it was before the candidate's import; `code` where it is a Python function's."""

    label: str
    owner: object
    name: str
    value: object
    code: object


class Span(NamedTuple):
    """Addresses from `start` up to `end`, and whose they are."""

    start: int
    end: int
    label: str


def _named() -> Iterator[tuple[object, str, tuple[str, ...]]]:
    yield torch, "torch", _TORCH
    yield torch.Tensor, "torch.Tensor", _TENSOR
    yield torch.random, "torch.random", ("manual_seed",)
    yield torch.cuda, "torch.cuda", _CUDA
    yield torch.cuda.Event, "torch.cuda.Event", _EVENT
    yield torch.cuda.Stream, "torch.cuda.Stream", _STREAM
    yield time, "time", _TIME
    yield builtins, "builtins", _BUILTINS
    yield os, "os", _OS
    yield select, "select", ("select",)
    yield socket, "socket", ("socket", "send_fds", "recv_fds")
    yield socket.socket, "socket.socket", _SOCKET
    yield msgspec.json, "msgspec.json", ("encode", "decode", "Encoder", "Decoder")


def _watched(owner: object, label: str, name: str) -> Watched | None:
    value = getattr(owner, name, None)
    # What is made anew at every access (a bound classmethod) has no identity to compare.
    if value is None or value is not getattr(owner, name, None):
        return None
    return Watched(f"{label}.{name}", owner, name, value, getattr(value, "__code__", None))


def _outside() -> list[Watched]:
    """Functions of others that a call's clock and its way to us rest on."""
    made = (_watched(owner, label, name) for owner, label, names in _named() for name in names)
    return [each for each in made if each]


def _ours() -> list[Watched]:
    """Every function and method of this package that is loaded in this process."""
    found = []
    for module_name, module in list(sys.modules.items()):
        if not module_name.startswith("warpsmith.") or not isinstance(module, ModuleType):
            continue
        for name, value in list(vars(module).items()):
            if getattr(value, "__module__", None) != module_name:
                continue
            found.append(_watched(module, module_name, name))
            if isinstance(value, type):
                methods = [key for key, item in vars(value).items() if isinstance(item, FunctionType)]
                found += [_watched(value, f"{module_name}.{name}", method) for method in methods]
    return [each for each in found if each]


def _is_changed(each: Watched) -> bool:
    value = getattr(each.owner, each.name, None)
    # Asking for `__code__` where there is none is what takes time.
    return value is not each.value or (
        each.code is not None and getattr(value, "__code__", 0) is not each.code
    )


def _stream() -> object:
    is_used = torch.cuda.is_initialized()
    return (torch.cuda.current_device(), torch.cuda.current_stream().cuda_stream) if is_used else None


# What a call has to leave as it found it: label -> reader in torch._C, which has them at under 100 ns each.
# `cudnn.benchmark` is missing: it is honest, and changes no value.
_READERS = {
    "default_dtype": "get_default_dtype",
    "grad_mode": "is_grad_enabled",
    "inference_mode": "is_inference_mode_enabled",
    "num_threads": "get_num_threads",
    "matmul.allow_tf32": "_get_cublas_allow_tf32",
    "float32_matmul_precision": "_get_float32_matmul_precision",
    "matmul.allow_fp16_reduced_precision_reduction": "_get_cublas_allow_fp16_reduced_precision_reduction",
    "matmul.allow_bf16_reduced_precision_reduction": "_get_cublas_allow_bf16_reduced_precision_reduction",
    "cudnn.allow_tf32": "_get_cudnn_allow_tf32",
    "cudnn.enabled": "_get_cudnn_enabled",
    "cudnn.deterministic": "_get_cudnn_deterministic",
    "deterministic_algorithms": "_get_deterministic_algorithms",
    "autocast": "_is_any_autocast_enabled",
    "function_modes": "_len_torch_function_stack",
    "dispatch_modes": "_len_torch_dispatch_stack",
}
SETTINGS: dict[str, Callable[[], object]] = {
    label: reader
    for label, name in _READERS.items()
    if (reader := getattr(torch._C, name, None)) is not None  # noqa: SLF001 - public ones are slow or warn
} | {"cuda.current_stream": _stream}


def _settings() -> list[object]:
    values: list[object] = []
    for read in SETTINGS.values():
        try:
            values.append(read())
        except RuntimeError:  # torch refuses to read what was set through its old and its new names both
            values.append("mixed")
    return values


def _task_ids() -> frozenset[str]:
    return frozenset(os.listdir("/proc/self/task"))  # noqa: PTH208 - names, at a tenth of the time


def span_of(tensor: torch.Tensor, label: str) -> Span | None:
    """Return the addresses that the elements of `tensor` lie in; None where it has no memory to speak of."""
    if tensor.layout != torch.strided or tensor.device.type == "meta" or not tensor.numel():
        return None
    steps = zip(tensor.shape, tensor.stride(), strict=True)
    last = sum((size - 1) * step for size, step in steps)
    start = tensor.data_ptr()
    return Span(start, start + (last + 1) * tensor.element_size(), label) if start else None


class Watch:
    """What is watched in one candidate's process. One instance, from its start to its end.

    `before_import` once, then `start` before and `stop` after every call, outside its timed span.
    """

    def __init__(self) -> None:
        self._outside: list[Watched] = []
        self._ours: list[Watched] = []
        self._tracers: tuple[object, object] = (None, None)
        self._overridden: frozenset[str] = frozenset()
        self._snoops = Snoops()
        self._calls = 0
        self._settings: list[object] = []
        self._tasks: frozenset[str] = frozenset()
        self._unjoined = 0
        self._late: deque[int] = deque(maxlen=WINDOW)
        self._weights: list[Span] = []
        self._weights_at: list[int] = []

    def before_import(self, path: Path) -> None:
        """Remember everything as it is; `path` is the file that the candidate will be imported from."""
        self._outside = _outside()
        self._ours = _ours()
        self._tracers = (sys.gettrace(), sys.getprofile())
        self._overridden = _overridden_operators()
        self._snoops.begin(path)

    def start(self) -> None:
        """Note what a call must leave as it is; right before the call."""
        self._settings = _settings()
        self._tasks = _task_ids()

    def stop(
        self,
        *,
        outputs: Sequence[torch.Tensor],
        inputs: Sequence[torch.Tensor],
        weights: Sequence[torch.Tensor],
        previous_outputs: Sequence[torch.Tensor],
        may_alias: bool = False,
    ) -> Facts:
        """Return what the call since `start` left behind.

        Args:
            outputs: what it returned.
            inputs: memory that the inputs lie in.
            weights: parameters and buffers of the candidate's module.
            previous_outputs: of earlier calls, still held by us.
            may_alias: the reference's own output shares memory with its inputs or weights.
        """
        self._calls += 1
        self._late.append(int(_sync_ns() > LATE_NS))
        threads = self._threads()
        aliases = () if may_alias else self._aliases(outputs, inputs, weights, previous_outputs)
        return Facts(
            threads=threads,
            patched=self._patched(),
            flags=self._flags(),
            aliases=aliases,
            snooped=self._snoops.seen(),
            late=sum(self._late),
            lazy=tuple(note for index, output in enumerate(outputs) if (note := _lazy(output, index))),
        )

    def _is_time_for_all(self) -> bool:
        return self._calls <= SETTLED_CALLS or self._calls % EVERY == 0

    def _patched(self) -> tuple[str, ...]:
        is_all = self._is_time_for_all()
        names = [
            each.label
            for each in (self._outside + self._ours if is_all else self._outside)
            if _is_changed(each)
        ]
        tracers = (sys.gettrace(), sys.getprofile())
        names += [
            f"sys.set{what}"
            for what, before, now in zip(("trace", "profile"), self._tracers, tracers, strict=True)
            if now is not before
        ]
        if is_all:
            names += sorted(_overridden_operators() - self._overridden)
        return tuple(names)

    def _flags(self) -> tuple[str, ...]:
        return tuple(
            f"{name}: {before} -> {now}"
            for name, before, now in zip(SETTINGS, self._settings, _settings(), strict=True)
            if before != now
        )

    def _threads(self) -> int:
        """Threads that no pool explains: of candidate's Python code, or new after call upon call."""
        started = len(_task_ids() - self._tasks)
        if self._calls > SETTLED_CALLS and started:
            self._unjoined += 1
        # Once may be a pool that grew or a compiler at work; whoever starts threads call by call is neither.
        native = started if self._unjoined > 1 else 0
        return max(native, self._snoops.busy_threads())

    def _aliases(
        self,
        outputs: Sequence[torch.Tensor],
        inputs: Sequence[torch.Tensor],
        weights: Sequence[torch.Tensor],
        previous: Sequence[torch.Tensor],
    ) -> tuple[str, ...]:
        # A module made anew has its weights elsewhere, and where the last one's lay outputs may lie now.
        weights_at = [tensor.data_ptr() for tensor in weights]
        if self._is_time_for_all() or weights_at != self._weights_at:
            self._weights = _spans(weights, "a weight or buffer")
            self._weights_at = weights_at
        taken = [
            *_spans(inputs, "an input"),
            *self._weights,
            *_spans(previous, "an output of an earlier call"),
        ]
        notes = []
        for index, output in enumerate(outputs):
            span = span_of(output, "")
            if span is None:
                continue
            if any(size > 1 and step == 0 for size, step in zip(output.shape, output.stride(), strict=True)):
                notes.append(f"output[{index}]: its own elements")
            labels = dict.fromkeys(s.label for s in taken if s.start < span.end and span.start < s.end)
            notes += [f"output[{index}]: {label}" for label in labels]
        return tuple(notes)


def _spans(tensors: Sequence[torch.Tensor], label: str) -> list[Span]:
    return [span for tensor in tensors if (span := span_of(tensor, label))]


def _lazy(output: torch.Tensor, index: int) -> str:
    """Say how an output is less than a plain tensor with memory of its own; empty where it is one."""
    where = f"output[{index}]"
    if type(output) not in {torch.Tensor, torch.nn.Parameter}:
        return f"{where} is a {type(output).__name__}"
    if output.device.type == "meta":
        return f"{where} has no memory"
    if output.layout == torch.strided and output.numel() and not output.data_ptr():
        return f"{where} has no memory"
    return ""


def _overridden_operators() -> frozenset[str]:
    """Operators of ours that Python code has replaced for a device, by torch.library's own record."""
    record = getattr(torch.library, "_impls", ())
    wanted = {f"aten/{name}/{key}" for name in _OPERATORS for key in ("CPU", "CUDA")}
    return frozenset(wanted.intersection(record))


_synchronize = torch.cuda.synchronize
_clock = time.perf_counter_ns


def _sync_ns() -> int:
    """Wait for the device and return how long that took; 0 where none is in use."""
    if not torch.cuda.is_initialized():
        return 0
    start = _clock()
    _synchronize()
    return _clock() - start
