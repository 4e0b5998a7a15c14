#pragma once
#include <cstdint>

#include "backend/view.h"

namespace stm {

/// y = (x - mean) / deviation · weight + bias of each row of `width` elements. Dense; weight and bias may be null.
struct LayerNorm {
  DType dtype;
  const void *x, *weight, *bias;
  void* y;
  double* statistics;  ///< [rows, 2]: mean, 1 / deviation
  int64_t width;
  double epsilon;
};
void layer_norm_rows(const LayerNorm& norm, int64_t begin, int64_t end);

struct LayerNormGradient {
  DType dtype;
  const void *x, *weight, *dy;
  const double* statistics;
  void *dx, *dweight, *dbias;  ///< each may be null
  int64_t rows, width;
};
/// dx of some rows.
void layer_norm_gradient_rows(const LayerNormGradient& norm, int64_t begin, int64_t end);
/// dweight and dbias of some blocks of kColumnBlock columns, each over all rows in their order.
void layer_norm_gradient_columns(const LayerNormGradient& norm, int64_t begin, int64_t end);

}  // namespace stm
