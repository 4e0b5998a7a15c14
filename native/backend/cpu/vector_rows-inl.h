// Rows of f32 in Highway vectors, the last of which may be a part of one. Included once per target: the guard is
// toggled by foreach_target.h.
#if defined(STM_VECTOR_ROWS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef STM_VECTOR_ROWS_INL_H_
#undef STM_VECTOR_ROWS_INL_H_
#else
#define STM_VECTOR_ROWS_INL_H_
#endif

#include <cstdint>

#include "hwy/highway.h"

#include "backend/cpu/recurrent/gate_math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace stm {
namespace HWY_NAMESPACE {

// Loads the first `count` lanes, zeros after, and touches no memory past them. There are fewer than kLanes.
HWY_INLINE V LoadPart(const float* from, int64_t count) {
#if HWY_TARGET <= HWY_AVX2
  return hn::MaskedLoad(hn::FirstN(D(), static_cast<size_t>(count)), D(), from);
#else  // here MaskedLoad reads a whole vector and masks it afterwards
  HWY_ALIGN float lanes[kLanes] = {};
  for (int64_t i = 0; i < count; ++i) lanes[i] = from[i];
  return hn::Load(D(), lanes);
#endif
}
HWY_INLINE void StorePart(V value, float* to, int64_t count) {
#if HWY_TARGET <= HWY_AVX2
  hn::BlendedStore(value, hn::FirstN(D(), static_cast<size_t>(count)), D(), to);
#else
  HWY_ALIGN float lanes[kLanes];
  hn::Store(value, D(), lanes);
  for (int64_t i = 0; i < count; ++i) to[i] = lanes[i];
#endif
}

// The same, or a whole vector of as many or more.
HWY_INLINE V LoadFirst(const float* from, int64_t count) {
  return HWY_LIKELY(count >= kLanes) ? hn::LoadU(D(), from) : LoadPart(from, count);
}
HWY_INLINE void StoreFirst(V value, float* to, int64_t count) {
  if (HWY_LIKELY(count >= kLanes)) hn::StoreU(value, D(), to);
  else StorePart(value, to, count);
}

/// out[i] = f(in[i]...), kVectors at a time: of these f waits for no other's result, and a cheap one for no count.
template <int kVectors = 1, class F, class... In>
HWY_INLINE void Map(const F& f, float* out, int64_t count, const In*... in) {
  constexpr int64_t kStep = kVectors * kLanes;
  int64_t i = 0;
  for (; kVectors > 1 && i + kStep <= count; i += kStep) {
    _Pragma("GCC unroll 4") for (int64_t k = 0; k < kStep; k += kLanes)
        hn::StoreU(f(hn::LoadU(D(), in + i + k)...), D(), out + i + k);
  }
  for (; i < count; i += kLanes) StoreFirst(f(LoadFirst(in + i, count - i)...), out + i, count - i);
}

}  // namespace HWY_NAMESPACE
}  // namespace stm
HWY_AFTER_NAMESPACE();

#endif
