#include "backend/cpu/reduce_runs.h"

#include <algorithm>
#include <limits>

#include "backend/cpu/stopping.h"

// This file is compiled once per instruction set: foreach_target.h includes it again with another HWY_TARGET each time.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backend/cpu/reduce_runs.cc"
#include "hwy/foreach_target.h"
//
#include "backend/cpu/simd_dispatch.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace stm {
namespace HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;
using D = hn::ScalableTag<float>;
using V = hn::Vec<D>;
using Wide = hn::ScalableTag<double>;
using WideV = hn::Vec<Wide>;
constexpr int64_t kFloats = static_cast<int64_t>(hn::MaxLanes(D())),
                  kDoubles = static_cast<int64_t>(hn::MaxLanes(Wide()));
constexpr int64_t kBetweenStops = int64_t{1} << 18;  // elements; whole lanes
/// Runs whose lanes fit the registers.
constexpr int64_t kTogether = kFloats == 16 ? 4 : kFloats == 8 ? 2 : 1;

HWY_INLINE WideV LoadWide(const float* from) {
  return hn::PromoteTo(Wide(), hn::LoadU(hn::Rebind<float, Wide>(), from));
}

/// What is kept of a vector of elements of type Element, in kCount lanes.
struct SumLanes {
  using Kept = WideV;
  using Element = double;
  static constexpr int64_t kCount = kSumLanes, kWidth = kDoubles;
  static HWY_INLINE Kept Start() { return hn::Zero(Wide()); }
  static HWY_INLINE Kept Step(Kept kept, const float* x) { return hn::Add(kept, LoadWide(x)); }
  static HWY_INLINE double Join(double kept, double x) { return kept + x; }
};
template <bool kLargest>
struct ExtremeLanes {
  using Kept = V;
  using Element = float;
  static constexpr int64_t kCount = kExtremeLanes, kWidth = kFloats;
  static HWY_INLINE Kept Start() {
    return hn::Set(D(), kLargest ? -std::numeric_limits<float>::infinity() : std::numeric_limits<float>::infinity());
  }
  static HWY_INLINE Kept Step(Kept kept, const float* from) {
    const V x = hn::LoadU(D(), from);
    return hn::IfThenElse(hn::Or(kLargest ? hn::Gt(x, kept) : hn::Lt(x, kept), hn::IsNaN(x)), x, kept);
  }
  static HWY_INLINE float Join(float kept, float x) { return (kLargest ? x > kept : x < kept) | (x != x) ? x : kept; }
};
template <class Lanes>
HWY_INLINE void Store(typename Lanes::Kept kept, typename Lanes::Element* to) {
  if constexpr (Lanes::kWidth == kDoubles) hn::StoreU(kept, Wide(), to);
  else hn::StoreU(kept, D(), to);
}

template <class Lanes, int64_t kRuns>
void Runs(const float* const* x, int64_t count, typename Lanes::Element* out) {
  constexpr int64_t kVectors = Lanes::kCount / Lanes::kWidth;
  typename Lanes::Kept kept[kRuns][kVectors];
  for (auto& run : kept)
    for (auto& vector : run) vector = Lanes::Start();
  const int64_t whole = count - count % Lanes::kCount;
  for (int64_t begin = 0; begin < whole; begin += kBetweenStops) {
    if (begin > 0) stop_point();
    const int64_t end = std::min(whole, begin + kBetweenStops);
    for (int64_t i = begin; i < end; i += Lanes::kCount) {
      _Pragma("GCC unroll 8") for (int64_t k = 0; k < kRuns; ++k) {
        _Pragma("GCC unroll 8") for (int64_t v = 0; v < kVectors; ++v) kept[k][v] =
            Lanes::Step(kept[k][v], x[k] + i + v * Lanes::kWidth);
      }
    }
  }
  typename Lanes::Element lanes[kRuns][Lanes::kCount];
  for (int64_t k = 0; k < kRuns; ++k) {
    for (int64_t v = 0; v < kVectors; ++v) Store<Lanes>(kept[k][v], lanes[k] + v * Lanes::kWidth);
    for (int64_t i = whole; i < count; ++i) lanes[k][i - whole] = Lanes::Join(lanes[k][i - whole], x[k][i]);
    out[k] = lanes[k][0];
  }
  for (int64_t lane = 1; lane < Lanes::kCount; ++lane)
    for (int64_t k = 0; k < kRuns; ++k) out[k] = Lanes::Join(out[k], lanes[k][lane]);
}

template <class Lanes>
void AllRuns(const float* const* x, int64_t runs, int64_t count, typename Lanes::Element* out) {
  int64_t k = 0;
  for (; k + kTogether <= runs; k += kTogether) Runs<Lanes, kTogether>(x + k, count, out + k);
  for (; k < runs; ++k) Runs<Lanes, 1>(x + k, count, out + k);
}

void SumRuns(const float* const* x, int64_t runs, int64_t count, double* out) {
  AllRuns<SumLanes>(x, runs, count, out);
}
void ExtremeRuns(bool largest, const float* const* x, int64_t runs, int64_t count, float* out) {
  if (largest) AllRuns<ExtremeLanes<true>>(x, runs, count, out);
  else AllRuns<ExtremeLanes<false>>(x, runs, count, out);
}

/// Of kVectors vectors of columns, whose sums stay in registers.
template <int64_t kVectors>
HWY_INLINE void Strip(const float* x, int64_t step, int64_t rows, double* sums) {
  WideV sum[kVectors];
  _Pragma("GCC unroll 8") for (int64_t v = 0; v < kVectors; ++v) sum[v] = hn::LoadU(Wide(), sums + v * kDoubles);
  for (int64_t i = 0; i < rows; ++i) {
    const float* const row = x + i * step;
    _Pragma("GCC unroll 8") for (int64_t v = 0; v < kVectors; ++v) sum[v] =
        hn::Add(sum[v], LoadWide(row + v * kDoubles));
  }
  _Pragma("GCC unroll 8") for (int64_t v = 0; v < kVectors; ++v) hn::StoreU(sum[v], Wide(), sums + v * kDoubles);
}

void AddRows(const float* x, int64_t step, int64_t rows, int64_t columns, double* sums) {
  int64_t j = 0;
  for (; j + 8 * kDoubles <= columns; j += 8 * kDoubles) Strip<8>(x + j, step, rows, sums + j);
  for (; j + kDoubles <= columns; j += kDoubles) Strip<1>(x + j, step, rows, sums + j);
  for (; j < columns; ++j)
    for (int64_t i = 0; i < rows; ++i) sums[j] += static_cast<double>(x[i * step + j]);
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace stm
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace stm {

HWY_EXPORT(SumRuns);
HWY_EXPORT(ExtremeRuns);
HWY_EXPORT(AddRows);

void sum_runs(const float* const* x, int64_t runs, int64_t count, double* out) {
  HWY_DYNAMIC_DISPATCH(SumRuns)(x, runs, count, out);
}
void extreme_runs(bool largest, const float* const* x, int64_t runs, int64_t count, float* out) {
  HWY_DYNAMIC_DISPATCH(ExtremeRuns)(largest, x, runs, count, out);
}
void add_rows(const float* x, int64_t step, int64_t rows, int64_t columns, double* sums) {
  HWY_DYNAMIC_DISPATCH(AddRows)(x, step, rows, columns, sums);
}

}  // namespace stm
#endif
