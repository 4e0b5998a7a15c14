#pragma once
#include "backend/cuda/device/context.h"
#include "backend/kernels/normalization.h"

namespace stm::cuda {

/// normalization.cu holds what goes along rows, normalization_columns.cu what goes down columns.
class CudaNormalization final : public NormalizationKernels {
 public:
  explicit CudaNormalization(Context& context) : context_(context) {}
  Status softmax(const View& x, const View& mask, bool logarithm, const View& y) noexcept override;
  Status softmax_backward(const View& y, const View& dy, bool logarithm, const View& dx) noexcept override;
  Status layer_norm(const View& x, const View& weight, const View& bias, int64_t width, double epsilon, const View& y,
                    const View& statistics) noexcept override;
  Status layer_norm_backward(const View& x, const View& weight, int64_t width, const View& statistics, const View& dy,
                             const View& dx, const View& dweight, const View& dbias) noexcept override;
  Status batch_statistics(const View& x, const Padding& rows, const View& statistics) noexcept override;
  Status update_running_statistics(const View& statistics, int64_t count, double momentum, const View& running_mean,
                                   const View& running_variance) noexcept override;
  Status batch_norm(const View& x, const View& mean, const View& variance, const View& weight, const View& bias,
                    double epsilon, const Padding& rows, const View& y) noexcept override;
  Status batch_norm_backward(const View& x, const View& mean, const View& variance, const View& weight, double epsilon,
                             bool of_batch, int64_t count, const Padding& rows, const View& dy, const View& dx,
                             const View& dweight, const View& dbias) noexcept override;

 private:
  Context& context_;
};

}  // namespace stm::cuda
