#include "backend/cpu/normalization_layer.h"

#include <algorithm>
#include <cmath>

#include "backend/cpu/normalization_columns.h"
#include "backend/cpu/normalization_rows.h"
#include "backend/cpu/stopping.h"

// This file is compiled once per instruction set: foreach_target.h includes it again with another HWY_TARGET each time.
// Loops are plain, for the compiler to vectorise.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backend/cpu/normalization_layer.cc"
#include "hwy/foreach_target.h"
//
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace stm {
namespace HWY_NAMESPACE {
namespace {

// Σ f(i) in double, in an order that depends on n alone.
template <class F>
HWY_INLINE double LaneSum(int64_t n, const F& f) {
  constexpr int64_t kLanes = 16;
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

template <class T>
void Row(const LayerNorm& norm, int64_t row) {
  const int64_t width = norm.width;
  const T* HWY_RESTRICT const from = static_cast<const T*>(norm.x) + row * width;
  const T *const w = static_cast<const T*>(norm.weight), *const b = static_cast<const T*>(norm.bias);
  T* HWY_RESTRICT const to = static_cast<T*>(norm.y) + row * width;
  const double n = static_cast<double>(width);
  const double mean = LaneSum(width, [=](int64_t i) { return static_cast<double>(from[i]); }) / n;
  const double variance = LaneSum(width, [=](int64_t i) { return (from[i] - mean) * (from[i] - mean); }) / n;
  const double rstd = 1 / std::sqrt(variance + norm.epsilon);
  norm.statistics[2 * row] = mean;
  norm.statistics[2 * row + 1] = rstd;
  // What the mean loses as a T comes back as a shift: the differences from the rounded one are exact.
  const T center = static_cast<T>(mean), factor = static_cast<T>(rstd),
          rest = static_cast<T>((static_cast<double>(center) - mean) * rstd);
  for (int64_t i = 0; i < width; ++i) to[i] = (from[i] - center) * factor + rest;
  if (w)
    for (int64_t i = 0; i < width; ++i) to[i] *= w[i];
  if (b)
    for (int64_t i = 0; i < width; ++i) to[i] += b[i];
}

// dx = rstd · (g - mean(g) - x̂ · mean(g · x̂)) with g = dy · weight, x̂ the normalised row.
template <class T, class Weight>
void GradientRow(const LayerNormGradient& norm, int64_t row, const Weight& weight) {
  const int64_t width = norm.width;
  const T* HWY_RESTRICT const x = static_cast<const T*>(norm.x) + row * width;
  const T* HWY_RESTRICT const dy = static_cast<const T*>(norm.dy) + row * width;
  T* HWY_RESTRICT const dx = static_cast<T*>(norm.dx) + row * width;
  const double mean = norm.statistics[2 * row], rstd = norm.statistics[2 * row + 1], n = static_cast<double>(width);
  const auto g = [=](int64_t i) { return static_cast<double>(dy[i]) * weight(i); };
  const double of_g = LaneSum(width, g) / n;
  const double of_product = LaneSum(width, [=](int64_t i) { return g(i) * ((x[i] - mean) * rstd); }) / n;
  for (int64_t i = 0; i < width; ++i) dx[i] = static_cast<T>(rstd * (g(i) - of_g - (x[i] - mean) * rstd * of_product));
}

template <class T>
void GradientColumns(const LayerNormGradient& norm, int64_t block) {
  const int64_t first = block * kColumnBlock, count = std::min(kColumnBlock, norm.width - first);
  double of_weight[kColumnBlock] = {}, of_bias[kColumnBlock] = {};
  for (int64_t row = 0; row < norm.rows; ++row) {
    if (row % kRowsBetweenStops == 0) stop_point();
    const T* HWY_RESTRICT const x = static_cast<const T*>(norm.x) + row * norm.width + first;
    const T* HWY_RESTRICT const dy = static_cast<const T*>(norm.dy) + row * norm.width + first;
    const double mean = norm.statistics[2 * row], rstd = norm.statistics[2 * row + 1];
    for (int64_t c = 0; c < count; ++c) {
      of_weight[c] += static_cast<double>(dy[c]) * ((x[c] - mean) * rstd);
      of_bias[c] += static_cast<double>(dy[c]);
    }
  }
  const auto give = [=](const double* sums, void* to) {
    for (int64_t c = 0; to && c < count; ++c) static_cast<T*>(to)[first + c] = static_cast<T>(sums[c]);
  };
  give(of_weight, norm.dweight);
  give(of_bias, norm.dbias);
}

template <class T>
void GradientRows(const LayerNormGradient& norm, int64_t begin, int64_t end) {
  const T* const weight = static_cast<const T*>(norm.weight);
  for (int64_t row = begin; row < end; ++row) {
    if (weight) GradientRow<T>(norm, row, [=](int64_t i) { return static_cast<double>(weight[i]); });
    else GradientRow<T>(norm, row, [](int64_t) { return 1.0; });
  }
}

void LayerNormRows(const LayerNorm& norm, int64_t begin, int64_t end) {
  for (int64_t row = begin; row < end; ++row) {
    if (norm.dtype == DType::F64) Row<double>(norm, row);
    else Row<float>(norm, row);
  }
}
void LayerNormGradientRows(const LayerNormGradient& norm, int64_t begin, int64_t end) {
  if (norm.dtype == DType::F64) GradientRows<double>(norm, begin, end);
  else GradientRows<float>(norm, begin, end);
}
void LayerNormGradientColumns(const LayerNormGradient& norm, int64_t begin, int64_t end) {
  for (int64_t block = begin; block < end; ++block) {
    if (norm.dtype == DType::F64) GradientColumns<double>(norm, block);
    else GradientColumns<float>(norm, block);
  }
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace stm
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace stm {

HWY_EXPORT(LayerNormRows);
HWY_EXPORT(LayerNormGradientRows);
HWY_EXPORT(LayerNormGradientColumns);

void layer_norm_rows(const LayerNorm& norm, int64_t begin, int64_t end) {
  HWY_DYNAMIC_DISPATCH(LayerNormRows)(norm, begin, end);
}
void layer_norm_gradient_rows(const LayerNormGradient& norm, int64_t begin, int64_t end) {
  HWY_DYNAMIC_DISPATCH(LayerNormGradientRows)(norm, begin, end);
}
void layer_norm_gradient_columns(const LayerNormGradient& norm, int64_t begin, int64_t end) {
  HWY_DYNAMIC_DISPATCH(LayerNormGradientColumns)(norm, begin, end);
}

}  // namespace stm
#endif
