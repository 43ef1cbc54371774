// As much of CUDA as the templates use, on a CPU: the threads of a block take turns, from one place where
// they meet to the next. A block some of whose threads meet where others do not is an error.
#include <torch/extension.h>
#include <ucontext.h>
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <functional>
#include <memory>
#include <stdexcept>
#include <vector>

#define __global__
#define __device__
#define __forceinline__ inline
#define __shared__ static
#define __launch_bounds__(threads)
#define C10_CUDA_KERNEL_LAUNCH_CHECK()

namespace c10::cuda {
inline int getCurrentCUDAStream() { return 0; }
}

struct dim3 {
    unsigned x, y, z;
    dim3(unsigned x_ = 1, unsigned y_ = 1, unsigned z_ = 1) : x(x_), y(y_), z(z_) {}
};

static dim3 threadIdx, blockIdx, blockDim, gridDim;

struct Thread {
    ucontext_t context;
    std::unique_ptr<char[]> stack;
    bool is_done;
    float shown;
};

static constexpr size_t STACK_BYTES = 1 << 16;
static std::vector<Thread> threads_of_block(1024);
static ucontext_t scheduler;
static size_t now;
static std::function<void()> kernel;

static void __syncthreads() { swapcontext(&threads_of_block[now].context, &scheduler); }

static float __shfl_xor_sync(unsigned, float value, int apart) {
    const size_t own = now;
    threads_of_block[own].shown = value;
    __syncthreads();
    const float seen = threads_of_block[own ^ apart].shown;
    __syncthreads();
    return seen;
}

static void whole_thread() {
    kernel();
    threads_of_block[now].is_done = true;
}

static void run_block(size_t count) {
    for (size_t at = 0; at < count; ++at) {
        Thread& thread = threads_of_block[at];
        if (!thread.stack) thread.stack.reset(new char[STACK_BYTES]);
        getcontext(&thread.context);
        thread.context.uc_stack.ss_sp = thread.stack.get();
        thread.context.uc_stack.ss_size = STACK_BYTES;
        thread.context.uc_link = &scheduler;
        thread.is_done = false;
        makecontext(&thread.context, whole_thread, 0);
    }
    for (size_t done = 0; done < count;) {
        done = 0;
        for (now = 0; now < count; ++now) {
            threadIdx = dim3(now % blockDim.x, now / blockDim.x);
            swapcontext(&scheduler, &threads_of_block[now].context);
            done += threads_of_block[now].is_done;
        }
        if (done != 0 && done != count) throw std::runtime_error("threads wait for others that have ended");
    }
}

static void emulated(dim3 grid, dim3 block, std::function<void()> work) {
    kernel = work;
    gridDim = grid;
    blockDim = block;
    for (unsigned at = 0; at < grid.x * grid.y * grid.z; ++at) {
        blockIdx = dim3(at % grid.x, at / grid.x % grid.y, at / grid.x / grid.y);
        run_block(block.x * block.y);
    }
}
