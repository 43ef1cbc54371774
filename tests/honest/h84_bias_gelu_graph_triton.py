"""Captures a CUDA graph for each shape and replays it ever after; every call copies inputs in and the output out.

Problem: problems/bias_gelu.py
Devices: cuda
Track: kernels=custom-only
"""

import torch
import triton
import triton.language as tl


@triton.jit
def bias_gelu(x_ptr, bias_ptr, out_ptr, count, cols, BLOCK: tl.constexpr):
    at = tl.program_id(0).to(tl.int64) * BLOCK + tl.arange(0, BLOCK)
    value = tl.load(x_ptr + at, mask=at < count, other=0.0)
    value += tl.load(bias_ptr + at % cols, mask=at < count, other=0.0)
    tl.store(out_ptr + at, 0.5 * value * (1.0 + tl.erf(value * 0.7071067811865476)), mask=at < count)


class Captured:
    """A graph over memory of its own; the bias is read where it lies, so new values are seen."""

    def __init__(self, x, bias):
        self.x = torch.empty_like(x).copy_(x)
        self.out = torch.empty_like(x)
        self.bias = bias
        self.graph = torch.cuda.CUDAGraph()
        main, side = torch.cuda.current_stream(), torch.cuda.Stream()
        side.wait_stream(main)
        with torch.cuda.stream(side):
            self._launch()  # compiles, which a capture could not
        main.wait_stream(side)
        with torch.cuda.graph(self.graph):
            self._launch()

    def _launch(self):
        count = self.x.numel()
        bias_gelu[(triton.cdiv(count, 1024),)](
            self.x, self.bias, self.out, count, self.bias.numel(), BLOCK=1024
        )

    def __call__(self, x):
        self.x.copy_(x)
        self.graph.replay()
        return self.out.clone()


class ModelNew(torch.nn.Module):
    def __init__(self, cols):
        super().__init__()
        self.bias = torch.nn.Parameter(torch.randn(cols))
        self._graphs = {}

    def forward(self, x):
        x = x.contiguous()
        key = (tuple(x.shape), self.bias.data_ptr())
        if key not in self._graphs:
            self._graphs[key] = Captured(x, self.bias)
        return self._graphs[key](x)
