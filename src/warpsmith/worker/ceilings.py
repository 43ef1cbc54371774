"""What this very device can do: bandwidth of a copy, rates of products, the shortest launch.

On the reference side, or for a user who asks. Measured once a process, in about 200 ms on a GPU.
"""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import torch

from warpsmith.core.roofline import Ceilings
from warpsmith.worker.timers.events import PLUG_CYCLES

# Large enough that a product is bound by its arithmetic; the best of both counts.
_SIZES = {"cuda": (4096, 8192), "cpu": (256, 1024)}
# What a device has no fast units for is measured on the smaller size alone.
_SLOW = {"cuda": ("float32", "float64"), "cpu": ("bfloat16", "int8")}
_COPY_BYTES = {"cuda": 1 << 30, "cpu": 1 << 26}
_REPEATS = {"cuda": 8, "cpu": 3}
_FLOATS = {
    "float64": torch.float64,
    "float32": torch.float32,
    "bfloat16": torch.bfloat16,
    "float16": torch.float16,
}
# Emulated on a CPU, at rates that say nothing and take seconds.
_GPU_ONLY = ("float64", "float16")


@functools.cache
def measure_ceilings(device: str) -> Ceilings:
    """Measure what `device` can do."""
    target = torch.device(device)
    is_gpu = target.type == "cuda"
    cache = torch.cuda.get_device_properties(target).L2_cache_size if is_gpu else _cpu_cache_bytes()
    with torch.no_grad():
        return Ceilings(
            device_type=target.type,
            device=torch.cuda.get_device_name(target) if is_gpu else "",
            bytes_per_s=_copy_rate(target),
            flops_per_s=_product_rates(target),
            launch_ns=_shortest_ns(functools.partial(torch.zeros(1, device=target).fill_, 1.0), target),
            cache_bytes=cache,
        )


def _cpu_cache_bytes() -> int:
    """Return the size of the last-level cache; where Linux does not say, more than most have."""
    largest = 0
    for path in Path("/sys/devices/system/cpu/cpu0/cache").glob("index*/size"):
        text = path.read_text().strip()
        if text.endswith("K") and text[:-1].isdigit():
            largest = max(largest, int(text[:-1]) << 10)
    return largest or 64 << 20


@contextmanager
def _tf32(*, is_on: bool) -> Iterator[None]:
    kept = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("high" if is_on else "highest")
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(kept)


def _copy_rate(device: torch.device) -> float:
    size = _COPY_BYTES[device.type]
    if device.type == "cuda":
        size = min(size, torch.cuda.mem_get_info(device)[0] // 4)
    source = torch.zeros(size, dtype=torch.uint8, device=device)
    target = torch.zeros_like(source)
    return 2 * size / _shortest_ns(functools.partial(target.copy_, source), device) * 1e9


def _product_rates(device: torch.device) -> dict[str, float]:
    is_gpu = device.type == "cuda"
    rates = {}
    with _tf32(is_on=False):
        for name, dtype in _FLOATS.items():
            if is_gpu or name not in _GPU_ONLY:
                rates[name] = _product_rate(device, name, functools.partial(_product, dtype=dtype))
    with _tf32(is_on=True):
        rates["tf32"] = _product_rate(device, "tf32", functools.partial(_product, dtype=torch.float32))
    for name, make in (("float8_e4m3fn", _scaled_product), ("int8", _int_product)):
        try:
            rates[name] = _product_rate(device, name, make)
        except (RuntimeError, AttributeError, ValueError, NotImplementedError):
            continue  # no such products on this device, or in this torch
    return rates


def _product_rate(
    device: torch.device, name: str, make: Callable[[int, torch.device], Callable[[], object]]
) -> float:
    sizes = _SIZES[device.type][: 1 if name in _SLOW[device.type] else None]
    return max(2.0 * size**3 / _shortest_ns(make(size, device), device) * 1e9 for size in sizes)


def _product(size: int, device: torch.device, *, dtype: torch.dtype) -> Callable[[], object]:
    a, b = (torch.randn(size, size, device=device).to(dtype) for _ in range(2))
    return functools.partial(torch.mm, a, b)


def _scaled_product(size: int, device: torch.device) -> Callable[[], object]:
    if device.type != "cuda":
        raise NotImplementedError("8-bit floats are emulated here")
    a, b = (torch.randn(size, size, device=device).to(torch.float8_e4m3fn) for _ in range(2))
    one = torch.ones((), device=device)
    call = functools.partial(
        torch._scaled_mm,  # noqa: SLF001 - torch's only way to cuBLASLt's 8-bit products
        a,
        b.t(),
        scale_a=one,
        scale_b=one,
        out_dtype=torch.bfloat16,
        use_fast_accum=True,
    )
    call()
    return call


def _int_product(size: int, device: torch.device) -> Callable[[], object]:
    a, b = (torch.randint(-8, 8, (size, size), dtype=torch.int8, device=device) for _ in range(2))
    # The second operand column by column is the form that cuBLASLt is fast in.
    call = functools.partial(torch._int_mm, a, b.t())  # noqa: SLF001 - torch's only way to them
    call()
    return call


def _shortest_ns(call: Callable[[], object], device: torch.device) -> float:
    """Return the shortest of some calls; the first ones wake clocks and libraries."""
    return min(_one_ns(call, device) for _ in range(_REPEATS[device.type]))


def _one_ns(call: Callable[[], object], device: torch.device) -> float:
    if device.type != "cuda":
        start = time.perf_counter_ns()
        call()
        return max(1, time.perf_counter_ns() - start)
    first, last = (torch.cuda.Event(enable_timing=True) for _ in range(2))
    with torch.cuda.device(device):
        # Else the host's way to the call would be in the time of a short one.
        torch.cuda._sleep(PLUG_CYCLES)  # noqa: SLF001 - the only spin kernel that torch brings
        first.record()
        call()
        last.record()
        last.synchronize()
    return float(first.elapsed_time(last)) * 1e6
