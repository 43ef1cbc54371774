"""Reads the clock and takes different paths by it: in its first calls it times two ways, both of them right.

Problem: problems/bias_gelu.py
Devices: cpu, cuda
"""

import time

import torch


def fused(x, bias):
    return torch.nn.functional.gelu(x + bias)


def by_parts(x, bias):
    y = x + bias
    half = torch.special.ndtr(y)
    return half.mul_(y)


class ModelNew(torch.nn.Module):
    def __init__(self, cols):
        super().__init__()
        self.bias = torch.nn.Parameter(torch.randn(cols))
        self._best = {}

    def _seconds(self, way, x):
        best = float("inf")
        for _ in range(3):
            self._wait(x)
            start = time.perf_counter()
            way(x, self.bias)
            self._wait(x)
            best = min(best, time.perf_counter() - start)
        return best

    def _wait(self, x):
        if x.is_cuda:
            torch.cuda.synchronize(x.device)

    def forward(self, x):
        key = tuple(x.shape)
        if key not in self._best:
            # ndtr is as exact as erf for positive values; its tail needs erfc, which the first way has not.
            ways = [way for way in (fused, by_parts) if self._agrees(way, x)]
            self._best[key] = min(ways, key=lambda way: self._seconds(way, x))
        return self._best[key](x, self.bias)

    def _agrees(self, way, x):
        few = x[:4]
        expected = fused(few.double(), self.bias.double())
        return bool(torch.allclose(way(few, self.bias).double(), expected, rtol=1e-5, atol=1e-6))
