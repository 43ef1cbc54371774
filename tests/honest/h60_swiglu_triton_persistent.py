"""Launches as many programs as the device holds, whatever the size: each goes on to the next block by itself.

Problem: problems/swiglu.py
Devices: cuda
Track: kernels=custom-only
"""

import torch
import triton
import triton.language as tl

BLOCK = 2048
PER_MULTIPROCESSOR = 8


@triton.jit
def gate_all(gate_ptr, up_ptr, out_ptr, count, blocks, BLOCK: tl.constexpr):
    for block in range(tl.program_id(0), blocks, tl.num_programs(0)):
        at = block * BLOCK + tl.arange(0, BLOCK).to(tl.int64)
        inside = at < count
        gate = tl.load(gate_ptr + at, mask=inside, other=0.0)
        up = tl.load(up_ptr + at, mask=inside, other=0.0)
        wide = gate.to(tl.float32)
        # Rounded between the two steps, as two operators of the library round.
        silu = (wide / (1.0 + tl.exp(-wide))).to(gate.dtype)
        tl.store(out_ptr + at, (silu.to(tl.float32) * up.to(tl.float32)).to(gate.dtype), mask=inside)


class ModelNew(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self._programs = None

    def forward(self, gate, up):
        gate, up = gate.contiguous(), up.contiguous()
        out = torch.empty_like(gate)
        if self._programs is None:
            properties = torch.cuda.get_device_properties(gate.device)
            self._programs = PER_MULTIPROCESSOR * properties.multi_processor_count
        blocks = triton.cdiv(gate.numel(), BLOCK)
        gate_all[(min(blocks, self._programs),)](gate, up, out, gate.numel(), blocks, BLOCK=BLOCK)
        return out
