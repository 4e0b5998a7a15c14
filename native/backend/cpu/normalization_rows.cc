#include "backend/cpu/normalization_rows.h"

#include <limits>

// This file is compiled once per instruction set: foreach_target.h includes it again with another HWY_TARGET each time.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backend/cpu/normalization_rows.cc"
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

float RowMax(const float* x, int64_t n) {
  const D d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  const V least = hn::Set(d, -std::numeric_limits<float>::infinity());
  V a = least, b = least;
  int64_t i = 0;
  // The running maximum comes second: where x is NaN, x86 then returns it.
  for (; i + 2 * lanes <= n; i += 2 * lanes) {
    a = hn::Max(hn::LoadU(d, x + i), a);
    b = hn::Max(hn::LoadU(d, x + i + lanes), b);
  }
  float largest = hn::GetLane(hn::MaxOfLanes(d, hn::Max(a, b)));
  for (; i < n; ++i) largest = x[i] > largest ? x[i] : largest;
  return largest;
}

// e^x for x that is not large: 2^n · e^r with n = round(x / ln 2) and |r| <= ln 2 / 2, the Taylor polynomial of degree
// 7 for e^r (rest below 2e-9).
HWY_INLINE V ExpOf(V x) {
  const D d;
  const hn::RebindToSigned<D> di;
  const V lowest = hn::Set(d, -87.0f), highest = hn::Set(d, 88.0f);
  const auto vanishes = hn::Lt(x, lowest);
  // The limit comes first, so that a NaN passes through.
  const V clamped = hn::Min(highest, hn::Max(lowest, x));
  const auto n = hn::NearestInt(hn::Mul(clamped, hn::Set(d, 1.4426950408889634f)));
  const V whole = hn::ConvertTo(d, n);
  V r = hn::NegMulAdd(whole, hn::Set(d, 0.693145751953125f),
                      clamped);  // ln 2 in two parts: the first has 16 bits, so that the product is exact
  r = hn::NegMulAdd(whole, hn::Set(d, 1.42860682030941723e-6f), r);
  V p = hn::Set(d, 1.0f / 5040);
  p = hn::MulAdd(p, r, hn::Set(d, 1.0f / 720));
  p = hn::MulAdd(p, r, hn::Set(d, 1.0f / 120));
  p = hn::MulAdd(p, r, hn::Set(d, 1.0f / 24));
  p = hn::MulAdd(p, r, hn::Set(d, 1.0f / 6));
  p = hn::MulAdd(p, r, hn::Set(d, 0.5f));
  p = hn::MulAdd(p, hn::Mul(r, r), hn::Add(r, hn::Set(d, 1.0f)));
  const V power = hn::BitCast(d, hn::ShiftLeft<23>(hn::Add(n, hn::Set(di, 127))));
  return hn::IfThenZeroElse(vanishes, hn::Mul(p, power));
}

double ExpRow(const float* x, float shift, float* y, int64_t n) {
  constexpr int64_t kBlock = 512;  // summed in float, then added in double
  const D d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  const V by = hn::Set(d, shift);
  double total = 0;
  for (int64_t begin = 0; begin < n; begin += kBlock) {
    if (begin % kLongRun == 0) stop_point();
    const int64_t end = std::min(n, begin + kBlock);
    V sum = hn::Zero(d);
    int64_t i = begin;
    for (; i + lanes <= end; i += lanes) {
      const V e = ExpOf(hn::Sub(hn::LoadU(d, x + i), by));
      if (y) hn::StoreU(e, d, y + i);
      sum = hn::Add(sum, e);
    }
    if (i < end) {
      HWY_ALIGN float rest[hn::MaxLanes(D())] = {};
      for (int64_t j = 0; j < lanes; ++j)
        rest[j] = i + j < end ? x[i + j] - shift : -std::numeric_limits<float>::infinity();
      hn::Store(ExpOf(hn::Load(d, rest)), d, rest);
      for (int64_t j = 0; i + j < end; ++j) {
        if (y) y[i + j] = rest[j];
        total += rest[j];
      }
    }
    total += hn::GetLane(hn::SumOfLanes(d, sum));
  }
  return total;
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace stm
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace stm {

HWY_EXPORT(RowMax);
HWY_EXPORT(ExpRow);

float row_max(const float* x, int64_t n) { return HWY_DYNAMIC_DISPATCH(RowMax)(x, n); }
double exp_row(const float* x, float shift, float* y, int64_t n) {
  return HWY_DYNAMIC_DISPATCH(ExpRow)(x, shift, y, n);
}

double row_max(const double* x, int64_t n) {
  double largest = -std::numeric_limits<double>::infinity();
  for (int64_t i = 0; i < n; ++i) largest = x[i] > largest ? x[i] : largest;
  return largest;
}

double exp_row(const double* x, double shift, double* y, int64_t n) {
  double sum = 0;
  for (int64_t i = 0; i < n; ++i) {
    if (i % kLongRun == 0) stop_point();
    const double e = std::exp(x[i] - shift);
    if (y) y[i] = e;
    sum += e;
  }
  return sum;
}

}  // namespace stm
#endif
