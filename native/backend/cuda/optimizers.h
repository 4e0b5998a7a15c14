#pragma once
#include "backend/cuda/device/context.h"
#include "backend/kernels/optimizers.h"

namespace stm::cuda {

/// Many parameters a launch. A step is two launches: one begins it, a thread for each parameter, the other walks over
/// the elements. The steps are in optimizers.cu, what changes gradients in optimizers_clip.cu.
class CudaOptimizers final : public OptimizerKernels {
 public:
  explicit CudaOptimizers(Context& context) : context_(context) {}

#define STM_STEP(Name) Status step(const Name##Rule& rule, const OptimizerSlot* slots, int64_t count) noexcept override;
  STM_OPTIMIZER_RULES(STM_STEP)
#undef STM_STEP

  Status total_norm(double p, const View* gradients, int64_t count, const View& norm) noexcept override;
  Status scale_to_norm(double max_norm, const View& norm, const View* gradients, int64_t count) noexcept override;
  Status clamp(double limit, const View* gradients, int64_t count) noexcept override;

 private:
  Context& context_;
};

}  // namespace stm::cuda
