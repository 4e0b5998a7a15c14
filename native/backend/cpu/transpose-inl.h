// Rows become columns: what packing a matrix into panels across its rows is made of.
#if defined(STM_TRANSPOSE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef STM_TRANSPOSE_INL_H_
#undef STM_TRANSPOSE_INL_H_
#else
#define STM_TRANSPOSE_INL_H_
#endif

#include <cstddef>
#include <cstdint>

#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace stm {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// The blocks of four lanes of a vector, `step` apart.
template <class DV>
HWY_INLINE void StoreBlocks(DV d, hn::Vec<DV> v, float* to, ptrdiff_t step) {
  if constexpr (hn::MaxLanes(DV()) <= 4) {
    hn::StoreU(v, d, to);
  } else {
    const hn::Half<DV> half;
    StoreBlocks(half, hn::LowerHalf(half, v), to, step);
    StoreBlocks(half, hn::UpperHalf(half, v), to + static_cast<ptrdiff_t>(hn::MaxLanes(half) / 4) * step, step);
  }
}

// Four rows of `from`, `ld` apart, as four columns of `to`, whose rows are `step` apart: to[k * step + r] = from[r * ld
// + k].
HWY_INLINE void TransposeFour(const float* HWY_RESTRICT from, ptrdiff_t ld, int64_t depth, float* HWY_RESTRICT to,
                              ptrdiff_t step) {
  using D = hn::ScalableTag<float>;
  const D d;
  const hn::RepartitionToWide<D> dd;
  constexpr int64_t kLanes = hn::MaxLanes(D());
  int64_t k = 0;
  for (; k + kLanes <= depth; k += kLanes) {
    for (int64_t r = 4; r < 8; ++r) __builtin_prefetch(from + r * ld + k);
    const auto a = hn::LoadU(d, from + k), b = hn::LoadU(d, from + ld + k), c = hn::LoadU(d, from + 2 * ld + k),
               e = hn::LoadU(d, from + 3 * ld + k);
    const auto ab_low = hn::BitCast(dd, hn::InterleaveLower(d, a, b)),
               ab_high = hn::BitCast(dd, hn::InterleaveUpper(d, a, b)),
               ce_low = hn::BitCast(dd, hn::InterleaveLower(d, c, e)),
               ce_high = hn::BitCast(dd, hn::InterleaveUpper(d, c, e));
    float* const at = to + k * step;
    StoreBlocks(d, hn::BitCast(d, hn::InterleaveLower(dd, ab_low, ce_low)), at, 4 * step);
    StoreBlocks(d, hn::BitCast(d, hn::InterleaveUpper(dd, ab_low, ce_low)), at + step, 4 * step);
    StoreBlocks(d, hn::BitCast(d, hn::InterleaveLower(dd, ab_high, ce_high)), at + 2 * step, 4 * step);
    StoreBlocks(d, hn::BitCast(d, hn::InterleaveUpper(dd, ab_high, ce_high)), at + 3 * step, 4 * step);
  }
  for (; k < depth; ++k) {
    for (int64_t r = 0; r < 4; ++r) to[k * step + r] = from[r * ld + k];
  }
}

// `rows` rows as the first columns of `to`, whose other columns up to `width` become 0.
HWY_INLINE void TransposeRows(const float* from, ptrdiff_t ld, int64_t rows, int64_t width, int64_t depth, float* to,
                              ptrdiff_t step) {
  int64_t r = 0;
  for (; r + 4 <= rows; r += 4) TransposeFour(from + r * ld, ld, depth, to + r, step);
  for (; r < rows; ++r) {
    for (int64_t k = 0; k < depth; ++k) to[k * step + r] = from[r * ld + k];
  }
  for (; r < width; ++r) {
    for (int64_t k = 0; k < depth; ++k) to[k * step + r] = 0.0f;
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace stm
HWY_AFTER_NAMESPACE();

#endif
