"""Does all of its work on a stream of its own, of high priority; it waits for the caller's, and the caller's for it.

Problem: problems/softmax.py
Devices: cuda
Track: kernels=custom-only
"""

import torch
import triton
import triton.language as tl


@triton.jit
def softmax_row(x_ptr, out_ptr, cols, BLOCK: tl.constexpr):
    at = tl.arange(0, BLOCK)
    place = tl.program_id(0).to(tl.int64) * cols + at
    x = tl.load(x_ptr + place, mask=at < cols, other=float("-inf"))
    weight = tl.exp(x - tl.max(x, axis=0))
    tl.store(out_ptr + place, weight / tl.sum(weight, axis=0), mask=at < cols)


class ModelNew(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self._own = None

    def forward(self, x):
        if self._own is None:
            self._own = torch.cuda.Stream(x.device, priority=-1)
        caller = torch.cuda.current_stream(x.device)
        self._own.wait_stream(caller)
        with torch.cuda.stream(self._own):
            x = x.contiguous()
            out = torch.empty_like(x)
            cols = x.shape[-1]
            block = triton.next_power_of_2(cols)
            warps = min(16, max(1, block // 512))
            softmax_row[(x.numel() // cols,)](x, out, cols, BLOCK=block, num_warps=warps)
        # The output comes from this stream's memory and is used on the caller's; the input the other way round.
        out.record_stream(caller)
        x.record_stream(self._own)
        caller.wait_stream(self._own)
        return out
