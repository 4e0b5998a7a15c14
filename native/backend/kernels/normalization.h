#pragma once
#include "backend/padding.h"
#include "backend/status.h"
#include "backend/view.h"

namespace stm {

/// Tensors are dense unless a line says otherwise, of one floating dtype; "rows" are all axes but the last. Statistics
/// are F64.
class NormalizationKernels {
 public:
  /// Of each row: e^x / Σ e^x, or its logarithm. `mask` (bool, x's extents, any strides; may be absent) leaves elements
  /// out: they become 0; a row without any element left becomes 0. With `logarithm` there is no mask.
  virtual Status softmax(const View& x, const View& mask, bool logarithm, const View& y) noexcept = 0;
  virtual Status softmax_backward(const View& y, const View& dy, bool logarithm, const View& dx) noexcept = 0;

  /// Rows here are runs of `width` elements. y = (x - mean) · rstd · weight + bias; weight and bias [width] may be
  /// absent. statistics [rows, 2]: mean, rstd.
  virtual Status layer_norm(const View& x, const View& weight, const View& bias, int64_t width, double epsilon,
                            const View& y, const View& statistics) noexcept = 0;
  /// Each of dx, dweight and dbias may be absent.
  virtual Status layer_norm_backward(const View& x, const View& weight, int64_t width, const View& statistics,
                                     const View& dy, const View& dx, const View& dweight,
                                     const View& dbias) noexcept = 0;

  /// statistics [2, C]: mean and biased variance of each column of x over its real rows.
  virtual Status batch_statistics(const View& x, const Padding& rows, const View& statistics) noexcept = 0;
  /// running ← (1 - momentum) · running + momentum · new, the variance unbiased; `count` real rows.
  virtual Status update_running_statistics(const View& statistics, int64_t count, double momentum,
                                           const View& running_mean, const View& running_variance) noexcept = 0;
  /// y = (x - mean) / √(variance + epsilon) · weight + bias in real rows, 0 in others. mean and variance are [C], F64
  /// or as x; weight and bias may be absent.
  virtual Status batch_norm(const View& x, const View& mean, const View& variance, const View& weight, const View& bias,
                            double epsilon, const Padding& rows, const View& y) noexcept = 0;
  /// `of_batch`: mean and variance are those of x's `count` real rows, so that the gradient passes through them. Each
  /// of dx, dweight and dbias may be absent.
  virtual Status batch_norm_backward(const View& x, const View& mean, const View& variance, const View& weight,
                                     double epsilon, bool of_batch, int64_t count, const Padding& rows, const View& dy,
                                     const View& dx, const View& dweight, const View& dbias) noexcept = 0;

 protected:
  ~NormalizationKernels() = default;
};

}  // namespace stm
