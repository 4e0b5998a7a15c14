#pragma once
// How kernels reach the device. A kernel is a struct with a call operator marked STM_DEVICE, plain data that travels
// with the launch:
//
//   struct Scale { float* x; float factor;  STM_DEVICE void operator()(int64_t i) const { x[i] *= factor; } };
//   launch_each(context, "scale", n, Scale{x, 2});                          // once for each i in 0..n-1
//
//   struct SumRow { …  STM_DEVICE void operator()(Block& block, int64_t row) const { … block.sum(…) … } };
//   launch_blocks(context, "sum_row", rows, width, SumRow{…});              // one block of threads for each row
//
// nvcc makes a kernel of it; any other compiler runs the same body on the host, thread after thread, on the queue of
// the stand-in for CUDA.
#include "backend/cuda/device/context.h"
#include "backend/cuda/kernel/block.h"

#ifndef __CUDACC__
#include <functional>
#endif

namespace stm::cuda {

constexpr int kMaxThreads = 256;

#ifdef __CUDACC__

template <class Kernel>
__global__ void __launch_bounds__(kMaxThreads) run_each(int64_t count, const Kernel kernel) {
  const int64_t step = static_cast<int64_t>(gridDim.x) * blockDim.x;
  for (int64_t i = static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x; i < count; i += step) kernel(i);
}

template <class Kernel>
__global__ void __launch_bounds__(kMaxThreads) run_blocks(int64_t blocks, const Kernel kernel) {
  Block block;
  for (int64_t i = blockIdx.x; i < blocks; i += gridDim.x) kernel(block, i);
}

#else

/// Appends to the stream's queue; counted and logged as one launch.
cudaError_t host_launch(const char* kernel, cudaStream_t stream, std::function<void()> body);

#endif

/// Calls `kernel(i)` for each i in 0..count-1, in no order.
template <class Kernel>
Status launch_each(Context& context, [[maybe_unused]] const char* name, int64_t count, const Kernel& kernel) {
  static_assert(sizeof(Kernel) <= 4000, "kernel arguments are limited to 4 KB");
  if (count <= 0) return Status::ok();
#ifdef __CUDACC__
  const int64_t blocks = (count + kMaxThreads - 1) / kMaxThreads,
                most = static_cast<int64_t>(context.multiprocessors) * 32;
  run_each<<<static_cast<unsigned>(blocks < most ? blocks : most), kMaxThreads, 0, context.stream>>>(count, kernel);
  return context.check(cudaGetLastError(), name);
#else
  (void)host_launch(name, context.stream, [count, kernel] {
    for (int64_t i = count; i-- > 0;) kernel(i);
  });
  return context.check(cudaGetLastError(), name);
#endif
}

/// Calls `kernel(block, i)` for each i in 0..blocks-1, in no order, with a block of threads that suits rows of `width`
/// elements.
template <class Kernel>
Status launch_blocks(Context& context, [[maybe_unused]] const char* name, int64_t blocks, int64_t width,
                     const Kernel& kernel) {
  static_assert(sizeof(Kernel) <= 4000, "kernel arguments are limited to 4 KB");
  if (blocks <= 0) return Status::ok();
  int threads = 32;
  while (threads < kMaxThreads && threads < width) threads *= 2;
#ifdef __CUDACC__
  const int64_t most = int64_t{1} << 30;
  run_blocks<<<static_cast<unsigned>(blocks < most ? blocks : most), static_cast<unsigned>(threads), 0,
               context.stream>>>(blocks, kernel);
  return context.check(cudaGetLastError(), name);
#else
  (void)host_launch(name, context.stream, [blocks, threads, kernel] {
    Block block(threads);
    for (int64_t i = blocks; i-- > 0;) kernel(block, i);
  });
  return context.check(cudaGetLastError(), name);
#endif
}

}  // namespace stm::cuda
