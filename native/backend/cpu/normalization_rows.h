#pragma once
#include <algorithm>
#include <cmath>
#include <cstdint>

#include "backend/cpu/stopping.h"

namespace stm {

constexpr int64_t kLongRun = int64_t{1} << 18;  ///< elements of a row between two stop points

/// Largest of n elements, -infinity if there are none; NaN elements are passed over.
float row_max(const float* x, int64_t n);
/// Writes e^(x - shift) to `y` (which may be x), or nowhere if y is null; returns the sum. Relative error about 1e-7;
/// NaN and infinities as std::exp.
double exp_row(const float* x, float shift, float* y, int64_t n);

/// y[i] *= factor
void scale_row(float* y, float factor, int64_t n);
/// y[i] = x[i] - largest - log_sum; y may be x.
void subtract_row(const float* x, float largest, float log_sum, float* y, int64_t n);
/// dx = y · (dy - Σ y · dy), of y = softmax(x); dx is neither of them.
void softmax_gradient_row(const float* y, const float* dy, float* dx, int64_t n);
/// dx = dy - e^y · Σ dy, of y = log softmax(x); dx is neither of them.
void log_softmax_gradient_row(const float* y, const float* dy, float* dx, int64_t n);

// The same in f64.
double row_max(const double* x, int64_t n);
double exp_row(const double* x, double shift, double* y, int64_t n);
void scale_row(double* y, double factor, int64_t n);
void subtract_row(const double* x, double largest, double log_sum, double* y, int64_t n);
void softmax_gradient_row(const double* y, const double* dy, double* dx, int64_t n);
void log_softmax_gradient_row(const double* y, const double* dy, double* dx, int64_t n);

/// Σ f(i) over 0..n-1 in double, in an order that depends on n only; eight lanes, so that the compiler can use vectors.
template <class F>
double lane_sum(int64_t n, F f) {
  constexpr int64_t kLanes = 8;
  double lanes[kLanes] = {};
  for (int64_t begin = 0; begin < n; begin += kLongRun) {
    if (begin > 0) stop_point();
    const int64_t end = std::min(n, begin + kLongRun);
    int64_t i = begin;
    for (; i + kLanes <= end; i += kLanes)
      for (int64_t j = 0; j < kLanes; ++j) lanes[j] += f(i + j);
    for (int64_t j = 0; i + j < end; ++j) lanes[j] += f(i + j);
  }
  for (int64_t half = kLanes / 2; half > 0; half /= 2)
    for (int64_t j = 0; j < half; ++j) lanes[j] += lanes[j + half];
  return lanes[0];
}

}  // namespace stm
