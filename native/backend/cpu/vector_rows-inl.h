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

// The first numbers of a vector: those past them are not touched, and 0 where they were to be loaded.
#if HWY_TARGET <= HWY_AVX2 && HWY_ARCH_X86
HWY_INLINE V LoadFirst(const float* from, int64_t count) {
  return hn::MaskedLoad(hn::FirstN(D(), static_cast<size_t>(count)), D(), from);
}
HWY_INLINE void StoreFirst(V value, float* to, int64_t count) {
  hn::BlendedStore(value, hn::FirstN(D(), static_cast<size_t>(count)), D(), to);
}
#else
HWY_INLINE V LoadFirst(const float* from, int64_t count) {
  HWY_ALIGN float first[kLanes] = {};
  for (int64_t i = 0; i < count; ++i) first[i] = from[i];
  return hn::Load(D(), first);
}
HWY_INLINE void StoreFirst(V value, float* to, int64_t count) {
  HWY_ALIGN float all[kLanes];
  hn::Store(value, D(), all);
  for (int64_t i = 0; i < count; ++i) to[i] = all[i];
}
#endif

HWY_INLINE V LoadSome(const float* from, int64_t count) {
  return HWY_LIKELY(count >= kLanes) ? hn::LoadU(D(), from) : LoadFirst(from, count);
}
HWY_INLINE void StoreSome(V value, float* to, int64_t count) {
  if (HWY_LIKELY(count >= kLanes)) hn::StoreU(value, D(), to);
  else StoreFirst(value, to, count);
}

/// out[i] = f(in[i]...).
template <class F, class... In>
HWY_INLINE void Map(const F& f, float* out, int64_t count, const In*... in) {
  for (int64_t i = 0; i < count; i += kLanes) StoreSome(f(LoadSome(in + i, count - i)...), out + i, count - i);
}

}  // namespace HWY_NAMESPACE
}  // namespace stm
HWY_AFTER_NAMESPACE();

#endif
