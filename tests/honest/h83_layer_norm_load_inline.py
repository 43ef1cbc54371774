"""Compiles an extension for a minute when it is imported; templates make a kernel for each dtype.

Problem: problems/layer_norm.py
Devices: cuda
Track: kernels=custom-only
"""

import torch
from torch.utils.cpp_extension import load_inline

DECLARATION = """
std::vector<torch::Tensor> add_norm(
    torch::Tensor branch, torch::Tensor residual, torch::Tensor weight, torch::Tensor bias, double eps);
"""

SOURCE = r"""
#include <c10/cuda/CUDAException.h>
#include <c10/cuda/CUDAGuard.h>
#include <c10/cuda/CUDAStream.h>
#include <vector>

constexpr int THREADS = 256;

template <typename T>
__device__ T sum_over_block(T value) {
    __shared__ T parts[THREADS / 32];
    for (int apart = 16; apart > 0; apart /= 2) value += __shfl_xor_sync(0xffffffffu, value, apart);
    if (threadIdx.x % 32 == 0) parts[threadIdx.x / 32] = value;
    __syncthreads();
    value = T(0);
    for (int i = 0; i < THREADS / 32; ++i) value += parts[i];
    __syncthreads();
    return value;
}

template <typename T>
__global__ __launch_bounds__(THREADS) void add_norm_kernel(
    const T* branch, const T* residual, const T* weight, const T* bias, T* out, T* total, int64_t width, T eps) {
    const int64_t row = blockIdx.x * width;
    T sum = T(0);
    for (int64_t i = threadIdx.x; i < width; i += THREADS) {
        const T value = branch[row + i] + residual[row + i];
        total[row + i] = value;
        sum += value;
    }
    const T mean = sum_over_block(sum) / width;
    T squares = T(0);
    for (int64_t i = threadIdx.x; i < width; i += THREADS) {
        const T apart = total[row + i] - mean;
        squares += apart * apart;
    }
    const T scale = T(1) / sqrt(sum_over_block(squares) / width + eps);
    for (int64_t i = threadIdx.x; i < width; i += THREADS)
        out[row + i] = (total[row + i] - mean) * scale * weight[i] + bias[i];
}

std::vector<torch::Tensor> add_norm(
    torch::Tensor branch, torch::Tensor residual, torch::Tensor weight, torch::Tensor bias, double eps) {
    TORCH_CHECK(branch.is_cuda() && branch.sizes() == residual.sizes(), "two CUDA tensors of one shape");
    const c10::cuda::CUDAGuard guard(branch.device());
    auto one = branch.contiguous(), other = residual.contiguous();
    auto out = torch::empty_like(one), total = torch::empty_like(one);
    const int64_t width = one.size(-1), rows = one.numel() / width;
    auto stream = c10::cuda::getCurrentCUDAStream();
    AT_DISPATCH_FLOATING_TYPES(one.scalar_type(), "add_norm", [&] {
        add_norm_kernel<scalar_t><<<rows, THREADS, 0, stream>>>(
            one.data_ptr<scalar_t>(), other.data_ptr<scalar_t>(), weight.data_ptr<scalar_t>(),
            bias.data_ptr<scalar_t>(), out.data_ptr<scalar_t>(), total.data_ptr<scalar_t>(), width,
            static_cast<scalar_t>(eps));
    });
    C10_CUDA_KERNEL_LAUNCH_CHECK();
    return {out, total};
}
"""

extension = load_inline(
    "honest_add_norm", cpp_sources=DECLARATION, cuda_sources=SOURCE, functions=["add_norm"]
)


class ModelNew(torch.nn.Module):
    def __init__(self, width):
        super().__init__()
        self.norm = torch.nn.LayerNorm(width)

    def forward(self, branch, residual):
        norm = self.norm
        out, total = extension.add_norm(branch, residual, norm.weight, norm.bias, norm.eps)
        return out, total
