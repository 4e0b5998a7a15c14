#pragma once
// Numbers of one Philox block, made alike on every device.
#include <cmath>

#include "backend/functors.h"
#include "backend/philox.h"

namespace stm {

/// How many elements a block of four words serves.
template <class T>
constexpr int kPerBlock = sizeof(T) == 4 ? 4 : 2;
template <>
constexpr int kPerBlock<int32_t> = 2;

template <class T>
STM_DEVICE void uniforms(const PhiloxBlock& block, T* out) {
  if constexpr (sizeof(T) == 4) {
    for (int i = 0; i < 4; ++i) out[i] = uniform_float(block.word[i]);
  } else {
    for (int i = 0; i < 2; ++i) out[i] = uniform_double(block.word[2 * i], block.word[2 * i + 1]);
  }
}

/// Two normal numbers of two uniform ones; `u` in (0, 1], so that the logarithm is finite.
template <class T>
STM_DEVICE void box_muller(T u, T v, T* out) {
  const T radius = std::sqrt(T(-2) * std::log(u)), angle = T(6.283185307179586476925) * v;
  out[0] = radius * std::cos(angle);
  out[1] = radius * std::sin(angle);
}

template <class T>
STM_DEVICE void normals(const PhiloxBlock& block, T* out) {
  if constexpr (sizeof(T) == 4) {
    // All 32 bits of the first word of a pair: with 24 the tails would end at 5.8 deviations.
    for (int i = 0; i < 4; i += 2)
      box_muller((static_cast<float>(block.word[i]) + 1) * 0x1p-32f, uniform_float(block.word[i + 1]), out + i);
  } else {
    box_muller(uniform_double(block.word[0], block.word[1]) + 0x1p-53, uniform_double(block.word[2], block.word[3]),
               out);
  }
}

STM_DEVICE void integers_below(const PhiloxBlock& block, int32_t low, uint32_t range, int32_t* out) {
  for (int i = 0; i < 2; ++i)
    out[i] = static_cast<int32_t>(int64_t{low} + below(range, block.word[2 * i], block.word[2 * i + 1]));
}

/// a · b, rounded before anything is added to it: a fused sum would be another number than the CPU's.
STM_DEVICE float rounded_product(float a, float b) {
#ifdef __CUDA_ARCH__
  return __fmul_rn(a, b);
#else
  return a * b;
#endif
}
STM_DEVICE double rounded_product(double a, double b) {
#ifdef __CUDA_ARCH__
  return __dmul_rn(a, b);
#else
  return a * b;
#endif
}

/// Numbers from low to high, high itself left out.
template <class T>
struct Interval {
  T low, width, last;
  Interval(double low, double high)
      : low(static_cast<T>(low)),
        width(static_cast<T>(high - low)),
        last(std::nextafter(static_cast<T>(high), this->low)) {}
  /// low + width · u, for u in [0, 1). Rounding can take that up to high.
  STM_DEVICE T at(T u) const {
    const T sum = low + rounded_product(width, u);
    return !(width > 0) ? low : sum < last ? sum : last;
  }
};

}  // namespace stm
