"""Replays a graph of a library's kernels: recorded per shape, over static buffers that every call fills anew.

Problem: problems/mlp.py
Devices: cuda
"""

import torch
from torch.nn import functional


class ModelNew(torch.nn.Module):
    def __init__(self, width, hidden):
        super().__init__()
        self.norm = torch.nn.LayerNorm(width)
        self.up = torch.nn.Linear(width, hidden)
        self.down = torch.nn.Linear(hidden, width)
        self._recorded = {}

    def _mlp(self, x):
        return x + self.down(functional.gelu(self.up(self.norm(x))))

    def _record(self, x):
        static = torch.empty_like(x).copy_(x)
        main, side = torch.cuda.current_stream(), torch.cuda.Stream()
        side.wait_stream(main)
        with torch.cuda.stream(side):
            for _ in range(2):  # lets the library choose its kernels and get its workspace
                self._mlp(static)
        main.wait_stream(side)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            out = self._mlp(static)
        return graph, static, out

    def forward(self, x):
        # Weights are read where they lie; should one have moved, its graph is made again.
        key = (tuple(x.shape), *(weight.data_ptr() for weight in self.parameters()))
        if key not in self._recorded:
            self._recorded[key] = self._record(x)
        graph, static, out = self._recorded[key]
        static.copy_(x)
        graph.replay()
        return out.clone()
