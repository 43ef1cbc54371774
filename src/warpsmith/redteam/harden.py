"""The stronger form of an attack: a kernel of its own that really runs, and a claim of no more than 1.3x.

Text in, text out. The wrapper is appended to the attack's file, so that the whole is one candidate.
"""

from __future__ import annotations

import re
from typing import Literal

CLAIMED_SPEEDUP = 1.3
_CLAIM = re.compile(r"^CLAIM = .*$", re.MULTILINE)

_PLAIN_DECOY = """

# What follows makes the attack modest: a kernel of its own in every call, and a claim that is no record.
import ctypes as _h_ctypes
import subprocess as _h_subprocess
import time as _h_time

with open("h_decoy.c", "w") as _h_file:
    _h_file.write("void decoy(float* x, long n) { for (long i = 0; i < n; i++) x[i] = x[i] * 0.5f + 1.0f; }")
_h_subprocess.run(["g++", "-O1", "-shared", "-fPIC", "-o", "./h_decoy.so", "h_decoy.c"], check=True)
_h_library = _h_ctypes.CDLL("./h_decoy.so")
_h_room = (_h_ctypes.c_float * 65536)()
_h_decoy = getattr(_h_library, "decoy", None) or getattr(_h_library, "_Z5decoyPfl")
_h_inner = ModelNew


class ModelNew(_h_inner):
    def forward(self, *args, **kwargs):
        start = _h_clock()
        _h_decoy(_h_room, _h_ctypes.c_long(65536))
        out = super().forward(*args, **kwargs)
        while _h_clock() - start < PACE_NS:
            pass
        return out


_h_clock = _h_time.perf_counter_ns
"""

_CUDA_DECOY = """

# What follows makes the attack modest: a kernel of its own in every call, and a claim that is no record.
import torch as _h_torch
import triton as _h_triton
import triton.language as _h_tl


@_h_triton.jit
def _h_decoy(x, n, BLOCK: _h_tl.constexpr):
    i = _h_tl.program_id(0) * BLOCK + _h_tl.arange(0, BLOCK)
    _h_tl.store(x + i, _h_tl.load(x + i, mask=i < n) * 0.5 + 1.0, mask=i < n)


_h_inner = ModelNew
_h_event = _h_torch.cuda.Event
_h_elapsed = _h_torch.cuda.Event.elapsed_time


def _h_time_ms(call):
    first, last = _h_event(enable_timing=True), _h_event(enable_timing=True)
    _h_torch.cuda.synchronize()
    first.record()
    call()
    last.record()
    last.synchronize()
    return _h_elapsed(first, last)


class ModelNew(_h_inner):
    _h_cycles = None

    def forward(self, *args, **kwargs):
        room = _h_torch.empty(1 << 20, device="cuda")
        _h_decoy[(1024,)](room, 1 << 20, BLOCK=1024)
        if PACE_NS and ModelNew._h_cycles is None:
            # The clock of the device, and what a call takes without being slowed down.
            _h_torch.cuda._sleep(1000)
            per_ms = 20_000_000 / _h_time_ms(lambda: _h_torch.cuda._sleep(20_000_000))
            kept = [super(ModelNew, self).forward(*args, **kwargs)]
            ModelNew._h_cycles = int(PACE_NS / 1e6 * per_ms)
            return kept[0]
        out = super().forward(*args, **kwargs)
        if PACE_NS:
            _h_torch.cuda._sleep(ModelNew._h_cycles)
        return out
"""


def hardened(source: str, pace: Literal["wrap", "claim", "none"], device_type: str, eager_ns: float) -> str:
    """Return the hardened form of an attack's source.

    Args:
        source: the attack.
        pace: how it comes to a modest claim, as `Case.pace`.
        device_type: `cpu` or `cuda`.
        eager_ns: what the reference takes on this device.
    """
    claimed = _CLAIM.sub(f"CLAIM = 1 / {CLAIMED_SPEEDUP}", source)
    pace_ns = eager_ns / CLAIMED_SPEEDUP if pace == "wrap" else 0.0
    decoy = _CUDA_DECOY if device_type == "cuda" else _PLAIN_DECOY
    return f"{claimed}{decoy}\n\nPACE_NS = {pace_ns:.0f}\n"
