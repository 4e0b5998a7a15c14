#include "backend/cpu/reduce_runs.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "backend/cpu/stopping.h"

#ifndef STM_REDUCE_RUNS_ONCE
#define STM_REDUCE_RUNS_ONCE
namespace stm {
namespace {

constexpr int64_t kBetweenStops = int64_t{1} << 18;  // elements; whole groups

/// Of so many lanes, which it overwrites.
double joined_sum(double* lanes, int64_t count) {
  for (int64_t half = count / 2; half > 0; half /= 2)
    for (int64_t lane = 0; lane < half; ++lane) lanes[lane] += lanes[lane + half];
  return lanes[0];
}

}  // namespace
}  // namespace stm
#endif

// This file is compiled once per instruction set: foreach_target.h includes it again with another HWY_TARGET each time.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backend/cpu/reduce_runs.cc"
#include "hwy/foreach_target.h"
//
#include "backend/cpu/simd_dispatch.h"
#include "hwy/highway.h"

#include "backend/cpu/vector_rows-inl.h"

HWY_BEFORE_NAMESPACE();
namespace stm {
namespace HWY_NAMESPACE {
namespace {
using Wide = hn::ScalableTag<double>;
using WideV = hn::Vec<Wide>;
constexpr int64_t kDoubles = static_cast<int64_t>(hn::MaxLanes(Wide()));
/// Runs whose lanes of extremes fit the registers. They are taken together, as a single one waits for its comparisons.
constexpr int64_t kTogether = kLanes == 16 ? 4 : kLanes == 8 ? 2 : 1;

HWY_INLINE WideV LoadWide(const float* from) {
  return hn::PromoteTo(Wide(), hn::LoadU(hn::Rebind<float, Wide>(), from));
}

/// Calls f(begin, end) on blocks of whole groups, with stop points between.
template <class F>
HWY_INLINE void BetweenStops(int64_t whole, const F& f) {
  for (int64_t begin = 0; begin < whole; begin += kBetweenStops) {
    if (begin > 0) stop_point();
    f(begin, std::min(whole, begin + kBetweenStops));
  }
}

double SumRun(const float* x, int64_t count) {
  constexpr int64_t kVectors = kSumLanes / kLanes;
  const hn::Rebind<float, Wide> half;
  WideV sum[2 * kVectors];
  for (auto& lanes : sum) lanes = hn::Zero(Wide());
  const int64_t whole = count - count % kSumGroup;
  BetweenStops(whole, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; i += kSumGroup) {
      _Pragma("GCC unroll 8") for (int64_t v = 0; v < kVectors; ++v) {
        const float* const from = x + i + v * kLanes;
        const V four = hn::Add(hn::Add(hn::LoadU(D(), from), hn::LoadU(D(), from + kSumLanes)),
                               hn::Add(hn::LoadU(D(), from + 2 * kSumLanes), hn::LoadU(D(), from + 3 * kSumLanes)));
        sum[2 * v] = hn::Add(sum[2 * v], hn::PromoteTo(Wide(), hn::LowerHalf(half, four)));
        sum[2 * v + 1] = hn::Add(sum[2 * v + 1], hn::PromoteTo(Wide(), hn::UpperHalf(half, four)));
      }
    }
  });
  // Zeros in place of what is not there: a sum that begins with 0 never is -0, which another zero would change.
  for (int64_t i = whole; i < count; i += kSumLanes) {
    _Pragma("GCC unroll 8") for (int64_t v = 0; v < kVectors; ++v) {
      const int64_t left = count - i - v * kLanes;
      if (left <= 0) break;
      const V some = LoadSome(x + i + v * kLanes, left);
      sum[2 * v] = hn::Add(sum[2 * v], hn::PromoteTo(Wide(), hn::LowerHalf(half, some)));
      sum[2 * v + 1] = hn::Add(sum[2 * v + 1], hn::PromoteTo(Wide(), hn::UpperHalf(half, some)));
    }
  }
  _Pragma("GCC unroll 8") for (int64_t second = kVectors; second > 0; second /= 2)
      _Pragma("GCC unroll 8") for (int64_t v = 0; v < second; ++v) sum[v] = hn::Add(sum[v], sum[v + second]);
  double lanes[kDoubles];
  hn::StoreU(sum[0], Wide(), lanes);
  return joined_sum(lanes, kDoubles);
}

void SumRuns(const float* const* x, int64_t runs, int64_t count, double* out) {
  for (int64_t k = 0; k < runs; ++k) out[k] = SumRun(x[k], count);
}

template <bool kLargest>
struct Extreme {
  static HWY_INLINE V Start() {
    return hn::Set(D(), kLargest ? -std::numeric_limits<float>::infinity() : std::numeric_limits<float>::infinity());
  }
  static HWY_INLINE V Step(V kept, const float* from) {
    const V x = hn::LoadU(D(), from);
    return hn::IfThenElse(hn::Or(kLargest ? hn::Gt(x, kept) : hn::Lt(x, kept), hn::IsNaN(x)), x, kept);
  }
  static HWY_INLINE float Join(float kept, float x) { return (kLargest ? x > kept : x < kept) | (x != x) ? x : kept; }
};

template <class Extreme, int64_t kRuns>
void ExtremesTogether(const float* const* x, int64_t count, float* out) {
  constexpr int64_t kVectors = kExtremeLanes / kLanes;
  V kept[kRuns][kVectors];
  for (auto& run : kept)
    for (auto& vector : run) vector = Extreme::Start();
  const int64_t whole = count - count % kExtremeLanes;
  BetweenStops(whole, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; i += kExtremeLanes) {
      _Pragma("GCC unroll 8") for (int64_t k = 0; k < kRuns; ++k) {
        _Pragma("GCC unroll 8") for (int64_t v = 0; v < kVectors; ++v) kept[k][v] =
            Extreme::Step(kept[k][v], x[k] + i + v * kLanes);
      }
    }
  });
  float lanes[kRuns][kExtremeLanes];
  for (int64_t k = 0; k < kRuns; ++k) {
    for (int64_t v = 0; v < kVectors; ++v) hn::StoreU(kept[k][v], D(), lanes[k] + v * kLanes);
    for (int64_t i = whole; i < count; ++i) lanes[k][i - whole] = Extreme::Join(lanes[k][i - whole], x[k][i]);
    out[k] = lanes[k][0];
  }
  for (int64_t lane = 1; lane < kExtremeLanes; ++lane)
    for (int64_t k = 0; k < kRuns; ++k) out[k] = Extreme::Join(out[k], lanes[k][lane]);
}

