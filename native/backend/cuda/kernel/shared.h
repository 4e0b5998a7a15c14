#pragma once
// Memory that the threads of one block share. What one thread puts there the others see after the barrier that ends a
// call of the block.
#include "backend/cuda/kernel/block.h"

namespace stm::cuda {

/// N elements for the block: one place for each T and N, which starts with anything.
template <class T, int N>
STM_DEVICE T* shared() {
#ifdef __CUDA_ARCH__
  __shared__ __align__(16) char memory[N * sizeof(T)];
#else
  alignas(16) static thread_local char memory[N * sizeof(T)];
#endif
  return reinterpret_cast<T*>(memory);
}

/// Lets all threads of the block come here before any goes on.
STM_DEVICE void barrier(Block& block) {
  block.each(0, [](int64_t) {});
}

/// Adds 1 to a counter in shared memory; returns what was there.
STM_DEVICE int32_t take_next(int32_t* counter) {
#ifdef __CUDA_ARCH__
  return atomicAdd(counter, 1);
#else
  return (*counter)++;
#endif
}

}  // namespace stm::cuda
