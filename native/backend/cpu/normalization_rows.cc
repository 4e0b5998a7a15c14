#include "backend/cpu/normalization_rows.h"

#include <limits>

#include "backend/cpu/elementwise_rows.h"
#include "backend/cpu/reduce_runs.h"

// This file is compiled once per instruction set: foreach_target.h includes it again with another HWY_TARGET each time.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backend/cpu/normalization_rows.cc"
#include "hwy/foreach_target.h"
//
#include "backend/cpu/simd_dispatch.h"
#include "hwy/highway.h"

#include "backend/cpu/elementwise_math-inl.h"
#include "backend/cpu/vector_rows-inl.h"

HWY_BEFORE_NAMESPACE();
namespace stm {
namespace HWY_NAMESPACE {
namespace {

float RowMax(const float* x, int64_t n) {
  constexpr int64_t kTogether = 4;
  const V least = Const(-any::kInfinity);
  V largest[kTogether] = {least, least, least, least};
  int64_t i = 0;
  // The running maximum comes second: where x is NaN, x86 then returns it.
  for (; i + kTogether * kLanes <= n; i += kTogether * kLanes) {
    _Pragma("GCC unroll 4") for (int64_t k = 0; k < kTogether; ++k) largest[k] =
        hn::Max(hn::LoadU(D(), x + i + k * kLanes), largest[k]);
  }
  for (; i + kLanes <= n; i += kLanes) largest[0] = hn::Max(hn::LoadU(D(), x + i), largest[0]);
  if (i < n) {
    const auto given = hn::FirstN(D(), static_cast<size_t>(n - i));
    largest[1] = hn::Max(hn::IfThenElse(given, LoadPart(x + i, n - i), least), largest[1]);
  }
  return hn::GetLane(hn::MaxOfLanes(D(), hn::Max(hn::Max(largest[0], largest[1]), hn::Max(largest[2], largest[3]))));
}

double ExpRow(const float* x, float shift, float* y, int64_t n) {
  constexpr int64_t kBlock = 512;  // summed in float, then added in double
  const V by = Const(shift);
  double total = 0;
  for (int64_t begin = 0; begin < n; begin += kBlock) {
    if (begin % kLongRun == 0) stop_point();
    const int64_t end = std::min(n, begin + kBlock);
    V sum = hn::Zero(D());
    int64_t i = begin;
    for (; i + kLanes <= end; i += kLanes) {
      const V e = any::ExpOrZero(hn::Sub(hn::LoadU(D(), x + i), by));
      if (y) hn::StoreU(e, D(), y + i);
      sum = hn::Add(sum, e);
    }
    if (i < end) {
      const V e = any::ExpOrZero(hn::Sub(LoadPart(x + i, end - i), by));
      if (y) StorePart(e, y + i, end - i);
      sum = hn::Add(sum, hn::IfThenElseZero(hn::FirstN(D(), static_cast<size_t>(end - i)), e));
    }
    total += hn::GetLane(hn::SumOfLanes(D(), sum));
  }
  return total;
}

// Σ a · b, whose products are exact in double.
double DotRow(const float* a, const float* b, int64_t n) {
  const hn::ScalableTag<double> wide;
  const hn::Rebind<float, decltype(wide)> narrow;
  constexpr int64_t kSums = 16, kWidth = static_cast<int64_t>(hn::MaxLanes(wide)), kVectors = kSums / kWidth;
  hn::Vec<decltype(wide)> sum[kVectors];
  for (auto& lanes : sum) lanes = hn::Zero(wide);
  int64_t i = 0;
  for (; i + kSums <= n; i += kSums) {
    if (i % kLongRun == 0) stop_point();
    _Pragma("GCC unroll 8") for (int64_t v = 0; v < kVectors; ++v) {
      const auto left = hn::PromoteTo(wide, hn::LoadU(narrow, a + i + v * kWidth));
      sum[v] = hn::MulAdd(left, hn::PromoteTo(wide, hn::LoadU(narrow, b + i + v * kWidth)), sum[v]);
    }
  }
  double lanes[kSums];
  for (int64_t v = 0; v < kVectors; ++v) hn::StoreU(sum[v], wide, lanes + v * kWidth);
  for (int64_t lane = 0; i + lane < n; ++lane) lanes[lane] += static_cast<double>(a[i + lane]) * b[i + lane];
  for (int64_t half = kSums / 2; half > 0; half /= 2)
    for (int64_t lane = 0; lane < half; ++lane) lanes[lane] += lanes[lane + half];
  return lanes[0];
}

void SoftmaxGradientRow(const float* y, const float* dy, float* dx, int64_t n) {
  const V dot = Const(static_cast<float>(DotRow(y, dy, n)));
  Map([=](V value, V gradient) { return hn::Mul(value, hn::Sub(gradient, dot)); }, dx, n, y, dy);
}

void LogSoftmaxGradientRow(const float* y, const float* dy, float sum, float* dx, int64_t n) {
  const V all = Const(sum);
  Map([=](V value, V gradient) { return hn::NegMulAdd(any::ExpOrZero(value), all, gradient); }, dx, n, y, dy);
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace stm
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace stm {

HWY_EXPORT(RowMax);
HWY_EXPORT(ExpRow);
HWY_EXPORT(SoftmaxGradientRow);
HWY_EXPORT(LogSoftmaxGradientRow);

float row_max(const float* x, int64_t n) { return HWY_DYNAMIC_DISPATCH(RowMax)(x, n); }
double exp_row(const float* x, float shift, float* y, int64_t n) {
  return HWY_DYNAMIC_DISPATCH(ExpRow)(x, shift, y, n);
}

void scale_row(float* y, float factor, int64_t n) { scalar_row(Binary::mul, false)(y, factor, y, n); }
void subtract_row(const float* x, float largest, float log_sum, float* y, int64_t n) {
  const ScalarRow subtract = scalar_row(Binary::sub, false);
  subtract(x, largest, y, n);
  subtract(y, log_sum, y, n);
}
void softmax_gradient_row(const float* y, const float* dy, float* dx, int64_t n) {
  HWY_DYNAMIC_DISPATCH(SoftmaxGradientRow)(y, dy, dx, n);
}
void log_softmax_gradient_row(const float* y, const float* dy, float* dx, int64_t n) {
  double sum = 0;
  sum_runs(&dy, 1, n, &sum);
  HWY_DYNAMIC_DISPATCH(LogSoftmaxGradientRow)(y, dy, static_cast<float>(sum), dx, n);
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

void scale_row(double* y, double factor, int64_t n) {
  for (int64_t i = 0; i < n; ++i) y[i] *= factor;
}
void subtract_row(const double* x, double largest, double log_sum, double* y, int64_t n) {
  for (int64_t i = 0; i < n; ++i) y[i] = x[i] - largest - log_sum;
}
void softmax_gradient_row(const double* y, const double* dy, double* dx, int64_t n) {
  const double dot = lane_sum(n, [=](int64_t i) { return y[i] * dy[i]; });
  for (int64_t i = 0; i < n; ++i) dx[i] = y[i] * (dy[i] - dot);
}
void log_softmax_gradient_row(const double* y, const double* dy, double* dx, int64_t n) {
  const double sum = lane_sum(n, [=](int64_t i) { return dy[i]; });
  exp_row(y, 0, dx, n);
  for (int64_t i = 0; i < n; ++i) dx[i] = dy[i] - dx[i] * sum;
}

}  // namespace stm
#endif
