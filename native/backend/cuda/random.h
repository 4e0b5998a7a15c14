#pragma once
#include "backend/cuda/device/context.h"
#include "backend/kernels/random.h"

namespace stm::cuda {

class CudaRandom final : public RandomKernels {
 public:
  explicit CudaRandom(Context& context) : context_(context) {}
  Status uniform(PhiloxStream stream, double low, double high, const View& out) noexcept override;
  Status normal(PhiloxStream stream, double mean, double std, const View& out) noexcept override;
  Status integers(PhiloxStream stream, int32_t low, uint32_t range, const View& out) noexcept override;
  Status bernoulli(PhiloxStream stream, const View& p, const View& out) noexcept override;
  Status check_weights(const View& weights, const View& possible, int64_t least, const View& out) noexcept override;
  Status dropout(PhiloxStream stream, double p, const View& x, const View& out) noexcept override;
  Status orthogonal(PhiloxStream stream, double gain, int64_t rows, int64_t columns, const View& out) noexcept override;

 private:
  Context& context_;
};

}  // namespace stm::cuda
