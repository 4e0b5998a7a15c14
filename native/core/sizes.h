#pragma once
#include <cstdint>
#include <limits>

namespace stm {

/// The most elements of one tensor: 2^40, so that sizes and offsets in bytes stay far within 64 bits.
constexpr int64_t kMostElements = int64_t{1} << 40;

// Sums and products of extents, counts and bytes, none of them negative. What leaves 64 bits becomes the greatest
// number, which is more than anything holds: so the check that compares it with what there is refuses it, and none can
// wrap round to a small one.

constexpr int64_t plus(int64_t a, int64_t b) {
  int64_t sum = 0;
  return __builtin_add_overflow(a, b, &sum) ? std::numeric_limits<int64_t>::max() : sum;
}

constexpr int64_t times(int64_t a, int64_t b) {
  int64_t product = 0;
  return __builtin_mul_overflow(a, b, &product) ? std::numeric_limits<int64_t>::max() : product;
}

template <class... More>
constexpr int64_t times(int64_t a, int64_t b, int64_t c, More... more) {
  return times(times(a, b), c, more...);
}

}  // namespace stm
