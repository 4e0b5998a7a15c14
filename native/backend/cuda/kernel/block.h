#pragma once
// What the threads of one block do together. On the device a call is made by all threads of the block and ends with a
// barrier; elsewhere a block is one thread that plays the parts of all of them, in the same order of summation.
#include <cmath>
#include <cstdint>

#include "backend/functors.h"

namespace stm::cuda {

class Block {
 public:
#ifndef __CUDACC__
  explicit Block(int threads) : threads_(threads) {}
#endif

  /// Calls `f(i)` for each i in 0..n-1, shared out over the threads.
  template <class F>
  STM_DEVICE void each(int64_t n, F f) {
#ifdef __CUDA_ARCH__
    for (int64_t i = threadIdx.x; i < n; i += blockDim.x) f(i);
    __syncthreads();
#else
    for (int t = threads() - 1; t >= 0; --t)  // backwards: an order that no body may lean on
      for (int64_t i = t; i < n; i += threads()) f(i);
#endif
  }

  /// Calls `f()` once.
  template <class F>
  STM_DEVICE void once(F f) {
    each(1, [&](int64_t) { f(); });
  }

  /// `join` of f(0)..f(n-1) and of as many `initial` as wanted, in an order that depends on n and the block alone. T is
  /// of at most 16 bytes. All threads get it.
  template <class T, class F, class Join>
  STM_DEVICE T reduce(int64_t n, T initial, F f, Join join) {
    static_assert(sizeof(T) <= 16, "Block::reduce holds 16 bytes for each thread");
#ifdef __CUDA_ARCH__
    T* part = static_cast<T*>(memory());
    T mine = initial;
    for (int64_t i = threadIdx.x; i < n; i += blockDim.x) mine = join(mine, f(i));
    part[threadIdx.x] = mine;
    __syncthreads();
    for (int half = blockDim.x / 2; half > 0; half /= 2) {
      if (threadIdx.x < half) part[threadIdx.x] = join(part[threadIdx.x], part[threadIdx.x + half]);
      __syncthreads();
    }
    const T result = part[0];
    __syncthreads();
    return result;
#else
    T part[256] = {initial};
    for (int t = 0; t < threads(); ++t) {
      part[t] = initial;
      for (int64_t i = t; i < n; i += threads()) part[t] = join(part[t], f(i));
    }
    for (int half = threads() / 2; half > 0; half /= 2)
      for (int t = 0; t < half; ++t) part[t] = join(part[t], part[t + half]);
    return part[0];
#endif
  }

  /// f(0) + … + f(n-1), in the type that f returns.
  template <class F>
  STM_DEVICE auto sum(int64_t n, F f) {
    using T = decltype(f(int64_t{}));
    return reduce(n, T(0), f, [](T a, T b) { return a + b; });
  }

  /// The largest of `least` and f(0)..f(n-1); NaN if one is.
  template <class T, class F>
  STM_DEVICE T largest(int64_t n, T least, F f) {
    return reduce(n, least, f, [](T a, T b) { return a > b || a != a ? a : b; });
  }

 private:
#ifndef __CUDACC__
  int threads() const { return threads_; }
  int threads_;
#else
  static constexpr int threads() { return 1; }  // the host's half of what nvcc compiles is never called
  /// 16 bytes for each thread: one place for all the reductions of a kernel, each of which ends with a barrier.
  static __device__ void* memory() {
    __shared__ __align__(16) char bytes[16 * 256];
    return bytes;
  }
#endif
};

/// What a block does, done by one thread: for rows too short to share out.
struct Alone {
  template <class F>
  STM_DEVICE void each(int64_t n, F f) {
    for (int64_t i = 0; i < n; ++i) f(i);
  }
  template <class F>
  STM_DEVICE void once(F f) {
    f();
  }
  template <class T, class F, class Join>
  STM_DEVICE T reduce(int64_t n, T initial, F f, Join join) {
    for (int64_t i = 0; i < n; ++i) initial = join(initial, f(i));
    return initial;
  }
};

// ---- what threads of different blocks may do to one place

template <class T>
STM_DEVICE void atomic_add(T* place, T value) {
#ifdef __CUDA_ARCH__
  atomicAdd(place, value);
#else
  *place += value;
#endif
}

/// Puts `value` where `expected` is; returns what was there.
STM_DEVICE int32_t atomic_swap_if(int32_t* place, int32_t expected, int32_t value) {
#ifdef __CUDA_ARCH__
  return atomicCAS(place, expected, value);
#else
  const int32_t before = *place;
  if (before == expected) *place = value;
  return before;
#endif
}

}  // namespace stm::cuda