template <class Extreme>
void AllExtremes(const float* const* x, int64_t runs, int64_t count, float* out) {
  int64_t k = 0;
  for (; k + kTogether <= runs; k += kTogether) ExtremesTogether<Extreme, kTogether>(x + k, count, out + k);
  for (; k < runs; ++k) ExtremesTogether<Extreme, 1>(x + k, count, out + k);
}

void ExtremeRuns(bool largest, const float* const* x, int64_t runs, int64_t count, float* out) {
  if (largest) AllExtremes<Extreme<true>>(x, runs, count, out);
  else AllExtremes<Extreme<false>>(x, runs, count, out);
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

namespace {

/// `with_groups`: adds whole groups as sum_runs does at first, else all numbers one by one in f64.
double plain_sum(const float* x, int64_t stride, int64_t count, bool with_groups) {
  double lanes[kSumLanes] = {};
  int64_t i = 0;
  for (; with_groups && i + kSumGroup <= count; i += kSumGroup) {
    if (i % kBetweenStops == 0) stop_point();
    const auto at = [&](int64_t lane, int64_t row) { return x[(i + row * kSumLanes + lane) * stride]; };
    for (int64_t lane = 0; lane < kSumLanes; ++lane)
      lanes[lane] += static_cast<double>((at(lane, 0) + at(lane, 1)) + (at(lane, 2) + at(lane, 3)));
  }
  for (; i < count; ++i) {
    if (i % kBetweenStops == 0) stop_point();
    lanes[i % kSumLanes] += static_cast<double>(x[i * stride]);
  }
  return joined_sum(lanes, kSumLanes);
}

}  // namespace

void sum_runs(const float* const* x, int64_t runs, int64_t count, double* out) {
  HWY_DYNAMIC_DISPATCH(SumRuns)(x, runs, count, out);
  for (int64_t k = 0; k < runs; ++k)
    if (!std::isfinite(out[k])) out[k] = plain_sum(x[k], 1, count, false);
}
double sum_strided(const float* x, int64_t stride, int64_t count) {
  const double sum = plain_sum(x, stride, count, true);
  return std::isfinite(sum) ? sum : plain_sum(x, stride, count, false);
}
void extreme_runs(bool largest, const float* const* x, int64_t runs, int64_t count, float* out) {
  HWY_DYNAMIC_DISPATCH(ExtremeRuns)(largest, x, runs, count, out);
}
void add_rows(const float* x, int64_t step, int64_t rows, int64_t columns, double* sums) {
  HWY_DYNAMIC_DISPATCH(AddRows)(x, step, rows, columns, sums);
}

}  // namespace stm
#endif
