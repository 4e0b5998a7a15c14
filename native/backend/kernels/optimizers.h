#pragma once
#include "backend/optimizer_rules.h"
#include "backend/status.h"
#include "backend/view.h"

namespace stm {

/// One parameter in an optimizer step: dense elements of one dtype, f32 or f64. `scalars` are f64 and belong to the
/// parameter: the number of steps taken before this one, which the kernel raises, then whatever the rule keeps. So
/// nothing that changes from step to step is an argument.
struct OptimizerSlot {
  void* parameter;
  const void* gradient;
  void* moment[kMaxOptimizerMoments];
  double* scalars;
  int64_t size;
  DType dtype;
};

/// Each step changes parameters, moments and scalars in place.
class OptimizerKernels {
 public:
#define STM_STEP(Name) \
  virtual Status step(const Name##Rule& rule, const OptimizerSlot* slots, int64_t count) noexcept = 0;
  STM_OPTIMIZER_RULES(STM_STEP)
#undef STM_STEP

  /// norm (one element, f32 or f64) = the p-norm of all elements of all gradients; `p` may be infinite. Dense views.
  virtual Status total_norm(double p, const View* gradients, int64_t count, const View& norm) noexcept = 0;
  /// Multiplies every gradient by min(1, max_norm / (norm + 1e-6)); a NaN stays one.
  virtual Status scale_to_norm(double max_norm, const View& norm, const View* gradients, int64_t count) noexcept = 0;
  /// Limits every element to -limit..limit; a NaN stays one.
  virtual Status clamp(double limit, const View* gradients, int64_t count) noexcept = 0;

 protected:
  ~OptimizerKernels() = default;
};

}  // namespace stm
