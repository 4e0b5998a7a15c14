// Numbers rounded to bf16; where the processor multiplies them in pairs, two in the place of one f32, the earlier one
// in the lower half.
#if defined(STM_BF16_PAIRS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef STM_BF16_PAIRS_INL_H_
#undef STM_BF16_PAIRS_INL_H_
#else
#define STM_BF16_PAIRS_INL_H_
#endif

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace stm {
namespace HWY_NAMESPACE {

constexpr uint32_t kUpperHalf = 0xffff0000;

// The bits of x rounded to the nearest bf16, halves to even; NaN stays NaN.
HWY_INLINE uint32_t RoundedBits(float x) {
  uint32_t bits;
  std::memcpy(&bits, &x, sizeof bits);
  const uint32_t rounded = (bits + 0x7fff + (bits >> 16 & 1)) & kUpperHalf;
  return x == x ? rounded : (bits | 0x400000) & kUpperHalf;
}

// Where a processor has no products of bf16, those of f32 are as good.
HWY_INLINE void RoundInPlace(float* numbers, int64_t count) {
  for (int64_t i = 0; i < count; ++i) {
    const uint32_t rounded = RoundedBits(numbers[i]);
    std::memcpy(numbers + i, &rounded, sizeof rounded);
  }
}

HWY_INLINE float PairOf(float first, float second) {
  const uint32_t pair = RoundedBits(first) >> 16 | RoundedBits(second);
  float number;
  std::memcpy(&number, &pair, sizeof number);
  return number;
}

// to[i] = the pair of first[i] and second[i]. Plain, for the compiler to vectorise.
HWY_INLINE void PairRows(const float* HWY_RESTRICT first, const float* HWY_RESTRICT second, int64_t count,
                         float* HWY_RESTRICT to) {
  for (int64_t i = 0; i < count; ++i) to[i] = PairOf(first[i], second[i]);
}

// to[i] = the pair of from[2 i] and from[2 i + 1], with a zero after the last of an odd count.
HWY_INLINE void PairNeighbours(const float* HWY_RESTRICT from, int64_t count, float* HWY_RESTRICT to) {
  for (int64_t i = 0; i < count / 2; ++i) to[i] = PairOf(from[2 * i], from[2 * i + 1]);
  if (count % 2) to[count / 2] = PairOf(from[count - 1], 0.0f);
}

}  // namespace HWY_NAMESPACE
}  // namespace stm
HWY_AFTER_NAMESPACE();

#endif
