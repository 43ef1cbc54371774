"""Launches no kernel at all: three copies by the driver, straight into their places.

Problem: problems/concat.py
Devices: cuda
"""

import ctypes

import torch

ON_DEVICE = 2


class Copy2D(ctypes.Structure):
    """CUDA_MEMCPY2D of the driver's interface."""

    _fields_ = (
        ("src_x_bytes", ctypes.c_size_t),
        ("src_y", ctypes.c_size_t),
        ("src_type", ctypes.c_int),
        ("src_host", ctypes.c_void_p),
        ("src_device", ctypes.c_uint64),
        ("src_array", ctypes.c_void_p),
        ("src_pitch", ctypes.c_size_t),
        ("dst_x_bytes", ctypes.c_size_t),
        ("dst_y", ctypes.c_size_t),
        ("dst_type", ctypes.c_int),
        ("dst_host", ctypes.c_void_p),
        ("dst_device", ctypes.c_uint64),
        ("dst_array", ctypes.c_void_p),
        ("dst_pitch", ctypes.c_size_t),
        ("width_bytes", ctypes.c_size_t),
        ("height", ctypes.c_size_t),
    )


class ModelNew(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self._copy = ctypes.CDLL("libcuda.so.1").cuMemcpy2DAsync_v2
        self._copy.argtypes = [ctypes.POINTER(Copy2D), ctypes.c_void_p]

    def forward(self, first, second, third):
        parts = [part.contiguous() for part in (first, second, third)]
        rows = first.shape[0]
        out = first.new_empty(rows, sum(part.shape[1] for part in parts))
        stream = torch.cuda.current_stream(out.device).cuda_stream
        size = out.element_size()
        start = 0
        for part in parts:
            width = part.shape[1]
            order = Copy2D(
                src_type=ON_DEVICE,
                src_device=part.data_ptr(),
                src_pitch=width * size,
                dst_type=ON_DEVICE,
                dst_device=out.data_ptr() + start * size,
                dst_pitch=out.shape[1] * size,
                width_bytes=width * size,
                height=rows,
            )
            if status := self._copy(ctypes.byref(order), stream):
                raise RuntimeError(f"cuMemcpy2DAsync gave {status}")
            start += width
        return out
