#pragma once
#include <algorithm>
#include <cstdint>

namespace stm {

/// Which items of a dense padded batch are real. Items are numbered in memory order; a sequence has `stride` of them, a
/// step `width`:
///
///   item    0 ················ stride ················ 2·stride
///           [real, lengths[0]·width][padding]  [real, lengths[1]·width][padding]
struct Padding {
  const int32_t* lengths = nullptr;  ///< real steps of each sequence, in host memory; null: every item is real
  int64_t stride = 1, width = 1;
};

/// Calls `f(from, to, real)` on the runs of real items and of padding that make up [begin, end), in order.
template <class F>
void for_runs(const Padding& padding, int64_t begin, int64_t end, F f) {
  if (!padding.lengths) {
    if (begin < end) f(begin, end, true);
    return;
  }
  while (begin < end) {
    const int64_t sequence = begin / padding.stride;
    const int64_t cut = sequence * padding.stride + padding.lengths[sequence] * padding.width;
    const bool real = begin < cut;
    const int64_t to = std::min(end, real ? cut : (sequence + 1) * padding.stride);
    f(begin, to, real);
    begin = to;
  }
}

}  // namespace stm
