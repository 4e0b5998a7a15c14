// Rows of numbers rounded to 8 bits.
#if defined(STM_QUANTIZED_ROWS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef STM_QUANTIZED_ROWS_INL_H_
#undef STM_QUANTIZED_ROWS_INL_H_
#else
#define STM_QUANTIZED_ROWS_INL_H_
#endif

#include "backend/cpu/quantized/layout.h"
#include "backend/cpu/recurrent/panel-inl.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace stm {
namespace HWY_NAMESPACE {

// q = x · 127 / max |x|, rounded, and zeros up to the stride. Returns max |x| / 127, or NaN if not all are numbers.
HWY_INLINE float QuantizeRow(const float* x, int64_t count, int16_t* q) {
  const D d;
  const hn::Rebind<int16_t, D> d16;
  V most = hn::Zero(d), not_finite = hn::Zero(d);
  for (int64_t i = 0; i < count; i += kLanes) {
    const V v = LoadFirst(x + i, count - i);
    most = hn::Max(most, hn::Abs(v));
    not_finite = hn::Add(not_finite, hn::Sub(v, v));  // 0 of a number, else NaN
  }
  const float largest = hn::GetLane(hn::MaxOfLanes(d, most)), zero_or_nan = hn::GetLane(hn::SumOfLanes(d, not_finite));
  const V factor = Const(largest >= kLeastScaled ? 127.0f / largest : 0.0f);
  const int64_t stride = quantized_stride(count);
  for (int64_t i = 0; i < stride; i += kLanes) {
    const V v = i < count ? LoadFirst(x + i, count - i) : hn::Zero(d);
    hn::StoreU(hn::DemoteTo(d16, hn::NearestInt(hn::Mul(v, factor))), d16, q + i);
  }
  return largest >= kLeastScaled ? largest / 127.0f + zero_or_nan : zero_or_nan;
}

// `count` rows, `ld` numbers apart.
inline HWY_NOINLINE void QuantizeRows(const float* x, ptrdiff_t ld, int64_t columns, int64_t count,
                                      const QuantizedRows& to) {
  for (int64_t row = 0; row < count; ++row)
    to.scales[row] = QuantizeRow(x + row * ld, columns, to.values + row * to.stride);
}

}  // namespace HWY_NAMESPACE
}  // namespace stm
HWY_AFTER_NAMESPACE();

#endif
