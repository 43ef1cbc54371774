"""Works on a stream of its own; the main stream waits for it and the allocator knows, so nothing is late.

Problem: problems/layer_norm.py
Devices: cpu, cuda
"""

import torch


class ModelNew(torch.nn.Module):
    def __init__(self, width):
        super().__init__()
        self.norm = torch.nn.LayerNorm(width)
        self._side = None

    def forward(self, branch, residual):
        if not branch.is_cuda:
            total = branch + residual
            return self.norm(total), total
        if self._side is None:
            self._side = torch.cuda.Stream(branch.device)
        main, side = torch.cuda.current_stream(branch.device), self._side
        # Upper half of the rows here, lower half there.
        half = branch.shape[0] // 2
        total, out = torch.empty_like(branch), torch.empty_like(branch)
        side.wait_stream(main)
        with torch.cuda.stream(side):
            self._rows(branch, residual, total, out, slice(0, half))
        self._rows(branch, residual, total, out, slice(half, None))
        for tensor in (branch, residual, total, out):
            tensor.record_stream(side)
        main.wait_stream(side)
        return out, total

    def _rows(self, branch, residual, total, out, rows):
        torch.add(branch[rows], residual[rows], out=total[rows])
        out[rows] = self.norm(total[rows])
